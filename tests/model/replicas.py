"""Two replicas of the real road on one real store, stopped before every durable step and every look outside.

Each replica works in a task that waits at a gate; a test opens one gate at a time, or crashes the replica there.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.core.errors import TargetRefusedError, TargetUnclearError
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.pipeline import Road
from tests.fakes.targets import FakeTarget

LATEST_ARRIVAL_MS = 50_000
"""How long after a call the vendor may still perform it: less than the settle time, or the promise is not ours to keep."""


class Gate:
    """Where one replica waits until a test lets it do its next step."""

    def __init__(self) -> None:
        self.waiting = asyncio.Event()
        self._open = asyncio.Event()

    async def arrive(self) -> None:
        """Wait here until `release`."""
        self._open.clear()
        self.waiting.set()
        await self._open.wait()

    def release(self) -> None:
        """Let the waiting replica go on to its next gate."""
        self.waiting.clear()
        self._open.set()


class Gated:
    """A neighbour whose named calls wait at a gate: before they begin, or with their answer in hand."""

    def __init__(
        self, inner: Any, gate: Gate, *, before: tuple[str, ...], after: tuple[str, ...] = ()
    ) -> None:
        self._inner, self._gate, self._before, self._after = inner, gate, before, after

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name in self._before or name in self._after:
            return self._watched(found, name)
        return found

    def _watched(self, call: Callable[..., Awaitable[Any]], name: str) -> Callable[..., Awaitable[Any]]:
        async def gated(*args: Any, **kwargs: Any) -> Any:
            if name in self._before:
                await self._gate.arrive()
            answer = await call(*args, **kwargs)
            if name in self._after:
                await self._gate.arrive()
            return answer

        return gated


@dataclass
class SlowTarget(FakeTarget):
    """A target that may perform a call later than it was sent, and whose effects may be found later still."""

    late: bool = False
    pending: list[tuple[Permit, Preparation]] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Act now, or take the call in and say nothing."""
        if self.late:
            self.pending.append((permit, preparation))
            raise TargetUnclearError("Nothing was heard.")
        try:
            return await super().perform(permit, preparation)
        finally:
            self.effects = [action for action, done in self.done.items() for _ in done]

    async def arrive(self, *, really: bool) -> None:
        """What was on its way happens now, or never."""
        waiting, self.pending = self.pending, []
        for permit, preparation in waiting:
            if really:
                with contextlib.suppress(TargetRefusedError, TargetUnclearError):  # nobody hears the answer
                    await super().perform(permit, preparation)
        self.effects = [action for action, done in self.done.items() for _ in done]


@dataclass
class Replica:
    """One gateway process: a road of its own, and what it works on now."""

    road: Road
    gate: Gate
    task: asyncio.Task[Any] | None = None

    @property
    def works(self) -> bool:
        """Whether it is in the middle of something."""
        return self.task is not None

    async def begin(self, work: Awaitable[Any]) -> None:
        """Take something up and go as far as the first gate."""
        self.task = asyncio.ensure_future(work)
        await self._settle()

    async def step(self) -> None:
        """Go on to the next gate, or to the end."""
        self.gate.release()
        await self._settle()

    async def crash(self) -> None:
        """Forget everything that is not durable."""
        task, self.task = self.task, None
        if task:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self.gate.waiting.clear()

    async def _settle(self) -> None:
        assert self.task is not None
        waits = asyncio.ensure_future(self.gate.waiting.wait())
        await asyncio.wait({self.task, waits}, return_when=asyncio.FIRST_COMPLETED)
        waits.cancel()
        await asyncio.gather(waits, return_exceptions=True)
        if self.task.done():
            task, self.task = self.task, None
            task.result()
