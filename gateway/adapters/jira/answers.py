"""The parts of Jira's answers that the gateway uses (Jira Cloud platform REST API v3)."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from gateway.adapters.jira.site import Answer


def _moment(given: Any) -> Any:
    """Jira's times end in `+0000`, which is no ISO 8601 to everybody."""
    text = str(given)
    return f"{text[:-2]}:{text[-2:]}" if len(text) > 5 and text[-5] in "+-" else given  # noqa: PLR2004 - sign and four digits


Moment = Annotated[datetime, BeforeValidator(_moment)]


class Nothing(Answer):
    """An answer without a body that matters."""


class Account(Answer):
    """Somebody on the site; `emailAddress` may be hidden."""

    account_id: str = Field(alias="accountId")


class Category(Answer):
    """What a status means: `new`, `indeterminate` or `done`, whatever the site calls it."""

    key: str = ""


class Status(Answer):
    """A status of a workflow."""

    name: str
    category: Category = Field(default=Category(), alias="statusCategory")

    @property
    def done(self) -> bool:
        """Whether work on an issue in this status is over."""
        return self.category.key == "done"


class ScreenField(Answer):
    """A field on a transition's screen."""

    name: str
    required: bool = False
    has_default: bool = Field(default=False, alias="hasDefaultValue")


class Transition(Answer):
    """A way out of the issue's present status; `fields` are those of its screen, by key."""

    id: str
    name: str = ""
    to: Status
    fields: dict[str, ScreenField] = Field(default_factory=dict)


class Transitions(Answer):
    """`GET /issue/{key}/transitions`."""

    transitions: tuple[Transition, ...] = ()


class Project(Answer):
    """`GET /project/{key}`."""

    id: str
    key: str


class ProjectKey(Answer):
    """The project inside an issue."""

    key: str


class Named(Answer):
    """Something with a name: a priority, a type of link."""

    name: str


class LinkType(Named):
    """A type of link."""

    id: str = ""


class LinkTypes(Answer):
    """`GET /issueLinkType`."""

    types: tuple[LinkType, ...] = Field(default=(), alias="issueLinkTypes")


class Neighbour(Answer):
    """The issue at the other end of a link."""

    key: str


class Link(Answer):
    """A link as one of its issues shows it: the other one is inward or outward."""

    id: str
    type: LinkType
    inward: Neighbour | None = Field(default=None, alias="inwardIssue")
    outward: Neighbour | None = Field(default=None, alias="outwardIssue")


class Attachment(Answer):
    """A file on an issue; `size` is in bytes."""

    id: str
    filename: str
    size: int = -1
    author: Account | None = None
    created: Moment | None = None


class Attached(Answer):
    """`POST /issue/{key}/attachments`: the list it answers, as `items`."""

    items: tuple[Attachment, ...] = Field(min_length=1)


class Assignable(Answer):
    """`GET /user/assignable/search`: the list it answers, as `items`."""

    items: tuple[Account, ...] = ()


class Fields(Answer):
    """The fields of an issue that are asked for."""

    status: Status | None = None
    project: ProjectKey | None = None
    summary: str | None = None
    description: dict[str, Any] | None = None
    priority: Named | None = None
    assignee: Account | None = None
    labels: tuple[str, ...] = ()
    links: tuple[Link, ...] = Field(default=(), alias="issuelinks")
    attachment: tuple[Attachment, ...] = ()
    creator: Account | None = None
    created: Moment | None = None


class ChangedItem(Answer):
    """One field's change: the new value's id, where it has one, and its text."""

    field: str
    to: str | None = None
    to_string: str | None = Field(default=None, alias="toString")


class HistoryMetadata(Answer):
    """What the writer of a change said about it."""

    extra: dict[str, str] = Field(default_factory=dict, alias="extraData")


class History(Answer):
    """One entry of an issue's changelog."""

    author: Account | None = None
    created: Moment
    items: tuple[ChangedItem, ...] = ()
    metadata: HistoryMetadata | None = Field(default=None, alias="historyMetadata")


class Changelog(Answer):
    """An issue's changelog, newest first; `total` may be more than is shown."""

    histories: tuple[History, ...] = ()
    total: int = 0


class Issue(Answer):
    """`GET /issue/{key}`."""

    id: str
    key: str
    fields: Fields = Fields()
    properties: dict[str, Any] = Field(default_factory=dict)
    changelog: Changelog = Changelog()


class Created(Answer):
    """`POST /issue`, and a comment."""

    id: str
    key: str = ""


class Found(Answer):
    """A page of `POST /search/jql`; `id` only, unless more is asked for."""

    issues: tuple[Created, ...] = ()
    next_page_token: str | None = Field(default=None, alias="nextPageToken")


class FoundIssues(Answer):
    """A page of `POST /search/jql` with the fields that were asked for."""

    issues: tuple[Issue, ...] = ()
    next_page_token: str | None = Field(default=None, alias="nextPageToken")


class Comment(Answer):
    """A comment on an issue."""

    id: str
    author: Account | None = None
    created: Moment | None = None


class Comments(Answer):
    """A page of `GET /issue/{key}/comment`."""

    comments: tuple[Comment, ...] = ()


class Property(Answer):
    """An entity property."""

    key: str
    value: Any = None


class RemoteLink(Answer):
    """`POST /issue/{key}/remotelink`."""

    id: int
