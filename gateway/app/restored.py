"""Going on with a database that is behind what is known outside: a person's decision, and an event."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from audit.errors import LogDamagedError
from audit.events import EventDraft, EventType
from audit.log import Log
from audit.note import Checkpoint, parse_checkpoint
from gateway.adapters.clock import SystemClock, UlidIds
from gateway.adapters.store.database import Database
from gateway.app.sources import memory_of, open_log
from gateway.app.upkeep import alone
from gateway.core.errors import SettingsError
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Accepted:
    """How many leaves the log had and has, and how many were known outside with which root, in hex."""

    before: int
    size: int
    known: int
    root: str


def accept_restore(settings: Settings, *, by: str, reason: str) -> Accepted:
    """Record `audit.restored` and let the log go on from here; nobody works on the home meanwhile.

    What was known outside beyond this point has no proof any more. Raises `SettingsError` when there is nothing to
    accept, and `audit.errors.LogDamagedError` when more is wrong than that.
    """
    memory = memory_of(settings)
    database = Database(settings.database)
    engine = database.writer()
    try:
        with alone(settings.home), engine.connect() as connection:
            notes = memory.notes()
            log = _log(settings, ())
            database.begin(connection)
            log.load(connection)
            before, lost = log.size, _lost(settings, connection, notes)
            recorded = log.append(connection, [_restored(settings.origin, before, lost, by, reason)])
            database.commit(connection)
            log.after_commit(recorded)
            note = _published(database, connection, log)
            memory.accept(note)
    finally:
        engine.dispose()
    return Accepted(before=before, size=log.size, known=lost.size, root=lost.root.hex())


def _lost(settings: Settings, connection: Connection, notes: Sequence[str]) -> Checkpoint:
    """The largest of the checkpoints that the log does not go on from; raises `SettingsError` if there is none."""
    lost = [checkpoint_in(note) for note in notes if not _goes_on_from(settings, connection, note)]
    if not lost:
        raise SettingsError(
            "The database is not behind anything that is known outside; there is nothing to accept."
        )
    return max(lost, key=lambda checkpoint: checkpoint.size)


def _goes_on_from(settings: Settings, connection: Connection, note: str) -> bool:
    try:
        _log(settings, (note,)).load(connection, rehash=False)
    except LogDamagedError:
        return False
    return True


def _log(settings: Settings, notes: Sequence[str]) -> Log:
    clock = SystemClock()
    return open_log(settings, UlidIds(clock), clock, lambda: notes)


def _restored(origin: str, size: int, lost: Checkpoint, by: str, reason: str) -> EventDraft:
    data = {"size": size, "known_size": lost.size, "known_root": lost.root.hex(), "by": by}
    return EventDraft(type=EventType.AUDIT_RESTORED, subject=origin, data=data, private={"reason": reason})


def _published(database: Database, connection: Connection, log: Log) -> str:
    database.begin(connection)
    note = log.publish_checkpoint(connection)
    database.commit(connection)
    return note


def checkpoint_in(note: str) -> Checkpoint:
    """The checkpoint in a signed note, whose signature is checked elsewhere."""
    return parse_checkpoint(note.partition("\n\n")[0] + "\n")
