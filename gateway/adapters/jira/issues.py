"""Issues, comments and transitions on Jira."""

from dataclasses import dataclass
from typing import Any, Final

from gateway.adapters.jira.adf import document
from gateway.adapters.jira.answers import (
    Comments,
    Created,
    Found,
    Issue,
    Nothing,
    Property,
    RemoteLink,
    Transition,
    Transitions,
)
from gateway.adapters.jira.operation import (
    PROPERTY,
    Access,
    bears,
    is_ours,
    issue_path,
    mark,
    needed,
    only,
    own_account,
    params_of,
)
from gateway.adapters.jira.site import segment
from gateway.core.actions import Action
from gateway.core.errors import FactsMissingError, TargetError, TargetRefusedError
from gateway.core.params import Comment, IssueCreate, IssueTransition
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.core.text import harmless
from gateway.ports import ActionRecord, Reconciliation

_PAGE: Final = 100
_MINUTE_MS: Final = 60_000
_SLACK_MIN: Final = 10


@dataclass(frozen=True, slots=True)
class CreateIssue:
    """`issue.create`: recognised by label and entity property among what our account created since it started."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Nothing to undo but the issue itself."""
        return Preparation(marker=self.access.marker(permit.action.id))

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Create it."""
        body = _issue_body(permit.action, preparation.marker)
        created = await self.access.site.post("/issue", body, Created)
        return self._result(created.key, created.id)

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Search by creator and time, then read each: the search may lag behind, the issue itself does not."""
        account = await own_account(self.access)
        candidates = await self._candidates(record, account)
        issues = [
            await self.access.site.find(f"/issue/{segment(c.id)}", Issue, properties=PROPERTY)
            for c in candidates
        ]
        ours = [i for i in issues if i and _is_marked(i, preparation.marker)]
        return only([self._result(i.key, i.id) for i in ours], "issue")

    async def _candidates(self, record: ActionRecord, account: str) -> tuple[Created, ...]:
        project = needed(record.action.target.project, "project")
        passed_ms = max(0, self.access.site.clock.now_ms() - (record.started_ms or 0))
        minutes = passed_ms // _MINUTE_MS + _SLACK_MIN
        jql = f'project = "{project}" AND creator = "{account}" AND created >= "-{minutes}m"'
        found = await self.access.site.ask(
            "/search/jql", {"jql": jql, "maxResults": _PAGE, "fields": ["labels"]}, Found
        )
        if found.next_page_token:
            raise FactsMissingError("Too many issues were created in that time to look at each.")
        return found.issues

    def _result(self, key: str, issue_id: str) -> Performance:
        return Performance(result={"issue": key, "id": issue_id, "url": f"{self.access.browse}/browse/{key}"})


@dataclass(frozen=True, slots=True)
class AddComment:
    """`issue.comment`: recognised by the comment's entity property among ours since it started."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Nothing to undo but the comment itself."""
        return Preparation(marker=self.access.marker(permit.action.id))

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Add it."""
        text = params_of(permit.action, Comment).body
        body = {"body": document(text), "properties": mark(preparation.marker)}
        created = await self.access.site.post(issue_path(permit.action, "comment"), body, Created)
        return self._result(permit.action, created.id)

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look through our comments since the start, reading each one's property."""
        account = await own_account(self.access)
        path = issue_path(record.action, "comment")
        newest = await self.access.site.get(path, Comments, orderBy="-created", maxResults=_PAGE)
        ours = [c for c in newest.comments if is_ours(c.author, account, c.created, record)]
        marked = [c for c in ours if await self._is_marked(c.id, preparation.marker)]
        return only([self._result(record.action, c.id) for c in marked], "comment")

    async def _is_marked(self, comment_id: str, marker: str) -> bool:
        path = f"/comment/{segment(comment_id)}/properties/{PROPERTY}"
        found = await self.access.site.find(path, Property)
        return found is not None and bears(found.value, marker)

    def _result(self, action: Action, comment_id: str) -> Performance:
        url = f"{self.access.browse}/browse/{action.target.issue}?focusedCommentId={comment_id}"
        return Performance(result={"issue": action.target.issue, "comment": comment_id, "url": url})


@dataclass(frozen=True, slots=True)
class MoveIssue:
    """`issue.transition`: recognised in the issue's changelog, by account, time and status."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Find the transition that leads to the wanted status; note the status it has."""
        action = permit.action
        issue = await self.access.site.get(issue_path(action), Issue, fields="status")
        transition = await self._transition(action)
        status = issue.fields.status.name if issue.fields.status else ""
        before = {"status": status, "transition": transition.id, "to": transition.to.name}
        return Preparation(marker=self.access.marker(action.id), before=before)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Move it, then add the link."""
        action, before = permit.action, preparation.before
        body = {"transition": {"id": before["transition"]}}
        await self.access.site.post(issue_path(action, "transitions"), body, Nothing)
        link = await self._link(action, preparation.marker)
        return Performance(result={"issue": action.target.issue, "status": before["to"], **link})

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look for our move to that status in the changelog."""
        account = await own_account(self.access)
        issue = await self.access.site.get(
            issue_path(record.action), Issue, fields="status", expand="changelog"
        )
        wanted = preparation.before["to"]
        moves = [h for h in issue.changelog.histories if is_ours(h.author, account, h.created, record)]
        if not any(i.field == "status" and i.to_string == wanted for h in moves for i in h.items):
            return Reconciliation(
                happened=False, reason=f"Nothing in the changelog moved it to {wanted} for us."
            )
        done = {"issue": record.action.target.issue, "status": wanted}
        return Reconciliation(happened=True, performance=Performance(result=done))

    async def _transition(self, action: Action) -> Transition:
        wanted = params_of(action, IssueTransition).to
        offered = (await self.access.site.get(issue_path(action, "transitions"), Transitions)).transitions
        found = next((t for t in offered if t.to.name.casefold() == wanted.casefold()), None)
        if found is None:
            names = ", ".join(sorted({t.to.name for t in offered})) or "nothing"
            raise TargetRefusedError(f"From here the issue can be moved to {names}, not to {wanted}.")
        return found

    async def _link(self, action: Action, marker: str) -> dict[str, Any]:
        """Add the link. The move stands whatever becomes of it, so a failure is told, not raised."""
        params = params_of(action, IssueTransition)
        if params.link is None:
            return {}
        title = harmless(params.link_title or params.link)
        body = {"globalId": marker, "object": {"url": params.link, "title": title}}
        try:
            await self.access.site.post(issue_path(action, "remotelink"), body, RemoteLink)
        except TargetError as error:
            return {"link_failed": error.detail}
        return {"link": params.link}


def _issue_body(action: Action, marker: str) -> dict[str, Any]:
    params = params_of(action, IssueCreate)
    fields: dict[str, Any] = {
        "project": {"key": needed(action.target.project, "project")},
        "issuetype": {"name": params.issue_type},
        "summary": harmless(params.title),
        "description": document(params.description),
        "labels": [*params.labels, marker],
    }
    if params.priority:
        fields["priority"] = {"name": params.priority}
    return {"fields": fields, "properties": mark(marker)}


def _is_marked(issue: Issue, marker: str) -> bool:
    """By property or by label: people may remove one of them."""
    return marker in issue.fields.labels or bears(issue.properties.get(PROPERTY), marker)
