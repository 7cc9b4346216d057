"""What the fields of a create or edit may hold, with Jira's sentence for each that is wrong."""

from typing import Any

from gateway.sandbox.jira.adf import is_document, plain
from gateway.sandbox.jira.call import Call, refuse
from gateway.sandbox.jira.site import ISSUE_TYPES, PRIORITIES, RESOLUTIONS, JiraIssue, JiraProject
from gateway.sandbox.wire import Document

NOT_A_DOCUMENT = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
_SETTABLE = ("summary", "description", "priority", "labels", "assignee", "reporter", "duedate", "issuetype")
_SUMMARY_MOST = 255


def read_project(call: Call, fields: Document) -> JiraProject:
    """The project named by `fields.project`."""
    named = fields.get("project")
    value = (named.get("key") or named.get("id")) if isinstance(named, dict) else None
    project = call.project(str(value)) if value else None
    if project is None:
        raise refuse(400, project="Specify a valid project ID or key")
    return project


def read_type(fields: Document) -> str:
    """The id of the issue type named by `fields.issuetype`."""
    named = fields.get("issuetype")
    given = named if isinstance(named, dict) else {}
    for number, name in ISSUE_TYPES.items():
        if number == str(given.get("id", "")) or name == given.get("name"):
            return number
    raise refuse(400, issuetype="Specify a valid issue type")


def check(call: Call, fields: Document) -> None:
    """Refuse fields Jira would refuse; nothing is changed."""
    errors: dict[str, str] = {}
    for name in fields:
        if name not in (*_SETTABLE, "project"):
            errors[name] = f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
    for name, judge in (
        ("summary", _summary),
        ("description", _description),
        ("labels", _labels),
        ("priority", _priority),
    ):
        if name in fields and (sentence := judge(fields[name])):
            errors[name] = sentence
    for name in ("assignee", "reporter"):
        if name in fields and not _is_account(call, fields[name]):
            errors[name] = "Specify a valid value for " + name
    if errors:
        raise refuse(400, **errors)


def _summary(value: Any) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return "You must specify a summary of the issue."
    if "\n" in value or "\r" in value:
        return "The summary is invalid because it contains newline characters."
    return f"Summary can't exceed {_SUMMARY_MOST} characters." if len(value) > _SUMMARY_MOST else None


def _description(value: Any) -> str | None:
    return None if value is None or is_document(value) else NOT_A_DOCUMENT


def _labels(value: Any) -> str | None:
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        return "data was not an array"
    spaced = next((label for label in value if " " in label), None)
    return f"The label '{spaced}' contains spaces which is invalid." if spaced else None


def _priority(value: Any) -> str | None:
    return None if _priority_id(value) else "The priority selected is invalid."


def _priority_id(value: Any) -> str | None:
    given = value if isinstance(value, dict) else {}
    for number, name in PRIORITIES.items():
        if number == str(given.get("id", "")) or name == given.get("name"):
            return number
    return None


def _is_account(call: Call, value: Any) -> bool:
    number = (value.get("accountId") or value.get("id")) if isinstance(value, dict) else value
    return number is None or number in call.site.accounts


def check_screen(screen: dict[str, bool], given: Document) -> str:
    """Refuse what a transition's screen refuses; gives the id of the resolution that is meant."""
    errors = {
        name: f"{name.capitalize()} is required."
        for name, required in screen.items()
        if required and not given.get(name)
    }
    errors |= {
        name: f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
        for name in given
        if name not in screen
    }
    if errors:
        raise refuse(400, **errors)
    named = given.get("resolution") or {"id": "10000"}
    for number, name in RESOLUTIONS.items():
        if number == str(named.get("id", "")) or name == named.get("name"):
            return number
    raise refuse(400, resolution="Resolution is invalid.")


def put(call: Call, issue: JiraIssue, fields: Document, metadata: Document | None = None) -> None:
    """Set checked fields and note in the changelog what became different."""
    items = [item for name in _SETTABLE if name in fields and (item := _set(call, issue, name, fields[name]))]
    if items:
        call.site.note_change(issue, call.account, *items, metadata=metadata)


Entry = tuple[str, str | None, str | None, str | None, str | None]


def _set(call: Call, issue: JiraIssue, name: str, value: Any) -> Entry | None:
    before = _shown(issue, name)
    match name:
        case "issuetype":
            issue.issue_type = read_type({"issuetype": value})
        case "priority":
            issue.priority = _priority_id(value) or issue.priority
        case "assignee" | "reporter":
            setattr(
                issue,
                name,
                call.site.accounts.get(str((value or {}).get("accountId") or (value or {}).get("id"))),
            )
        case "labels":
            issue.labels = list(dict.fromkeys(value))
        case _:
            setattr(issue, name, value)
    after = _shown(issue, name)
    return None if before == after else (name, before[0], before[1], after[0], after[1])


def _shown(issue: JiraIssue, name: str) -> tuple[str | None, str | None]:
    """A field's id and text, as the changelog shows them."""
    match name:
        case "priority":
            return issue.priority, PRIORITIES[issue.priority]
        case "issuetype":
            return issue.issue_type, ISSUE_TYPES[issue.issue_type]
        case "labels":
            return None, " ".join(issue.labels)
        case "description":
            return None, plain(issue.description) if issue.description else None
        case "assignee" | "reporter":
            account = getattr(issue, name)
            return (account.account_id, account.name) if account else (None, None)
        case _:
            return None, getattr(issue, name)


def read_update(issue: JiraIssue, update: Document) -> Document:
    """The fields that an `update` block of add, remove and set operations on labels leads to."""
    labels = list(issue.labels)
    for operation in update.get("labels", []):
        if "set" in operation:
            labels = list(operation["set"])
        elif "add" in operation:
            labels.append(operation["add"])
        else:
            labels = [label for label in labels if label != operation.get("remove")]
    return {"labels": list(dict.fromkeys(labels))} if "labels" in update else {}
