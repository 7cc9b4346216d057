"""Emergency stops and suspensions: in force for the next unit, because `started` checks them inside its own."""

from typing import Any

from sqlalchemy import delete, insert, select

from audit.events import EventType
from gateway.adapters.store import events, tables
from gateway.adapters.store.reader import Reader
from gateway.adapters.store.unit import Unit
from gateway.adapters.store.writer import Writer
from gateway.core.emergency import Stop
from gateway.core.errors import ConflictError, NotFoundError
from gateway.ports import Ids

E = EventType


class SqlEmergency:
    """Engages stops; suspends agents and sets their tier. Lifting is an action on the road (`lifting.py`)."""

    def __init__(self, writer: Writer, reader: Reader, ids: Ids) -> None:
        self._writer, self._reader, self._ids = writer, reader, ids

    async def engage(self, scope: str, value: str, *, reason: str, by: str) -> Stop:
        """Engage a stop on everything, an agent, a project or an action type."""
        stop_id = self._ids.new("stp")
        return await self._writer.run(
            lambda unit: _engage(
                unit, Stop(id=stop_id, scope=scope, value=value, reason=reason, by=by, engaged_ms=unit.now_ms)
            )
        )

    async def stop(self, stop_id: str) -> Stop:
        """A stop in force; raises `NotFoundError`, or `ConflictError` when it is lifted already."""
        query = select(tables.stops).where(tables.stops.c.id == stop_id)
        row = await self._reader.run(lambda connection: connection.execute(query).first())
        if row is None:
            raise NotFoundError("There is no such stop.")
        if row.lifted_ms is not None:
            raise ConflictError("This stop is lifted already.")
        return _stop_of(row)

    async def stops(self) -> tuple[Stop, ...]:
        """The stops in force, oldest first."""
        row = tables.stops.c
        query = select(tables.stops).where(row.lifted_ms.is_(None)).order_by(row.engaged_ms, row.id)
        return await self._reader.run(
            lambda connection: tuple(_stop_of(r) for r in connection.execute(query))
        )

    async def suspend(self, agent: str, *, reason: str, by: str) -> None:
        """Stop one agent until it is resumed; suspending twice changes nothing."""
        await self._writer.run(lambda unit: _set_suspended(unit, agent, by, reason, suspended=True))

    async def resume(self, agent: str, *, reason: str, by: str) -> None:
        """End an agent's suspension."""
        await self._writer.run(lambda unit: _set_suspended(unit, agent, by, reason, suspended=False))

    async def set_tier(self, agent: str, tier: str | None, *, by: str) -> None:
        """Set the tier an agent has now; None returns to the roster's ceiling."""
        await self._writer.run(lambda unit: _set_tier(unit, agent, tier, by))


def _engage(unit: Unit, stop: Stop) -> Stop:
    unit.execute(insert(tables.stops), stop.model_dump())
    data = {"scope": stop.scope, "value": stop.value or None, "by": stop.by}
    unit.record(events.drafted(E.STOP_ENGAGED, stop.id, data, {"reason": stop.reason}))
    return stop


def _stop_of(row: Any) -> Stop:
    return Stop(
        id=row.id, scope=row.scope, value=row.value, reason=row.reason, by=row.by, engaged_ms=row.engaged_ms
    )


def _set_suspended(unit: Unit, agent: str, by: str, reason: str, *, suspended: bool) -> None:
    before = _agent(unit, agent)
    if before["suspended"] == suspended:
        return
    _keep(unit, {**before, "suspended": suspended})
    data = {"by": by, "suspended": suspended}
    kind = E.AGENT_SUSPENDED if suspended else E.AGENT_CHANGED
    unit.record(events.drafted(kind, agent, data, {"reason": reason}))


def _set_tier(unit: Unit, agent: str, tier: str | None, by: str) -> None:
    before = _agent(unit, agent)
    if before["tier"] == tier:
        return
    _keep(unit, {**before, "tier": tier})
    unit.record(
        events.drafted(E.AGENT_TIER_CHANGED, agent, {"by": by, "before": before["tier"], "tier": tier})
    )


def _agent(unit: Unit, agent: str) -> dict[str, Any]:
    row = unit.one(select(tables.agents).where(tables.agents.c.agent == agent))
    return {
        "agent": agent,
        "suspended": bool(row.suspended) if row else False,
        "tier": row.tier if row else None,
    }


def _keep(unit: Unit, values: dict[str, Any]) -> None:
    unit.execute(delete(tables.agents).where(tables.agents.c.agent == values["agent"]))
    unit.execute(insert(tables.agents), values | {"changed_ms": unit.now_ms})
