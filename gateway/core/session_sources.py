"""Whose words an agent has before it: what it says it read, and what the gateway served it. Taint is only ever added."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import StringConstraints

from gateway.core.model import Model

MOST_DECLARED: Final = 20
SERVED_FOR_MS: Final = 24 * 3_600_000
"""How long what the gateway served an agent counts, whatever trace it works under."""


class SourceKind(StrEnum):
    """What an agent can have read that somebody else wrote."""

    ISSUE = "issue"
    MERGE_REQUEST = "merge_request"
    COMMENT = "comment"
    FILE = "file"
    WEB = "web"
    REPORT = "report"
    MESSAGE = "message"
    WORK_ITEM = "work_item"
    OTHER = "other"


class Source(Model):
    """Something an agent says it read: what it is, and where, for people. It cannot say that it is to be trusted."""

    kind: SourceKind
    ref: Annotated[str, StringConstraints(max_length=300, pattern=r"^[!-~]*$")] = ""


class SourceFact(Model):
    """What rules see of it: the kind, and whether its words may be believed."""

    kind: str
    trust: Literal["trusted", "untrusted"]


def source_facts(kinds: Iterable[str]) -> tuple[SourceFact, ...]:
    """The sources of a session by kind, each once, sorted; whatever was written elsewhere is not to be trusted."""
    return tuple(SourceFact(kind=kind, trust="untrusted") for kind in sorted(set(kinds)))
