"""Connections: one for the writer, a pool of read-only ones, and all that differs between databases.

Everything above this file speaks SQLAlchemy Core and knows no dialect.
"""

from typing import Any

from sqlalchemy import Connection, Engine, NullPool, QueuePool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from gateway.core.errors import SettingsError

_BEGIN = {"sqlite": ("BEGIN IMMEDIATE",), "postgresql": ("BEGIN", "SELECT pg_advisory_xact_lock(7304817)")}
_READERS = 4
_BUSY_S = 5


class Database:
    """One database by its SQLAlchemy URL. `busy_s` is how many seconds a lock of another process is waited for."""

    def __init__(self, url: str, *, busy_s: float = _BUSY_S) -> None:
        self.url = url
        self.dialect = _dialect(url)
        self._busy_s = busy_s

    @property
    def has_one_process(self) -> bool:
        """Whether only one gateway process can work on this database at a time."""
        return self.dialect == "sqlite"

    def writer(self) -> Engine:
        """The engine of the one writer: every connection is new, the driver commits nothing by itself."""
        return self._engine(_prepare_writer, poolclass=NullPool)

    def readers(self) -> Engine:
        """The engine of the readers: a small pool that cannot write."""
        return self._engine(_prepare_reader, poolclass=QueuePool, pool_size=_READERS, max_overflow=0)

    def begin(self, connection: Connection) -> None:
        """Begin the writer's transaction, taking the write lock at once."""
        for statement in _BEGIN[self.dialect]:
            connection.exec_driver_sql(statement)

    def _engine(self, prepare: Any, **options: Any) -> Engine:
        arguments = {"timeout": self._busy_s} if self.dialect == "sqlite" else {}
        # AUTOCOMMIT: BEGIN, SAVEPOINT and COMMIT are ours alone. With pysqlite's own transaction
        # handling, releasing an outermost savepoint would commit.
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT", connect_args=arguments, **options)
        if self.dialect == "sqlite":
            event.listen(engine, "connect", prepare)
        return engine


def _dialect(url: str) -> str:
    """The kind of database a URL names; raises `SettingsError` for one this product does not work on."""
    try:
        dialect = make_url(url).get_backend_name()
    except ArgumentError as error:
        raise SettingsError(f"The database URL cannot be read: {error}") from error
    if dialect not in _BEGIN:
        raise SettingsError(f"There is no support for {dialect}; use a sqlite or postgresql URL.")
    return dialect


def _prepare_writer(connection: Any, _record: Any) -> None:
    _run(connection, "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")


def _prepare_reader(connection: Any, _record: Any) -> None:
    _run(connection, "query_only=ON")


def _run(connection: Any, *pragmas: str) -> None:
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}").close()
