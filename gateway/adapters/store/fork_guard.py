"""Remembering outside the database how far the log has come, so that a restored backup is seen."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Protocol

from gateway.adapters.store.writer import Writer
from gateway.core.errors import LedgerUnavailableError

log = logging.getLogger(__name__)


class Memory(Protocol):
    """Where checkpoints are kept that must not be forgotten with the database."""

    def hand_out(self, note: str) -> None:
        """Remember a checkpoint before it is handed out; raises `OSError`."""
        ...

    def keep_up(self, note: str) -> None:
        """Remember how far the log has come; raises `OSError`."""
        ...


class ForkGuard:
    """Tells a memory of every checkpoint that leaves the gateway, and of the newest state from time to time."""

    def __init__(self, writer: Writer, memory: Memory | None) -> None:
        self._writer, self._memory = writer, memory
        self._kept = 0

    async def handed_out(self, note: str) -> str:
        """The note, once it is remembered; raises `LedgerUnavailableError` when it cannot be."""
        if self._memory is not None:
            try:
                await asyncio.to_thread(self._memory.hand_out, note)
            except OSError as error:
                detail = f"The checkpoint cannot be remembered ({error.strerror}: {error.filename}), so it is not given."
                raise LedgerUnavailableError(detail) from error
        return note

    async def keep_up(self) -> None:
        """Remember the newest state when there is a newer one; a place that cannot be written is logged only."""
        if self._memory is None or self._writer.log_size == self._kept:
            return
        size = self._writer.log_size
        note = await asyncio.wrap_future(self._writer.attest())
        with _logged():
            await asyncio.to_thread(self._memory.keep_up, note)
            self._kept = size

    def settle(self) -> None:
        """The same at the end of a process, for whoever waits in a thread."""
        if self._memory is None or self._writer.log_size == self._kept or not self._writer.readiness().ok:
            return
        with contextlib.suppress(LedgerUnavailableError), _logged():
            self._memory.keep_up(self._writer.attest().result())


@contextlib.contextmanager
def _logged() -> Iterator[None]:
    """What goes wrong inside is written down; the road does not wait for it."""
    try:
        yield
    except OSError as error:
        log.warning("how far the log has come could not be remembered: %s", error)
