"""Carrying actions along the road in the background, so that a client who leaves stops nothing that has started."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from gateway.core.actions import Action, ActionState, Request
from gateway.core.errors import LoopgateError
from gateway.core.outcomes import AnyOutcome, UnderWay
from gateway.core.principals import Principal
from gateway.pipeline import Road
from gateway.ports import ActionRecord

log = logging.getLogger(__name__)


class Carrier:
    """Starts actions on the road and lets callers wait for them, each action at most once at a time."""

    def __init__(self, road: Road) -> None:
        self._road = road
        self._under_way: dict[str, asyncio.Task[AnyOutcome]] = {}

    async def propose(self, request: Request, principal: Principal, *, wait_s: float) -> AnyOutcome:
        """Admit and carry; the outcome, or `UnderWay` when `wait_s` seconds were not enough.

        Raises `CallerError` for a bad request and `LedgerUnavailableError` when nothing can be recorded.
        """
        admitted = await self._road.admit(request, principal)
        if isinstance(admitted, Action):
            task = self._start(admitted.id, self._road.carry(admitted))
            return await self._wait(task, admitted.id, wait_s)
        under_way = self._under_way.get(admitted.action_id)
        return await self._wait(under_way, admitted.action_id, wait_s) if under_way else admitted

    async def resume(self, record: ActionRecord, *, wait_s: float = 0) -> AnyOutcome:
        """Carry on a row that a vote, a wait or a crash left behind, unless it is being carried already."""
        task = self._under_way.get(record.action.id)
        task = task or self._start(record.action.id, self._road.resume(record))
        return await self._wait(task, record.action.id, wait_s)

    async def finish(self) -> None:
        """Wait for everything under way; called when the process is asked to stop."""
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    def _start(self, action_id: str, carrying: Coroutine[Any, Any, AnyOutcome]) -> asyncio.Task[AnyOutcome]:
        task = asyncio.create_task(carrying, name=action_id)
        self._under_way[action_id] = task
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[AnyOutcome]) -> None:
        self._under_way.pop(task.get_name(), None)
        error = None if task.cancelled() else task.exception()
        if error and not isinstance(error, LoopgateError):
            log.error("carrying %s failed; the poller will take it up again", task.get_name(), exc_info=error)

    async def _wait(self, task: asyncio.Task[AnyOutcome], action_id: str, wait_s: float) -> AnyOutcome:
        done, _ = await asyncio.wait({task}, timeout=wait_s)
        return task.result() if done else UnderWay(action_id=action_id, state=ActionState.REQUESTED)
