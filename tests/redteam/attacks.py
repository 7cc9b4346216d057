"""The table of attacks: each test says what the attacker wants and what stops it, and the page is made of that."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

Test = Callable[..., Awaitable[None]]


class Kind(StrEnum):
    """The classes of attacks, one file each."""

    SCOPE = "scope"
    TOKENS = "tokens"
    IDEMPOTENCY = "idempotency across principals"
    TEXT = "text"
    PATHS = "paths"
    REFS = "refs"
    CI = "CI files and job tokens"
    DUTIES = "laundering of authorship and votes"
    RACES = "races"
    REPLAY = "replay"
    LOG = "log injection"
    EVIDENCE = "tampering by a database user"
    FLOOD = "denial of service"


@dataclass(frozen=True)
class Attack:
    """One attack: what is wanted, what stops it, and the test that tries it."""

    kind: Kind
    wants: str
    stopped_by: str
    module: str
    test: str


ATTACKS: list[Attack] = []


def attack(kind: Kind, wants: str, *, stopped_by: str) -> Callable[[Test], Test]:
    """Enter a test into the table."""

    def enter(test: Test) -> Test:
        module = test.__module__.rsplit(".", 1)[-1]
        ATTACKS.append(Attack(kind, wants, stopped_by, module, test.__name__))
        return test

    return enter


def page() -> str:
    """The table as Markdown, in the order of the classes and of the tests."""
    parts = [_section(kind, _of(kind)) for kind in Kind]
    return "\n".join(parts)


def _of(kind: Kind) -> list[Attack]:
    """The attacks of a class, each once, however often its module was imported."""
    return list({a.test: a for a in ATTACKS if a.kind is kind}.values())


def _section(kind: Kind, attacks: list[Attack]) -> str:
    rows = "".join(f"| {a.wants} | {a.stopped_by} | `{a.test}` |\n" for a in attacks)
    title = kind.value[0].upper() + kind.value[1:]
    head = "| the attacker wants to | what stops it | test |\n|---|---|---|\n"
    where = f"`tests/redteam/{attacks[0].module}.py`" if attacks else ""
    return f"## {title}\n\n{len(attacks)} attacks, in {where}.\n\n{head}{rows}"
