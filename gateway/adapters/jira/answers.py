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


class Status(Answer):
    """A status of a workflow."""

    name: str


class Transition(Answer):
    """A way out of the issue's present status."""

    id: str
    name: str = ""
    to: Status


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


class Fields(Answer):
    """The fields of an issue that are asked for."""

    status: Status | None = None
    project: ProjectKey | None = None
    labels: tuple[str, ...] = ()
    creator: Account | None = None
    created: Moment | None = None


class ChangedItem(Answer):
    """One field's change."""

    field: str
    to_string: str | None = Field(default=None, alias="toString")


class History(Answer):
    """One entry of an issue's changelog."""

    author: Account | None = None
    created: Moment
    items: tuple[ChangedItem, ...] = ()


class Changelog(Answer):
    """An issue's changelog."""

    histories: tuple[History, ...] = ()


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
