"""Who made a commit, as roster ids. Names and e-mail addresses stay in this module.

An address is a claim: whoever can push may write any. Signatures will make it proof; until then `verified` is false.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.adapters.git.names import message_text
from gateway.core.changes import CommitFact

GATEWAY = "gateway"
UNKNOWN = "unknown"
_AGENT = re.compile(r"(agt_[A-Za-z0-9][A-Za-z0-9_-]{0,80})@agents\.(.+)", re.ASCII)
_CO_AUTHOR = re.compile(rb"^co-authored-by:", re.IGNORECASE | re.MULTILINE)
_UTF8 = frozenset({b"utf-8", b"utf8"})


@dataclass(frozen=True, slots=True)
class Signature:
    """The name and address that stand in a commit."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class CommitObject:
    """A commit as git holds it. `usable` is false when its text is not what it seems (not UTF-8)."""

    id: str
    tree: str
    parents: tuple[str, ...]
    author: str
    committer: str
    message: str
    co_authors: int
    usable: bool

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.split("\n", 1)[0]


class Authorship:
    """Which roster id stands behind an e-mail address.

    `host` is the origin host of agents' addresses, `gateway` the addresses of the gateway's own identities on the
    forge, `people` addresses of roster members (of people, and of agents that commit elsewhere).
    """

    def __init__(
        self, host: str, *, gateway: tuple[str, ...] = (), people: Mapping[str, str] | None = None
    ) -> None:
        self._host = host.lower()
        self._gateway = frozenset(e.lower() for e in (*gateway, self.road_email))
        self._people = {email.lower(): person for email, person in (people or {}).items()}

    @property
    def road_email(self) -> str:
        """The address of the gateway as committer."""
        return f"gateway@agents.{self._host}"

    def id_of(self, email: str) -> str:
        """A roster id, `gateway`, or `unknown`."""
        plain = email.strip().lower()
        if plain in self._gateway:
            return GATEWAY
        agent = _AGENT.fullmatch(email.strip())
        if agent and agent[2].lower() == self._host:
            return agent[1]
        return self._people.get(plain, UNKNOWN)

    def of_agent(self, agent: str) -> Signature:
        """How an agent stands in the commits the gateway builds for it."""
        return Signature(agent, f"{agent}@agents.{self._host}")

    def of_road(self) -> Signature:
        """How the gateway stands in the commits it builds."""
        return Signature("Loopgate", self.road_email)

    def fact(self, commit: CommitObject, agent: str) -> CommitFact:
        """The commit as facts, seen from the agent that proposes."""
        author, committer = self.id_of(commit.author), self.id_of(commit.committer)
        return CommitFact(
            id=commit.id,
            author=author,
            committer=committer,
            foreign=not {author, committer} <= {agent, GATEWAY},
            co_authors=commit.co_authors,
        )


def parsed_commit(oid: str, raw: bytes) -> CommitObject:
    """A commit object read; what is missing or doubled is unknown, never guessed."""
    head, _, body = raw.partition(b"\n\n")
    headers = [line.partition(b" ") for line in head.split(b"\n") if not line.startswith(b" ")]
    named: dict[bytes, list[bytes]] = {}
    for key, _, value in headers:
        named.setdefault(key, []).append(value)
    message = message_text(body)
    foreign_text = any(e.lower() not in _UTF8 for e in named.get(b"encoding", []))
    return CommitObject(
        id=oid,
        tree=b"".join(named.get(b"tree", [])[:1]).decode("ascii", "replace"),
        parents=tuple(p.decode("ascii", "replace") for p in named.get(b"parent", [])),
        author=_email(named.get(b"author", [])),
        committer=_email(named.get(b"committer", [])),
        message=message.value.rstrip("\n"),
        co_authors=co_authors(body),
        usable=message.usable and not foreign_text,
    )


def co_authors(message: bytes) -> int:
    """How many lines claim a co-author, wherever they stand."""
    return len(_CO_AUTHOR.findall(message))


def _email(values: list[bytes]) -> str:
    if len(values) != 1:
        return ""
    return values[0].rpartition(b"<")[2].partition(b">")[0].decode("utf-8", "backslashreplace")
