"""What is to be said of the exceptions in `policies/data/exceptions.yaml`: who answers for each, and what to mend.

One pure function for `loopgate policy check` and `loopgate policy exceptions`; the clock and the history are handed in.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from gateway.core.model import Model
from gateway.core.recorded import RecordedRuling
from gateway.workbench.data_models import Exemption
from gateway.workbench.formats import Outcome, Report

SOON_MS = 14 * 86_400_000
"""How long before its end an exception is called expiring: two weeks."""
LONGEST_MS = 366 * 86_400_000
"""An exception with more time left than this is called endless."""
_LAST_MS = 253_402_300_799_000  # the last second of the year 9999
_ANY = re.compile(r"[*?\[\]{}]")


class Fault(StrEnum):
    """What can be wrong with an exception."""

    EXPIRED = "expired"
    EXPIRING = "expiring"
    ENDLESS = "endless"
    UNUSED = "unused"
    TOO_BROAD = "too broad"
    POWERLESS = "powerless"


class Warned(NamedTuple):
    """One thing to be said of one exception: what, in a sentence, and what to do about it."""

    exception: str
    fault: Fault
    problem: str
    remedy: str


class ExceptionLine(Model):
    """An exception as its owner reads it. `uses` is None where no history was looked at."""

    exemption: Exemption
    uses: int | None = None
    agents: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


def exception_warnings(
    exemptions: Iterable[Exemption],
    now_ms: int,
    *,
    uses: Mapping[str, int] | None = None,
    waivable: Collection[str] | None = None,
) -> tuple[Warned, ...]:
    """Everything to be said of these exceptions at a moment, in their order.

    `uses` counts by id how often each excused something in the period looked at; without it nothing is called unused.
    `waivable` are the codes that may be excused; without it nothing is called powerless.
    """
    return tuple(
        warned for one in exemptions for warned in _faults(one, now_ms, uses=uses, waivable=waivable)
    )


def _faults(
    one: Exemption, now_ms: int, *, uses: Mapping[str, int] | None, waivable: Collection[str] | None
) -> Iterator[Warned]:
    yield from _of_time(one, now_ms)
    if uses is not None and not uses.get(one.id):
        problem = f"{one.id} excused nothing in the period"
        yield Warned(one.id, Fault.UNUSED, problem, "remove it; what is not needed only waits to be misused")
    if waivable is not None and one.code not in waivable:
        problem = f"{one.id} names {one.code}, which no exception can excuse"
        yield Warned(one.id, Fault.POWERLESS, problem, "remove it, or name a code that is waivable")
    yield from _of_breadth(one)


def _of_time(one: Exemption, now_ms: int) -> Iterator[Warned]:
    left = one.expires_ms - now_ms
    if left <= 0:
        problem = f"{one.id} has expired and excuses nothing any more"
        yield Warned(
            one.id, Fault.EXPIRED, problem, f"remove it, or ask {one.owner} for a new end and ticket"
        )
    elif left <= SOON_MS:
        problem = f"{one.id} expires in {_days(left)}"
        remedy = f"{one.owner} mends what it excuses, or gives it a new end with a new ticket"
        yield Warned(one.id, Fault.EXPIRING, problem, remedy)
    elif left > LONGEST_MS:
        problem = f"{one.id} still excuses in {_days(left)}"
        yield Warned(
            one.id, Fault.ENDLESS, problem, "let it end within a year; renew it if it is needed then"
        )


def _of_breadth(one: Exemption) -> Iterator[Warned]:
    """Everybody everywhere is a change of the rule, not an exception from it."""
    place, agent = _reach(one.project.removeprefix("jira:")), _reach(one.agent.removeprefix("agt_"))
    if place == "all" or (place == "many" and agent == "all"):
        problem = f"{one.id} excuses {one.code} for agent {one.agent} in project {one.project}"
        remedy = "name the project and the agent; for everybody change the rule's limit or its mode"
        yield Warned(one.id, Fault.TOO_BROAD, problem, remedy)


def _reach(glob: str) -> str:
    """How much a glob covers: `all`, `many` or `few`."""
    if not _ANY.search(glob):
        return "few"
    return "many" if re.sub(r"[*?/]", "", glob) else "all"


def _days(milliseconds: int) -> str:
    days = milliseconds // 86_400_000
    return f"{days} day{'' if days == 1 else 's'}" if days else "less than a day"


def exception_lines(
    exemptions: Iterable[Exemption],
    warnings: Iterable[Warned],
    uses: Mapping[str, Collection[str]] | None = None,
) -> tuple[ExceptionLine, ...]:
    """Every exception with its faults; `uses` gives by id the agent of each decision it excused something in."""
    said: dict[str, list[Fault]] = {}
    for warned in warnings:
        said.setdefault(warned.exception, []).append(warned.fault)
    return tuple(
        ExceptionLine(
            exemption=one,
            uses=None if uses is None else len(uses.get(one.id, ())),
            agents=tuple(sorted(set(uses.get(one.id, ())))) if uses else (),
            faults=tuple(said.get(one.id, ())),
        )
        for one in exemptions
    )


def uses_of(history: Iterable[RecordedRuling]) -> dict[str, tuple[str, ...]]:
    """By exception, the agent of each action it excused something in; an action that was judged often counts once."""
    found: dict[str, dict[str, str]] = {}
    for ruling in history:
        for waived in ruling.waived:
            for one in waived.by:
                found.setdefault(one, {})[ruling.action_id] = ruling.agent
    return {one: tuple(actions.values()) for one, actions in found.items()}


COLUMNS = ("id", "code", "project", "agent", "until", "owner", "ticket", "uses", "mind")


def exception_row(line: ExceptionLine) -> tuple[str, ...]:
    """An exception as a row of a table."""
    one = line.exemption
    until = datetime.fromtimestamp(min(one.expires_ms, _LAST_MS) / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    uses = "-" if line.uses is None else f"{line.uses} by {', '.join(line.agents)}" if line.uses else "0"
    return (
        one.id,
        one.code,
        one.project,
        one.agent,
        until,
        one.owner,
        one.ticket,
        uses,
        ", ".join(line.faults),
    )


def exceptions_report(lines: Iterable[ExceptionLine], warnings: Iterable[Warned]) -> Report:
    """Exceptions as outcomes: what has no power any more is an error, what to think about a warning."""
    said: dict[str, list[Warned]] = {}
    for warned in warnings:
        said.setdefault(warned.exception, []).append(warned)
    told = tuple(lines)
    outcomes = tuple(_outcome(line, said.get(line.exemption.id, [])) for line in told)
    mind = sum(bool(said.get(line.exemption.id)) for line in told)
    return Report(
        tool="loopgate policy exceptions",
        summary=f"{len(told)} exceptions, {mind} of them to be looked at.",
        outcomes=outcomes,
    )


def _outcome(line: ExceptionLine, said: list[Warned]) -> Outcome:
    return Outcome(
        name=line.exemption.id,
        group="exceptions",
        level="warning" if said else "pass",
        code=line.exemption.code,
        file="data/exceptions.yaml",
        message="; ".join(warned.problem for warned in said),
        remedy="; ".join(warned.remedy for warned in said),
    )
