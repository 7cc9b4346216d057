"""The outbox: notices that are stored in the unit of the event that causes them, and sent afterwards."""

import json
from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from sqlalchemy import and_, func, insert, select, update

from audit.events import EventDraft, EventType
from gateway.adapters.store import events, queries, rows, tables
from gateway.adapters.store.break_glass import found_by_id
from gateway.adapters.store.reader import Reader
from gateway.adapters.store.unit import Unit
from gateway.adapters.store.writer import Writer
from gateway.core.actions import Target
from gateway.core.emergency import Stop
from gateway.core.notices import Channel, Matter, Occasion, place_of_notice
from gateway.core.vocabulary import System

E = EventType
_OCCASIONS: Final = {o.value: o for o in Occasion}
_DUE, _SENT, _FAILED = "due", "sent", "failed"
_row = tables.notifications.c


class SqlOutbox:
    """The port `Outbox` in the gateway's own database."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer, self._reader = writer, reader

    def open(self, channels: Iterable[Channel]) -> None:
        """From now on, units store a notice per channel with each event that people are told about."""
        self._writer.hears = partial(note, channels=tuple(channels))

    async def claim(self, *, lease_ms: int, limit: int) -> tuple[Matter, ...]:
        """Lease what is due, oldest first; each attempt is counted before it is made."""
        return await self._writer.run(lambda unit: _claim(unit, lease_ms, limit))

    async def sent(self, matter: Matter) -> None:
        """Note that people were told."""
        await self._writer.run(lambda unit: _sent(unit, matter))

    async def failed(self, matter: Matter, reason: str, *, pause_ms: int | None) -> None:
        """Note a failure; to be tried again after `pause_ms`, or never when that is None."""
        await self._writer.run(lambda unit: _failed(unit, matter, reason, pause_ms))

    async def given_up(self, since_ms: int) -> int:
        """How many notices were given up since then."""
        lost = and_(_row.state == _FAILED, _row.ended_ms >= since_ms)
        query = select(func.count()).select_from(tables.notifications).where(lost)
        return await self._reader.run(lambda connection: int(connection.execute(query).scalar() or 0))


def note(unit: Unit, draft: EventDraft, *, channels: tuple[Channel, ...]) -> None:
    """Store what people are to be told of an event, once per channel."""
    occasion = _OCCASIONS.get(draft.type.value)
    if occasion is None:
        return
    action_id = draft.subject if draft.subject.startswith("act_") else draft.data.get("action")
    for channel in channels:
        place = _place(unit, action_id) if channel is Channel.COMMENT else None
        if (place is None) == (channel is Channel.COMMENT) or _is_noted(unit, occasion, draft, channel):
            continue
        row = {
            "occasion": occasion.value,
            "subject": draft.subject,
            "channel": channel.value,
            "action_id": action_id,
            "place": rows.aim_of(place) if place else None,
            "state": _DUE,
            "attempts": 0,
            "due_ms": unit.now_ms,
            "reason": "",
            "created_ms": unit.now_ms,
        }
        unit.execute(insert(tables.notifications), row)


def _is_noted(unit: Unit, occasion: Occasion, draft: EventDraft, channel: Channel) -> bool:
    return unit.one(select(_row.state).where(_this(occasion.value, draft.subject, channel.value))) is not None


def _place(unit: Unit, action_id: str | None) -> Target | None:
    """Where a comment goes: the action's own issue or merge request, else the issue of its work item."""
    action = tables.actions.c
    found = unit.one(select(action.aim, action.trace).where(action.id == (action_id or "")))
    if found is None:
        return None
    return place_of_notice(Target.model_validate(json.loads(found.aim))) or _work_item(unit, found.trace)


def _work_item(unit: Unit, trace: str) -> Target | None:
    item = tables.work_items.c
    mine = and_(item.trace == trace, item.issue.is_not(None))
    found = unit.one(select(item.tracker, item.issue).where(mine).limit(1))
    if found is None:
        return None
    system = System.JIRA if "-" in found.issue else System.GITLAB
    return Target(system=system, project=found.tracker.removeprefix("jira:"), issue=found.issue)


def _claim(unit: Unit, lease_ms: int, limit: int) -> tuple[Matter, ...]:
    due = and_(_row.state == _DUE, _row.due_ms <= unit.now_ms)
    order = (_row.due_ms, _row.subject, _row.occasion, _row.channel)
    found = unit.rows(select(tables.notifications).where(due).order_by(*order).limit(limit))
    for row in found:
        leased = {"due_ms": unit.now_ms + lease_ms, "attempts": row.attempts + 1}
        unit.execute(_change(row.occasion, row.subject, row.channel, **leased))
    return tuple(_matter(unit, row) for row in found)


def _matter(unit: Unit, row: Any) -> Matter:
    record = queries.action(unit.connection, row.action_id) if row.action_id else None
    is_ticket, is_stop = row.subject.startswith("tkt_"), row.subject.startswith("stp_")
    return Matter(
        occasion=Occasion(row.occasion),
        subject=row.subject,
        channel=Channel(row.channel),
        attempts=row.attempts + 1,
        created_ms=row.created_ms,
        place=Target.model_validate(json.loads(row.place)) if row.place else None,
        action=record.action if record else None,
        ticket=queries.ticket(unit.connection, row.subject) if is_ticket else None,
        stop=_stop(unit, row.subject) if is_stop else None,
        glass=found_by_id(unit.connection, row.subject),
    )


def _stop(unit: Unit, stop_id: str) -> Stop | None:
    row = unit.one(select(tables.stops).where(tables.stops.c.id == stop_id))
    if row is None:
        return None
    return Stop(
        id=row.id, scope=row.scope, value=row.value, reason=row.reason, by=row.by, engaged_ms=row.engaged_ms
    )


def _sent(unit: Unit, matter: Matter) -> None:
    if _end(unit, matter, state=_SENT, ended_ms=unit.now_ms):
        unit.record(events.drafted(E.NOTIFICATION_SENT, matter.subject, _data(matter)))


def _failed(unit: Unit, matter: Matter, reason: str, pause_ms: int | None) -> None:
    values: dict[str, Any] = (
        {"due_ms": unit.now_ms + pause_ms}
        if pause_ms is not None
        else {"state": _FAILED, "ended_ms": unit.now_ms}
    )
    if _end(unit, matter, reason=reason, **values):
        data = {**_data(matter), "given_up": pause_ms is None}
        unit.record(events.drafted(E.NOTIFICATION_FAILED, matter.subject, data, {"reason": reason}))


def _end(unit: Unit, matter: Matter, **values: Any) -> bool:
    """Change the row, unless another attempt has ended it meanwhile."""
    change = _change(matter.occasion.value, matter.subject, matter.channel.value, **values)
    return unit.changes(change.where(_row.state == _DUE)) == 1


def _change(occasion: str, subject: str, channel: str, **values: Any) -> Any:
    return update(tables.notifications).where(_this(occasion, subject, channel)).values(**values)


def _this(occasion: str, subject: str, channel: str) -> Any:
    return and_(_row.occasion == occasion, _row.subject == subject, _row.channel == channel)


def _data(matter: Matter) -> dict[str, Any]:
    return {
        "about": matter.occasion.value,
        "channel": matter.channel.value,
        "attempts": matter.attempts,
        "action": matter.action.id if matter.action else None,
    }
