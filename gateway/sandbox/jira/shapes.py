"""Jira's JSON."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from gateway.sandbox.jira.site import (
    ISSUE_TYPES,
    PRIORITIES,
    RESOLUTIONS,
    Account,
    Attachment,
    Change,
    Comment,
    IssueLink,
    JiraIssue,
    JiraProject,
    LinkType,
    Status,
    Transition,
)
from gateway.sandbox.wire import Document

_CATEGORIES = {
    "new": (2, "blue-gray", "To Do"),
    "indeterminate": (4, "yellow", "In Progress"),
    "done": (3, "green", "Done"),
}


def stamp(moment: datetime) -> str:
    """A time as Jira prints it: milliseconds and an offset without a colon."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def api(url: str) -> str:
    """Where `self` links start."""
    return f"{url}/rest/api/3"


def account(item: Account | None, url: str) -> Document | None:
    """An account; other people's e-mail addresses are shown, as on a site that allows it."""
    if item is None:
        return None
    return {
        "self": f"{api(url)}/user?accountId={item.account_id}",
        "accountId": item.account_id,
        "accountType": "atlassian",
        "emailAddress": item.email,
        "displayName": item.name,
        "active": True,
        "timeZone": "Etc/UTC",
    }


def project(item: JiraProject, url: str) -> Document:
    """A project."""
    return {
        "self": f"{api(url)}/project/{item.id}",
        "id": item.id,
        "key": item.key,
        "name": item.name,
        "projectTypeKey": "software",
        "simplified": True,
        "style": "next-gen",
        "isPrivate": False,
    }


def status(item: Status, url: str) -> Document:
    """A status with its category."""
    number, colour, name = _CATEGORIES[item.category]
    category = {
        "self": f"{api(url)}/statuscategory/{number}",
        "id": number,
        "key": item.category,
        "colorName": colour,
        "name": name,
    }
    return {
        "self": f"{api(url)}/status/{item.id}",
        "description": "",
        "iconUrl": f"{url}/images/icons/statuses/generic.png",
        "name": item.name,
        "id": item.id,
        "statusCategory": category,
    }


def priority(number: str, url: str) -> Document:
    """A priority."""
    return {
        "self": f"{api(url)}/priority/{number}",
        "iconUrl": f"{url}/images/icons/priorities/{number}.svg",
        "name": PRIORITIES[number],
        "id": number,
    }


def issue_type(number: str, url: str) -> Document:
    """An issue type."""
    return {
        "self": f"{api(url)}/issuetype/{number}",
        "id": number,
        "description": "",
        "iconUrl": f"{url}/images/icons/issuetypes/{number}.svg",
        "name": ISSUE_TYPES[number],
        "subtask": False,
        "hierarchyLevel": 1 if ISSUE_TYPES[number] == "Epic" else 0,
    }


def screen_field(key: str, *, required: bool) -> Document:
    """A field on a transition's screen."""
    return {
        "required": required,
        "schema": {"type": "string", "system": key},
        "name": key.replace("_", " ").capitalize(),
        "key": key,
        "hasDefaultValue": False,
        "operations": ["set"],
    }


def transition(
    item: Transition, url: str, screen: dict[str, bool] | None = None, *, expanded: bool = False
) -> Document:
    """A transition an issue can make now; `expanded` shows the fields of its screen."""
    fields = {key: screen_field(key, required=required) for key, required in (screen or {}).items()}
    return {
        **({"fields": fields} if expanded else {}),
        "id": item.id,
        "name": item.name,
        "to": status(item.to, url),
        "hasScreen": bool(screen),
        "isGlobal": True,
        "isInitial": False,
        "isAvailable": True,
        "isConditional": False,
        "isLooped": False,
    }


def resolution(number: str, url: str) -> Document:
    """Why an issue is done."""
    return {
        "self": f"{api(url)}/resolution/{number}",
        "id": number,
        "description": "",
        "name": RESOLUTIONS[number],
    }


def link_type(item: LinkType, url: str) -> Document:
    """A type of link."""
    return {
        "id": item.id,
        "name": item.name,
        "inward": item.inward,
        "outward": item.outward,
        "self": f"{api(url)}/issueLinkType/{item.id}",
    }


