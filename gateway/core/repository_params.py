"""The params of the types that change tags, merge requests and what CI runs (api.md's vocabulary table)."""

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from gateway.core.errors import MalformedError
from gateway.core.param_fields import Comment, Label, Markdown, NoParams, Params, RefName, Title
from gateway.core.refs import check_name, check_name_or_commit
from gateway.core.vocabulary import ActionType as T

_MAX_VARIABLES: Final = 20


class TagCreate(Params):
    """`ref`: the branch or the commit (40 hex) that the tag shall name."""

    ref: RefName


class MergeRequestUpdate(Params):
    """New values for the fields that are given, at least one; the others stay as they are.

    `target` is another branch to merge into. `labels` are all the labels the merge request shall have.
    """

    title: Title | None = None
    description: Markdown | None = None
    labels: tuple[Label, ...] | None = Field(default=None, max_length=20)
    target: RefName | None = None
    draft: bool | None = None

    @property
    def given(self) -> tuple[str, ...]:
        """The names of the fields to be overwritten, sorted."""
        return tuple(sorted(self.canonical()))

    def texts(self) -> dict[str, str]:
        """Title and description, as far as they are given."""
        texts = {"title": self.title, "description": self.description}
        return {name: text for name, text in texts.items() if text is not None}


class PipelineVariable(Params):
    """A variable for every job of one pipeline. Which names are welcome is the policy's matter."""

    key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
    value: Annotated[str, StringConstraints(max_length=5000)]


class PipelineRun(Params):
    """A new pipeline for the head of the branch `ref`."""

    ref: RefName
    variables: tuple[PipelineVariable, ...] = Field(default=(), max_length=_MAX_VARIABLES)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the variables, sorted."""
        return tuple(sorted(v.key for v in self.variables))

    def texts(self) -> dict[str, str]:
        """The values of the variables."""
        return {f"variables/{n}/value": v.value for n, v in enumerate(self.variables)}


REPOSITORY_PARAMS: Final[dict[T, type[Params]]] = {
    T.BRANCH_DELETE: NoParams,
    T.COMMIT_CHERRY_PICK: NoParams,
    T.COMMIT_COMMENT: Comment,
    T.TAG_CREATE: TagCreate,
    T.TAG_DELETE: NoParams,
    T.MERGE_REQUEST_UPDATE: MergeRequestUpdate,
    T.MERGE_REQUEST_CLOSE: NoParams,
    T.MERGE_REQUEST_REOPEN: NoParams,
    T.MERGE_REQUEST_REBASE: NoParams,
    T.PIPELINE_RUN: PipelineRun,
    T.PIPELINE_RETRY: NoParams,
    T.PIPELINE_CANCEL: NoParams,
    T.JOB_PLAY: NoParams,
    T.JOB_RETRY: NoParams,
    T.JOB_CANCEL: NoParams,
    T.ENVIRONMENT_STOP: NoParams,
}


def check_repository_params(params: Params) -> None:
    """Refuse what the form allows and makes no sense. Raises `MalformedError`."""
    match params:
        case TagCreate():
            check_name_or_commit(params.ref, "/params/ref")
        case MergeRequestUpdate():
            _check_update(params)
        case PipelineRun():
            _check_run(params)
        case _:
            return


def _check_update(params: MergeRequestUpdate) -> None:
    if not params.given:
        raise MalformedError(
            "/params names nothing to change: give title, description, labels, target or draft.",
            field="/params",
        )
    if params.target is not None:
        check_name(params.target, "/params/target")


def _check_run(params: PipelineRun) -> None:
    check_name(params.ref, "/params/ref")
    if len(set(params.names)) < len(params.names):
        raise MalformedError("/params/variables names a variable twice.", field="/params/variables")
