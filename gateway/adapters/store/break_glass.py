"""Break-glass in the store: opened, confirmed, used, ended by the clock, reviewed; every change an event.

Whether one is in force is asked of the clock inside the unit that starts an action, so that one that ran out between
judging and starting narrows nothing.
"""

from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, func, insert, or_, select, update

from audit.events import EventType
from gateway.adapters.store import events, tables
from gateway.adapters.store.prepared import Prepared
from gateway.adapters.store.reader import Reader
from gateway.adapters.store.unit import GuardError, Unit
from gateway.adapters.store.writer import Writer
from gateway.core.actions import Action
from gateway.core.break_glass import (
    CONFIRM_WITHIN_MS,
    REVIEW_WITHIN_MS,
    BreakGlass,
    refuse_closing,
    refuse_confirmation,
    refuse_review,
)
from gateway.core.errors import ConflictError, NotFoundError
from gateway.core.facts import GlassFacts
from gateway.core.permits import Permit
from gateway.core.steps import Blocked
from gateway.ports import Ids

E = EventType
_glass = tables.break_glass.c


class SqlBreakGlass:
    """Opens, confirms, closes and reviews; who may is the door's to say, what is possible is said here."""

    def __init__(self, writer: Writer, reader: Reader, ids: Ids) -> None:
        self._writer, self._reader, self._ids = writer, reader, ids

    async def open(
        self, scope: str, value: str, *, ticket: str, reason: str, minutes: int, by: str
    ) -> BreakGlass:
        """Open one for a second person to confirm; raises `ConflictError` (`review_overdue`)."""
        glass_id = self._ids.new("bgl")
        named = {"scope": scope, "value": value, "ticket": ticket, "reason": reason, "minutes": minutes}
        return await self._writer.run(lambda unit: _open(unit, {"id": glass_id, **named, "opened_by": by}))

    async def confirm(self, glass_id: str, *, by: str) -> BreakGlass:
        """Put it in force from now on; raises `NotFoundError`, `OutOfScopeError` or `ConflictError`."""
        return await self._writer.run(lambda unit: _confirm(unit, glass_id, by))

    async def close(self, glass_id: str, *, by: str) -> BreakGlass:
        """End it before its time; raises `NotFoundError` or `ConflictError`."""
        return await self._writer.run(lambda unit: _close(unit, glass_id, by))

    async def review(self, glass_id: str, *, by: str, justified: bool, finding: str) -> BreakGlass:
        """Record what a third person found; raises `NotFoundError`, `OutOfScopeError` or `ConflictError`."""
        return await self._writer.run(
            lambda unit: _review(unit, glass_id, by, justified=justified, finding=finding)
        )

    async def listed(self, *, after: str | None, limit: int) -> tuple[BreakGlass, ...]:
        """All of them, newest first; `after` is the last id of the page before."""
        query = select(tables.break_glass).order_by(_glass.id.desc()).limit(limit)
        query = query.where(_glass.id < after) if after else query
        return await self._reader.run(
            lambda connection: tuple(_glass_of(connection, row) for row in connection.execute(query).all())
        )

    async def overdue(self, now_ms: int) -> tuple[str, ...]:
        """Ids of those whose review is overdue, oldest first."""
        return await self._reader.run(lambda connection: _overdue(connection, now_ms))


def facts_on(connection: Connection, action: Action, now_ms: int) -> GlassFacts | None:
    """What rules see of the oldest break-glass in force for this agent, its project or its type."""
    glass_id = in_force_on(connection, action, now_ms)
    if glass_id is None:
        return None
    row = connection.execute(select(tables.break_glass).where(_glass.id == glass_id)).one()
    return GlassFacts(
        id=row.id,
        ticket=row.ticket,
        by=row.opened_by,
        second=row.confirmed_by,
        confirmed_ms=row.confirmed_ms,
        expires_ms=row.expires_ms,
        review_due_ms=None if row.confirmed_ms is None else row.confirmed_ms + REVIEW_WITHIN_MS,
    )


def in_force_on(connection: Connection, action: Action, now_ms: int) -> str | None:
    """Id of the oldest break-glass in force for this agent, its project or its type."""
    named = {
        "agent": action.agent,
        "project": action.target.project or "",
        "action_type": action.type.value,
        "at_ms": now_ms,
    }
    found = _IN_FORCE.first(connection, named)
    return None if found is None else str(found.id)


def use(unit: Unit, permit: Permit) -> None:
    """Note that an action starts on its break-glass; raises `GuardError` when that is not in force any more."""
    narrowing, action = permit.break_glass, permit.action
    if narrowing is None:
        return
    row = unit.one(_ONE_IN_FORCE, {"wanted": narrowing.id, "at_ms": unit.now_ms})
    if row is None:
        detail = "The break-glass that this was approved on has ended; the action must be judged without it."
        raise GuardError(Blocked(guard="break_glass", detail=detail))
    unit.execute(insert(tables.break_glass_uses), {"glass_id": narrowing.id, "action_id": action.id})
    data = {
        "break_glass": narrowing.id,
        "agent": action.agent,
        "type": action.type.value,
        "ruling": permit.ruling_id,
        "ticket": permit.ticket_id,
        "codes": list(narrowing.codes),
    }
    unit.record(events.drafted(E.BREAKGLASS_USED, action.id, data))


