"""The one writer: a thread that commits state and evidence together (architecture.md "State and evidence…").

Callers queue units. The writer takes all that is queued (group commit, no timer) into one transaction:
phase 1 runs each unit inside its own savepoint, phase 2 appends the events of the units that survived,
then it commits, and only then does any caller hear. What fails before the commit leaves nothing.
"""

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from audit.errors import EventError, LogDamagedError
from audit.events import EventDraft
from audit.log import Log
from gateway.adapters.store.database import Database, TransactionLostError, is_about_room, say
from gateway.adapters.store.unit import Job, Unit, Work
from gateway.core.errors import LedgerUnavailableError
from gateway.ports import Clock, Readiness

T = TypeVar("T")
_DAMAGED = "The log does not match what was signed, so nothing is recorded any more"
_LARGEST_GROUP = 256
_JOIN_S = 30
_LARGEST_SKEW_MS = 5_000
logger = logging.getLogger(__name__)


def _nothing(step: str) -> None:
    """What happens between two phases in production."""


class Writer:
    """Runs units one after the other on its own thread and connection.

    `limit` is how many units may wait. `after` is called with the name of each phase that has ended
    (`begun`, `unit`, `units`, `appended`, `committed`): tests stop the process there.
    """

    def __init__(
        self,
        database: Database,
        log: Log,
        clock: Clock,
        *,
        limit: int = 2000,
        after: Callable[[str], None] = _nothing,
    ) -> None:
        self._database, self._log, self._clock, self._after = database, log, clock, after
        self.hears: Callable[[Unit, EventDraft], None] | None = None
        self._engine = database.writer()
        self._queue: queue.Queue[Job | None] = queue.Queue(maxsize=limit)
        self._connection: Connection | None = None
        self._checked = False
        self._fault = ""
        self._damaged = False
        self._gate = threading.Lock()
        self._closed = False
        self._booted = threading.Event()
        self._thread = threading.Thread(target=self._work, name="loopgate-writer", daemon=True)

    def start(self) -> None:
        """Check the stored log and begin to take units; a log that fails the check is never written to."""
        self._thread.start()
        self._booted.wait()

    def readiness(self) -> Readiness:
        """Red from the first failure until a commit succeeds again; red for good with a damaged log."""
        stopped = "" if self._thread.is_alive() else "The writer is not running; restart the gateway."
        detail = self._fault or stopped
        return Readiness(ok=not detail, detail=detail)

    async def run(self, work: Work[T]) -> T:
        """Run one unit and give its result once it is on disk.

        Raises what the unit raised (nothing of it is stored then) or `LedgerUnavailableError`.
        """
        return await asyncio.wrap_future(self.submit(work))

    def submit(self, work: Work[T]) -> Future[T]:
        """Queue one unit; raises `LedgerUnavailableError` (`busy`) when the queue is full."""
        future: Future[T] = Future()
        with self._gate:
            if self._closed:
                raise LedgerUnavailableError("The gateway is stopping; nothing was recorded or done.")
            try:
                self._queue.put_nowait(Job(work, future))
            except queue.Full:
                detail = "Too much is waiting to be recorded; nothing was done. Try again in a moment."
                raise LedgerUnavailableError(detail, code="busy") from None
        return future

    @property
    def waiting(self) -> int:
        """How many units are queued and not taken up yet."""
        return self._queue.qsize()

    def now_ms(self) -> int:
        """The time as the writer's units see it."""
        return self._clock.now_ms()

    @property
    def vkey(self) -> str:
        """The log's verifier key, as outsiders pin it."""
        return self._log.vkey

    async def publish_checkpoint(self) -> str:
        """The newest checkpoint as a signed note; a new one when there are leaves after the last."""
        return await self.run(lambda unit: self._log.publish_checkpoint(unit.connection))

    @property
    def log_size(self) -> int:
        """How many leaves this process knows to be committed."""
        return self._log.size

    def attest(self) -> Future[str]:
        """The state of the log as a signed note that is not stored."""
        return self.submit(lambda unit: self._log.attest(unit.connection))

    def clock_agrees(self, now_ms: int) -> bool:
        """Whether the clock is at, or less than five seconds behind, the time of the last leaf."""
        return self.behind_ms(now_ms) <= _LARGEST_SKEW_MS

    def behind_ms(self, now_ms: int) -> int:
        """How far the clock is behind the time of the last leaf; below zero when it is ahead."""
        return self._log.last_time_ms - now_ms

    def close(self) -> None:
        """Commit what is queued, then stop."""
        with self._gate:
            already, self._closed = self._closed, True
        if not already and self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(_JOIN_S)
        self._engine.dispose()

    def _work(self) -> None:
        try:
            with contextlib.suppress(LedgerUnavailableError):
                self._connected()
            self._booted.set()
            while self._turn():
                pass
        except BaseException:  # a defect ends the writer, never the news of it
            logger.critical("the writer stopped", exc_info=True)
        finally:
            # Nobody may wait for ever.
            self._booted.set()
            self._abandon()
            self._refuse_waiting()

    def _turn(self) -> bool:
        first = self._queue.get()
        group = [first] if first else []
        while first and len(group) < _LARGEST_GROUP:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._commit_group(group)
                return False
            group.append(job)
        self._commit_group(group)
        return first is not None

    def _commit_group(self, jobs: list[Job]) -> None:
        group = [job for job in jobs if job.future.set_running_or_notify_cancel()]
        if not group:
            return
        try:
            self._commit(group)
        except LedgerUnavailableError as error:
            _fail(group, error)
        except BaseException:
            self._fault = "The writer stopped; restart the gateway."
            _fail(
                group, LedgerUnavailableError("The writer stopped; whether this was recorded is not known.")
            )
            raise
        else:
            for job in group:
                job.resolve()

    def _commit(self, group: list[Job]) -> None:
        """One transaction. Raises `LedgerUnavailableError` when it did not, or may not, reach the disk."""
        connection = self._connected()
        try:
            connection = self._begun(connection)
            self._after("begun")
            drafts = [draft for job in group for draft in self._try(connection, job)]
            self._after("units")
            recorded = self._log.append(connection, drafts)
            self._after("appended")
            self._database.commit(connection)
            self._log.after_commit(recorded)
        except LedgerUnavailableError:
            raise
        except LogDamagedError as error:
            self._abandon()
            raise self._unavailable(str(error), damaged=True) from error
        except Exception as error:
            # Locked, full, unsigned, broken: whatever it was, nothing may be acknowledged.
            self._abandon()
            raise self._unavailable(_words(error)) from error
        self._fault = ""
        self._after("committed")

    def _begun(self, connection: Connection) -> Connection:
        """The connection with its transaction begun; a new connection when the server had let the old one go."""
        try:
            self._database.begin(connection)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            self._abandon()
            connection = self._connected()
            self._database.begin(connection)
        return connection

    def _try(self, connection: Connection, job: Job) -> list[Any]:
        """Phase 1 for one unit: its events when it survives, none when it was rolled back."""
        unit = Unit(connection, self._clock.now_ms(), self.hears)
        say(connection, "SAVEPOINT unit")
        try:
            job.result = job.work(unit)
        except LogDamagedError:
            raise
        except Exception as error:
            # SQLite drops everything when the disk is full; PostgreSQL would let the rest of the group go on.
            if is_about_room(error):
                raise
            job.error = _told(error)
            self._roll_back(connection, error)
            return []
        say(connection, "RELEASE unit")
        self._after("unit")
        return unit.drafts

    def _roll_back(self, connection: Connection, cause: Exception) -> None:
        """Undo one unit. A full disk makes SQLite drop the whole transaction instead; then all is lost."""
        try:
            say(connection, "ROLLBACK TO unit")
            say(connection, "RELEASE unit")
        except SQLAlchemyError as error:
            raise TransactionLostError(_words(cause)) from error

    def _connected(self) -> Connection:
        """The connection, with the log held against what is stored since the last failure."""
        if self._connection is not None and self._checked:
            return self._connection
        if self._damaged:
            raise LedgerUnavailableError(f"{self._fault}.")
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            # The whole log is hashed again at boot; after a failed commit its ends are enough.
            with self._database.reading(self._connection):
                self._log.load(self._connection, rehash=not self._log.size)
            if self._fault:
                self._database.prove_room(self._connection)
        except LogDamagedError as error:
            self._abandon()
            raise self._unavailable(str(error), damaged=True) from error
        except Exception as error:
            self._abandon()
            raise self._unavailable(_words(error)) from error
        self._fault, self._checked = "", True
        return self._connection

    def _unavailable(self, why: str, *, damaged: bool = False) -> LedgerUnavailableError:
        self._damaged = self._damaged or damaged
        fault = f"{_DAMAGED}: {why}" if damaged else f"The database took no record: {why}"
        if fault != self._fault:
            # The poller asks again every second: once is enough to be told.
            logger.error("%s", fault)
        self._fault = fault
        return LedgerUnavailableError(f"{self._fault}. Try again when /readyz is green.")

    def _abandon(self) -> None:
        """Give the connection up with whatever it had open; the next unit starts from what is on disk."""
        connection, self._connection, self._checked = self._connection, None, False
        if connection is not None:
            with contextlib.suppress(SQLAlchemyError):
                connection.invalidate()
            connection.close()

    def _refuse_waiting(self) -> None:
        with self._gate:
            self._closed = True
        while not self._queue.empty():
            job = self._queue.get_nowait()
            if job is not None and job.future.set_running_or_notify_cancel():
                job.future.set_exception(
                    LedgerUnavailableError("The writer stopped; nothing was recorded or done.")
                )


def _fail(group: list[Job], error: LedgerUnavailableError) -> None:
    for job in group:
        job.future.set_exception(error)


def _told(error: Exception) -> Exception:
    """What the caller hears of a unit's own failure."""
    if isinstance(error, EventError):
        return LedgerUnavailableError(f"This cannot be recorded: {error}")
    if isinstance(error, DBAPIError):
        return LedgerUnavailableError(f"The database took no record: {_words(error)}.")
    return error


def _words(error: BaseException) -> str:
    """The driver's own words, without SQL and parameters, which may hold what must not be shown."""
    said = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return (str(said).splitlines() or [type(said).__name__])[0]
