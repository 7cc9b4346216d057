"""Finding out, before anything is judged: one action in, everything the ruling may look at out.

Reads only, through the ports. What a target cannot tell is in `missing`, by the path it has in the policy input;
it is never guessed, and a target's failure never raises from here.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Literal

from gateway import costing, derived
from gateway.core import blast_radius, text
from gateway.core.actions import Action
from gateway.core.blast_radius import BlastRadius
from gateway.core.changes import Change
from gateway.core.errors import FactsMissingError, TargetError
from gateway.core.facts import (
    DeploymentFacts,
    Facts,
    MergeRequestFacts,
    MissingFact,
    ProjectFacts,
    TextFacts,
)
from gateway.core.params import BranchCreate, CommitCreate
from gateway.core.tickets import Ticket
from gateway.core.vocabulary import SPECS, ActionType, System
from gateway.ports import Changes, Clock, Counters, Inspection, Policy, PolicyInForce, Target

# The groups of the policy input that one measured change fills.
CHANGE_PATHS = ("diff", "commits", "ci", "blast")
_CHANGES_FILES = frozenset(
    {
        ActionType.MERGE_REQUEST_MERGE,
        ActionType.MERGE_REQUEST_OPEN,
        ActionType.BRANCH_CREATE,
        ActionType.COMMIT_CREATE,
        ActionType.COMMIT_REVERT,
        ActionType.COMMIT_CHERRY_PICK,
        ActionType.BRANCH_DELETE,
        ActionType.TAG_CREATE,
        ActionType.TAG_DELETE,
        ActionType.MERGE_REQUEST_REBASE,
        ActionType.PIPELINE_RUN,
        ActionType.PIPELINE_RETRY,
        ActionType.JOB_PLAY,
        ActionType.JOB_RETRY,
        ActionType.DEPLOYMENT_ROLLBACK,
    }
)
_OF_REQUEST = frozenset(
    {ActionType.MERGE_REQUEST_MERGE, ActionType.MERGE_REQUEST_OPEN, ActionType.MERGE_REQUEST_REBASE}
)
# What reaches an environment without any change of files.
_BARE = frozenset({ActionType.ENVIRONMENT_STOP, ActionType.JOB_CANCEL})
_NO_CHANGE = Change(base="0" * 40, head="0" * 40)
_INSPECTED = (
    "project",
    "branch",
    "merge_request",
    "pipeline",
    "issue",
    "deployment",
    "job",
    "tag",
    "similar",
)


@dataclass(frozen=True, slots=True)
class Gathering:
    """Composes the facts of one action from every neighbour that knows some.

    `clock_ok(now_ms)` says whether the clock agrees with the log's last time.
    """

    targets: Mapping[System, Target]
    changes: Changes
    counters: Counters
    clock: Clock
    policy: Policy
    clock_ok: Callable[[int], bool]

    async def gather(self, action: Action, ticket: Ticket | None) -> Facts:
        """Everything known now about the action, its agent and its target."""
        now_ms, in_force = self.clock.now_ms(), self.policy.in_force
        inspection = await self._inspect(action)
        inspection = _with_owner(inspection, in_force)
        change, unmeasured = await self._measure(action, inspection)
        change = derived.with_signals(action, change, inspection.tag)
        standing = await self.counters.standing(action, now_ms)
        zone = derived.zone_of(in_force.time_zone)
        authors, unknown = derived.authors_of(change, inspection.merge_request, in_force.roster)
        return Facts(
            agent=derived.agent_facts(
                action,
                in_force.roster,
                standing.usage,
                suspended=standing.suspended,
                current_tier=standing.tier,
            ),
            context=derived.context_facts(
                now_ms,
                zone or UTC,
                clock_ok=self.clock_ok(now_ms),
                door=action.door.value,
                sources=standing.sources,
            ),
            **{name: getattr(inspection, name) for name in _INSPECTED},
            glass=standing.glass,
            subject=inspection.subject,
            change=change,
            costs=costing.costs_of(action, change, inspection.job_seconds),
            deploys_to=derived.deploys_to(
                action,
                change,
                inspection.merge_request,
                in_force.catalogue,
                pipeline=inspection.pipeline,
                job=inspection.job,
            ),
            text=_scan(action, inspection, change),
            approvals=derived.approvals_of(ticket),
            authors=tuple(sorted({*authors, *inspection.authors})),
            unknown_authors=unknown,
            stops=standing.stops,
            concurrent=inspection.concurrent,
            missing=_all_missing(
                inspection.missing, unmeasured, () if zone else _no_zone(in_force.time_zone)
            ),
        )

    async def _inspect(self, action: Action) -> Inspection:
        target = self.targets.get(action.target.system)
        if target is None or action.target.system not in SPECS[action.type].supported:
            return Inspection()
        try:
            return await target.inspect(action)
        except TargetError as error:
            return Inspection(missing=tuple(_missing(path, error) for path in _INSPECTED))

    async def _measure(
        self, action: Action, seen: Inspection
    ) -> tuple[Change | None, tuple[MissingFact, ...]]:
        measure = _measurement(action, seen, self.changes)
        if measure is None:
            return None, _unmeasurable(action, seen)
        try:
            return await measure(), ()
        except TargetError as error:
            return None, tuple(_missing(path, error) for path in _change_paths(action))


def measure_blast(action: Action, facts: Facts, in_force: PolicyInForce) -> BlastRadius | None:
    """How far the action reaches; None where nothing is changed in a repository or an environment."""
    change = facts.change or (_NO_CHANGE if action.type in _BARE else None)
    if change is None:
        return None
    return blast_radius.measure(
        change,
        project=action.target.project or "",
        environment=derived.gravest(facts.deploys_to),
        concurrent=facts.concurrent,
        catalogue=in_force.catalogue,
        weights=in_force.weights,
    )


_Measure = Callable[[], Awaitable[Change]]


def _measurement(action: Action, seen: Inspection, changes: Changes) -> _Measure | None:
    """How this action's change is measured, or None when it makes none or its target could not be read."""
    if action.target.project is None or seen.project is None:
        return None
    if action.type is ActionType.DEPLOYMENT_ROLLBACK:
        return _of_rollback(action, seen.project, seen.deployment, changes)
    if action.type in _OF_REQUEST:
        return _of_request(action, action.target.project, seen.merge_request, changes)
    if isinstance(action.params, BranchCreate):
        return _of_new_branch(action, action.params, seen.project, changes)
    if action.type in _BY_COMMIT:
        return _of_what_stands(action, seen, seen.project, changes)
    return _of_branch(action, action.target.project, changes)


