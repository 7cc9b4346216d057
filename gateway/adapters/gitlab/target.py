"""GitLab as a target: inspects without a permit, acts on one only, and can tell afterwards whether it acted."""

import asyncio
from collections.abc import Callable
from typing import Final

from gateway.adapters.gitlab.answers import User
from gateway.adapters.gitlab.deployments import RollBack
from gateway.adapters.gitlab.forge import Forge
from gateway.adapters.gitlab.inspection import Inspector
from gateway.adapters.gitlab.issues import AddComment, CreateIssue, MoveIssue
from gateway.adapters.gitlab.merge_requests import Merge, OpenMergeRequest
from gateway.adapters.gitlab.operation import Access, Operation
from gateway.adapters.gitlab.refs import CreateBranch, MoveBranch, new_commit, revert_commit
from gateway.core.actions import Action
from gateway.core.errors import LoopgateError, TargetError, TargetRefusedError
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.core.vocabulary import SPECS, ActionType, ForgeIdentity, System
from gateway.ports import ActionRecord, Clock, Inspection, Readiness, Reconciliation, Repository

IDENTITIES: Final = (ForgeIdentity.ROAD, ForgeIdentity.MERGE)


class GitLabTarget:
    """The port `Target` for one GitLab.

    `marker` makes `lg-` + HMAC of a text under the gateway's key; `people` maps usernames to roster ids.
    """

    def __init__(
        self,
        road: Forge,
        merge: Forge,
        repository: Repository,
        *,
        clock: Clock,
        marker: Callable[[str], str],
        people: Callable[[str], str | None],
    ) -> None:
        self._forges = {ForgeIdentity.ROAD: road, ForgeIdentity.MERGE: merge}
        self._inspector = Inspector(road, clock, marker, people)
        access = Access(road=road, merge=merge, repository=repository, marker=marker)
        self._operations: dict[ActionType, Operation] = {
            ActionType.ISSUE_CREATE: CreateIssue(access),
            ActionType.ISSUE_COMMENT: AddComment(access),
            ActionType.ISSUE_TRANSITION: MoveIssue(access),
            ActionType.BRANCH_CREATE: CreateBranch(access),
            ActionType.COMMIT_CREATE: MoveBranch(access, new_commit),
            ActionType.COMMIT_REVERT: MoveBranch(access, revert_commit),
            ActionType.MERGE_REQUEST_OPEN: OpenMergeRequest(access),
            ActionType.MERGE_REQUEST_COMMENT: AddComment(access),
            ActionType.MERGE_REQUEST_MERGE: Merge(access),
            ActionType.DEPLOYMENT_ROLLBACK: RollBack(access),
        }

    @property
    def system(self) -> System:
        """GitLab."""
        return System.GITLAB

    @property
    def types(self) -> frozenset[ActionType]:
        """The action types it performs: those that the vocabulary calls supported here."""
        return frozenset(self._operations)

    async def inspect(self, action: Action) -> Inspection:
        """Read what the ruling needs, in a worker thread."""
        return await asyncio.to_thread(self._inspector.inspect, action)

    async def branch_rules(self, project: str) -> tuple[tuple[str, ...], str]:
        """The patterns of a project's protected branches and its CI configuration path, for the git inspector.

        Raises `FactsMissingError`.
        """
        return await asyncio.to_thread(self._inspector.rules_of, project)

    async def prepare(self, permit: Permit) -> Preparation:
        """Build the commit, note what undoing needs."""
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
        """Whether both identities are who the settings say."""
        for identity in IDENTITIES:
            told = await asyncio.to_thread(_who, self._forges[identity])
            if told:
                return Readiness(ok=False, detail=f"GitLab, identity {identity.value}: {told}")
        return Readiness(ok=True)

    def _operation(self, action: Action) -> Operation:
        operation = self._operations.get(action.type)
        if operation is None or System.GITLAB not in SPECS[action.type].supported:
            raise TargetRefusedError(f"This version does not perform {action.type.value} on GitLab.")
        return operation


def _who(forge: Forge) -> str:
    """What is wrong with an identity, or nothing."""
    try:
        user = forge.get("/user", User)
    except LoopgateError as error:
        return error.detail
    if user.username != forge.username:
        return f"the token belongs to {user.username}, the settings say {forge.username}"
    return ""
