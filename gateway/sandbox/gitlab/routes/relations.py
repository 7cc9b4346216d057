"""Links between issues, and uploaded files."""

import hashlib
from email.parser import BytesParser
from email.policy import HTTP

from gateway.sandbox.gitlab import shapes
from gateway.sandbox.gitlab.call import Call, Routes, not_found, refuse, refuse_parameter
from gateway.sandbox.gitlab.entities import Issue, IssueLink, Project, Role
from gateway.sandbox.wire import Document, Reply, Route

_KINDS = ("relates_to", "blocks", "is_blocked_by")
_REVERSED = {"relates_to": "relates_to", "blocks": "is_blocked_by", "is_blocked_by": "blocks"}


def create_link(call: Call) -> Reply:
    """POST …/issues/:issue_iid/links with `target_project_id`, `target_issue_iid`, `link_type`; 409 when there is one."""
    project = call.project(Role.REPORTER)
    issue, (elsewhere, other) = call.issue(project), _other(call)
    kind = call.text("link_type") or "relates_to"
    if kind not in _KINDS:
        raise refuse_parameter("link_type does not have a valid value")
    if other is issue or any(other in (each.source, each.target) for each in _links(call, issue)):
        raise refuse(409, "Issue(s) already assigned")
    number, now = call.forge.number("link"), call.forge.clock.now()
    project.links.append(IssueLink(number, issue, other, kind, now))
    named = f"#{other.iid}" if elsewhere is project else f"{elsewhere.full_path}#{other.iid}"
    call.workings.activity.system_note(issue, call.user, f"marked this issue as related to {named}")
    document = {
        "source_issue": shapes.issue(issue, project, call.forge.url),
        "target_issue": shapes.issue(other, elsewhere, call.forge.url),
        "link_type": kind,
    }
    return Reply(201, document)


def _other(call: Call) -> tuple[Project, Issue]:
    """The issue to link to, and its project: one that the caller does not see is not there."""
    named = str(call.params.get("target_project_id", ""))
    forge = call.forge
    project = forge.projects.get(int(named)) if named.isdigit() else forge.project_at(named)
    if project is None or call.role(project) < Role.REPORTER:
        raise not_found("Project")
    found = project.issues.get(int(str(call.params.get("target_issue_iid", "0"))))
    if found is None:
        raise not_found("Issue")
    return project, found


def list_links(call: Call) -> Reply:
    """GET …/issues/:issue_iid/links: the issues at the other end."""
    project = call.project()
    issue = call.issue(project)
    return Reply(200, [_related(call, issue, each) for each in _links(call, issue)])


def _links(call: Call, issue: Issue) -> list[IssueLink]:
    made = (each for project in call.forge.projects.values() for each in project.links)
    return [each for each in made if issue in (each.source, each.target)]


def _related(call: Call, issue: Issue, link: IssueLink) -> Document:
    outwards = link.source == issue
    other = link.target if outwards else link.source
    return shapes.issue(other, call.forge.projects[other.project_id], call.forge.url) | {
        "issue_link_id": link.id,
        "link_type": link.kind if outwards else _REVERSED[link.kind],
        "link_created_at": shapes.stamp(link.created_at),
        "link_updated_at": shapes.stamp(link.created_at),
    }


def upload(call: Call) -> Reply:
    """POST /projects/:id/uploads with a multipart `file`: 201 with the Markdown that shows it."""
    project = call.project(Role.REPORTER)
    name, content = _file(call)
    secret = hashlib.sha256(f"{call.forge.number('upload')}{name}".encode()).hexdigest()[:32]
    address = f"/uploads/{secret}/{name}"
    project.uploads[address] = content
    document = {
        "id": len(project.uploads),
        "alt": name,
        "url": address,
        "full_path": f"/-/project/{project.id}{address}",
        "markdown": f"[{name}]({address})",
    }
    return Reply(201, document)


def _file(call: Call) -> tuple[str, bytes]:
    kind = call.asked.headers.get("content-type", "")
    message = BytesParser(policy=HTTP).parsebytes(
        f"Content-Type: {kind}\r\n\r\n".encode() + call.asked.content
    )
    for part in message.iter_parts() if message.is_multipart() else ():
        if part.get_param("name", header="content-disposition") == "file":
            content = part.get_payload(decode=True)
            return part.get_filename() or "file", content if isinstance(content, bytes) else b""
    raise refuse_parameter("file is missing")


_ISSUE = "projects/:id/issues/:issue_iid"
ROUTES: Routes = (
    Route("POST", f"{_ISSUE}/links", create_link),
    Route("GET", f"{_ISSUE}/links", list_links),
    Route("POST", "projects/:id/uploads", upload),
)
