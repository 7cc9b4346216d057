"""The params of the issue types (api.md's vocabulary table), for Jira and GitLab alike."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from gateway.core.errors import MalformedError
from gateway.core.param_fields import Comment, Label, Markdown, NoParams, Params, Title
from gateway.core.vocabulary import ActionType as T

MAX_ATTACHMENT: Final = 2 * 1024 * 1024  # bytes, decoded
_MAX_ENCODED: Final = (MAX_ATTACHMENT + 2) // 3 * 4
Priority = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{1,20}$")]
# What a browser would run (HTML, SVG, XML) is not among them; forges tell by the ending, so it must agree.
CONTENT_TYPES: Final = {
    "application/gzip": (".gz", ".tgz"),
    "application/json": (".json",),
    "application/pdf": (".pdf",),
    "application/zip": (".zip",),
    "image/gif": (".gif",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    "text/csv": (".csv",),
    "text/markdown": (".md",),
    "text/plain": (".txt", ".log", ".diff", ".patch", ".yaml", ".yml"),
}


class IssueCreate(Params):
    """A new work item; `description` is Markdown (ADF for Jira is made by the gateway)."""

    title: Title
    description: Markdown = ""
    issue_type: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z -]{0,39}$")] = "Task"
    labels: tuple[Label, ...] = Field(default=(), max_length=20)
    priority: Priority | None = None

    def texts(self) -> dict[str, str]:
        """Title and description."""
        return {"title": self.title, "description": self.description}


class IssueUpdate(Params):
    """New values for the fields that are given, at least one; the others stay as they are.

    `labels` are all the labels the issue shall have; an empty list and an empty `description` clear.
    """

    title: Title | None = None
    description: Markdown | None = None
    labels: tuple[Label, ...] | None = Field(default=None, max_length=20)
    priority: Priority | None = None

    @property
    def given(self) -> tuple[str, ...]:
        """The names of the fields to be overwritten, sorted."""
        return tuple(sorted(self.canonical()))

    def texts(self) -> dict[str, str]:
        """Title and description, as far as they are given."""
        texts = {"title": self.title, "description": self.description}
        return {name: text for name, text in texts.items() if text is not None}


class IssueTransition(Params):
    """Move to the status named `to`; an optional `link` URL is added as a remote link or comment."""

    to: Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[A-Za-z][A-Za-z0-9 -]*$")]
    link: Annotated[str, StringConstraints(max_length=1000, pattern=r"^https?://[^\s<>\"]+$")] | None = None
    link_title: Annotated[str, StringConstraints(max_length=200)] | None = None

    def texts(self) -> dict[str, str]:
        """The link and its title."""
        return {k: v for k, v in (("link", self.link), ("link_title", self.link_title)) if v}


class IssueAssign(Params):
    """Give the issue to `assignee`: a roster id (`prn_…`, `agt_…`) or the vendor's own name of the account.

    That is a user name on GitLab and an account id on Jira. `unassign` takes it from whoever has it.
    Exactly one of the two.
    """

    assignee: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}$")] | None = None
    unassign: bool = False


class LinkKind(StrEnum):
    """How the target stands to the other issue: it `blocks` the other, is `blocked_by` it, `duplicates` it."""

    RELATES = "relates"
    BLOCKS = "blocks"
    BLOCKED_BY = "blocked_by"
    DUPLICATES = "duplicates"


class IssueLink(Params):
    """A link from the target to another issue on the same system.

    `issue` is a Jira key (`SHOP-12`) or a GitLab number as text; `project` is the other issue's GitLab project,
    when it is another one. Both issues must be in the caller's scope.
    """

    issue: Annotated[str, StringConstraints(max_length=30)]
    project: Annotated[str, StringConstraints(max_length=500)] | None = None
    kind: LinkKind = LinkKind.RELATES


class IssueClose(Params):
    """Close it; `resolution` is Jira's word for why (`Done`, `Won't Do`), where its workflow takes one."""

    resolution: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z' -]{0,59}$")] | None = None


class IssueAttach(Params):
    """A file on the issue: `content_type` must be one of `CONTENT_TYPES` and the name end as it says."""

    filename: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$")]
    content_base64: Annotated[str, StringConstraints(min_length=1, max_length=_MAX_ENCODED)]
    content_type: Annotated[str, StringConstraints(max_length=60)] = "text/plain"


ISSUE_PARAMS: Final[dict[T, type[Params]]] = {
    T.ISSUE_CREATE: IssueCreate,
    T.ISSUE_COMMENT: Comment,
    T.ISSUE_UPDATE: IssueUpdate,
    T.ISSUE_TRANSITION: IssueTransition,
    T.ISSUE_ASSIGN: IssueAssign,
    T.ISSUE_LINK: IssueLink,
    T.ISSUE_CLOSE: IssueClose,
    T.ISSUE_REOPEN: NoParams,
    T.ISSUE_ATTACH: IssueAttach,
}


def check_update(params: IssueUpdate) -> None:
    """Refuse an update of nothing. Raises `MalformedError`."""
    if not params.given:
        raise MalformedError(
            "/params names nothing to change: give title, description, labels or priority.", field="/params"
        )


def check_assignment(params: IssueAssign) -> None:
    """Refuse anything but one of the two. Raises `MalformedError`."""
    if params.unassign == (params.assignee is not None):
        raise MalformedError("/params needs either an assignee or unassign: true.", field="/params")


def check_attachment(params: IssueAttach) -> None:
    """Refuse types nobody listed and names that end as another type. Raises `MalformedError`."""
    endings = CONTENT_TYPES.get(params.content_type)
    if endings is None:
        known = ", ".join(CONTENT_TYPES)
        raise MalformedError(
            f"/params/content_type is not one that is attached: {known}.", field="/params/content_type"
        )
    if not params.filename.lower().endswith(endings):
        raise MalformedError(
            f"/params/filename must end in {' or '.join(endings)} for {params.content_type}.",
            field="/params/filename",
        )
