"""The document the policy judges: one model, exported as schemas/policy_input.json.

Lists travel with a `_total` beside them, because no rule can see an element that was deleted. Nothing here is a
float; times are milliseconds (an integer of nanoseconds does not survive RFC 8785).
"""

from typing import Any

from gateway.core.actions import Action, plain_params
from gateway.core.blast_radius import BlastRadius
from gateway.core.change_input import (
    CodeOwnersInput,
    CommitInput,
    DiffInput,
    code_owners_input,
    commit_inputs,
    diff_input,
)
from gateway.core.changes import Change
from gateway.core.duplicates import SimilarFacts
from gateway.core.facts import (
    AgentFacts,
    ApprovalFact,
    BranchFacts,
    ContextFacts,
    DeploymentFacts,
    Facts,
    GlassFacts,
    IssueFacts,
    JobFacts,
    MergeRequestFacts,
    MissingFact,
    PipelineFacts,
    ProjectFacts,
    TagFacts,
    TextFacts,
)
from gateway.core.issue_params import IssueLink
from gateway.core.model import Model
from gateway.core.vocabulary import ActionType

INPUT_VERSION = 1
# Free text and file contents stay out of the policy's sight: rules judge the facts measured from them.
_UNSEEN_PARAMS = frozenset(
    {"description", "body", "message", "changes", "link_title", "content_base64", "variables"}
)


class ActionInput(Model):
    """What is asked. `force` and `delete` are true for what rewrites branches and deletes refs."""

    id: str
    type: str
    system: str
    supported: bool
    project: str | None
    target: dict[str, Any]
    params: dict[str, Any]
    force: bool
    delete: bool
    consequential: bool


class CiInput(Model):
    """What the CI configuration reaches, at base and head."""

    config_path: str
    local_includes: tuple[str, ...]
    local_includes_total: int
    remote_includes: tuple[str, ...]
    remote_includes_total: int
    scripts: tuple[str, ...]
    scripts_total: int
    environments: tuple[str, ...]
    environments_total: int


class CostInput(Model):
    """What the action would use: pipelines, their jobs, seconds a job usually takes, bytes stored and pushed.

    Null is unknown.
    """

    pipelines: int
    ci_jobs: int | None
    job_seconds: int | None
    bytes: int


class DependantInput(Model):
    """A service that depends on a touched one, `depth` steps away."""

    service: str
    depth: int


class BlastInput(Model):
    """The blast vector with its totals."""

    files: int
    lines: int
    dirs: int
    services: tuple[str, ...]
    services_total: int
    unmapped: tuple[str, ...]
    unmapped_total: int
    dependants: tuple[DependantInput, ...]
    dependants_total: int
    tier: int
    environment: str
    irreversible: tuple[str, ...]
    irreversible_total: int
    concurrent: int
    truncated: bool
    score: int
    level: str


class StopInput(Model):
    """Emergency stops that match this action."""

    engaged: bool
    matching: tuple[str, ...]
    matching_total: int


class PolicyInput(Model):
    """Everything a rule may look at. A group is null where it does not apply or could not be read."""

    version: int
    action: ActionInput
    agent: AgentFacts
    context: ContextFacts
    project: ProjectFacts | None
    branch: BranchFacts | None
    merge_request: MergeRequestFacts | None
    pipeline: PipelineFacts | None
    issue: IssueFacts | None
    deployment: DeploymentFacts | None
    job: JobFacts | None
    tag: TagFacts | None
    similar: SimilarFacts | None = None
    break_glass: tuple[GlassFacts, ...] = ()
    break_glass_total: int = 0
    code_owners: CodeOwnersInput | None = None
    diff: DiffInput | None
    commits: tuple[CommitInput, ...] | None
    commits_total: int | None
    ci: CiInput | None
    blast: BlastInput | None
    costs: CostInput | None
    deploys_to: tuple[str, ...]
    deploys_to_total: int
    text: TextFacts
    approvals: tuple[ApprovalFact, ...]
    approvals_total: int
    authors: tuple[str, ...]
    authors_total: int
    unknown_authors: int
    stop: StopInput
    missing: tuple[MissingFact, ...]
    missing_total: int


