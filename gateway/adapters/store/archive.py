"""Reading the evidence: events, checkpoints, keys, bundles."""

import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Select, select

from audit import tables as audit_tables
from audit.disclosures import read
from audit.errors import ExportError
from audit.events import TYPE_PREFIX, EventType
from audit.export import Bundle, export_bundle
from audit.keys import KeyRole, public_pem
from gateway.adapters.store import events
from gateway.adapters.store.fork_guard import ForkGuard
from gateway.adapters.store.reader import Reader
from gateway.adapters.store.unit import Unit
from gateway.adapters.store.writer import Writer
from gateway.core.errors import MalformedError
from gateway.core.listings import EventRow

_CHUNK = 65_536


class SqlArchive:
    """The log as its readers see it."""

    def __init__(
        self,
        writer: Writer,
        reader: Reader,
        guard: ForkGuard,
        policies: Callable[[], Mapping[str, bytes]] = dict,
    ) -> None:
        self._writer, self._reader, self._guard, self._policies = writer, reader, guard, policies

    async def events(
        self, *, subject: str | None, event_type: str | None, after: int | None, limit: int
    ) -> tuple[EventRow, ...]:
        """Events in log order, with their disclosures."""
        leaf = audit_tables.leaves.c
        query = select(audit_tables.leaves).order_by(leaf.leaf_index).limit(limit)
        if subject is not None:
            query = query.where(leaf.subject == subject)
        if event_type is not None:
            query = query.where(leaf.type == event_type.removeprefix(TYPE_PREFIX))
        if after is not None:
            query = query.where(leaf.leaf_index > after)
        return await self._reader.run(lambda connection: _events(connection, query))

    async def checkpoint(self) -> str:
        """The newest checkpoint, a C2SP signed note; one is signed when there are newer leaves."""
        return await self._guard.handed_out(await self._writer.publish_checkpoint())

    async def keys(self) -> dict[str, Any]:
        """The log's verifier key, and the event keys as PEM by key id."""
        key = audit_tables.keys.c
        query = (
            select(key.key_id, key.public_key)
            .where(key.role == KeyRole.EVENT.value)
            .order_by(key.added_index)
        )
        found = await self._reader.run(lambda connection: connection.execute(query).all())
        pems = {row.key_id: public_pem(bytes(row.public_key)) for row in found}
        return {"vkey": self._writer.vkey, "event_keys": pems}

    async def export(
        self,
        first: int,
        end: int | None,
        *,
        by: str,
        withheld: Collection[str] = (),
    ) -> Bundle:
        """An evidence bundle of the leaves [first, end), after recording that it was made.

        The bundle of the policy in force goes along, so that a reader can judge its inputs again.
        Raises `MalformedError` when the log has no such range.
        """
        await self._writer.run(lambda unit: _record_export(unit, first, end, by))
        await self.checkpoint()
        policies = self._policies()
        try:
            return await self._reader.run(
                lambda c: export_bundle(c, first, end, withheld=withheld, policies=policies)
            )
        except ExportError as error:
            raise MalformedError(str(error), field="/end") from error

    async def bundle(self, first: int, end: int | None, *, by: str) -> AsyncIterator[bytes]:
        """The same, as a stream of chunks."""
        content = (await self.export(first, end, by=by)).content
        return _chunks(content)


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _CHUNK):
        yield content[start : start + _CHUNK]


def _record_export(unit: Unit, first: int, end: int | None, by: str) -> None:
    unit.record(events.drafted(EventType.AUDIT_EXPORTED, by, {"first": first, "end": end}))


def _events(connection: Connection, query: Select[Any]) -> tuple[EventRow, ...]:
    found = connection.execute(query).all()
    beside = audit_tables.disclosures.c
    place = beside.leaf_index.in_([row.leaf_index for row in found])
    disclosed: dict[int, dict[str, Any]] = {}
    for index, text in connection.execute(select(beside.leaf_index, beside.disclosure).where(place)):
        _, name, value = read(text)
        disclosed.setdefault(index, {})[name] = value
    return tuple(_event_of(row, disclosed.get(row.leaf_index, {})) for row in found)


def _event_of(row: Any, disclosures: dict[str, Any]) -> EventRow:
    return EventRow(
        index=row.leaf_index,
        id=row.event_id,
        type=row.type,
        subject=row.subject,
        time_ms=row.time_ms,
        leaf=json.loads(row.leaf),
        disclosures=disclosures,
    )
