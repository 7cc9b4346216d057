"""Issues and comments on GitLab."""

import asyncio
from dataclasses import dataclass

from gateway.adapters.gitlab.answers import Issue, Note, StateEvent, Written
from gateway.adapters.gitlab.forge import project_path, segment
from gateway.adapters.gitlab.marks import bears, iso, marked, milliseconds, shortly_before
from gateway.adapters.gitlab.operation import Access, needed, only, params_of, performed, project_of
from gateway.core.actions import Action
from gateway.core.errors import TargetError, TargetRefusedError
from gateway.core.params import Comment, IssueClose, IssueCreate, IssueTransition
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.core.text import harmless
from gateway.core.vocabulary import ActionType
from gateway.ports import ActionRecord, Reconciliation

STATUSES = ("opened", "closed")
EVENTS = {"closed": "close", "opened": "reopen"}
# The state an event of GitLab's history names, by the status it leads to.
_HISTORY = {"closed": "closed", "opened": "reopened"}
_FIXED = {ActionType.ISSUE_CLOSE: "closed", ActionType.ISSUE_REOPEN: "opened"}


@dataclass(frozen=True, slots=True)
class CreateIssue:
    """`issue.create`: recognised by its mark among our issues since it started."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Nothing to undo but the issue itself."""
        return Preparation(marker=self.access.marker(permit.action.id))

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Create it."""
        body = _issue_body(params_of(permit.action, IssueCreate), preparation.marker)
        path = project_path(project_of(permit.action), "issues")
        return _issue_result(await asyncio.to_thread(self.access.road.post, path, body, Issue))

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look through our issues since the start."""
        path = project_path(project_of(record.action), "issues")
        found = await asyncio.to_thread(self._ours, path, record.started_ms or 0)
        return only([_issue_result(i) for i in found if bears(i, preparation.marker)], "issue")

    def _ours(self, path: str, started_ms: int) -> tuple[Issue, ...]:
        return self.access.road.list(
            path,
            Issue,
            author_username=self.access.road.username,
            created_after=iso(shortly_before(started_ms)),
            scope="all",
        )


@dataclass(frozen=True, slots=True)
class AddComment:
    """`issue.comment` and `merge_request.comment`: recognised by the mark among our notes since it started."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Nothing to undo but the note itself."""
        return Preparation(marker=self.access.marker(permit.action.id))

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Add it."""
        body = {"body": marked(params_of(permit.action, Comment).body, preparation.marker)}
        path = notes_path(permit.action)
        return note_result(await asyncio.to_thread(self.access.road.post, path, body, Note))

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look through our notes since the start."""
        notes = await asyncio.to_thread(our_notes, self.access, record.action, record.started_ms or 0)
        return only([note_result(n) for n in notes if bears(n, preparation.marker)], "comment")


@dataclass(frozen=True, slots=True)
class MoveIssue:
    """`issue.transition`, `.close` and `.reopen`: closes or reopens; recognised by who did it, in the issue's own history."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Note the status it has; refuse a status GitLab has not, or has already."""
        wanted = _wanted(permit.action)
        if isinstance(permit.action.params, IssueClose) and permit.action.params.resolution:
            raise TargetRefusedError("Issues on GitLab have no resolution; close it without one.")
        issue = await asyncio.to_thread(self.access.road.get, issue_path(permit.action), Issue)
        if issue.state == wanted:
            raise TargetRefusedError(f"The issue is {wanted} already.")
        return Preparation(marker=self.access.marker(permit.action.id), before={"status": issue.state})

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Move it, then leave the link as a comment."""
        action, wanted = permit.action, _wanted(permit.action)
        body = {"state_event": EVENTS[wanted]}
        issue = await asyncio.to_thread(self.access.road.put, issue_path(action), body, Issue)
        link = await asyncio.to_thread(self._link, action, preparation.marker)
        return performed(issue, issue=str(issue.iid), status=issue.state, **link)

    def _link(self, action: Action, marker: str) -> dict[str, str]:
        """Comment with the link. The move stands whatever becomes of it, so a failure is told, not raised."""
        params = action.params
        if not isinstance(params, IssueTransition) or params.link is None:
            return {}
        title = (params.link_title or params.link).replace("[", "(").replace("]", ")")
        body = {"body": marked(f"[{title}](<{params.link}>)", marker)}
        try:
            self.access.road.post(notes_path(action), body, Note)
        except TargetError as error:
            return {"link_failed": error.detail}
        return {"link": params.link}

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look for a move to that status by our identity since the start."""
        wanted, before = _wanted(record.action), preparation.before.get("status")
        since = milliseconds(shortly_before(record.started_ms or 0))
        path = issue_path(record.action)
        if not await asyncio.to_thread(_moved, self.access, path, (before, wanted), since):
            return Reconciliation(
                happened=False, reason=f"Nothing in the issue's history moved it to {wanted} for us."
            )
        done = {"issue": record.action.target.issue, "status": wanted}
        return Reconciliation(happened=True, performance=Performance(result=done))


