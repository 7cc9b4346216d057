"""Jira as a target: inspects without a permit, acts on one only, and can tell afterwards whether it acted."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.adapters.jira.answers import Account, Fields, Issue, Project, Status, Transition
from gateway.adapters.jira.attachments import AttachFile
from gateway.adapters.jira.comments import AddComment
from gateway.adapters.jira.edits import FIELDS, AssignIssue, UpdateIssue, assignee_of, current, overwritten
from gateway.adapters.jira.issues import CreateIssue
from gateway.adapters.jira.links import LinkIssues, check_other
from gateway.adapters.jira.moves import MoveIssue, check_screen, choose, is_move, offered_to
from gateway.adapters.jira.open_items import similar_issues
from gateway.adapters.jira.operation import Access, Operation, issue_path
from gateway.adapters.jira.site import Site, segment
from gateway.core.actions import Action
from gateway.core.errors import FactsMissingError, LoopgateError, TargetError, TargetRefusedError
from gateway.core.facts import IssueFacts, MissingFact, ProjectFacts
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.core.vocabulary import ActionType, System
from gateway.ports import ActionRecord, Inspection, Readiness, Reconciliation


class JiraTarget:
    """The port `Target` for one Jira Cloud site.

    `marker` makes `lg-` + HMAC of a text under the gateway's key; `browse` is the site's address for people.
    `accounts` are Jira's account ids by roster id.
    """

    def __init__(
        self,
        site: Site,
        *,
        marker: Callable[[str], str],
        browse: str,
        accounts: Mapping[str, str] | None = None,
    ) -> None:
        self._site = site
        self._access = Access(site=site, marker=marker, browse=browse.rstrip("/"), accounts=accounts or {})
        moving = MoveIssue(self._access)
        self._operations: dict[ActionType, Operation] = {
            ActionType.ISSUE_CREATE: CreateIssue(self._access),
            ActionType.ISSUE_COMMENT: AddComment(self._access),
            ActionType.ISSUE_UPDATE: UpdateIssue(self._access),
            ActionType.ISSUE_TRANSITION: moving,
            ActionType.ISSUE_ASSIGN: AssignIssue(self._access),
            ActionType.ISSUE_LINK: LinkIssues(self._access),
            ActionType.ISSUE_CLOSE: moving,
            ActionType.ISSUE_REOPEN: moving,
            ActionType.ISSUE_ATTACH: AttachFile(self._access),
        }

    @property
    def system(self) -> System:
        """Jira."""
        return System.JIRA

    @property
    def types(self) -> frozenset[ActionType]:
        """The action types it performs: those that the vocabulary calls supported here."""
        return frozenset(self._operations)

    async def inspect(self, action: Action) -> Inspection:
        """The project, and the issue with the statuses it can be moved to and what would be overwritten."""
        read: dict[str, Any] = {}
        wanted: dict[str, Callable[[Action], Awaitable[object]]] = {"project": self._project}
        if action.target.issue:
            wanted["issue"] = self._issue
        if action.type is ActionType.ISSUE_CREATE:
            wanted["similar"] = lambda asked: similar_issues(self._site, asked)
        for name, reading in wanted.items():
            try:
                read[name] = await reading(action)
            except FactsMissingError as error:
                left = [n for n in wanted if n not in read]
                return Inspection(**read, missing=tuple(_missing(n, error) for n in left))
        return Inspection(**read)

    async def prepare(self, permit: Permit) -> Preparation:
        """Find the transition, note what undoing needs."""
        return await self._operation(permit.action).prepare(permit)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Act once."""
        return await self._operation(permit.action).perform(permit, preparation)

    async def reconcile(self, record: ActionRecord) -> Reconciliation:
        """Look whether a started action happened. Whatever cannot be read proves nothing."""
        if record.preparation is None:
            return Reconciliation(happened=None, reason="Nothing was recorded to recognise it by.")
        try:
            return await self._operation(record.action).reconcile(record, record.preparation)
        except TargetError as error:
            return Reconciliation(happened=None, reason=error.detail)

    async def readiness(self) -> Readiness:
        """Whether the site knows the gateway's account."""
        try:
            await self._site.get("/myself", Account)
        except LoopgateError as error:
            return Readiness(ok=False, detail=f"Jira: {error.detail}")
        return Readiness(ok=True)

    async def _project(self, action: Action) -> ProjectFacts:
        asked = action.target.project or ""
        project = await self._site.get(f"/project/{segment(asked)}", Project)
        if project.key != asked:
            raise FactsMissingError(f"The project is called {project.key} now; name it so.", retryable=False)
        return ProjectFacts(id=project.key, path=project.key)

    async def _issue(self, action: Action) -> IssueFacts:
        names = overwritten(action)
        asked = ",".join(("status", "project", *(FIELDS[name] for name in names)))
        issue = await self._site.get(issue_path(action), Issue, fields=asked)
        project = issue.fields.project.key if issue.fields.project else ""
        if issue.key != action.target.issue or project != action.target.project:
            raise FactsMissingError(
                f"The issue is {issue.key} of project {project} now; name it so.", retryable=False
            )
        offered = await offered_to(self._site, action)
        await self._check(action, issue.fields, offered)
        return IssueFacts(
            key=issue.key,
            status=issue.fields.status.name if issue.fields.status else "",
            transitions=tuple(sorted({t.to.name for t in offered})),
            project=project,
            current=current(names, issue.fields),
        )

    async def _check(self, action: Action, fields: Fields, offered: tuple[Transition, ...]) -> None:
        """Find what would be refused later, before anybody is asked. Raises `FactsMissingError`."""
        if action.type is ActionType.ISSUE_LINK:
            await check_other(self._access, action)
        if action.type is ActionType.ISSUE_ASSIGN:
            await assignee_of(self._access, action)
        if is_move(action):
            try:
                check_screen(action, choose(action, fields.status or Status(name=""), offered))
            except TargetRefusedError as error:
                raise FactsMissingError(error.detail, retryable=False) from None

    def _operation(self, action: Action) -> Operation:
        operation = self._operations.get(action.type)
        if operation is None:
            raise TargetRefusedError(f"This version does not perform {action.type.value} on Jira.")
        return operation


def _missing(path: str, error: FactsMissingError) -> MissingFact:
    retry = "wait_until" if error.retryable else "fix_and_retry"
    return MissingFact(path=path, reason=error.detail, retry=retry, until_ms=error.until_ms)
