"""The poller: takes up what a vote, a wait or a crash left behind, and ends what has run out of time."""

import logging
from typing import Protocol

from gateway.carrier import Carrier
from gateway.ports import ActionRecord, Clock, Ledger
from gateway.rounds import Rounds
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
    """Looks every `every_s` seconds, from `run` until `stop` (`Rounds`)."""

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
        rounds = Rounds(self.look, what="what is due", every_s=every_s, log=log)
        self.run, self.stop = rounds.run, rounds.stop

    async def look(self) -> int:
        """One look; how many actions were taken up."""
        await self._expiry.expire_due(self._clock.now_ms())
        records = await self._ledger.claim_due(lease_ms=LEASE_MS, limit=_BATCH)
        for record in records:
            await self._take_up(record)
        if self._settling is not None:
            await self._settling.look()
        return len(records)

    async def _take_up(self, record: ActionRecord) -> None:
        try:
            await self._carrier.resume(record)
        except Exception:
            # The others of this look are leased already: they must not wait for the lease because of this one.
            log.exception("taking up %s failed; a later look tries again", record.action.id)
