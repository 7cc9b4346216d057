"""Tags, comments on commits, the project's events, and the CI configuration read without running it."""

from typing import Any

from gateway.sandbox.gitlab import shapes
from gateway.sandbox.gitlab.call import Call, Routes, not_found
from gateway.sandbox.gitlab.ci import CiError, static
from gateway.sandbox.gitlab.entities import CommitNote, Project, Role
from gateway.sandbox.gitlab.paging import page
from gateway.sandbox.wire import Document, Reply, Route


def get_tag(call: Call) -> Reply:
    """GET …/repository/tags/:tag_name."""
    project, name = call.project(), call.path["tag_name"]
    target = project.repository.resolve(f"refs/tags/{name}")
    if target is None:
        raise not_found("Tag")
    released = project.releases.get(name)
    document = {
        "name": name,
        "message": "",
        "target": project.repository.line("rev-parse", f"refs/tags/{name}"),
        "commit": shapes.commit(project.repository.commit(target), project, call.forge.url),
        "release": None if released is None else {"tag_name": name, "description": released},
        "protected": name in project.protected_tags,
        "created_at": None,
    }
    return Reply(200, document)


def list_protected_tags(call: Call) -> Reply:
    """GET …/protected_tags."""
    project = call.project(Role.DEVELOPER)
    return page(call, project.protected_tags, _protected)


def _protected(name: str) -> Document:
    level = {"id": 1, "access_level": 40, "access_level_description": "Maintainers"}
    return {"name": name, "create_access_levels": [level | {"user_id": None, "group_id": None}]}


def create_comment(call: Call) -> Reply:
    """POST …/repository/commits/:sha/comments with `note`."""
    project = call.project(Role.REPORTER)
    sha, now = _sha(call, project), call.forge.clock.now()
    made = CommitNote(sha, call.required("note"), call.user, now)
    project.commit_notes.append(made)
    return Reply(201, _comment(made, call.forge.url))


def list_comments(call: Call) -> Reply:
    """GET …/repository/commits/:sha/comments, oldest first."""
    project = call.project()
    sha, url = _sha(call, project), call.forge.url
    return page(call, [n for n in project.commit_notes if n.sha == sha], lambda note: _comment(note, url))


def _sha(call: Call, project: Project) -> str:
    sha = project.repository.resolve(call.path["sha"])
    if sha is None:
        raise not_found("Commit")
    return sha


def _comment(item: CommitNote, url: str) -> Document:
    return {
        "note": item.note,
        "path": None,
        "line": None,
        "line_type": None,
        "author": shapes.user_basic(item.author, url),
        "created_at": shapes.stamp(item.created_at),
    }


def list_events(call: Call) -> Reply:
    """GET …/events (`action`, `after`, `before`), newest first; the sandbox remembers pushes."""
    project, after = call.project(), call.text("after")
    found = [e for e in project.events if after is None or e.created_at.date().isoformat() > after]
    return page(call, found[::-1], lambda event: shapes.push_event(event, project, call.forge.url))


def lint(call: Call) -> Reply:
    """GET …/ci/lint with `content_ref` and `include_jobs`: what the configuration says, rules left aside."""
    project = call.project(Role.DEVELOPER)
    sha = project.repository.resolve(call.text("content_ref") or project.default_branch)
    text = project.repository.blob(sha, ".gitlab-ci.yml") if sha else None
    if text is None:
        return Reply(200, _linted(["Please provide content of .gitlab-ci.yml"], []))
    try:
        return Reply(200, _linted([], static(text) if call.flag("include_jobs") else []))
    except CiError as error:
        return Reply(200, _linted([str(error)], []))


def _linted(errors: list[str], jobs: list[dict[str, Any]]) -> Document:
    said = {"errors": errors, "warnings": [], "merged_yaml": None, "includes": []}
    return {"valid": not errors, **said, "jobs": jobs}


_AT = "projects/:id"
ROUTES: Routes = (
    Route("GET", f"{_AT}/repository/tags/:tag_name", get_tag),
    Route("GET", f"{_AT}/protected_tags", list_protected_tags),
    Route("POST", f"{_AT}/repository/commits/:sha/comments", create_comment),
    Route("GET", f"{_AT}/repository/commits/:sha/comments", list_comments),
    Route("GET", f"{_AT}/events", list_events),
    Route("GET", f"{_AT}/ci/lint", lint),
)