def link(item: IssueLink, seen_from: JiraIssue, url: str) -> Document:
    """A link as one of its issues shows it: only the other one is named."""
    name, other = (
        ("outwardIssue", item.destination) if seen_from is item.source else ("inwardIssue", item.source)
    )
    shown = {
        "id": other.id,
        "key": other.key,
        "self": f"{api(url)}/issue/{other.id}",
        "fields": {"summary": other.summary, "status": status(other.status, url)},
    }
    return {
        "id": item.id,
        "self": f"{api(url)}/issueLink/{item.id}",
        "type": link_type(item.type, url),
        name: shown,
    }


def attachment(item: Attachment, url: str) -> Document:
    """A file on an issue."""
    return {
        "self": f"{api(url)}/attachment/{item.id}",
        "id": item.id,
        "filename": item.filename,
        "author": account(item.author, url),
        "created": stamp(item.created),
        "size": len(item.content),
        "mimeType": item.media_type,
        "content": f"{api(url)}/attachment/content/{item.id}",
    }


def fields_of(
    item: JiraIssue, url: str, links: Sequence[IssueLink], is_wanted: Callable[[str], bool]
) -> Document:
    """The wanted fields of an issue; its comments, which can be thousands, are only looked at when they are."""
    told = item.comments if is_wanted("comment") else []
    everything = {
        "summary": item.summary,
        "description": item.description,
        "issuetype": issue_type(item.issue_type, url),
        "project": project(item.project, url),
        "priority": priority(item.priority, url),
        "labels": list(item.labels),
        "status": status(item.status, url),
        "resolution": resolution(item.resolution, url) if item.resolution else None,
        "created": stamp(item.created),
        "updated": stamp(item.updated),
        "creator": account(item.creator, url),
        "reporter": account(item.reporter, url),
        "assignee": account(item.assignee, url),
        "duedate": item.duedate,
        "comment": comments(told, f"{api(url)}/issue/{item.id}/comment", url),
        "issuelinks": [link(each, item, url) for each in links if item in (each.source, each.destination)],
        "attachment": [attachment(each, url) for each in item.attachments],
        "subtasks": [],
    }
    return {name: value for name, value in everything.items() if is_wanted(name)}


def asked_for(wanted: Sequence[str] | None) -> Callable[[str], bool]:
    """Whether a field is asked for: names, `*all`, `*navigable`, `-name` to leave one out."""
    names = {name for name in wanted or () if not name.startswith("-")}
    gone = {name[1:] for name in wanted or () if name.startswith("-")}
    broad = not names or bool({"*all", "*navigable"} & names)
    return lambda name: (broad or name in names) and name not in gone


def issue(
    item: JiraIssue, url: str, wanted: Sequence[str] | None = None, links: Sequence[IssueLink] = ()
) -> Document:
    """An issue with the fields asked for."""
    return {
        "expand": "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations",
        "id": item.id,
        "self": f"{api(url)}/issue/{item.id}",
        "key": item.key,
        "fields": fields_of(item, url, links, asked_for(wanted)),
    }


def comment(item: Comment, where: str, url: str) -> Document:
    """A comment."""
    return {
        "self": f"{where}/{item.id}",
        "id": item.id,
        "author": account(item.author, url),
        "body": item.body,
        "updateAuthor": account(item.author, url),
        "created": stamp(item.created),
        "updated": stamp(item.updated),
        "jsdPublic": True,
    }


def comments(found: Sequence[Comment], where: str, url: str) -> Document:
    """All comments of an issue, as the `comment` field shows them."""
    shown = [comment(each, where, url) for each in found]
    return {"comments": shown, "self": where, "maxResults": len(shown), "total": len(shown), "startAt": 0}


def change(item: Change, url: str) -> Document:
    """An entry of the changelog."""
    return {
        "id": item.id,
        "author": account(item.author, url),
        "created": stamp(item.created),
        "items": [_changed(*each) for each in item.items],
        **({"historyMetadata": item.metadata} if item.metadata else {}),
    }


def _changed(
    field: str, old: str | None, old_text: str | None, new: str | None, new_text: str | None
) -> dict[str, Any]:
    return {
        "field": field,
        "fieldtype": "jira",
        "fieldId": field,
        "from": old,
        "fromString": old_text,
        "to": new,
        "toString": new_text,
    }
