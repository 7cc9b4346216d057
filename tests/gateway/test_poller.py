"""The poller: what it takes up, and that no failure ends it."""

import logging
from collections.abc import Callable

import pytest

from gateway.carrier import Carrier
from gateway.core.actions import ActionState
from gateway.core.errors import LedgerUnavailableError
from gateway.core.outcomes import AnyOutcome, Held
from gateway.poller import Poller
from gateway.ports import ActionRecord
from tests.world import World, asks


class Expiry:
    """Counts the looks; `fails` are raised by the first looks, one each; asks for the end at look `last`."""

    def __init__(self, *fails: Exception, last: int = 1) -> None:
        self.looks, self.fails, self.last = 0, list(fails), last
        self.stop: Callable[[], None]

    async def expire_due(self, now_ms: int) -> int:
        del now_ms
        self.looks += 1
        if self.looks >= self.last:
            self.stop()
        if self.fails:
            raise self.fails.pop(0)
        return 0


class FailingFor(Carrier):
    """Fails for one action."""

    def __init__(self, world: World, action_id: str) -> None:
        super().__init__(world.road)
        self.action_id = action_id

    async def resume(self, record: ActionRecord, *, wait_s: float = 0) -> AnyOutcome:
        if record.action.id == self.action_id:
            raise RuntimeError("a defect")
        return await super().resume(record, wait_s=wait_s)


def poller_of(world: World, expiry: Expiry | None = None) -> Poller:
    carrier = Carrier(world.road)
    poller = Poller(world.ledger, expiry or world.ledger, carrier, world.clock, every_s=0)
    if expiry:
        expiry.stop = poller.stop
    return poller


async def approved(world: World) -> str:
    """A held action that has its vote and waits to be taken up."""
    world.policy.says = (asks(n=1),)
    outcome = await world.propose()
    assert isinstance(outcome, Held)
    await world.vote(outcome)
    return outcome.action_id


async def state_of(world: World, action_id: str) -> ActionState:
    record = await world.ledger.find(action_id)
    assert record is not None
    return record.state


async def test_a_look_takes_up_what_was_approved() -> None:
    world = World()
    action_id = await approved(world)
    carrier = Carrier(world.road)

    taken = await Poller(world.ledger, world.ledger, carrier, world.clock, every_s=0).look()
    await carrier.finish()

    assert taken == 1
    assert await state_of(world, action_id) is ActionState.PERFORMED
    assert world.effects() == 1


async def test_a_look_with_nothing_due_takes_up_nothing() -> None:
    assert await poller_of(World()).look() == 0


async def test_a_look_ends_what_has_run_out_of_time() -> None:
    world = World()
    action_id = await approved(world)
    world.clock.advance(9 * 3600)

    await poller_of(world).look()

    assert await state_of(world, action_id) is ActionState.EXPIRED
    assert world.effects() == 0


async def test_one_look_does_not_take_up_what_another_has_leased() -> None:
    world = World()
    await approved(world)
    await world.ledger.claim_due(lease_ms=90_000, limit=1)

    assert await poller_of(world).look() == 0


async def test_a_ledger_that_is_down_is_looked_at_again(caplog: pytest.LogCaptureFixture) -> None:
    expiry = Expiry(LedgerUnavailableError("The disk is full."), last=2)

    await poller_of(World(), expiry).run()

    assert expiry.looks == 2
    assert "The disk is full." in caplog.text


async def test_a_defect_in_one_look_is_logged_and_the_next_look_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    expiry = Expiry(RuntimeError("a defect"), KeyError("another"), last=3)

    await poller_of(World(), expiry).run()

    assert expiry.looks == 3
    failed = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert [str(r.exc_info[1]) for r in failed if r.exc_info] == ["a defect", "'another'"]


async def test_an_action_that_cannot_be_taken_up_does_not_keep_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    first, second = await approved(world), await approved(world)
    carrier = FailingFor(world, first)

    taken = await Poller(world.ledger, world.ledger, carrier, world.clock, every_s=0).look()
    await carrier.finish()

    assert taken == 2
    assert await state_of(world, second) is ActionState.PERFORMED
    assert f"taking up {first} failed" in caplog.text


async def test_a_stopped_poller_does_not_look() -> None:
    expiry = Expiry()
    poller = poller_of(World(), expiry)
    poller.stop()

    await poller.run()

    assert expiry.looks == 0
