"""The poller: takes up what a vote, a wait or a crash left behind, and ends what has run out of time."""

import asyncio
import logging
from typing import Protocol

from gateway.carrier import Carrier
from gateway.core.errors import LedgerUnavailableError
from gateway.ports import ActionRecord, Clock, Ledger
from gateway.settling import Settling

log = logging.getLogger(__name__)
LEASE_MS = 90_000
_BATCH = 50


class Expiry(Protocol):
    """What ends by itself."""

    async def expire_due(self, now_ms: int) -> int:
        """Expire tickets and their actions whose time is over; how many."""
        ...


class Poller:
    """Looks every `every_s` seconds; one look never overlaps the next."""

    def __init__(
        self,
        ledger: Ledger,
        expiry: Expiry,
        carrier: Carrier,
        clock: Clock,
        *,
        every_s: float,
        settling: Settling | None = None,
    ) -> None:
        self._ledger, self._expiry, self._carrier, self._clock = ledger, expiry, carrier, clock
        self._settling = settling
        self._every_s = every_s
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Look until asked to stop. Whatever goes wrong with one look, there is a next one."""
        while not self._stopping.is_set():
            try:
                await self.look()
            except LedgerUnavailableError as error:
                log.warning("the poller could not record: %s", error.detail)
            except Exception:
                # One row that nobody can read must not keep approvals from expiring for ever after.
                log.exception("a look at what is due failed; the next one tries again")
            await self._rest()

    async def look(self) -> int:
        """One look; how many actions were taken up."""
        await self._expiry.expire_due(self._clock.now_ms())
        records = await self._ledger.claim_due(lease_ms=LEASE_MS, limit=_BATCH)
        for record in records:
            await self._take_up(record)
        if self._settling is not None:
            await self._settling.look()
        return len(records)

    def stop(self) -> None:
        """End after the present look."""
        self._stopping.set()

    async def _take_up(self, record: ActionRecord) -> None:
        try:
            await self._carrier.resume(record)
        except Exception:
            # The others of this look are leased already: they must not wait for the lease because of this one.
            log.exception("taking up %s failed; a later look tries again", record.action.id)

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), self._every_s)
        except TimeoutError:
            return
