"""What issues are connected to: links between them, files on them, and the people they can be given to."""

from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP

from gateway.sandbox.jira import shapes
from gateway.sandbox.jira.call import NO_ISSUE, Call, Routes, refuse
from gateway.sandbox.jira.site import LINK_TYPES, JiraIssue, LinkType
from gateway.sandbox.wire import Document, Refusal, Reply, Route

_MOST_BYTES = 10 * 1024 * 1024


def link_types(call: Call) -> Reply:
    """GET /issueLinkType."""
    return Reply(200, {"issueLinkTypes": [shapes.link_type(each, call.site.url) for each in LINK_TYPES]})


def link(call: Call) -> Reply:
    """POST /issueLink: 201 without a body, for a link that was there too."""
    document = call.document()
    kind = _type(document.get("type"))
    source, destination = _end(call, document.get("inwardIssue")), _end(call, document.get("outwardIssue"))
    call.site.link(kind, source, destination, call.account)
    return Reply(201, content=b"")


def _type(named: object) -> LinkType:
    given = named if isinstance(named, dict) else {}
    for each in LINK_TYPES:
        if each.name == given.get("name") or each.id == str(given.get("id", "")):
            return each
    raise refuse(404, f"No issue link type with name '{given.get('name')}' found.")


def _end(call: Call, named: object) -> JiraIssue:
    given = named if isinstance(named, dict) else {}
    found = call.site.find(str(given.get("key") or given.get("id") or ""))
    if found is None or not call.sees(found.project):
        raise refuse(404, NO_ISSUE)
    return found


def attach(call: Call) -> Reply:
    """POST /issue/{key}/attachments: multipart, each file in a part called `file`."""
    issue = call.issue()
    if call.asked.headers.get("x-atlassian-token") != "no-check":
        raise Refusal(Reply(403, content=b"XSRF check failed", media_type="text/plain"))
    files = [_file(part) for part in _parts(call)]
    if not files:
        raise refuse(400, "No files were attached.")
    if any(len(content) > _MOST_BYTES for _, content, _ in files):
        raise refuse(413, "The attachment is too large.")
    made = [call.site.attach(issue, call.account, *each) for each in files]
    return Reply(200, [shapes.attachment(each, call.site.url) for each in made])


def _parts(call: Call) -> list[Message]:
    head = f"content-type: {call.asked.headers.get('content-type', '')}\r\n\r\n".encode()
    parsed = BytesParser(policy=HTTP).parsebytes(head + call.asked.content)
    if not parsed.is_multipart():
        raise refuse(415, "Unsupported Media Type")
    return [
        part for part in parsed.iter_parts() if part.get_param("name", header="content-disposition") == "file"
    ]


def _file(part: Message) -> tuple[str, bytes, str]:
    content = part.get_payload(decode=True)
    return part.get_filename() or "", content if isinstance(content, bytes) else b"", part.get_content_type()


def assignable(call: Call) -> Reply:
    """GET /user/assignable/search (`issueKey`, `accountId`): who may be given the issue."""
    issue = call.site.find(str(call.asked.query.get("issueKey", "")))
    if issue is None or not call.sees(issue.project):
        raise refuse(404, NO_ISSUE)
    wanted = call.asked.query.get("accountId")
    accounts = [
        each
        for each in call.site.accounts.values()
        if each.account_id in issue.project.members and wanted in (None, each.account_id)
    ]
    found: list[Document | None] = [shapes.account(each, call.site.url) for each in accounts]
    return Reply(200, found)


ROUTES: Routes = (
    Route("GET", "issueLinkType", link_types),
    Route("POST", "issueLink", link),
    Route("POST", "issue/:issueIdOrKey/attachments", attach),
    Route("GET", "user/assignable/search", assignable),
)
