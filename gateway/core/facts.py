"""What the gateway found out by reading, before it judges. Each group is null where it does not apply."""

from typing import Any, Literal

from pydantic import Field

from gateway.core.changes import Change
from gateway.core.duplicates import SimilarFacts
from gateway.core.model import Model
from gateway.core.session_sources import SourceFact


class ProjectFacts(Model):
    """`id` is the numeric GitLab project id or the Jira project key; protected branches are patterns."""

    id: str
    path: str
    default_branch: str = ""
    protected_branches: tuple[str, ...] = ()


class BranchFacts(Model):
    """The branch the action writes. `head` is null when it does not exist yet."""

    name: str
    head: str | None
    protected: bool
    default: bool


class MergeRequestFacts(Model):
    """A merge request as the forge tells it; `author` is a roster id or `unknown`.

    For `merge_request.open` it describes the request to be: iid 0.
    """

    iid: int
    head: str
    source_branch: str
    target_branch: str
    source_project_id: str
    target_project_id: str
    author: str
    author_owner: str | None = None
    state: str
    draft: bool
    merge_status: str
    target_protected: bool


class PipelineFacts(Model):
    """The newest pipeline of `sha`; `status` is GitLab's word, `none` when there is no pipeline.

    For an action on a pipeline it is that one, for `pipeline.run` the one to be: state `proposed`, with the names of
    its `variables`. `protected` says whether the forge protects its `ref`.
    """

    status: str
    sha: str
    id: int | None = None
    ref: str = ""
    protected: bool = False
    variables: tuple[str, ...] = ()
    variables_total: int = 0


class JobFacts(Model):
    """The CI job of an action, and the pipeline and commit it belongs to; `manual`: it waits for somebody.

    `environment` is where it deploys to, null when it deploys nowhere, `unknown` when nobody can tell.
    """

    id: int
    name: str
    stage: str
    status: str
    manual: bool
    environment: str | None
    ref: str
    protected: bool
    sha: str
    pipeline: int


class TagFacts(Model):
    """The tag of an action. `commit` is where it is now, null when it is not there; `to` where it shall be.

    `released`: a release was made of it. `object` is what the ref holds: the commit, or a tag object of git's.
    """

    name: str
    commit: str | None
    object: str | None
    to: str | None
    protected: bool
    released: bool


class IssueFacts(Model):
    """A work item now. `transitions` are the names of statuses reachable from `status`.

    `current` holds the fields the action would overwrite as they are, by their names in the params; of a description
    its `text` without secrets and the `sha256` of the whole.
    """

    key: str
    status: str
    transitions: tuple[str, ...] = ()
    project: str
    current: dict[str, Any] = Field(default_factory=dict)


class DeploymentEntry(Model):
    """One successful deployment to the environment. Times in milliseconds since 1970, UTC.

    `healthy_s` is how many seconds it stayed in place without being marked bad.
    """

    id: int
    sha: str
    job_id: int | None
    finished_ms: int
    healthy_s: int


class DeploymentFacts(Model):
    """The environment of a rollback: what runs now, what it shall go back to, what ran before."""

    environment: str
    current_id: int | None
    current_sha: str | None
    to_id: int | None
    to_sha: str | None
    history: tuple[DeploymentEntry, ...] = ()
    history_total: int = 0


class TextFacts(Model):
    """What the texts of the action would do or show (core/text.py). Each member names field and hit."""

    quick_actions: tuple[str, ...] = ()
    closes: tuple[str, ...] = ()
    issue_keys: tuple[str, ...] = ()
    smart_commits: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    mass_mentions: tuple[str, ...] = ()
    skip_ci: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    trailers: tuple[str, ...] = ()
    bidi: tuple[str, ...] = ()
    shell: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    total: int = 0


class UsageFacts(Model):
    """What the agent has used of its budgets, counted over every door."""

    actions_hour: int
    actions_day: int
    open_merge_requests: int
    held_tickets: int


class GlassFacts(Model):
    """The break-glass in force for this action (ADR 0014). Times in milliseconds since 1970, UTC.

    `by` opened it, `second` confirmed it at `confirmed_ms`; `review_due_ms` is when a third person should have
    reviewed it.
    """

    id: str
    ticket: str
    by: str
    second: str | None
    confirmed_ms: int | None
    expires_ms: int
    review_due_ms: int | None


class Standing(Model):
    """How an agent stands: budgets used, ids of the stops on its action (sorted), and the tier set at run time, if any.

    `glass` is the break-glass in force for the action, the oldest if there are several; `sources` is what the agent has
    read, known for consequential actions.
    """

    usage: UsageFacts
    stops: tuple[str, ...] = ()
    suspended: bool = False
    tier: str | None = None
    glass: GlassFacts | None = None
    sources: tuple[SourceFact, ...] = ()


class CostFacts(Model):
    """What an action would use. `ci_jobs` and `job_seconds` (the median of the last pipelines) are None if unknown.

    `bytes` is what it stores and pushes.
    """

    pipelines: int = 0
    ci_jobs: int | None = None
    job_seconds: int | None = None
    bytes: int = 0


class AgentFacts(Model):
    """The agent as the roster and the database know it now."""

    id: str
    owner: str
    tier: str
    status: Literal["active", "suspended"]
    grants: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    branch_prefix: str
    usage: UsageFacts


class ApprovalFact(Model):
    """A vote for this action, as the road counted it."""

    id: str
    kind: Literal["person", "agent"]
    sha: str | None = None


class ContextFacts(Model):
    """The moment. `local_weekday` is 1 (Monday) to 7, `local_minute` 0 to 1439 in the project's zone.

    `clock_ok` is false while the clock disagrees with the log's last time. `sources` is what the agent read, as it said
    or as the gateway served it; told for consequential actions only.
    """

    now_ms: int
    local_weekday: int
    local_minute: int
    clock_ok: bool
    door: str
    sources: tuple[SourceFact, ...] = ()
    sources_total: int = 0


class MissingFact(Model):
    """A fact that could not be read: its path in the policy input, why, and whether to come back."""

    path: str
    reason: str
    retry: Literal["wait_until", "fix_and_retry", "never"]
    until_ms: int | None = None


class Facts(Model):
    """Everything gathered for one action. `concurrent` is other open work in the touched services.

    `subject` holds what the action would overwrite, as it is now: part of what people are asked, not of what rules
    see. JSON without floats; long texts as their SHA-256.
    """

    agent: AgentFacts
    context: ContextFacts
    project: ProjectFacts | None = None
    branch: BranchFacts | None = None
    merge_request: MergeRequestFacts | None = None
    pipeline: PipelineFacts | None = None
    issue: IssueFacts | None = None
    deployment: DeploymentFacts | None = None
    job: JobFacts | None = None
    tag: TagFacts | None = None
    similar: SimilarFacts | None = None
    glass: GlassFacts | None = None
    subject: dict[str, Any] = Field(default_factory=dict)
    change: Change | None = None
    costs: CostFacts | None = None
    deploys_to: tuple[str, ...] = ()
    text: TextFacts = TextFacts()
    approvals: tuple[ApprovalFact, ...] = ()
    authors: tuple[str, ...] = ()
    unknown_authors: int = 0
    stops: tuple[str, ...] = ()
    concurrent: int = 0
    missing: tuple[MissingFact, ...] = ()
