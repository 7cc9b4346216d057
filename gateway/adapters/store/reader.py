"""Reads: in worker threads, through a pool that cannot write, never through the writer."""

import asyncio
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

    async def run(self, query: Callable[[Connection], T]) -> T:
        """Run one query function; raises `LedgerUnavailableError` when the database cannot be read."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.read, query)

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
            detail = "The database cannot be read just now; nothing was done. Try again in a moment."
            raise LedgerUnavailableError(detail) from error

    def _read(self, query: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection, self._database.reading(connection):
            return query(connection)

    def close(self) -> None:
        """Let the connections go."""
        self._threads.shutdown()
        self._engine.dispose()
