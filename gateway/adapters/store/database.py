"""Connections: one for the writer, a pool of read-only ones, and all that differs between databases.

Everything above this file speaks SQLAlchemy Core and knows no dialect.
"""

import math
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, NamedTuple

from sqlalchemy import URL, Connection, Engine, NullPool, QueuePool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from gateway.core.errors import SettingsError

_WRITE_LOCK = 7304817
"""The advisory lock of PostgreSQL that every replica's writer takes first: one order for all."""

_READERS = 4
_BUSY_S = 5
_LEAST_CONNECT_S = 2
_ROOM_BYTES = 1 << 16
_NOWHERE = (0, 0)
_RESOURCES = ("53", "58")
"""PostgreSQL's classes of "insufficient resources" (53100 is a full disk) and "system error"; its Appendix A."""

_IDLE_S = 30
"""A process that stops in the middle of a transaction keeps the others from writing no longer than this."""


class _Words(NamedTuple):
    """How one kind of database is told to begin a transaction that writes, and one that only reads."""

    write: tuple[str, ...]
    read: str


_WORDS = {
    "sqlite": _Words(("BEGIN IMMEDIATE",), "BEGIN"),
    "postgresql": _Words(
        ("BEGIN ISOLATION LEVEL READ COMMITTED", f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})"),
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    ),
}


class TransactionLostError(Exception):
    """The database dropped the whole transaction before it could be committed."""


class Database:
    """One database by its SQLAlchemy URL. `busy_s` is how many seconds a lock of another process is waited for."""

    def __init__(self, url: str, *, busy_s: float = _BUSY_S) -> None:
        self.url = _parsed(url)
        self.dialect = self.url.get_backend_name()
        self._busy_s = busy_s
        self._was_there = False
        self._words = _WORDS[self.dialect]

    @property
    def has_one_process(self) -> bool:
        """Whether only one gateway process can work on this database at a time."""
        return self.dialect == "sqlite"

    def writer(self) -> Engine:
        """The engine of the one writer: every connection is new, the driver commits nothing by itself."""
        return self._engine(self._prepare_writer, poolclass=NullPool)

    def readers(self) -> Engine:
        """The engine of the readers: a small pool that cannot write, one for each thread and one for brief reads."""
        return self._engine(self._prepare_reader, poolclass=QueuePool, pool_size=_READERS + 1, max_overflow=0)

    def begin(self, connection: Connection) -> None:
        """Begin the writer's transaction, taking the write lock at once.

        Raises `TransactionLostError` when the database file is not where it was: SQLite would go on writing into a
        file that nobody finds again.
        """
        if connection.info.get("file") != self._file():
            raise TransactionLostError("the database file was moved, removed or replaced; put it back")
        for statement in self._words.write:
            say(connection, statement)

    def commit(self, connection: Connection) -> None:
        """Commit it. Raises `TransactionLostError` when there is nothing that could be committed."""
        # PostgreSQL answers COMMIT without an error when the transaction is gone or has failed.
        if self.dialect == "postgresql" and not _is_open(connection):
            raise TransactionLostError("the database dropped the transaction")
        say(connection, "COMMIT")

    def prove_room(self, connection: Connection) -> None:
        """Write something of the size of a few records and take it away again: a disk with no room must say so now.

        It is noise, because PostgreSQL would press anything else into a page that has room; and what an earlier attempt
        could write and not take away again goes first.
        """
        noise = token_urlsafe(_ROOM_BYTES)
        away = "DELETE FROM settings WHERE name = 'room'"
        for statements in (
            (away, f"INSERT INTO settings (name, value) VALUES ('room', '{noise}')"),  # noqa: S608 - of our own making
            (away,),
        ):
            self.begin(connection)
            for statement in statements:
                connection.exec_driver_sql(statement)
            self.commit(connection)

    def _file(self) -> tuple[int, int] | None:
        """Which file the database is now, or None when it is none of this machine."""
        if self.dialect != "sqlite" or not self.url.database:
            return None
        try:
            found = Path(self.url.database).stat()
        except OSError:
            return _NOWHERE
        return (found.st_dev, found.st_ino)

    def _opened(self, _connection: Any, record: Any) -> None:
        record.info["file"] = self._file()
        self._was_there = True

    def _refuse_a_missing_file(self, *_: Any) -> None:
        """SQLite would make an empty database where ours was."""
        if self._was_there and self._file() == _NOWHERE:
            raise sqlite3.OperationalError("the database file is gone; put it back")

    @contextmanager
    def reading(self, connection: Connection) -> Iterator[Connection]:
        """A transaction that sees one state of the database and changes nothing."""
        say(connection, self._words.read)
        try:
            yield connection
        finally:
            if not connection.invalidated:
                say(connection, "ROLLBACK")

    def _engine(self, prepare: Any, **options: Any) -> Engine:
        seconds = {"sqlite": {"timeout": self._busy_s}, "postgresql": _postgres(self._busy_s)}[self.dialect]
        # AUTOCOMMIT: BEGIN, SAVEPOINT and COMMIT are ours alone. With pysqlite's own transaction
        # handling, releasing an outermost savepoint would commit.
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT", connect_args=seconds, **options)
        event.listen(engine, "connect", prepare)
        if self.dialect == "sqlite":
            event.listen(engine, "do_connect", self._refuse_a_missing_file)
            event.listen(engine, "connect", self._opened)
        return engine

    def _prepare_writer(self, connection: Any, _record: Any) -> None:
        if self.dialect == "sqlite":
            _run(
                connection,
                *_pragmas("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"),
            )
            return
        _run(connection, *_limits(self._busy_s), *_durable(connection))
        _keep_nul(connection)

    def _prepare_reader(self, connection: Any, _record: Any) -> None:
        if self.dialect == "sqlite":
            _run(connection, *_pragmas("query_only=ON"))
            return
        _run(connection, *_limits(self._busy_s), "SET default_transaction_read_only = on")
        _keep_nul(connection)


