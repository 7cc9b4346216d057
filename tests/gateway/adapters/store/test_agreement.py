"""Log and state never disagree, whatever is asked of the store in whatever order."""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.adapters.store.store import Store
from gateway.core.actions import Action
from gateway.core.errors import LoopgateError
from gateway.core.permits import PermitRefusedError
from gateway.core.steps import Blocked, Finish, Hold, Step
from gateway.core.tickets import Ticket
from tests.gateway.adapters.store.agreement import assert_log_and_state_agree, states_told
from tests.gateway.adapters.store.hands import lift_by_hand
from tests.gateway.adapters.store.world import OWNER, VOTERS, World, asking, performed, reserving, vote

VERBS = st.sampled_from(
    [
        "deny",
        "hold",
        "hold elsewhere",
        "wait",
        "supersede",
        "start",
        "start without ticket",
        "performed",
        "refused",
        "in_doubt",
        "approve",
        "reject",
        "cancel",
        "expire",
        "claim",
        "stop",
        "lift",
        "pass a minute",
        "pass eight hours",
    ]
)
PLANS = st.lists(st.tuples(VERBS, st.integers(0, 2)), min_size=1, max_size=25)
RESERVE = (reserving(limit=3), reserving(window="day", limit=4), reserving("held_tickets", "open", limit=2))


class Actor:
    """Does what a plan says to one of three actions, however little sense it makes."""

    def __init__(self, world: World, store: Store, actions: list[Action]) -> None:
        self.world, self.store, self.actions = world, store, actions

    async def do(self, verb: str, action: Action) -> None:
        ticket = await self.store.ledger.ticket_for(action.id)
        if verb in _HANDS:
            await _HANDS[verb](self, action, ticket)
        elif verb != "supersede" or ticket:
            await self.store.ledger.record(self._step(verb, action, ticket))

    def _step(self, verb: str, action: Action, ticket: Ticket | None) -> Any:
        world = self.world
        steps: dict[str, Callable[[], Any]] = {
            "deny": lambda: world.deny(action),
            "hold": lambda: self._hold(action, ticket, "checkout"),
            "hold elsewhere": lambda: self._hold(action, ticket, "billing"),
            "wait": lambda: world.wait(action),
            "supersede": lambda: ticket and world.supersede(action, ticket),
            "start": lambda: world.start(action, ticket, reserve=RESERVE),
            "start without ticket": lambda: world.start(action, reserve=RESERVE),
            "performed": lambda: performed(action),
        }
        finish = Finish(action_id=action.id, outcome=verb, reason="said the target")
        return steps[verb]() if verb in steps else finish

    def _hold(self, action: Action, ticket: Ticket | None, service: str) -> Hold:
        asked = (asking(services=[service]),)
        return self.world.hold(action, superseded=ticket, findings=asked, reserve=RESERVE)

    async def approve(self, _action: Action, ticket: Ticket | None) -> None:
        if ticket:
            await self.store.desk.cast(ticket.id, vote(ticket, VOTERS[0]))

    async def reject(self, _action: Action, ticket: Ticket | None) -> None:
        if ticket:
            await self.store.desk.cast(ticket.id, vote(ticket, VOTERS[1], "reject"))

    async def cancel(self, action: Action, _ticket: Ticket | None) -> None:
        await self.store.desk.cancel(action.id, by=OWNER)

    async def expire(self, _action: Action, _ticket: Ticket | None) -> None:
        await self.store.desk.expire_due(self.world.clock.ms)

    async def claim(self, _action: Action, _ticket: Ticket | None) -> None:
        await self.store.ledger.claim_due(lease_ms=1000, limit=2)

    async def stop(self, _action: Action, _ticket: Ticket | None) -> None:
        await self.store.emergency.engage("everything", "", reason="All of it.", by=OWNER)

    async def lift(self, _action: Action, _ticket: Ticket | None) -> None:
        for stop in await self.store.emergency.stops():
            await lift_by_hand(self.store, stop.id)

    async def pass_a_minute(self, _action: Action, _ticket: Ticket | None) -> None:
        self.world.clock.pass_ms(60_000)

    async def pass_eight_hours(self, _action: Action, _ticket: Ticket | None) -> None:
        self.world.clock.pass_ms(8 * 3_600_000)


_HANDS = {
    "approve": Actor.approve,
    "reject": Actor.reject,
    "cancel": Actor.cancel,
    "expire": Actor.expire,
    "claim": Actor.claim,
    "stop": Actor.stop,
    "lift": Actor.lift,
    "pass a minute": Actor.pass_a_minute,
    "pass eight hours": Actor.pass_eight_hours,
}


async def carry_out(world: World, plan: list[tuple[str, int]]) -> None:
    with world.store() as store:
        actions = [world.action() for _ in range(3)]
        await asyncio.gather(*(store.ledger.admit(a) for a in actions))
        actor = Actor(world, store, actions)
        for verb, number in plan:
            try:
                await actor.do(verb, actions[number])
            except (LoopgateError, PermitRefusedError):
                continue
        await assert_log_and_state_agree(store)
    with world.store() as again:
        assert again.readiness().ok
        await assert_log_and_state_agree(again)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(PLANS)
def test_log_and_state_agree_after_any_sequence_of_steps(plan: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        world.create()
        asyncio.run(carry_out(world, plan))


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(PLANS)
def test_log_and_state_agree_after_many_more_sequences(plan: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        world.create()
        asyncio.run(carry_out(world, plan))


async def test_steps_of_many_callers_at_once_agree(world: World, store: Store) -> None:
    actions = [world.action() for _ in range(30)]
    await asyncio.gather(*(store.ledger.admit(a) for a in actions))
    holds = [world.hold(a, reserve=RESERVE) for a in actions]
    steps: list[Step] = [
        *holds,
        *(world.deny(a) for a in actions[::2]),
        *(world.start(a) for a in actions[::3]),
    ]

    outcomes = await asyncio.gather(*(store.ledger.record(s) for s in steps))
    votes = [store.desk.cast(h.ticket.id, vote(h.ticket)) for h in holds]
    await asyncio.gather(*votes, return_exceptions=True)

    assert any(isinstance(o, Blocked) for o in outcomes)
    assert any(not isinstance(o, Blocked) for o in outcomes)
    await assert_log_and_state_agree(store)


def test_the_comparison_itself_sees_a_step_that_may_not_be() -> None:
    leaves = [
        {"type": "loopgate.action.requested", "subject": "act_1", "data": {}},
        {"type": "loopgate.action.performed", "subject": "act_1", "data": {}},
    ]

    with pytest.raises(AssertionError, match="requested to performed"):
        states_told(leaves)
