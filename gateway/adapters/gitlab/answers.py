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
    """A member of `GET /projects/:id/protected_branches`; `name` is a pattern with `*`."""

    name: str


class Commit(Answer):
    """A commit as the API tells it."""

    id: str
    parent_ids: tuple[str, ...] = ()


class Branch(Answer):
    """`GET /projects/:id/repository/branches/:branch`."""

    name: str
    commit: Commit


class Pipeline(Answer):
    """A member of `GET /projects/:id/pipelines`."""

    id: int
    sha: str
    status: str
    ref: str = ""


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
    closed_by: User | None = None
    closed_at: datetime | None = None


class Note(Written):
    """A comment on an issue or a merge request."""


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
    squash_on_merge: bool = False
    force_remove_source_branch: bool | None = None
    merge_commit_sha: str | None = None
    squash_commit_sha: str | None = None
    merge_user: User | None = None
    merged_by: User | None = None


class Job(Answer):
    """A CI job."""

    id: int
    status: str = ""
    web_url: str | None = None
    pipeline: Pipeline | None = None


class Environment(Answer):
    """A member of `GET /projects/:id/environments`."""

    id: int
    name: str


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