_CONSEQUENTIAL = frozenset(
    {
        ActionType.BRANCH_FORCE_PUSH,
        ActionType.BRANCH_DELETE,
        ActionType.TAG_CREATE,
        ActionType.TAG_DELETE,
        ActionType.MERGE_REQUEST_MERGE,
        ActionType.MERGE_REQUEST_REBASE,
        ActionType.PIPELINE_RUN,
        ActionType.PIPELINE_RETRY,
        ActionType.JOB_PLAY,
        ActionType.JOB_RETRY,
        ActionType.DEPLOYMENT_ROLLBACK,
        ActionType.ENVIRONMENT_STOP,
    }
)


def is_consequential(action_type: ActionType) -> bool:
    """Whether rules for what matters look at this type: it merges, runs, releases, removes or rewrites."""
    return action_type in _CONSEQUENTIAL


def policy_input(action: Action, facts: Facts, blast: BlastRadius | None, *, supported: bool) -> PolicyInput:
    """The document for one action. `supported` says whether this version can perform it."""
    change = facts.change
    return PolicyInput(
        version=INPUT_VERSION,
        action=_action(action, supported=supported),
        agent=facts.agent,
        context=facts.context,
        project=facts.project,
        branch=facts.branch,
        merge_request=facts.merge_request,
        pipeline=facts.pipeline,
        issue=_issue(facts.issue) if facts.issue else None,
        deployment=facts.deployment,
        job=facts.job,
        tag=facts.tag,
        similar=facts.similar,
        break_glass=(facts.glass,) if facts.glass else (),
        break_glass_total=1 if facts.glass else 0,
        code_owners=code_owners_input(change) if change else None,
        diff=diff_input(change) if change else None,
        commits=commit_inputs(change) if change else None,
        commits_total=len(change.commits) if change else None,
        ci=_ci(change) if change else None,
        blast=_blast(blast) if blast else None,
        costs=CostInput(**facts.costs.model_dump()) if facts.costs else None,
        deploys_to=facts.deploys_to,
        deploys_to_total=len(facts.deploys_to),
        text=facts.text,
        approvals=facts.approvals,
        approvals_total=len(facts.approvals),
        authors=facts.authors,
        authors_total=len(facts.authors),
        unknown_authors=facts.unknown_authors,
        stop=StopInput(engaged=bool(facts.stops), matching=facts.stops, matching_total=len(facts.stops)),
        missing=facts.missing,
        missing_total=len(facts.missing),
    )


def _action(action: Action, *, supported: bool) -> ActionInput:
    params = {k: v for k, v in plain_params(action).items() if k not in _UNSEEN_PARAMS}
    if isinstance(action.params, IssueLink):
        # Said even where it is the project itself: what is left out could not be told from what was lost.
        params["project"] = action.params.project or action.target.project
    return ActionInput(
        id=action.id,
        type=action.type.value,
        system=action.target.system.value,
        supported=supported,
        project=action.target.project,
        target=action.target.compact(),
        params=params,
        force=action.type in {ActionType.BRANCH_FORCE_PUSH, ActionType.MERGE_REQUEST_REBASE},
        delete=action.type in {ActionType.BRANCH_DELETE, ActionType.TAG_DELETE},
        consequential=is_consequential(action.type),
    )


def _issue(issue: IssueFacts) -> IssueFacts:
    seen = {k: v for k, v in issue.current.items() if k not in _UNSEEN_PARAMS}
    return issue.model_copy(update={"current": seen})


def _ci(change: Change) -> CiInput:
    ci = change.ci
    counted = ("local_includes", "remote_includes", "scripts", "environments")
    return CiInput(
        **ci.model_dump(exclude={"jobs"}), **{f"{name}_total": len(getattr(ci, name)) for name in counted}
    )


def _blast(blast: BlastRadius) -> BlastInput:
    plain = blast.model_dump(exclude={"entropy_permille", "drivers"})
    return BlastInput(
        **plain,
        services_total=len(blast.services),
        unmapped_total=len(blast.unmapped),
        dependants_total=len(blast.dependants),
        irreversible_total=len(blast.irreversible),
    )
