"""What agents have read, as they said or as the gateway served it: nothing here is ever taken back."""

from collections.abc import Iterable

from sqlalchemy import Connection, and_, bindparam, insert, or_, select, update

from gateway.adapters.store import tables
from gateway.adapters.store.unit import Unit
from gateway.adapters.store.writer import Writer
from gateway.core.actions import Action
from gateway.core.session_sources import SERVED_FOR_MS, SourceFact, SourceKind, source_facts

_ANY_TRACE = ""
_HOUR_MS = 3_600_000
_row = tables.session_sources.c
_SEEN = select(_row.kind).where(
    _row.agent == bindparam("of_agent"),
    or_(
        _row.trace == bindparam("of_trace"),
        and_(_row.trace == _ANY_TRACE, _row.at_ms > bindparam("since_ms")),
    ),
)
_ONE = select(_row.at_ms).where(
    _row.agent == bindparam("of_agent"),
    _row.trace == bindparam("of_trace"),
    _row.kind == bindparam("of_kind"),
)


class SqlSources:
    """Notes what the gateway itself served an agent."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def served(self, agent: str, kind: SourceKind) -> None:
        """Note that the agent was served such texts now, under whatever trace it will act."""
        await self._writer.run(lambda unit: _note(unit, agent, _ANY_TRACE, (kind.value,)))


def declare(unit: Unit, action: Action) -> None:
    """Note what an action says was read; it counts for everything its agent does under the same trace."""
    _note(unit, action.agent, action.trace, sorted({source.kind.value for source in action.sources}))


def sources_of(connection: Connection, action: Action, now_ms: int) -> tuple[SourceFact, ...]:
    """What the action's agent has read: under its trace, and what it was served within a day."""
    named = {"of_agent": action.agent, "of_trace": action.trace, "since_ms": now_ms - SERVED_FOR_MS}
    kept = connection.execute(_SEEN, named).scalars()
    return source_facts((*kept, *(source.kind.value for source in action.sources)))


def _note(unit: Unit, agent: str, trace: str, kinds: Iterable[str]) -> None:
    for kind in kinds:
        key = {"agent": agent, "trace": trace, "kind": kind}
        known = unit.one(_ONE, {f"of_{name}": value for name, value in key.items()})
        if known is None:
            unit.execute(insert(tables.session_sources), {**key, "at_ms": unit.now_ms})
        elif unit.now_ms - known.at_ms >= _HOUR_MS:
            mine = and_(*(_row[name] == value for name, value in key.items()))
            unit.execute(update(tables.session_sources).where(mine).values(at_ms=unit.now_ms))
