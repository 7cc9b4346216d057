"""What a GitLab holds: plain mutable records, named as GitLab names them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from fnmatch import fnmatchcase

from gateway.sandbox.git.repository import Repository


class Role(IntEnum):
    """GitLab's access levels."""

    NO_ONE = 0
    GUEST = 10
    REPORTER = 20
    DEVELOPER = 30
    MAINTAINER = 40


@dataclass(frozen=True)
class User:
    """An account; bots are project or group access-token users."""

    id: int
    username: str
    name: str
    email: str
    bot: bool = False


@dataclass(frozen=True)
class Token:
    """A personal or project access token; `value` is the secret."""

    id: int
    value: str
    user: User
    name: str
    scopes: tuple[str, ...] = ("api", "write_repository")


@dataclass(frozen=True)
class Protection:
    """A protected branch: `name` may hold wildcards, levels are the lowest role allowed."""

    id: int
    name: str
    push: Role
    merge: Role
    allow_force_push: bool = False

    def covers(self, branch: str) -> bool:
        """Whether this protection is about `branch`."""
        return fnmatchcase(branch, self.name)


@dataclass
class Note:
    """A comment, or a line the system wrote."""

    id: int
    body: str
    author: User
    created_at: datetime
    updated_at: datetime
    system: bool = False
    commands_changes: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class StateEvent:
    """A change of state, as `resource_state_events` remembers it."""

    id: int
    user: User
    created_at: datetime
    state: str


@dataclass(frozen=True)
class LabelEvent:
    """A label put on or taken off, as `resource_label_events` remembers it."""

    id: int
    user: User
    created_at: datetime
    label: str
    action: str


@dataclass(frozen=True)
class PushEvent:
    """A ref that moved, as the project's events remember it; an absent side is forty zeros."""

    id: int
    user: User
    created_at: datetime
    ref_type: str
    ref: str
    old: str
    new: str


@dataclass(frozen=True)
class IssueLink:
    """A link from one issue of the project to another of it or of another project; `kind` is GitLab's `link_type`."""

    id: int
    source: "Issue"
    target: "Issue"
    kind: str
    created_at: datetime


@dataclass(frozen=True)
class CommitNote:
    """A comment on a commit, which has no number of its own in the API."""

    sha: str
    note: str
    author: User
    created_at: datetime


@dataclass
class Item:
    """What issues and merge requests share."""

    id: int
    iid: int
    project_id: int
    title: str
    description: str
    author: User
    created_at: datetime
    updated_at: datetime
    state: str = "opened"
    labels: list[str] = field(default_factory=list)
    assignees: list[User] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    state_events: list[StateEvent] = field(default_factory=list)
    label_events: list[LabelEvent] = field(default_factory=list)
    closed_at: datetime | None = None
    closed_by: User | None = None
    due_date: str | None = None
    confidential: bool = False
    locked: bool = False


@dataclass
class Issue(Item):
    """An issue."""


@dataclass
class MergeRequest(Item):
    """A merge request; `sha` is the head its diff was made for."""

    source_branch: str = ""
    target_branch: str = ""
    sha: str = ""
    base_sha: str = ""
    start_sha: str = ""
    squash: bool = False
    remove_source_branch: bool = False
    merge_commit_sha: str | None = None
    squash_commit_sha: str | None = None
    merged_at: datetime | None = None
    merged_by: User | None = None
    reviewers: list[User] = field(default_factory=list)
    approved_by: list[User] = field(default_factory=list)
    auto_merge_for: User | None = None
    auto_merge_wish: tuple[bool, bool] = (False, False)
    rebase_looks: int = 0
    rebase_for: User | None = None
    merge_error: str | None = None

    @property
    def draft(self) -> bool:
        """Whether the title says it is not ready."""
        return self.title.lower().startswith(("draft:", "[draft]", "(draft)"))


@dataclass
class Environment:
    """Where a job deploys to."""

    id: int
    name: str
    created_at: datetime
    updated_at: datetime
    state: str = "available"


@dataclass
class Job:
    """One job of a pipeline; `environment` makes it a deployment."""

    id: int
    name: str
    stage: str
    status: str
    pipeline_id: int
    user: User
    created_at: datetime
    environment: str | None = None
    manual: bool = False
    allow_failure: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None
    failure_reason: str | None = None
    retried: bool = False
    doomed: bool = False


@dataclass
class Pipeline:
    """One run of `.gitlab-ci.yml` for a commit."""

    id: int
    iid: int
    sha: str
    ref: str
    source: str
    user: User
    before_sha: str
    created_at: datetime
    updated_at: datetime
    status: str = "created"
    started_at: datetime | None = None
    finished_at: datetime | None = None
    yaml_errors: str | None = None
    job_ids: list[int] = field(default_factory=list)


@dataclass
class Deployment:
    """A commit brought to an environment by a job."""

    id: int
    iid: int
    ref: str
    sha: str
    environment_id: int
    job_id: int
    user: User
    created_at: datetime
    updated_at: datetime
    status: str = "created"
    finished_at: datetime | None = None


@dataclass
class Project:
    """A project with its repository and everything in it; numbers are the keys GitLab's routes use."""

    id: int
    namespace: str
    path: str
    description: str
    created_at: datetime
    repository: Repository
    default_branch: str = "main"
    only_allow_merge_if_pipeline_succeeds: bool = True
    job_tokens_may_push: bool = False
    job_tokens_are_listed: bool = True
    approvals_are_reset: bool = True
    authors_may_approve: bool = False
    archived: bool = False
    former_paths: list[str] = field(default_factory=list)
    members: dict[int, Role] = field(default_factory=dict)
    protections: list[Protection] = field(default_factory=list)
    issues: dict[int, Issue] = field(default_factory=dict)
    merge_requests: dict[int, MergeRequest] = field(default_factory=dict)
    pipelines: dict[int, Pipeline] = field(default_factory=dict)
    jobs: dict[int, Job] = field(default_factory=dict)
    environments: dict[int, Environment] = field(default_factory=dict)
    deployments: dict[int, Deployment] = field(default_factory=dict)
    protected_tags: list[str] = field(default_factory=list)
    releases: dict[str, str] = field(default_factory=dict)
    events: list[PushEvent] = field(default_factory=list)
    links: list[IssueLink] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    commit_notes: list[CommitNote] = field(default_factory=list)

    @property
    def full_path(self) -> str:
        """`group/project`."""
        return f"{self.namespace}/{self.path}"

    def protection(self, branch: str) -> Protection | None:
        """The protection covering a branch, if any."""
        return next((rule for rule in self.protections if rule.covers(branch)), None)

    def may_push(self, role: Role, branch: str) -> bool:
        """Whether a member with `role` may push to `branch`."""
        rule = self.protection(branch)
        needed = rule.push if rule else Role.DEVELOPER
        return needed is not Role.NO_ONE and role >= needed

    def may_merge(self, role: Role, branch: str) -> bool:
        """Whether a member with `role` may merge into `branch`."""
        rule = self.protection(branch)
        needed = rule.merge if rule else Role.DEVELOPER
        return needed is not Role.NO_ONE and role >= needed

    def jobs_of(self, pipeline: Pipeline) -> list[Job]:
        """The jobs of a pipeline in the order they were made."""
        return [self.jobs[number] for number in pipeline.job_ids]