def settle(unit: Unit) -> None:
    """Say of what the clock has ended that it ended, and of reviews that they are overdue; each once."""
    over = and_(_glass.closed_ms.is_(None), _glass.expires_ms <= unit.now_ms)
    for row in unit.rows(select(tables.break_glass).where(over)):
        unit.execute(update(tables.break_glass).where(_glass.id == row.id).values(closed_ms=row.expires_ms))
        unit.record(_closed(unit, row.id, by=None))
    late = and_(_is_overdue(unit.now_ms), _glass.overdue_ms.is_(None))
    for row in unit.rows(select(tables.break_glass).where(late)):
        unit.execute(update(tables.break_glass).where(_glass.id == row.id).values(overdue_ms=unit.now_ms))
        due = {"due_ms": row.confirmed_ms + REVIEW_WITHIN_MS, "by": row.opened_by}
        unit.record(events.drafted(E.BREAKGLASS_OVERDUE, row.id, due))


def _open(unit: Unit, given: dict[str, Any]) -> BreakGlass:
    _refuse_while_overdue(unit)
    glass = BreakGlass(**given, opened_ms=unit.now_ms, expires_ms=unit.now_ms + CONFIRM_WITHIN_MS)
    unit.execute(insert(tables.break_glass), glass.model_dump(exclude={"uses"}))
    data = {
        "scope": glass.scope,
        "value": glass.value,
        "ticket": glass.ticket,
        "minutes": glass.minutes,
        "by": glass.opened_by,
    }
    unit.record(events.drafted(E.BREAKGLASS_OPENED, glass.id, data, {"reason": glass.reason}))
    return glass


def _confirm(unit: Unit, glass_id: str, by: str) -> BreakGlass:
    glass = _found(unit, glass_id)
    refuse_confirmation(glass, by, unit.now_ms)
    _refuse_while_overdue(unit)
    expires_ms = unit.now_ms + glass.minutes * 60_000
    values = {"confirmed_by": by, "confirmed_ms": unit.now_ms, "expires_ms": expires_ms}
    _change(unit, glass_id, values)
    data = {"by": by, "opened_by": glass.opened_by, "expires_ms": expires_ms}
    unit.record(events.drafted(E.BREAKGLASS_CONFIRMED, glass_id, data))
    return glass.model_copy(update=values)


def _close(unit: Unit, glass_id: str, by: str) -> BreakGlass:
    glass = _found(unit, glass_id)
    refuse_closing(glass, unit.now_ms)
    values = {"closed_ms": unit.now_ms, "closed_by": by}
    _change(unit, glass_id, values)
    unit.record(_closed(unit, glass_id, by=by))
    return glass.model_copy(update=values)


def _review(unit: Unit, glass_id: str, by: str, *, justified: bool, finding: str) -> BreakGlass:
    glass = _found(unit, glass_id)
    refuse_review(glass, by, unit.now_ms)
    values = {"reviewed_by": by, "reviewed_ms": unit.now_ms, "justified": justified, "finding": finding}
    _change(unit, glass_id, values)
    data = {"by": by, "justified": justified, "uses": glass.uses}
    unit.record(events.drafted(E.BREAKGLASS_REVIEWED, glass_id, data, {"finding": finding}))
    return glass.model_copy(update=values)


def _closed(unit: Unit, glass_id: str, *, by: str | None) -> Any:
    data = {"by": by, "uses": _uses(unit.connection, glass_id)}
    return events.drafted(E.BREAKGLASS_CLOSED, glass_id, data)


def _change(unit: Unit, glass_id: str, values: dict[str, Any]) -> None:
    unit.execute(update(tables.break_glass).where(_glass.id == glass_id).values(**values))


def _found(unit: Unit, glass_id: str) -> BreakGlass:
    found = found_by_id(unit.connection, glass_id)
    if found is None:
        raise NotFoundError("There is no such break-glass.")
    return found


def _refuse_while_overdue(unit: Unit) -> None:
    overdue = _overdue(unit.connection, unit.now_ms)
    if overdue:
        detail = f"The review of {overdue[0]} is overdue; review it first: `loopgate break-glass review {overdue[0]}`."
        raise ConflictError(detail, code="review_overdue")


def _overdue(connection: Connection, now_ms: int) -> tuple[str, ...]:
    query = select(_glass.id).where(_is_overdue(now_ms)).order_by(_glass.confirmed_ms, _glass.id)
    return tuple(connection.execute(query).scalars())


def _is_overdue(now_ms: int) -> Any:
    return and_(_glass.reviewed_ms.is_(None), _glass.confirmed_ms <= now_ms - REVIEW_WITHIN_MS)


def _glass_of(connection: Connection, row: Any) -> BreakGlass:
    given = {name: getattr(row, name) for name in BreakGlass.model_fields if name != "uses"}
    return BreakGlass(**given, uses=_uses(connection, row.id))


def found_by_id(connection: Connection, glass_id: str) -> BreakGlass | None:
    """The break-glass of that id, if there is one."""
    row = connection.execute(select(tables.break_glass).where(_glass.id == glass_id)).first()
    return _glass_of(connection, row) if row is not None else None


def _uses(connection: Connection, glass_id: str) -> int:
    used = tables.break_glass_uses.c.glass_id == glass_id
    query = select(func.count()).select_from(tables.break_glass_uses).where(used)
    return int(connection.execute(query).scalar_one())


def _now_in_force() -> Any:
    confirmed, open_still = _glass.confirmed_ms.is_not(None), _glass.closed_ms.is_(None)
    return and_(confirmed, open_still, _glass.expires_ms > bindparam("at_ms"))


def _matching() -> Select[Any]:
    scopes = ("agent", "project", "action_type")
    named = or_(*(and_(_glass.scope == scope, _glass.value == bindparam(scope)) for scope in scopes))
    return select(_glass.id).where(_now_in_force(), named).order_by(_glass.confirmed_ms, _glass.id).limit(1)


_IN_FORCE = Prepared(_matching())
_ONE_IN_FORCE = select(_glass.id).where(_glass.id == bindparam("wanted"), _now_in_force())
