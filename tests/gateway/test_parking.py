"""The road when a budget is used up, when an agent asks too often, and when votes outlive a rebase."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.core.actions import Request
from gateway.core.errors import TooManyRequestsError
from gateway.core.outcomes import AnyOutcome, Denied, Held, Performed, Waiting
from gateway.core.rulings import Reservation
from tests.gateway.test_pipeline import JUDGED, held_and_approved
from tests.world import HEAD, World, asks, denies, seen


@pytest.fixture
def world() -> World:
    return World()


async def test_a_used_up_budget_parks_what_said_it_can_wait_until_the_window_opens(world: World) -> None:
    world.policy.reserve = (Reservation(budget="actions", window="hour", amount=1, limit=1),)
    assert isinstance(await world.propose(), Performed)
    world.story.clear()

    parked = await world.propose(when_ready=True)
    early = await world.resume(60)
    done = await world.resume(3600)

    assert isinstance(parked, Waiting)
    assert world.story[:4] == [*JUDGED, "budget.parked", "action.waiting"]
    assert early == []
    assert [type(o) for o in done] == [Performed]
    assert world.effects() == 1


async def test_a_rate_that_a_rule_sees_first_parks_the_same_way(world: World) -> None:
    until_ms = world.clock.now_ms() + 3_600_000
    world.policy.says = (denies("RATE-001", until_ms=until_ms),)
    parked = await world.propose(when_ready=True)

    assert isinstance(parked, Waiting)
    assert "budget.parked" in world.story
    assert isinstance(await world.propose(), Denied)
    world.policy.says = ()
    assert [type(o) for o in await world.resume(3601)] == [Performed]


async def test_too_many_open_questions_park_what_said_it_can_wait(world: World) -> None:
    world.policy.reserve = (Reservation(budget="held_tickets", window="open", amount=1, limit=1),)
    world.policy.says = (asks(n=1),)
    first = await world.propose()
    second = await world.propose(when_ready=True, squash=True)

    assert isinstance(first, Held)
    assert isinstance(second, Waiting)
    await world.vote(first)
    assert sorted(type(o).__name__ for o in await world.resume()) == ["Held", "Performed"]


class FakePace:
    """Lets so many through."""

    def __init__(self, left: int) -> None:
        self.left = left

    async def propose(self, agent: str, door: str) -> None:
        self._count(agent, door)

    async def rehearse(self, agent: str, door: str) -> None:
        self._count(agent, door)

    def _count(self, agent: str, door: str) -> None:
        assert (agent, door) == ("agt_fixer", "rest")
        self.left -= 1
        if self.left < 0:
            raise TooManyRequestsError("Enough for now.", retry_after_s=7)


async def test_who_asks_too_often_is_refused_before_anything_is_recorded(world: World) -> None:
    world.road = replace(world.road, pace=FakePace(2))
    target = {"system": "gitlab", "project": "shop/checkout", "merge_request": 7}
    dry = Request(type="merge_request.merge", target=target, params={"expected_head": HEAD})

    assert isinstance(await world.propose(), Performed)
    assert (await world.road.preview(dry, world.principal)).ruling.effect == "allow"
    world.story.clear()
    with pytest.raises(TooManyRequestsError) as refused:
        await world.propose()
    with pytest.raises(TooManyRequestsError):
        await world.road.preview(dry, world.principal)

    assert refused.value.retry_after_s == 7
    assert world.story == []


async def approved_then_rebased(
    world: World, *, carries: bool, by_us: bool = True, patch: str = "d" * 40
) -> AnyOutcome:
    """A merge that people approved waits for its pipeline; its branch is rebased; it is proposed at the new head."""
    new = "8e" * 20
    world.policy.carries = carries
    world.changes.change = world.changes.change.model_copy(update={"patch_ids": ("d" * 40,)})
    if by_us:
        rebase = await world.propose("merge_request.rebase")
        row = world.ledger.kept.rows[rebase.action_id]
        heads = {"merge_request": 7, "head_before": HEAD, "head": new}
        world.ledger.kept.rows[rebase.action_id] = replace(row, result=heads)
    await held_and_approved(world)
    world.gitlab.seen = seen(new)
    world.changes.change = world.changes.change.model_copy(update={"patch_ids": (patch,)})
    await world.resume()
    world.story.clear()
    return await world.propose(expected_head=new)


async def test_a_clean_rebase_by_the_gateway_keeps_the_votes_where_policy_says_so(world: World) -> None:
    outcome = await approved_then_rebased(world, carries=True)

    assert isinstance(outcome, Performed)
    assert "approval.carried" in world.story
    assert world.story.index("approval.carried") < world.story.index("PERFORMED")
    assert world.gitlab.permits[-1].ticket_id == (await world.ticket(outcome)).id


@pytest.mark.parametrize(
    "change", [{"carries": False}, {"carries": True, "by_us": False}, {"carries": True, "patch": "c" * 40}]
)
async def test_any_other_move_of_the_head_asks_people_again(world: World, change: dict[str, Any]) -> None:
    assert isinstance(await approved_then_rebased(world, **change), Held)
    assert "approval.carried" not in world.story
