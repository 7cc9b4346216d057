"""The fields of issues and merge requests that actions overwrite: as they are, and what proves that they were."""

from typing import Any

from gateway.adapters.gitlab.answers import Issue, LabelEvent, MergeRequest, Note, User, Written
from gateway.adapters.gitlab.marks import bears, milliseconds, shortly_before
from gateway.adapters.gitlab.operation import Access
from gateway.core.digests import sha256_text
from gateway.core.redaction import redact_text
from gateway.core.steps import Performance
from gateway.ports import ActionRecord, Reconciliation

PRIORITY = "priority::"
_DRAFT = "draft:"


def issue_values(issue: Issue, names: tuple[str, ...]) -> dict[str, Any]:
    """Those fields of an issue, by their names in the params; texts without secrets, long ones with their SHA-256."""
    plain = sorted(label for label in issue.labels if not label.startswith(PRIORITY))
    everything = {
        "title": noted_title(issue.title),
        "description": noted(issue.description or ""),
        "labels": plain,
        "priority": next((p for label in issue.labels if (p := label.removeprefix(PRIORITY)) != label), None),
        "assignee": sorted(user.username for user in issue.assignees),
    }
    return {name: everything[name] for name in names}


def request_values(request: MergeRequest, names: tuple[str, ...]) -> dict[str, Any]:
    """Those fields of a merge request, in the same form."""
    everything = {
        "title": noted_title(untitled_draft(request.title)),
        "description": noted(request.description or ""),
        "labels": sorted(request.labels),
        "target": request.target_branch,
        "draft": request.draft,
    }
    return {name: everything[name] for name in names}


def noted(text: str) -> dict[str, str]:
    """A long text as it is recorded: without secrets, and the SHA-256 of the whole."""
    return {"text": redact_text(text, "description")[0], "sha256": sha256_text(text)}


def noted_title(title: str) -> str:
    """A title as it is recorded."""
    return redact_text(title, "title")[0]


def untitled_draft(title: str) -> str:
    """The title without the word that makes a merge request a draft."""
    return title[len(_DRAFT) :].lstrip() if title.lower().startswith(_DRAFT) else title


def has_trace(access: Access, path: str, started_ms: int) -> bool:
    """Whether GitLab's own lines or label events tell of a change by us there since an action started."""
    since = milliseconds(shortly_before(started_ms))
    notes = access.road.list(f"{path}/notes", Note, order_by="created_at", sort="desc", limit=200)
    lines = [(n.author, n.created_at) for n in notes if n.system]
    events = access.road.list(f"{path}/resource_label_events", LabelEvent, limit=1000)
    told = [*lines, *((e.user, e.created_at) for e in events)]
    return any(_is(access, user) and milliseconds(moment) >= since for user, moment in told)


def is_ours(
    access: Access, path: str, answer: Written, record: ActionRecord, marker: str, *, described: bool
) -> bool:
    """Whether a change of fields was this action's: a description it gave bears its mark, else a trace must do."""
    return bears(answer, marker) if described else has_trace(access, path, record.started_ms or 0)


def overwriting(
    before: dict[str, Any], wanted: dict[str, Any], now: dict[str, Any], done: Performance, *, traced: bool
) -> Reconciliation:
    """What the fields prove: as they were and no trace of ours, or as wanted and with one; else nothing."""
    if now == before and not traced:
        return Reconciliation(happened=False, reason="Everything is as it was.")
    if now == wanted and traced:
        return Reconciliation(happened=True, performance=done)
    return Reconciliation(
        happened=None, reason="It was changed, but not provably by this action; look at it."
    )


def _is(access: Access, user: User | None) -> bool:
    return user is not None and user.username == access.road.username
