"""Looking again and again beside the road: one look after the other, until asked to stop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from gateway.core.errors import LedgerUnavailableError


class Rounds:
    """Calls `look` every `every_s` seconds; one look never overlaps the next. `what` names it in the logs."""

    def __init__(
        self, look: Callable[[], Awaitable[object]], *, what: str, every_s: float, log: logging.Logger
    ) -> None:
        self._look, self._what, self._every_s, self._log = look, what, every_s, log
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Look until asked to stop. Whatever goes wrong with one look, there is a next one."""
        while not self._stopping.is_set():
            try:
                await self._look()
            except LedgerUnavailableError as error:
                self._log.warning("%s: the records cannot be reached: %s", self._what, error.detail)
            except Exception:  # noqa: BLE001 - logged with its traceback
                # One row that nobody can read must not keep the others waiting for ever after.
                self._log.exception("%s: a look failed; the next one tries again", self._what)
            await self._rest()

    def stop(self) -> None:
        """End after the present look."""
        self._stopping.set()

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), self._every_s)
        except TimeoutError:
            return