def _moved(access: Access, path: str, states: tuple[str | None, str], since: int) -> bool:
    """An issue that is as it was has not been moved; a closed one says who closed it; else the history is asked."""
    before, wanted = states
    issue = access.road.get(path, Issue)
    if issue.state == before:
        return False
    if wanted == "closed" and issue.closed_by and issue.closed_by.username == access.road.username:
        return milliseconds(issue.closed_at) >= since
    return moved_by_us(access, path, wanted, since)


def moved_by_us(access: Access, path: str, wanted: str, since: int) -> bool:
    """Whether the history of an issue or merge request says that we moved it to that state since then."""
    events = access.road.list(f"{path}/resource_state_events", StateEvent)
    return any(_is_ours(e, wanted, access.road.username, since) for e in events)


def notes_path(action: Action) -> str:
    """Where the notes of the issue or merge request are."""
    aim = action.target
    if aim.merge_request is not None:
        return project_path(project_of(action), "merge_requests", aim.merge_request, "notes")
    return f"{issue_path(action)}/notes"


def our_notes(access: Access, action: Action, started_ms: int) -> list[Note]:
    """Our notes there since an action started."""
    notes = access.road.list(notes_path(action), Note, order_by="created_at", sort="desc", limit=1000)
    since = milliseconds(shortly_before(started_ms))
    ours = [n for n in notes if n.author and n.author.username == access.road.username]
    return [n for n in ours if milliseconds(n.created_at) >= since]


def issue_path(action: Action) -> str:
    """Where the issue is."""
    return project_path(project_of(action), "issues", segment(needed(action.target.issue, "issue")))


def _issue_body(params: IssueCreate, marker: str) -> dict[str, str]:
    priority = (f"priority::{params.priority.lower()}",) if params.priority else ()
    return {
        "title": harmless(params.title),
        "description": marked(params.description, marker),
        "issue_type": "incident" if params.issue_type.lower() == "incident" else "issue",
        "labels": ",".join((*params.labels, *priority)),
    }


def _issue_result(issue: Issue) -> Performance:
    return performed(issue, issue=str(issue.iid), id=issue.id)


def note_result(note: Written) -> Performance:
    """What the agent gets for a comment."""
    return performed(note, comment=note.id)


def _wanted(action: Action) -> str:
    if action.type in _FIXED:
        return _FIXED[action.type]
    to = params_of(action, IssueTransition).to.lower()
    if to not in STATUSES:
        raise TargetRefusedError(f"A GitLab issue can be moved to {' or '.join(STATUSES)}, not to {to!r}.")
    return to


def _is_ours(event: StateEvent, wanted: str, username: str, since: int) -> bool:
    by_us = event.user is not None and event.user.username == username
    return by_us and event.state == _HISTORY[wanted] and milliseconds(event.created_at) >= since
