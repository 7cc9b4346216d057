"""The parts of GitLab's answers that the gateway uses (docs.gitlab.com/api, version 19.5)."""

from datetime import datetime
from typing import Any

from pydantic import Field

from gateway.adapters.gitlab.forge import Answer


class User(Answer):
    """Somebody on the forge."""

    username: str
    id: int = 0


class Project(Answer):
    """`GET /projects/:id`."""

    id: int
    path_with_namespace: str
    default_branch: str | None = None
    ci_config_path: str | None = None
    archived: bool = False


class ProtectedBranch(Answer):
    """A member of `GET /projects/:id/protected_branches` or `protected_tags`; `name` is a pattern with `*`."""

    name: str


class Commit(Answer):
    """A commit as the API tells it."""

    id: str
    parent_ids: tuple[str, ...] = ()


class Branch(Answer):
    """`GET /projects/:id/repository/branches/:branch`."""

    name: str
    commit: Commit


class Release(Answer):
    """What a tag says of the release made of it."""

    tag_name: str = ""


class Tag(Answer):
    """`GET /projects/:id/repository/tags/:tag_name`; `target` is what the ref holds, `commit` what it names."""

    name: str
    target: str
    commit: Commit
    release: Release | None = None


class Pipeline(Answer):
    """A member of `GET /projects/:id/pipelines`; `tag` is told of a single one only."""

    id: int
    sha: str
    status: str
    ref: str = ""
    tag: bool = False
    source: str = ""
    web_url: str | None = None
    created_at: datetime | None = None


class Written(Answer):
    """What every write answers; `commands_changes` is there when GitLab executed text as commands."""

    id: int | None = None
    iid: int | None = None
    web_url: str | None = None
    body: str | None = None
    description: str | None = None
    author: User | None = None
    created_at: datetime | None = None
    commands_changes: Any = None


class Issue(Written):
    """`GET /projects/:id/issues/:iid`."""

    iid: int
    state: str
    title: str = ""
    labels: tuple[str, ...] = ()
    assignees: tuple[User, ...] = ()
    closed_by: User | None = None
    closed_at: datetime | None = None


class Note(Written):
    """A comment on an issue or a merge request; `system` when GitLab wrote it about what somebody did."""

    system: bool = False


class CommitNote(Answer):
    """A comment on a commit: it has no number."""

    note: str
    author: User | None = None
    created_at: datetime | None = None


class LabelEvent(Answer):
    """A member of `GET …/resource_label_events`."""

    user: User | None = None
    created_at: datetime


class PushData(Answer):
    """What a push did to one ref: `action` is created, pushed or removed."""

    action: str
    ref_type: str
    ref: str | None = None
    commit_from: str | None = None
    commit_to: str | None = None


class Event(Answer):
    """A member of `GET /projects/:id/events`."""

    author_username: str = ""
    created_at: datetime
    push_data: PushData | None = None


class References(Answer):
    """How an issue is written: `full` is `shop/checkout#1`."""

    full: str = ""


class LinkedIssue(Answer):
    """A member of `GET …/issues/:iid/links`: the other issue, and the link to it."""

    iid: int
    issue_link_id: int
    link_type: str
    link_created_at: datetime | None = None
    references: References = References()


class Upload(Answer):
    """`POST /projects/:id/uploads`."""

    url: str
    markdown: str


class Rebase(Answer):
    """`PUT …/merge_requests/:iid/rebase`."""

    rebase_in_progress: bool = True


class LintedJob(Answer):
    """A job as `GET …/ci/lint` reads it off the configuration."""

    name: str
    environment: Any = None


class Lint(Answer):
    """`GET /projects/:id/ci/lint`."""

    valid: bool
    jobs: tuple[LintedJob, ...] | None = None


class StateEvent(Answer):
    """A member of `GET …/issues/:iid/resource_state_events`."""

    state: str
    user: User | None = None
    created_at: datetime


class MergeRequest(Written):
    """`GET /projects/:id/merge_requests/:iid`. `sha` is the head of the source branch."""

    iid: int
    state: str
    title: str = ""
    sha: str | None = None
    draft: bool = False
    source_branch: str
    target_branch: str
    source_project_id: int
    target_project_id: int
    detailed_merge_status: str = "unknown"
    labels: tuple[str, ...] = ()
    rebase_in_progress: bool | None = None
    merge_error: str | None = None
    closed_by: User | None = None
    closed_at: datetime | None = None
    squash_on_merge: bool = False
    force_remove_source_branch: bool | None = None
    merge_commit_sha: str | None = None
    squash_commit_sha: str | None = None
    merge_user: User | None = None
    merged_by: User | None = None


class Job(Answer):
    """A CI job."""

    id: int
    name: str = ""
    stage: str = ""
    status: str = ""
    ref: str = ""
    tag: bool = False
    web_url: str | None = None
    pipeline: Pipeline | None = None
    user: User | None = None
    created_at: datetime | None = None


class Environment(Answer):
    """A member of `GET /projects/:id/environments`."""

    id: int
    name: str
    state: str = ""


class Deployment(Answer):
    """A member of `GET /projects/:id/deployments`; `deployable` is the job that made it."""

    id: int
    sha: str
    status: str
    ref: str = ""
    created_at: datetime
    updated_at: datetime | None = None
    finished_at: datetime | None = None
    deployable: Job | None = None
    user: User | None = Field(default=None)
    environment: Environment | None = None
