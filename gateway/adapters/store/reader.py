"""Reads: through connections that cannot write, never through the writer; in worker threads unless they are brief."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from gateway.adapters.store.database import Database
from gateway.core.errors import LedgerUnavailableError

T = TypeVar("T")
_THREADS = 4


class Reader:
    """Runs queries beside the writer; each sees one consistent state of the database."""

    def __init__(self, database: Database) -> None:
        self._database, self._engine = database, database.readers()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="loopgate-reader")
        self._own: Connection | None = None
        self._own_lock = threading.Lock()

    async def run(self, query: Callable[[Connection], T]) -> T:
        """Run one query function; raises `LedgerUnavailableError` when the database cannot be read."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.read, query)

    async def brief(self, query: Callable[[Connection], T]) -> T:
        """The same, for a few rows by an index.

        A database in a file answers such a query in less time than another thread would need to take it up, and its
        writer never makes a reader wait: it is read here and now.
        """
        if not self._database.has_one_process or not self._own_lock.acquire(blocking=False):
            return await self.run(query)
        try:
            return self._briefly(query)
        except SQLAlchemyError as error:
            raise _unreadable() from error
        finally:
            self._own_lock.release()

    def read(self, query: Callable[[Connection], T]) -> T:
        """The same, for callers that are in a thread of their own."""
        try:
            try:
                return self._read(query)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                # The server had let the pool's connections go; there are new ones, and a read changes nothing.
                return self._read(query)
        except SQLAlchemyError as error:
            raise _unreadable() from error

    def _briefly(self, query: Callable[[Connection], T]) -> T:
        connection, self._own = self._own or self._engine.connect(), None
        try:
            with self._database.reading(connection):
                answer = query(connection)
        except BaseException:
            connection.close()
            raise
        self._own = connection
        return answer

    def _read(self, query: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection, self._database.reading(connection):
            return query(connection)

    def close(self) -> None:
        """Let the connections go."""
        self._threads.shutdown()
        with self._own_lock:
            if self._own is not None:
                self._own.close()
            self._own = None
        self._engine.dispose()


def _unreadable() -> LedgerUnavailableError:
    return LedgerUnavailableError(
        "The database cannot be read just now; nothing was done. Try again in a moment."
    )
