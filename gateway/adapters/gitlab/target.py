"""GitLab as a target: inspects without a permit, acts on one only, and can tell afterwards whether it acted."""

import asyncio
from collections.abc import Callable
from typing import Final

from gateway.adapters.gitlab.answers import User
from gateway.adapters.gitlab.ci_minutes import JobTimes
from gateway.adapters.gitlab.commit_comments import CommentOnCommit
from gateway.adapters.gitlab.deployments import RollBack
from gateway.adapters.gitlab.environments import StopEnvironment
from gateway.adapters.gitlab.forge import Forge
from gateway.adapters.gitlab.inspection import Inspector
from gateway.adapters.gitlab.issue_changes import AssignIssue, UpdateIssue
from gateway.adapters.gitlab.issue_relations import AttachFile, LinkIssue
from gateway.adapters.gitlab.issues import AddComment, CreateIssue, MoveIssue
from gateway.adapters.gitlab.jobs import CancelJob, PlayJob, RetryJob
from gateway.adapters.gitlab.merge_request_changes import MoveRequest, RebaseRequest, UpdateRequest
from gateway.adapters.gitlab.merge_requests import Merge, OpenMergeRequest
from gateway.adapters.gitlab.operation import Access, Operation
from gateway.adapters.gitlab.pipelines import CancelPipeline, RetryPipeline, RunPipeline
from gateway.adapters.gitlab.ref_moves import CreateTag, DeleteRef
from gateway.adapters.gitlab.refs import (
    CreateBranch,
    MoveBranch,
    cherry_pick_commit,
    new_commit,
    revert_commit,
)
from gateway.adapters.gitlab.review import Reviewer, Verdict
from gateway.core.actions import Action
from gateway.core.budgets import TRIGGERS, OpenPipeline, PipelineUse
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
        self._job_times = JobTimes(road, clock)
        access = Access(road=road, merge=merge, repository=repository, marker=marker, people=people)
        self._operations: dict[ActionType, Operation] = _operations(access)

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
        return await asyncio.to_thread(self._inspect, action)

    def _inspect(self, action: Action) -> Inspection:
        seen = self._inspector.inspect(action)
        if action.type not in TRIGGERS or seen.project is None:
            return seen
        return seen.model_copy(update={"job_seconds": self._job_times.seconds(seen.project.path)})

    async def pipeline_use(self, one: OpenPipeline) -> PipelineUse:
        """What the pipelines use that an action started. Raises `FactsMissingError`."""
        return await asyncio.to_thread(self._job_times.use_of, one)

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

    async def review(self, projects: tuple[str, ...]) -> tuple[Verdict, ...]:
        """What in GitLab's own settings lets somebody past the gateway."""
        reviewer = Reviewer(self._forges[ForgeIdentity.ROAD], self._forges[ForgeIdentity.MERGE])
        return await asyncio.to_thread(reviewer.review, projects)

    def _operation(self, action: Action) -> Operation:
        operation = self._operations.get(action.type)
        if operation is None or System.GITLAB not in SPECS[action.type].supported:
            raise TargetRefusedError(f"This version does not perform {action.type.value} on GitLab.")
        return operation


def _operations(access: Access) -> dict[ActionType, Operation]:
    return {
        ActionType.ISSUE_CREATE: CreateIssue(access),
        ActionType.ISSUE_COMMENT: AddComment(access),
        ActionType.ISSUE_UPDATE: UpdateIssue(access),
        ActionType.ISSUE_TRANSITION: MoveIssue(access),
        ActionType.ISSUE_ASSIGN: AssignIssue(access),
        ActionType.ISSUE_LINK: LinkIssue(access),
        ActionType.ISSUE_CLOSE: MoveIssue(access),
        ActionType.ISSUE_REOPEN: MoveIssue(access),
        ActionType.ISSUE_ATTACH: AttachFile(access),
        ActionType.BRANCH_CREATE: CreateBranch(access),
        ActionType.BRANCH_DELETE: DeleteRef(access),
        ActionType.COMMIT_CREATE: MoveBranch(access, new_commit),
        ActionType.COMMIT_REVERT: MoveBranch(access, revert_commit),
        ActionType.COMMIT_CHERRY_PICK: MoveBranch(access, cherry_pick_commit),
        ActionType.COMMIT_COMMENT: CommentOnCommit(access),
        ActionType.TAG_CREATE: CreateTag(access),
        ActionType.TAG_DELETE: DeleteRef(access),
        ActionType.MERGE_REQUEST_OPEN: OpenMergeRequest(access),
        ActionType.MERGE_REQUEST_UPDATE: UpdateRequest(access),
        ActionType.MERGE_REQUEST_COMMENT: AddComment(access),
        ActionType.MERGE_REQUEST_CLOSE: MoveRequest(access),
        ActionType.MERGE_REQUEST_REOPEN: MoveRequest(access),
        ActionType.MERGE_REQUEST_REBASE: RebaseRequest(access),
        ActionType.MERGE_REQUEST_MERGE: Merge(access),
        ActionType.PIPELINE_RUN: RunPipeline(access),
        ActionType.PIPELINE_RETRY: RetryPipeline(access),
        ActionType.PIPELINE_CANCEL: CancelPipeline(access),
        ActionType.JOB_PLAY: PlayJob(access),
        ActionType.JOB_RETRY: RetryJob(access),
        ActionType.JOB_CANCEL: CancelJob(access),
        ActionType.DEPLOYMENT_ROLLBACK: RollBack(access),
        ActionType.ENVIRONMENT_STOP: StopEnvironment(access),
    }


def _who(forge: Forge) -> str:
    """What is wrong with an identity, or nothing."""
    try:
        user = forge.get("/user", User)
    except LoopgateError as error:
        return error.detail
    if user.username != forge.username:
        return f"the token belongs to {user.username}, the settings say {forge.username}"
    return ""
