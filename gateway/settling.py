"""Giving back what pipelines held of the budgets, once they are over."""

import logging
from collections.abc import Awaitable, Callable

from gateway.core.budgets import OpenPipeline, PipelineUse, settled_minutes
from gateway.core.errors import LoopgateError
from gateway.ports import Accounts, Clock

log = logging.getLogger(__name__)
_EVERY_MS = 15_000
_BATCH = 20
_MOST = 1000
UseOf = Callable[[OpenPipeline], Awaitable[PipelineUse]]


class Settling:
    """Looks every fifteen seconds at twenty of the pipelines that hold a place, in turn. `use_of` asks the forge."""

    def __init__(self, accounts: Accounts, use_of: UseOf, clock: Clock) -> None:
        self._accounts, self._use_of, self._clock = accounts, use_of, clock
        self._next_ms = self._turn = 0

    async def look(self) -> int:
        """Settle what is over; how many. Every replica may look: each place is given back once."""
        now_ms = self._clock.now_ms()
        if now_ms < self._next_ms:
            return 0
        self._next_ms = now_ms + _EVERY_MS
        opened = await self._accounts.open_pipelines(limit=_MOST)
        # In turn: those that nobody can ask about must not keep the others from being looked at.
        begin = self._turn if self._turn < len(opened) else 0
        self._turn = begin + _BATCH
        return sum([await self._settle(one, now_ms) for one in opened[begin : begin + _BATCH]])

    async def _settle(self, one: OpenPipeline, now_ms: int) -> bool:
        minutes = settled_minutes(await self._use(one), now_ms - one.started_ms, one.estimate)
        return minutes is not None and await self._accounts.settle(one.action_id, minutes)

    async def _use(self, one: OpenPipeline) -> PipelineUse | None:
        """What its pipelines use; None while that cannot be asked."""
        if one.pipeline is None and one.commit is None and one.merge_request is None:
            return None
        try:
            return await self._use_of(one)
        except LoopgateError as error:
            log.warning("the pipelines of %s cannot be read: %s", one.action_id, error.detail)
            return None