def say(connection: Connection, words: str) -> None:
    """Run a statement without values or rows. SQLite's driver is told itself: SQLAlchemy takes ten times as long.

    Raises what SQLAlchemy raises.
    """
    driver = connection.connection.driver_connection
    # SQLAlchemy must have seen a connection's first statement to know that it is in use.
    if not isinstance(driver, sqlite3.Connection) or not connection.in_transaction():
        connection.exec_driver_sql(words)
        return
    try:
        driver.execute(words).close()
    except sqlite3.Error as error:
        raise OperationalError(words, None, error) from error


def is_about_room(error: BaseException) -> bool:
    """Whether a disk or another resource of the database failed, and not the statement that happened to need it."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(cause, sqlite3.Error):
        return (getattr(cause, "sqlite_errorcode", 0) & 0xFF) in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
    return str(getattr(cause, "sqlstate", None) or "").startswith(_RESOURCES)


def _parsed(url: str) -> URL:
    """The URL with the driver we use; raises `SettingsError` for a database this product does not work on."""
    try:
        parsed = make_url(url)
        dialect = parsed.get_backend_name()
    except ArgumentError as error:
        # The library's own words would show the URL, and a password in it.
        raise SettingsError(
            "The database URL cannot be read; write it as postgresql://user@host/name."
        ) from error
    if dialect not in _WORDS:
        raise SettingsError(f"There is no support for {dialect}; use a sqlite or postgresql URL.")
    return parsed.set(drivername="postgresql+psycopg") if dialect == "postgresql" else parsed


def _is_open(connection: Connection) -> bool:
    from psycopg.pq import TransactionStatus

    driver: Any = connection.connection.driver_connection
    return bool(driver.info.transaction_status is TransactionStatus.INTRANS)


def _postgres(busy_s: float) -> dict[str, Any]:
    """What the driver is told: give up on a server that is away, and notice one that went away."""
    keepalive = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
    seconds = max(_LEAST_CONNECT_S, math.ceil(busy_s))
    return {"connect_timeout": seconds, "application_name": "loopgate", **keepalive}


def _limits(busy_s: float) -> tuple[str, ...]:
    return (
        f"SET lock_timeout = {math.ceil(busy_s * 1000)}",
        f"SET idle_in_transaction_session_timeout = {_IDLE_S * 1000}",
    )


def _durable(connection: Any) -> tuple[str, ...]:
    """Acknowledged means on disk: what the server does less for its other users is not enough for this one."""
    (mode,) = connection.execute("SHOW synchronous_commit").fetchone()
    return ("SET synchronous_commit = on",) if mode in {"off", "local"} else ()


def _pragmas(*values: str) -> Iterator[str]:
    return (f"PRAGMA {value}" for value in values)


def _keep_nul(connection: Any) -> None:
    """PostgreSQL's text cannot hold U+0000: it is kept as U+2400, which shows it. The log has the text as it came."""
    from psycopg.types.string import StrDumperUnknown

    class Text(StrDumperUnknown):
        def dump(self, obj: str) -> Any:
            """The text as the driver sends it."""
            return super().dump(obj.replace("\0", "\u2400"))

    connection.adapters.register_dumper(str, Text)


def _run(connection: Any, *statements: str) -> None:
    for statement in statements:
        connection.execute(statement).close()
