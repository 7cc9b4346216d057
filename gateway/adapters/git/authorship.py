"""Who made a commit, as roster ids. Names and e-mail addresses stay in this module.

An address is a claim: whoever can push may write any. A signature is proof where the signer's key is known
(`signatures.py`); everywhere else `verified` is false.
"""

import fnmatch
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.adapters.git.names import message_text
from gateway.adapters.git.signatures import SigningKeys, split_signature
from gateway.core.changes import CommitFact
from gateway.core.commit_words import domain_of, signed_off, subject_of
from gateway.core.lineage import UNKNOWN_PREFIX

GATEWAY = "gateway"
UNKNOWN = "unknown"
_AGENT = re.compile(r"(agt_[A-Za-z0-9][A-Za-z0-9_-]{0,80})@agents\.(.+)", re.ASCII)
_CO_AUTHOR = re.compile(rb"^co-authored-by:(.*)$", re.IGNORECASE | re.MULTILINE)
_UTF8 = frozenset({b"utf-8", b"utf8"})


@dataclass(frozen=True, slots=True)
class Signature:
    """The name and address that stand in a commit."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class CommitObject:
    """A commit as git holds it. `usable` is false when its text is not what it seems (not UTF-8).

    `signature` is its armoured signature, if it has one, and `payload` what that signature is over.
    """

    id: str
    tree: str
    parents: tuple[str, ...]
    author: str
    committer: str
    message: str
    co_authors: int
    usable: bool
    co_author_emails: tuple[str, ...] = ()
    signature: bytes = b""
    payload: bytes = b""

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.split("\n", 1)[0]


class Authorship:
    """Which roster id stands behind an e-mail address.

    `host` is the origin host of agents' addresses, `gateway` the addresses of the gateway's own identities on the
    forge, `people` addresses of roster members (of people, and of agents that commit elsewhere), `service_accounts`
    addresses of bots, `*` for any characters, with the person who answers for each. `keys` are the signing keys of
    roster members, `pseudonym` what stands for an address that nobody is known by.
    """

    def __init__(
        self,
        host: str,
        *,
        gateway: tuple[str, ...] = (),
        people: Mapping[str, str] | None = None,
        service_accounts: Mapping[str, str] | None = None,
        keys: Mapping[str, tuple[str, ...]] | None = None,
        pseudonym: Callable[[str], str] = lambda email: hashlib.sha256(email.encode()).hexdigest(),
    ) -> None:
        self._host = host.lower()
        self._bots = tuple((name.lower(), owner) for name, owner in sorted((service_accounts or {}).items()))
        self._keys = SigningKeys(keys or {})
        self._pseudonym = pseudonym
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
        owners = (owner for name, owner in self._bots if fnmatch.fnmatchcase(plain, name))
        return self._people.get(plain) or next(owners, UNKNOWN)

    def of_agent(self, agent: str) -> Signature:
        """How an agent stands in the commits the gateway builds for it."""
        return Signature(agent, f"{agent}@agents.{self._host}")

    def of_road(self) -> Signature:
        """How the gateway stands in the commits it builds."""
        return Signature("Loopgate", self.road_email)

    def claims(self, commit: CommitObject) -> tuple[str, ...]:
        """Everybody who stands in the commit: author, committer, co-authors, and whoever signed it; never the gateway.

        An address that nobody is known by gives `unknown:` and its pseudonym, so that two of them are two people.
        """
        emails = (commit.author, commit.committer, *commit.co_author_emails)
        signer = self._keys.signer_of(commit.signature, commit.payload)
        named = {self._named(email) for email in emails} | ({signer} if signer else set())
        return tuple(sorted(named - {GATEWAY}))

    def co_authors(self, commit: CommitObject) -> tuple[str, ...]:
        """Whom its message names as co-authors."""
        return tuple(sorted({self._named(email) for email in commit.co_author_emails} - {GATEWAY}))

    def poses(self, commit: CommitObject) -> bool:
        """Whether the commit claims to be an agent's or the gateway's work, which only the gateway makes."""
        author, committer = self.id_of(commit.author), self.id_of(commit.committer)
        return GATEWAY in {committer, author} or author.startswith("agt_")

    def _named(self, email: str) -> str:
        known = self.id_of(email)
        plain = email.strip().lower()
        return UNKNOWN_PREFIX + self._pseudonym(plain)[:32] if known == UNKNOWN else known

    def fact(self, commit: CommitObject, agent: str) -> CommitFact:
        """The commit as facts, seen from the agent that proposes.

        `verified` needs a signature by a known key of the author itself.
        """
        author, committer = self.id_of(commit.author), self.id_of(commit.committer)
        signer = self._keys.signer_of(commit.signature, commit.payload)
        return CommitFact(
            verified=signer is not None and signer == author,
            id=commit.id,
            author=author,
            committer=committer,
            foreign=not {author, committer} <= {agent, GATEWAY},
            co_authors=commit.co_authors,
            parents=len(commit.parents),
            subject=subject_of(commit.message),
            signed_off=signed_off(commit.message, commit.author),
            domain=domain_of(commit.author),
        )

    def fact_to_be(self, commit: CommitObject, agent: str) -> CommitFact:
        """A commit that the gateway would build for the agent, as `fact` will tell of it."""
        email = self.of_agent(agent).email
        return CommitFact(
            id=commit.id,
            author=agent,
            committer=GATEWAY,
            foreign=False,
            co_authors=commit.co_authors,
            parents=len(commit.parents),
            subject=subject_of(commit.message),
            signed_off=signed_off(commit.message, email),
            domain=domain_of(email),
        )


def parsed_commit(oid: str, raw: bytes) -> CommitObject:
    """A commit object read; what is missing or doubled is unknown, never guessed."""
    head, _, body = raw.partition(b"\n\n")
    payload, signature = split_signature(raw)
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
        co_author_emails=co_author_emails(body),
        signature=signature,
        payload=payload if signature else b"",
    )


def co_authors(message: bytes) -> int:
    """How many lines claim a co-author, wherever they stand."""
    return len(_CO_AUTHOR.findall(message))


def co_author_emails(message: bytes) -> tuple[str, ...]:
    """The address of each line that claims a co-author; empty where the line has none."""
    return tuple(_email([line]) for line in _CO_AUTHOR.findall(message))


def _email(values: list[bytes]) -> str:
    if len(values) != 1:
        return ""
    return values[0].rpartition(b"<")[2].partition(b">")[0].decode("utf-8", "backslashreplace")
