"""The policy in force, which may be another one a moment later: an engine that can be swapped while it judges."""

import asyncio
from collections.abc import Mapping
from typing import Any

from gateway.adapters.opa.engine import Engine
from gateway.core.rulings import Decision
from gateway.ports import PolicyInForce, Readiness


class _Serving:
    """One engine, how many decisions are under way in it, and its era."""

    def __init__(self, engine: Engine, era: int) -> None:
        self.engine, self.busy = engine, 0
        self.in_force = engine.in_force.model_copy(update={"era": era})
        self.idle = asyncio.Event()


class ActivePolicy:
    """The port `Policy` over an engine that is swapped for another in one step.

    A decision ends in the engine it began in. Whoever asked can see from the `era` of `in_force`, before and after,
    that one policy was in force all the while.
    """

    def __init__(self, engine: Engine) -> None:
        self._serving = _Serving(engine, 0)
        self._behind = ""

    @property
    def in_force(self) -> PolicyInForce:
        """The policy that judges now, and its data."""
        return self._serving.in_force

    def readiness(self) -> Readiness:
        """That of the engine; red also while another policy should be judging and cannot."""
        return Readiness(ok=False, detail=self._behind) if self._behind else self._serving.engine.readiness()

    async def decide(self, document: Mapping[str, Any]) -> Decision:
        """Judge one policy input; whatever goes wrong is a denial with POLICY_UNAVAILABLE."""
        serving = self._serving
        serving.busy += 1
        try:
            return await serving.engine.decide(document)
        finally:
            serving.busy -= 1
            if not serving.busy:
                serving.idle.set()

    async def self_test(self) -> Readiness:
        """Judge an action that must be denied, and believe the engine only if it is."""
        tested = await self._serving.engine.self_test()
        return Readiness(ok=False, detail=self._behind) if self._behind else tested

    async def swap(self, engine: Engine) -> Engine:
        """Judge with another engine from now on; the old one, once what began in it has ended."""
        old, self._serving = self._serving, _Serving(engine, self._serving.in_force.era + 1)
        self._behind = ""
        if old.busy:
            old.idle.clear()
            await old.idle.wait()
        return old.engine

    def fall_behind(self, detail: str) -> None:
        """Say that another policy is in force, which cannot be taken up here; empty once that is over."""
        self._behind = detail

    async def close(self) -> None:
        """Close the engine; every later decision is a denial."""
        await self._serving.engine.close()
