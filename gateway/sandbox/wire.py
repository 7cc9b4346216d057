"""What arrives and what is answered, before either vendor's dialect: parsing, routing, replies."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, unquote

Document = dict[str, Any]
H = TypeVar("H")


@dataclass(frozen=True)
class Asked:
    """One HTTP request, read but not yet understood; header names are lower case."""

    method: str
    segments: tuple[str, ...]
    query: Document
    headers: Mapping[str, str]
    content: bytes
    origin: str
    raw_path: str = ""

    @property
    def address(self) -> str:
        """The absolute URL that was asked for, without its query."""
        return self.origin + self.raw_path

    @property
    def path(self) -> str:
        """The decoded path, for people and for patterns; never used to tell segments apart."""
        return "/" + "/".join(self.segments)


@dataclass(frozen=True)
class Reply:
    """One HTTP answer: a JSON document, or raw bytes with their media type."""

    status: int = 200
    document: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    media_type: str = "application/json"

    def body(self) -> bytes:
        """The bytes to send; nothing at all for 204."""
        if self.content is not None:
            return self.content
        if self.status == HTTPStatus.NO_CONTENT:
            return b""
        return json.dumps(self.document, ensure_ascii=False).encode()


class Refusal(Exception):  # noqa: N818  a refusal is the vendor's answer, not our error
    """The vendor says no: carries the whole answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.status} {reply.document}")
        self.reply = reply


def split_path(raw_path: bytes) -> tuple[str, ...]:
    """Path segments, each decoded once, so that `grp%2Fapp` stays one segment."""
    return tuple(unquote(part) for part in raw_path.decode("ascii", "replace").strip("/").split("/"))


def read_query(raw: str) -> Document:
    """Query parameters; `name[]` collects into a list, as Rails reads it."""
    found: Document = {}
    for name, value in parse_qsl(raw, keep_blank_values=True):
        if name.endswith("[]"):
            found.setdefault(name[:-2], []).append(value)
        else:
            found[name] = value
    return found


def read_body(content: bytes, media_type: str) -> Any:
    """The body as JSON or form fields; raises ValueError when it is neither."""
    if not content:
        return {}
    if media_type.startswith("multipart/"):
        return {}  # its parts are read by the one route that takes a file
    if "x-www-form-urlencoded" in media_type:
        return read_query(content.decode())
    document = json.loads(content, parse_constant=_refuse_constant)
    json.dumps(document, ensure_ascii=False).encode()  # a lone surrogate has no UTF-8: UnicodeEncodeError
    return document


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


@dataclass(frozen=True)
class Route(Generic[H]):
    """A method and path pattern (`projects/:id/issues`) with what answers it."""

    method: str
    pattern: str
    handler: H

    def match(self, method: str, segments: tuple[str, ...]) -> dict[str, str] | None:
        """The named parts when this route is meant, otherwise None."""
        parts = self.pattern.split("/")
        if method != self.method or len(parts) != len(segments):
            return None
        pairs = tuple(zip(parts, segments, strict=True))
        if any(part[0] != ":" and part != segment for part, segment in pairs):
            return None
        return {part[1:]: segment for part, segment in pairs if part[0] == ":"}


class Router(Generic[H]):
    """Finds the one route that answers a request."""

    def __init__(self, *tables: Iterable[Route[H]]) -> None:
        self._routes = tuple(route for table in tables for route in table)

    def find(self, method: str, segments: tuple[str, ...]) -> tuple[H, dict[str, str]] | None:
        """The handler and the named parts of the path, or None."""
        for route in self._routes:
            named = route.match(method, segments)
            if named is not None:
                return route.handler, named
        return None

    @property
    def routes(self) -> tuple[Route[H], ...]:
        """Every route served, for the contract tests."""
        return self._routes
