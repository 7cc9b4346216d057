"""The params of every action type, one model each (api.md's vocabulary table)."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from gateway.core.model import Model
from gateway.core.vocabulary import ActionType as T

Title = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Markdown = Annotated[str, StringConstraints(max_length=100_000)]
RefName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$")]
CommitId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\s,]+$")]


class Params(Model):
    """Base of all params."""

    def canonical(self) -> dict[str, Any]:
        """The JSON form that the action digest covers: unset optionals left out."""
        return self.model_dump(mode="json", exclude_none=True)

    def texts(self) -> dict[str, str]:
        """Every free text field by name: what the text rules and the detectors look at."""
        return {}


class NoParams(Params):
    """For types that need none."""


class IssueCreate(Params):
    """A new work item; `description` is Markdown (ADF for Jira is made by the gateway)."""

    title: Title
    description: Markdown = ""
    issue_type: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z -]{0,39}$")] = "Task"
    labels: tuple[Label, ...] = Field(default=(), max_length=20)
    priority: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{1,20}$")] | None = None

    def texts(self) -> dict[str, str]:
        """Title and description."""
        return {"title": self.title, "description": self.description}


class Comment(Params):
    """A comment in Markdown."""

    body: Annotated[str, StringConstraints(min_length=1, max_length=100_000)]

    def texts(self) -> dict[str, str]:
        """The body."""
        return {"body": self.body}


class IssueTransition(Params):
    """Move to the status named `to`; an optional `link` URL is added as a remote link or comment."""

    to: Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[A-Za-z][A-Za-z0-9 -]*$")]
    link: Annotated[str, StringConstraints(max_length=1000, pattern=r"^https?://[^\s<>\"]+$")] | None = None
    link_title: Annotated[str, StringConstraints(max_length=200)] | None = None

    def texts(self) -> dict[str, str]:
        """The link and its title."""
        return {k: v for k, v in (("link", self.link), ("link_title", self.link_title)) if v}


class BranchCreate(Params):
    """`from_` (JSON `from`): the branch or commit to start at; the default branch when left out."""

    model_config = ConfigDict(serialize_by_alias=True)

    from_: RefName | None = Field(default=None, alias="from")


class FileOp(StrEnum):
    """What a commit does to one path."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    MOVE = "move"
    CHMOD = "chmod"


class FileChange(Params):
    """One path of a commit. `content` is UTF-8 text, `content_base64` bytes; at most one of them."""

    op: FileOp
    path: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    previous_path: Annotated[str, StringConstraints(min_length=1, max_length=1024)] | None = None
    content: str | None = None
    content_base64: str | None = None
    executable: bool | None = None


class CommitCreate(Params):
    """A commit on top of `branch` (created from `start_branch` when it does not exist).

    `expected_head` is the commit the branch must be at, when the agent wants to say so.
    """

    message: Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
    changes: tuple[FileChange, ...] = Field(min_length=1, max_length=1000)
    start_branch: RefName | None = None
    expected_head: CommitId | None = None

    def texts(self) -> dict[str, str]:
        """The commit message."""
        return {"message": self.message}


class MergeRequestOpen(Params):
    """A merge request from branch `source` into branch `target` of the same project."""

    source: RefName
    target: RefName
    title: Title
    description: Markdown = ""
    draft: bool = False
    labels: tuple[Label, ...] = Field(default=(), max_length=20)

    def texts(self) -> dict[str, str]:
        """Title and description."""
        return {"title": self.title, "description": self.description}


class MergeRequestMerge(Params):
    """Merge exactly `expected_head`; with `when_ready` the gateway waits for the pipeline itself."""

    expected_head: CommitId
    squash: bool = False
    remove_source_branch: bool = False
    when_ready: bool = False


class DeploymentRollback(Params):
    """Go back to `to`: a commit (40 hex) or a deployment id.

    `redeploy` retries the job of the earlier deployment, `revert` opens a revert merge request.
    """

    to: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{40}|[1-9][0-9]{0,17})$")]
    method: Literal["redeploy", "revert"] = "redeploy"


PARAMS: dict[T, type[Params]] = {
    T.ISSUE_CREATE: IssueCreate,
    T.ISSUE_COMMENT: Comment,
    T.ISSUE_TRANSITION: IssueTransition,
    T.BRANCH_CREATE: BranchCreate,
    T.COMMIT_CREATE: CommitCreate,
    T.COMMIT_REVERT: NoParams,
    T.COMMIT_COMMENT: Comment,
    T.MERGE_REQUEST_OPEN: MergeRequestOpen,
    T.MERGE_REQUEST_COMMENT: Comment,
    T.MERGE_REQUEST_MERGE: MergeRequestMerge,
    T.DEPLOYMENT_ROLLBACK: DeploymentRollback,
}


class UntypedParams(Params):
    """Params of a type this version does not support yet: kept as they came, never acted on."""

    given: dict[str, Any] = Field(default_factory=dict)


def params_model(action_type: T) -> type[Params]:
    """The params model of a type; `UntypedParams` for what is not supported yet."""
    return PARAMS.get(action_type, UntypedParams)
