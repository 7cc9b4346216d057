"""Carrying in the background: who waits, for how long, and what a failure leaves behind."""

import asyncio
import logging
from dataclasses import dataclass, field

import pytest

from gateway.carrier import Carrier
from gateway.core.actions import Action, ActionState, Request
from gateway.core.errors import LedgerUnavailableError, MalformedError
from gateway.core.outcomes import Held, Performed, UnderWay
from gateway.core.vocabulary import System
from gateway.ports import ActionRecord, Inspection
from tests.fakes.targets import FakeTarget
from tests.world import HEAD, World, asks, seen

LONG_S = 60


@dataclass
class GatedTarget(FakeTarget):
    """Answers an inspection when `gate` is open; `reached` says that one waits before it. `fails` is raised instead."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    fails: Exception | None = None
    asked: int = 0

    async def inspect(self, action: Action) -> Inspection:
        self.asked += 1
        self.reached.set()
        await self.gate.wait()
        if self.fails:
            raise self.fails
        return await super().inspect(action)


class Scene:
    """A world whose GitLab waits at a gate, and a carrier on its road."""

    def __init__(self) -> None:
        self.world = World()
        self.gitlab = GatedTarget(System.GITLAB, seen=seen(), story=self.world.story)
        self.world.targets = {**self.world.targets, System.GITLAB: self.gitlab}
        self.world.road = self.world._road()
        self.carrier = Carrier(self.world.road)

    def request(self, key: str | None = None) -> Request:
        target = {"system": "gitlab", "project": "shop/checkout", "merge_request": 7}
        params = {"expected_head": HEAD}
        return Request(
            type="merge_request.merge", target=target, params=params, intent="a test", idempotency_key=key
        )

    async def under_way(self, key: str | None = None) -> str:
        """Propose without waiting and let it come to the gate; the action's id."""
        outcome = await self.carrier.propose(self.request(key), self.world.principal, wait_s=0)
        assert isinstance(outcome, UnderWay)
        await self.gitlab.reached.wait()
        return outcome.action_id

    async def record(self, action_id: str) -> ActionRecord:
        record = await self.world.ledger.find(action_id)
        assert record is not None
        return record


async def test_a_proposal_waits_for_its_outcome() -> None:
    scene = Scene()
    scene.gitlab.gate.set()

    outcome = await scene.carrier.propose(scene.request(), scene.world.principal, wait_s=LONG_S)

    assert isinstance(outcome, Performed)


async def test_a_proposal_that_takes_longer_is_under_way_and_goes_on_without_its_caller() -> None:
    scene = Scene()

    action_id = await scene.under_way()
    scene.gitlab.gate.set()
    await scene.carrier.finish()

    assert (await scene.record(action_id)).state is ActionState.PERFORMED
    assert scene.world.effects() == 1


async def test_a_caller_who_leaves_stops_nothing() -> None:
    scene = Scene()
    caller = asyncio.create_task(scene.carrier.propose(scene.request(), scene.world.principal, wait_s=LONG_S))
    await scene.gitlab.reached.wait()

    caller.cancel()
    await asyncio.wait({caller})
    scene.gitlab.gate.set()
    await scene.carrier.finish()

    assert caller.cancelled()
    assert scene.world.effects() == 1


async def test_the_same_key_again_waits_for_what_is_under_way() -> None:
    scene = Scene()
    action_id = await scene.under_way("k")
    scene.gitlab.gate.set()

    outcome = await scene.carrier.propose(scene.request("k"), scene.world.principal, wait_s=LONG_S)

    assert (outcome.action_id, type(outcome)) == (action_id, Performed)
    assert (scene.gitlab.asked, scene.world.effects()) == (1, 1)


async def test_the_same_key_after_the_end_tells_the_outcome_and_carries_nothing() -> None:
    scene = Scene()
    scene.gitlab.gate.set()
    first = await scene.carrier.propose(scene.request("k"), scene.world.principal, wait_s=LONG_S)

    second = await scene.carrier.propose(scene.request("k"), scene.world.principal, wait_s=LONG_S)

    assert second == first
    assert scene.world.effects() == 1


async def test_resuming_joins_what_is_under_way() -> None:
    scene = Scene()
    action_id = await scene.under_way()
    record = await scene.record(action_id)

    early = await scene.carrier.resume(record)
    scene.gitlab.gate.set()
    outcome = await scene.carrier.resume(record, wait_s=LONG_S)

    assert isinstance(early, UnderWay)
    assert isinstance(outcome, Performed)
    assert (scene.gitlab.asked, scene.world.effects()) == (1, 1)


async def test_resuming_carries_what_nobody_carries() -> None:
    scene = Scene()
    scene.gitlab.gate.set()
    scene.world.policy.says = (asks(n=1),)
    held = await scene.carrier.propose(scene.request(), scene.world.principal, wait_s=LONG_S)
    assert isinstance(held, Held)
    await scene.world.vote(held)

    outcome = await scene.carrier.resume(await scene.record(held.action_id), wait_s=LONG_S)

    assert isinstance(outcome, Performed)


async def test_a_failing_carrying_is_logged_forgotten_and_can_be_taken_up_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = Scene()
    action_id = await scene.under_way()
    scene.gitlab.fails = RuntimeError("a defect")
    scene.gitlab.gate.set()
    await scene.carrier.finish()
    scene.gitlab.fails = None

    outcome = await scene.carrier.resume(await scene.record(action_id), wait_s=LONG_S)

    errors = [r.exc_info[1] for r in caplog.records if r.levelno == logging.ERROR and r.exc_info]
    assert [str(e) for e in errors] == ["a defect"]
    assert action_id in caplog.text
    assert isinstance(outcome, Performed)


async def test_a_waiting_caller_sees_the_failure() -> None:
    scene = Scene()
    scene.gitlab.fails = RuntimeError("a defect")
    scene.gitlab.gate.set()

    with pytest.raises(RuntimeError, match="a defect"):
        await scene.carrier.propose(scene.request(), scene.world.principal, wait_s=LONG_S)


async def test_a_bad_request_and_a_ledger_that_is_down_start_nothing() -> None:
    scene = Scene()
    bad = scene.request().model_copy(update={"type": "repository.destroy"})

    with pytest.raises(MalformedError):
        await scene.carrier.propose(bad, scene.world.principal, wait_s=0)
    scene.world.ledger.down = True
    with pytest.raises(LedgerUnavailableError):
        await scene.carrier.propose(scene.request(), scene.world.principal, wait_s=0)

    assert scene.gitlab.asked == 0


async def test_finishing_waits_for_everything_and_survives_a_failure() -> None:
    scene = Scene()
    await scene.under_way()
    scene.gitlab.fails = RuntimeError("a defect")
    finishing = asyncio.create_task(scene.carrier.finish())
    early, _ = await asyncio.wait({finishing}, timeout=0)
    scene.gitlab.gate.set()

    await finishing

    assert not early
    assert scene.world.effects() == 0


async def test_finishing_with_nothing_under_way_is_no_wait() -> None:
    await Scene().carrier.finish()