def _of_request(
    action: Action, project: str, request: MergeRequestFacts | None, changes: Changes
) -> _Measure | None:
    if request is None:
        return None
    if action.type is not ActionType.MERGE_REQUEST_OPEN:
        return lambda: changes.of_merge_request(project, request, action.agent)
    return lambda: changes.of_branches(project, request.source_branch, request.target_branch, action.agent)


def _of_new_branch(action: Action, params: BranchCreate, project: ProjectFacts, changes: Changes) -> _Measure:
    """What stands on the branch from its first moment: CI runs it there, whoever wrote the commit it starts at."""
    start, default = params.from_ or project.default_branch, project.default_branch
    return lambda: changes.of_branches(project.path, start, default, action.agent)


def _of_what_stands(
    action: Action, seen: Inspection, project: ProjectFacts, changes: Changes
) -> _Measure | None:
    """What a commit that CI runs, a tag names or a deletion drops has over the default branch."""
    commit = _BY_COMMIT[action.type](seen)
    if commit is None:
        return None
    return lambda: changes.of_branches(project.path, commit, project.default_branch, action.agent)


_BY_COMMIT: dict[ActionType, Callable[[Inspection], str | None]] = {
    ActionType.BRANCH_DELETE: lambda seen: seen.branch.head if seen.branch else None,
    ActionType.TAG_CREATE: lambda seen: seen.tag.to if seen.tag else None,
    ActionType.TAG_DELETE: lambda seen: seen.tag.commit if seen.tag else None,
    ActionType.PIPELINE_RUN: lambda seen: seen.pipeline.sha if seen.pipeline else None,
    ActionType.PIPELINE_RETRY: lambda seen: seen.pipeline.sha if seen.pipeline else None,
    ActionType.JOB_PLAY: lambda seen: seen.job.sha if seen.job else None,
    ActionType.JOB_RETRY: lambda seen: seen.job.sha if seen.job else None,
}


