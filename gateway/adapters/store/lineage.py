"""The port `LineageIndex`: who made the commits and file versions the gateway has seen, for every replica alike.

Nothing here is evidence. What is lost is filled again: commits that the gateway built from the actions that built
them, the rest when the gateway next looks at it.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select, update

from gateway.adapters.store import rows, tables
from gateway.adapters.store.reader import Reader
from gateway.adapters.store.unit import Unit
from gateway.adapters.store.writer import Writer
from gateway.core.errors import FactsMissingError, LedgerUnavailableError
from gateway.core.lineage import Asked, CommitTrace, Known

_CHUNK = 400
_FILES = 2_000
_commits, _files = tables.lineage_commits.c, tables.lineage_files.c
_JOINED = tables.lineage_files.join(
    tables.lineage_commits,
    and_(_commits.project == _files.project, _commits.commit_id == _files.commit_id),
)


class SqlLineage:
    """The index in the gateway's own database."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer, self._reader = writer, reader
        self._refilled = False

    async def known(self, project: str, asked: Asked) -> Known:
        """What the index holds of these commits, patches, file versions and paths.

        Raises `FactsMissingError` while it could not be filled again.
        """
        try:
            await self._whole()
        except LedgerUnavailableError as error:
            raise FactsMissingError(f"Who made what cannot be looked up: {error.detail}") from error
        return await self._reader.run(lambda connection: _known(connection, project, asked))

    async def remember(self, project: str, traces: tuple[CommitTrace, ...]) -> None:
        """Add commits; makers of one that is known already are joined, never taken away.

        Raises `FactsMissingError` when they cannot be kept.
        """
        fresh = await self._reader.run(lambda connection: _unkept(connection, project, traces))
        if not fresh:
            return
        try:
            await self._whole()
            await self._writer.run(lambda unit: _remember(unit, project, fresh))
        except LedgerUnavailableError as error:
            raise FactsMissingError(f"Who made this cannot be noted: {error.detail}") from error

    async def refill(self) -> int:
        """Know again the commits that recorded actions built, when the index is empty; how many."""
        known = 0 if await self._reader.run(_is_filled) else await self._writer.run(_refill)
        self._refilled = True
        return known

    async def _whole(self) -> None:
        """Fill the index again where that was not possible at the start: a damaged log raises nothing there."""
        if not self._refilled:
            await self.refill()


def _known(connection: Connection, project: str, asked: Asked) -> Known:
    patches: dict[str, list[CommitTrace]] = {}
    for row in _select(connection, select(tables.lineage_commits), project, _commits.patch_id, asked.patches):
        patches.setdefault(row.patch_id, []).append(_trace(row))
    blobs: dict[str, list[CommitTrace]] = {}
    joined = select(tables.lineage_commits, _files.blob).select_from(_JOINED)
    for row in _select(connection, joined, project, _files.blob, asked.blobs):
        blobs.setdefault(row.blob, []).append(_trace(row))
    own = _select(connection, select(tables.lineage_commits), project, _commits.commit_id, asked.commits)
    return Known(
        commits={row.commit_id: _trace(row) for row in own},
        patches={key: tuple(found) for key, found in patches.items()},
        blobs={key: tuple(found) for key, found in blobs.items()},
        latest=_latest(connection, project, asked),
    )


def _latest(connection: Connection, project: str, asked: Asked) -> dict[str, CommitTrace]:
    """The newest trace of each path that is none of the commits asked about."""
    query = select(tables.lineage_commits, _files.path_key).select_from(_JOINED)
    query = query.order_by(_commits.seen_ms, _commits.commit_id)
    own = set(asked.commits)
    found = _select(connection, query, project, _files.path_key, asked.path_keys)
    return {row.path_key: _trace(row) for row in found if row.commit_id not in own}


def _select(
    connection: Connection, query: Any, project: str, column: Any, wanted: Sequence[str]
) -> Iterable[Any]:
    for at in range(0, len(wanted), _CHUNK):
        here = query.where(column.table.c.project == project, column.in_(wanted[at : at + _CHUNK]))
        yield from connection.execute(here).all()


def _trace(row: Any) -> CommitTrace:
    return CommitTrace(
        commit=row.commit_id, patch_id=row.patch_id, makers=tuple(json.loads(row.makers)), built=row.built
    )


def _unkept(connection: Connection, project: str, traces: tuple[CommitTrace, ...]) -> tuple[CommitTrace, ...]:
    asked = tuple(t.commit for t in traces)
    found = _select(connection, select(tables.lineage_commits), project, _commits.commit_id, asked)
    kept = {row.commit_id: _trace(row) for row in found}
    return tuple(t for t in traces if t.commit not in kept or _adds(t, kept[t.commit]))


def _adds(trace: CommitTrace, kept: CommitTrace) -> bool:
    return (trace.built and not kept.built) or not set(trace.makers) <= set(kept.makers)


def _remember(unit: Unit, project: str, traces: tuple[CommitTrace, ...]) -> None:
    for trace in traces:
        key = {"project": project, "commit_id": trace.commit}
        mine = and_(_commits.project == project, _commits.commit_id == trace.commit)
        kept = unit.one(select(tables.lineage_commits).where(mine))
        if kept is None:
            _insert(unit, key, trace)
        else:
            makers = sorted({*json.loads(kept.makers), *trace.makers})
            values = {"makers": rows.dump(makers), "built": kept.built or trace.built}
            unit.execute(update(tables.lineage_commits).where(mine).values(**values))


def _insert(unit: Unit, key: dict[str, str], trace: CommitTrace) -> None:
    values = {"patch_id": trace.patch_id, "makers": rows.dump(list(trace.makers)), "built": trace.built}
    unit.execute(insert(tables.lineage_commits), key | values | {"seen_ms": unit.now_ms})
    files = [key | {"path_key": f.path_key, "blob": f.blob} for f in trace.files[:_FILES]]
    if files:
        unit.execute(insert(tables.lineage_files), files)


def _is_filled(connection: Connection) -> bool:
    return bool(connection.execute(select(func.count()).select_from(tables.lineage_commits)).scalar())


def _refill(unit: Unit) -> int:
    action = tables.actions.c
    done = select(action.agent, action.project, action.preparation).where(
        action.preparation.is_not(None), action.project.is_not(None)
    )
    seen = set[tuple[str, str]]()
    for row in unit.rows(done):
        commit = rows.load(row.preparation).get("commit")
        if commit and (row.project, commit) not in seen:
            seen.add((row.project, commit))
            trace = CommitTrace(commit=commit, patch_id=None, makers=(row.agent,), built=True)
            _insert(unit, {"project": row.project, "commit_id": commit}, trace)
    return len(seen)
