"""The process dies between every two steps of the road; the next one finds a row it can carry on.

Real database, real log, real boot; only the target is in memory, because it stands for the world outside, which
does not forget when we crash.
"""

import functools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.store.store import Store
from gateway.core.actions import ActionState
from gateway.core.listings import ActionFilter
from gateway.core.rulings import Assurance
from tests.gateway.adapters.store.world import CLAUSE, POLICY, ROSTER, vote
from tests.gateway.adapters.store.world import World as StoreWorld
from tests.world import World, asks

pytestmark = pytest.mark.slow
FINAL = {ActionState.PERFORMED, ActionState.REFUSED, ActionState.DENIED, ActionState.STALE}


class Crash(BaseException):
    """The machine lost power here: nothing catches it."""


class Fuse:
    """Blows at the `at`-th of all watched calls, before it begins or after it has ended."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.left, self.after = at, after

    def watched(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @functools.wraps(call)
        async def fused(*args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left == 0 and not self.after:
                raise Crash
            answer = await call(*args, **kwargs)
            if self.left == 0:
                raise Crash
            return answer

        return fused


class Fused:
    """A neighbour whose calls pass a fuse."""

    def __init__(self, inner: Any, fuse: Fuse, *names: str) -> None:
        self._inner, self._fuse, self._names = inner, fuse, names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._fuse.watched(found) if name in self._names else found


def world_on(store: Store, world: World | None = None, fuse: Fuse | None = None) -> World:
    """A world on the real ledger; a second one keeps the outside of the first."""
    made = World()
    made.policy.digest, made.policy.roster = POLICY, ROSTER
    if world:
        made.gitlab, made.story, made.clock, made.ids = world.gitlab, world.story, world.clock, world.ids
        made.policy.says = world.policy.says
        made.targets = {**made.targets, made.gitlab.system: made.gitlab}
    made.ledger = store.ledger  # type: ignore[assignment]  # the real one behind the same port
    if fuse:
        made.ledger = Fused(made.ledger, fuse, "admit", "record", "ticket_for")  # type: ignore[assignment]
        made.targets = {made.gitlab.system: Fused(made.gitlab, fuse, "inspect", "prepare", "perform")}  # type: ignore[dict-item]
    made.road = made._road()
    return made


async def carried_to_the_end(store: Store, world: World, outside: StoreWorld) -> list[ActionState]:
    """What the next process makes of everything that was left."""
    for _ in range(6):
        outside.clock.pass_ms(400_000)
        world.clock.ms = outside.clock.ms
        for record in await store.ledger.claim_due(lease_ms=1000, limit=10):
            await world.road.resume(record)
    rows = await store.desk.actions(ActionFilter(), after=None, limit=10)
    return [row.state for row in rows]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 8))
async def test_a_crash_at_any_step_loses_nothing_and_does_nothing_twice(
    tmp_path: Path, at: int, *, after: bool
) -> None:
    outside = StoreWorld(tmp_path)
    outside.create()
    with outside.store() as store:
        first = world_on(store, None, Fuse(at, after=after))
        first.clock.ms = outside.clock.ms
        crashed = False
        try:
            await first.propose(key="once")
        except Crash:
            crashed = True
    with outside.store() as store:
        second = world_on(store, first)
        states = await carried_to_the_end(store, second, outside)

    acted = first.effects()
    assert crashed or states == [ActionState.PERFORMED]
    assert acted <= 1
    assert set(states) <= FINAL
    assert (ActionState.PERFORMED in states) == (acted == 1)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 8))
async def test_a_crash_after_an_approval_still_acts_exactly_once(
    tmp_path: Path, at: int, *, after: bool
) -> None:
    outside = StoreWorld(tmp_path)
    outside.create()
    with outside.store() as store:
        first = world_on(store)
        first.clock.ms = outside.clock.ms
        first.policy.says = (asks("BLAST-001", CLAUSE, n=1),)
        held = await first.propose()
        ticket = await store.ledger.ticket_for(held.action_id)
        assert ticket is not None
        await store.desk.cast(ticket.id, vote(ticket, assurance=Assurance.TOKEN))
        fused = world_on(store, first, Fuse(at, after=after))
        outside.clock.pass_ms(5000)
        fused.clock.ms = outside.clock.ms
        try:
            for record in await store.ledger.claim_due(lease_ms=1000, limit=10):
                await fused.road.resume(record)
        except Crash:
            pass
    with outside.store() as store:
        states = await carried_to_the_end(store, world_on(store, first), outside)

    assert first.effects() <= 1
    assert (states == [ActionState.PERFORMED]) == (first.effects() == 1)
    assert set(states) <= FINAL
