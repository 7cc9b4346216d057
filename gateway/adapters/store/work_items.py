"""The loop's memory: work items by the key their findings share, and which findings the last report still showed."""

from typing import Any

from sqlalchemy import Connection, and_, func, insert, select, update

from audit.events import EventType
from gateway.adapters.store import events, rows, tables
from gateway.adapters.store.reader import Reader
from gateway.adapters.store.unit import Unit
from gateway.adapters.store.writer import Writer
from gateway.core.errors import ConflictError, NotFoundError
from gateway.core.listings import WorkItem
from gateway.loop.ports import KnownItem
from gateway.ports import Ids

E = EventType
OPEN, GONE, CLOSED = "open", "gone", "closed"


class WorkItems:
    """Opens, updates and finds work items. Titles and findings stand beside the log."""

    def __init__(self, writer: Writer, reader: Reader, ids: Ids) -> None:
        self._writer, self._reader, self._ids = writer, reader, ids

    async def received(self, source: str, *, digest: str, project: str, findings: int, by: str) -> str:
        """Record a report that came in (`signal.received`); its id."""
        signal_id = self._ids.new("sig")
        data = {"source": source, "sha256": digest, "project": project, "findings": findings, "by": by}
        draft = events.drafted(E.SIGNAL_RECEIVED, signal_id, data)
        await self._writer.run(lambda unit: unit.record(draft))
        return signal_id

    async def open(
        self,
        key: str,
        *,
        project: str,
        tracker: str,
        title: str,
        severity: str,
        trace: str,
        findings: dict[str, Any],
    ) -> WorkItem:
        """Open the work item of a key; `findings` are by their own keys, as JSON.

        Raises `ConflictError` when the key has one.
        """
        item = WorkItem(
            id=self._ids.new("wrk"),
            key=key,
            project=project,
            issue=None,
            title=title,
            severity=severity,
            state=OPEN,
            trace=trace,
            findings=len(findings),
            opened_ms=0,
        )
        return await self._writer.run(lambda unit: _open(unit, item, tracker, findings))

    async def link(self, key: str, issue: str) -> WorkItem:
        """Note the tracker's own key of an item; raises `NotFoundError`."""
        return await self._writer.run(lambda unit: _change(unit, key, issue=issue))

    async def move(self, key: str, state: str) -> WorkItem:
        """Bring an item into another state; `closed` is its end. Raises `NotFoundError`."""
        return await self._writer.run(lambda unit: _change(unit, key, state=state))

    async def saw(self, key: str, findings: tuple[str, ...]) -> None:
        """Note which findings of an item the newest report shows; the others are gone. Raises `NotFoundError`."""
        await self._writer.run(lambda unit: _saw(unit, key, findings))

    async def known(self, key: str) -> KnownItem | None:
        """The item of a key, if the loop opened one."""
        item = await self.find(key)
        return KnownItem(key=key, trace=item.trace, issue=item.issue, state=item.state) if item else None

    async def find(self, key: str) -> WorkItem | None:
        """The work item of a key."""
        return await self._reader.run(lambda connection: _find(connection, key))

    async def work_items(self, *, after: str | None, limit: int) -> tuple[WorkItem, ...]:
        """Work items, newest first; `after` is the last id of the page before."""
        row = tables.work_items.c
        query = select(tables.work_items).order_by(row.id.desc()).limit(limit)
        query = query.where(row.id < after) if after else query
        return await self._reader.run(lambda c: tuple(_item_of(c, r) for r in c.execute(query).all()))


def _open(unit: Unit, item: WorkItem, tracker: str, findings: dict[str, Any]) -> WorkItem:
    if _find(unit.connection, item.key) is not None:
        raise ConflictError("There is a work item for these findings already.")
    opened = item.model_copy(update={"opened_ms": unit.now_ms})
    unit.execute(insert(tables.work_items), {**opened.model_dump(exclude={"findings"}), "tracker": tracker})
    for key, body in findings.items():
        row = {"work_item_id": item.id, "key": key, "state": OPEN, "body": rows.dump(body)}
        unit.execute(insert(tables.findings), row)
    data = {"key": item.key, "project": item.project, "tracker": tracker, "severity": item.severity}
    counted = {"findings": len(findings), "trace": item.trace}
    texts = {"title": item.title, "finding_keys": sorted(findings)}
    unit.record(events.drafted(E.WORK_ITEM_OPENED, item.id, data | counted, texts))
    return opened


def _change(unit: Unit, key: str, **values: str) -> WorkItem:
    before = _needed(unit, key)
    if all(getattr(before, name) == value for name, value in values.items()):
        return before
    unit.execute(update(tables.work_items).where(tables.work_items.c.id == before.id).values(**values))
    kind = E.WORK_ITEM_CLOSED if values.get("state") == CLOSED else E.WORK_ITEM_CHANGED
    unit.record(events.drafted(kind, before.id, {"key": key, "trace": before.trace, **values}))
    return _needed(unit, key)


def _saw(unit: Unit, key: str, findings: tuple[str, ...]) -> None:
    before = _needed(unit, key)
    row = tables.findings.c
    mine = row.work_item_id == before.id
    unit.execute(update(tables.findings).where(mine, row.key.in_(findings)).values(state=OPEN))
    unit.execute(update(tables.findings).where(mine, row.key.not_in(findings)).values(state=GONE))
    after = _needed(unit, key)
    if after.findings != before.findings:
        data = {"key": key, "trace": before.trace, "findings": after.findings, "before": before.findings}
        unit.record(events.drafted(E.WORK_ITEM_CHANGED, before.id, data))


def _needed(unit: Unit, key: str) -> WorkItem:
    item = _find(unit.connection, key)
    if item is None:
        raise NotFoundError(f"There is no work item with the key {key}.")
    return item


def _find(connection: Connection, key: str) -> WorkItem | None:
    row = connection.execute(select(tables.work_items).where(tables.work_items.c.key == key)).first()
    return _item_of(connection, row) if row is not None else None


def _item_of(connection: Connection, row: Any) -> WorkItem:
    finding = tables.findings.c
    still = and_(finding.work_item_id == row.id, finding.state == OPEN)
    count = connection.execute(select(func.count()).select_from(tables.findings).where(still)).scalar_one()
    named = {name: getattr(row, name) for name in WorkItem.model_fields if name != "findings"}
    return WorkItem(**named, findings=count)
