"""Issues, their transitions and comments."""

from typing import Any

from gateway.sandbox.jira import fields, shapes
from gateway.sandbox.jira.adf import is_document
from gateway.sandbox.jira.call import Call, Routes, refuse
from gateway.sandbox.jira.site import TRANSITIONS, Comment, JiraIssue, Transition
from gateway.sandbox.wire import Document, Reply, Route

_HISTORIES = 100  # the newest, when an issue is expanded


def _object(document: Document, name: str) -> Document:
    value = document.get(name, {})
    if not isinstance(value, dict):
        raise refuse(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    return value


def create(call: Call) -> Reply:
    """POST /issue: 201 {id, key, self}."""
    document = call.document()
    given = _object(document, "fields")
    project, number = fields.read_project(call, given), fields.read_type(given)
    fields.check(call, {"summary": None, **given})
    moved = _transition(TRANSITIONS, document["transition"]) if "transition" in document else None
    made = call.site.add_issue(project, given["summary"], number, call.account)
    fields.put(call, made, given)
    made.changelog.clear()
    made.properties |= _properties(document.get("properties", []))
    _add_comments(call, made, _object(document, "update"))
    if moved:
        call.site.move(made, moved, call.account)
    return Reply(
        201, {"id": made.id, "key": made.key, "self": f"{shapes.api(call.site.url)}/issue/{made.id}"}
    )


def _properties(given: Any) -> dict[str, Any]:
    """The `properties` member of a create: a list of {key, value}."""
    if not isinstance(given, list) or not all(isinstance(each, dict) and each.get("key") for each in given):
        raise refuse(400, "Properties must be a list of objects with a key and a value.")
    return {str(each["key"]): each.get("value") for each in given}


def get(call: Call) -> Reply:
    """GET /issue/{key} (`fields`, `expand=changelog`, `properties`)."""
    issue, url = call.issue(), call.site.url
    document = shapes.issue(issue, url, call.words("fields"), call.site.links)
    wanted = call.words("properties") or []
    if wanted:
        broad = "*all" in wanted
        document["properties"] = {
            key: value for key, value in issue.properties.items() if broad or key in wanted
        }
    if "changelog" in (call.words("expand") or []):
        histories = [shapes.change(each, url) for each in issue.changelog[: -_HISTORIES - 1 : -1]]
        document["changelog"] = {
            "startAt": 0,
            "maxResults": len(histories),
            "total": len(issue.changelog),
            "histories": histories,
        }
    return Reply(200, document)


def edit(call: Call) -> Reply:
    """PUT /issue/{key} with `fields` or `update`: 204."""
    issue, document = call.issue(), call.document()
    given, update = _object(document, "fields"), _object(document, "update")
    if not given and not update:
        raise refuse(400, "one of 'fields' or 'update' required")
    both = given | fields.read_update(issue, update)
    fields.check(call, both)
    fields.put(call, issue, both, _metadata(document))
    _add_comments(call, issue, update)
    issue.properties |= _properties(document.get("properties", []))
    return Reply(204)


def _metadata(document: Document) -> Document | None:
    return _object(document, "historyMetadata") or None


def _add_comments(call: Call, issue: JiraIssue, update: Document) -> None:
    """The `update.comment[].add` operations, which Jira takes in create, edit and transition."""
    for operation in update.get("comment", []):
        body = operation.get("add", {}).get("body")
        if not is_document(body):
            raise refuse(400, comment="Comment body is not valid!")
        call.site.comment(issue, call.account, body)


def _open(issue: JiraIssue) -> tuple[Transition, ...]:
    return tuple(each for each in TRANSITIONS if each.to != issue.status)


def list_transitions(call: Call) -> Reply:
    """GET /issue/{key}/transitions."""
    screens, expanded = call.site.screens, "transitions.fields" in (call.words("expand") or [])
    found = [
        shapes.transition(each, call.site.url, screens.get(each.id), expanded=expanded)
        for each in _open(call.issue())
    ]
    return Reply(200, {"expand": "transitions", "transitions": found})


def _transition(possible: tuple[Transition, ...], named: Any) -> Transition:
    number = str(named.get("id", "")) if isinstance(named, dict) else ""
    if not number:
        raise refuse(400, "Missing 'transition' identifier")
    found = next((each for each in possible if each.id == number), None)
    if found is None:
        raise refuse(
            400,
            "It seems that you have tried to perform a workflow operation that is not valid for the current state of this issue.",
        )
    return found


def do_transition(call: Call) -> Reply:
    """POST /issue/{key}/transitions: 204; 400 for a transition the issue cannot make."""
    issue, document = call.issue(), call.document()
    wanted = _transition(_open(issue), document.get("transition"))
    given = _object(document, "fields")
    resolution = fields.check_screen(call.site.screens.get(wanted.id, {}), given)
    fields.check(call, {name: value for name, value in given.items() if name != "resolution"})
    call.site.move(issue, wanted, call.account, resolution=resolution, metadata=_metadata(document))
    _add_comments(call, issue, _object(document, "update"))
    return Reply(204)


def add_comment(call: Call) -> Reply:
    """POST /issue/{key}/comment: 201."""
    issue, document = call.issue(), call.document()
    if not is_document(document.get("body")):
        raise refuse(400, comment="Comment body is not valid!")
    properties = _properties(document.get("properties", []))
    made = call.site.comment(issue, call.account, document["body"])
    made.properties |= properties
    return Reply(201, _comment(call, issue, made))


def _where(call: Call, issue: JiraIssue) -> str:
    return f"{shapes.api(call.site.url)}/issue/{issue.id}/comment"


def _comment(call: Call, issue: JiraIssue, item: Comment) -> Document:
    return shapes.comment(item, _where(call, issue), call.site.url)


def list_comments(call: Call) -> Reply:
    """GET /issue/{key}/comment (`startAt`, `maxResults`, `orderBy`, `expand=properties`)."""
    issue, start, most = call.issue(), call.number("startAt", 0), call.number("maxResults", 100)
    newest_first = str(call.asked.query.get("orderBy", "")).startswith("-")
    found = issue.comments[::-1] if newest_first else issue.comments
    shown = [_comment(call, issue, each) for each in found[start : start + most]]
    if "properties" in (call.words("expand") or []):
        for document, each in zip(shown, found[start : start + most], strict=True):
            document["properties"] = [{"key": key, "value": value} for key, value in each.properties.items()]
    return Reply(200, {"startAt": start, "maxResults": most, "total": len(found), "comments": shown})


def get_comment(call: Call) -> Reply:
    """GET /issue/{key}/comment/{id}."""
    issue = call.issue()
    found = next((each for each in issue.comments if each.id == call.path["id"]), None)
    if found is None:
        raise refuse(404, f"Can not find a comment for the id: {call.path['id']}.")
    return Reply(200, _comment(call, issue, found))


def changelog(call: Call) -> Reply:
    """GET /issue/{key}/changelog, oldest first (`startAt`, `maxResults`)."""
    issue, start, most = call.issue(), call.number("startAt", 0), call.number("maxResults", 100)
    shown = [shapes.change(each, call.site.url) for each in issue.changelog[start : start + most]]
    address = f"{shapes.api(call.site.url)}/issue/{issue.id}/changelog"
    total, last = len(issue.changelog), start + most >= len(issue.changelog)
    return Reply(
        200,
        {
            "self": address,
            "startAt": start,
            "maxResults": most,
            "total": total,
            "isLast": last,
            "values": shown,
        },
    )


_ONE = "issue/:issueIdOrKey"
ROUTES: Routes = (
    Route("POST", "issue", create),
    Route("GET", _ONE, get),
    Route("PUT", _ONE, edit),
    Route("GET", f"{_ONE}/transitions", list_transitions),
    Route("POST", f"{_ONE}/transitions", do_transition),
    Route("GET", f"{_ONE}/comment", list_comments),
    Route("POST", f"{_ONE}/comment", add_comment),
    Route("GET", f"{_ONE}/comment/:id", get_comment),
    Route("GET", f"{_ONE}/changelog", changelog),
)
