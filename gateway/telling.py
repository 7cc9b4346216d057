"""The teller: sends what the outbox holds, beside the road and never in its way.

A notice was committed with the event that caused it. Here it is leased, tried, and tried again with longer and longer
pauses, a bounded number of times; each failure and each success is an event.
"""

import asyncio
import logging
from collections.abc import Mapping

from gateway.core.errors import LedgerUnavailableError, LoopgateError
from gateway.core.notices import Channel, Matter, compose, pause_ms
from gateway.ports import Notifier, Outbox
from gateway.rounds import Rounds

log = logging.getLogger(__name__)
LEASE_MS = 120_000
"""Longer than any one attempt takes, so that two replicas never try the same notice at once."""
_BATCH = 20


class Teller:
    """Looks every `every_s` seconds, from `run` until `stop` (`Rounds`). `base_url` is where people reach the gateway.

    `attempt_s` bounds an attempt, so that it is over, with the last call it may have begun, before its lease is.
    """

    def __init__(
        self,
        outbox: Outbox,
        notifiers: Mapping[Channel, Notifier],
        *,
        base_url: str,
        every_s: float,
        attempt_s: float = 60.0,
    ) -> None:
        self._outbox, self._notifiers, self._base_url = outbox, notifiers, base_url
        self._attempt_s = attempt_s
        rounds = Rounds(self.look, what="what is to be told", every_s=every_s, log=log)
        self.run, self.stop = rounds.run, rounds.stop

    async def look(self) -> int:
        """One look; how many notices were tried."""
        if not self._notifiers:
            return 0
        matters = await self._outbox.claim(lease_ms=LEASE_MS, limit=_BATCH)
        answers = await asyncio.gather(*(self._tell(m) for m in matters), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, LedgerUnavailableError):
                log.warning("a notice's end could not be recorded: %s", answer.detail)
        return len(matters)

    async def _tell(self, matter: Matter) -> None:
        reason = await self._try(matter)
        if reason is None:
            await self._outbox.sent(matter)
        else:
            await self._outbox.failed(matter, reason, pause_ms=pause_ms(matter.attempts))

    async def _try(self, matter: Matter) -> str | None:
        """Why it could not be told, or None when it was."""
        notifier = self._notifiers.get(matter.channel)
        if notifier is None:
            return "This gateway's settings name no such channel any more."
        try:
            async with asyncio.timeout(self._attempt_s):
                await notifier.tell(matter, compose(matter, self._base_url))
        except LoopgateError as error:
            return error.detail
        except TimeoutError:
            return "It took too long."
        except Exception:
            log.exception("telling about %s failed", matter.subject)
            return "The gateway failed while telling; its own log says why."
        return None
