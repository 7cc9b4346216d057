"""The params of every action type, one model each (api.md's vocabulary table)."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from gateway.core.issue_params import (
    ISSUE_PARAMS,
    IssueAssign,
    IssueAttach,
    IssueClose,
    IssueCreate,
    IssueLink,
    IssueTransition,
    IssueUpdate,
    LinkKind,
)
from gateway.core.param_fields import (
    Comment,
    CommitId,
    Label,
    Markdown,
    NoParams,
    Params,
    RefName,
    Title,
)
from gateway.core.repository_params import (
    REPOSITORY_PARAMS,
    MergeRequestUpdate,
    PipelineRun,
    PipelineVariable,
    TagCreate,
)
from gateway.core.vocabulary import ActionType as T

# Read from here, wherever they are written.
__all__ = [
    "Comment",
    "CommitId",
    "IssueAssign",
    "IssueAttach",
    "IssueClose",
    "IssueCreate",
    "IssueLink",
    "IssueTransition",
    "IssueUpdate",
    "Label",
    "LinkKind",
    "Markdown",
    "MergeRequestUpdate",
    "NoParams",
    "Params",
    "PipelineRun",
    "PipelineVariable",
    "RefName",
    "TagCreate",
    "Title",
]


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


class PolicyChange(Params):
    """Put the policy with this digest in force: an uploaded one, or the one that was in force before."""

    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


PARAMS: dict[T, type[Params]] = {
    **ISSUE_PARAMS,
    **REPOSITORY_PARAMS,
    T.BRANCH_CREATE: BranchCreate,
    T.COMMIT_CREATE: CommitCreate,
    T.COMMIT_REVERT: NoParams,
    T.MERGE_REQUEST_OPEN: MergeRequestOpen,
    T.MERGE_REQUEST_COMMENT: Comment,
    T.MERGE_REQUEST_MERGE: MergeRequestMerge,
    T.DEPLOYMENT_ROLLBACK: DeploymentRollback,
    T.STOP_LIFT: NoParams,
    T.POLICY_ACTIVATE: PolicyChange,
    T.POLICY_ROLLBACK: PolicyChange,
}


class UntypedParams(Params):
    """Params of a type this version does not support yet: kept as they came, never acted on."""

    given: dict[str, Any] = Field(default_factory=dict)


def params_model(action_type: T) -> type[Params]:
    """The params model of a type; `UntypedParams` for what is not supported yet."""
    return PARAMS.get(action_type, UntypedParams)