def _of_branch(action: Action, project: str, changes: Changes) -> _Measure | None:
    branch, commit, params = action.target.branch, action.target.commit, action.params
    if branch and isinstance(params, CommitCreate):
        return lambda: changes.of_commit(project, branch, params, action.agent)
    if branch and commit and action.type is ActionType.COMMIT_REVERT:
        return lambda: changes.of_revert(project, branch, commit, action.agent)
    if branch and commit and action.type is ActionType.COMMIT_CHERRY_PICK:
        return lambda: changes.of_cherry_pick(project, branch, commit, action.agent)
    return None


def _of_rollback(
    action: Action, project: ProjectFacts, deployment: DeploymentFacts | None, changes: Changes
) -> _Measure | None:
    """A rollback by commit is measured as that revert, one by job as the way from what runs to what shall run."""
    now, then = (deployment.current_sha, deployment.to_sha) if deployment else (None, None)
    if now is None or then is None:
        return None
    if derived.reverts_by_commit(action):
        return lambda: changes.of_revert(project.path, project.default_branch, now, action.agent)
    return lambda: changes.of_branches(project.path, now, then, action.agent)


def _unmeasurable(action: Action, seen: Inspection) -> tuple[MissingFact, ...]:
    """What reading the target in vain means for the change: it is missing for the same reason."""
    if action.type not in _CHANGES_FILES or not seen.missing:
        return ()
    cause = seen.missing[0]
    return tuple(cause.model_copy(update={"path": path}) for path in _change_paths(action))


def _change_paths(action: Action) -> tuple[str, ...]:
    """The groups that the measured change of this action fills."""
    merges = action.type is ActionType.MERGE_REQUEST_MERGE
    return (*CHANGE_PATHS, "code_owners") if merges else CHANGE_PATHS


def _missing(path: str, error: TargetError) -> MissingFact:
    until_ms = error.until_ms if isinstance(error, FactsMissingError) else None
    retryable = error.retryable if isinstance(error, FactsMissingError) else True
    retry: Literal["wait_until", "fix_and_retry"] = "wait_until" if retryable else "fix_and_retry"
    return MissingFact(path=path, reason=error.detail, retry=retry, until_ms=until_ms)


def _no_zone(name: str) -> tuple[MissingFact, ...]:
    reason = f"This machine knows no time zone {name!r}; mend the policy's time zone or install tzdata."
    return tuple(
        MissingFact(path=f"context.{part}", reason=reason, retry="never")
        for part in ("local_minute", "local_weekday")
    )


def _all_missing(*groups: tuple[MissingFact, ...]) -> tuple[MissingFact, ...]:
    """All of them, one per path, sorted by path."""
    by_path = {m.path: m for group in groups for m in group}
    return tuple(by_path[path] for path in sorted(by_path))


def _with_owner(seen: Inspection, in_force: PolicyInForce) -> Inspection:
    """The inspection with the owner of the agent that opened the merge request."""
    request = seen.merge_request
    agent = in_force.roster.agent(request.author) if request else None
    if request is None or agent is None:
        return seen
    return seen.model_copy(update={"merge_request": request.model_copy(update={"author_owner": agent.owner})})


def _scan(action: Action, seen: Inspection, change: Change | None) -> TextFacts:
    """What the texts would do: the action's own, the target's that take effect with it, the commit messages."""
    messages = {f"commits/{n}/message": m for n, m in enumerate(change.messages)} if change else {}
    return text.scan({**action.params.texts(), **seen.texts, **messages}, redactions=action.redactions)
