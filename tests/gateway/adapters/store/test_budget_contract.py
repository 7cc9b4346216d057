"""What every ledger promises about budgets: the same tests against the real one and the one in memory."""

import asyncio

import pytest

from gateway.core.actions import ActionState
from gateway.core.outcomes import Held, Refused, UnderWay
from gateway.core.steps import Blocked, Finish
from gateway.core.vocabulary import ActionType
from tests.gateway.adapters.store.subjects import (
    Subject,
    admitted,
    guard,
    state_of,
)
from tests.gateway.adapters.store.world import (
    in_doubt,
    performed,
    refused,
    reserving,
)

HOUR_MS = 3_600_000
HEAD = "9" * 40


async def test_a_budget_that_is_used_up_blocks_and_says_until_when(subject: Subject) -> None:
    world, reserve = subject.world, (reserving(limit=1), reserving(window="day", limit=9))
    first, second = await admitted(subject), await admitted(subject)
    await subject.ledger.record(world.start(first, reserve=reserve))

    blocked = await subject.ledger.record(world.start(second, reserve=reserve))

    assert isinstance(blocked, Blocked)
    assert (blocked.guard, blocked.code) == ("budget", "OVER_BUDGET")
    assert blocked.until_ms == (world.clock.ms // HOUR_MS + 1) * HOUR_MS
    assert await subject.used("actions", "hour") == 1
    assert await subject.used("actions", "day") == 1
    assert await state_of(subject, second) is ActionState.REQUESTED

    world.clock.pass_ms(HOUR_MS)
    assert isinstance(await subject.ledger.record(world.start(second, reserve=reserve)), UnderWay)
    assert await subject.used("actions", "day") == 2


async def test_a_limit_holds_when_many_start_at_once(subject: Subject) -> None:
    actions = [await admitted(subject) for _ in range(20)]
    starts = [subject.world.start(a, reserve=(reserving(limit=7),)) for a in actions]

    outcomes = await asyncio.gather(*(subject.ledger.record(s) for s in starts))

    assert sum(isinstance(o, UnderWay) for o in outcomes) == 7
    assert await subject.used("actions", "hour") == 7


@pytest.mark.parametrize(("end", "left"), [("performed", 1), ("refused", 0), ("in_doubt", 1)])
async def test_what_was_not_done_is_given_back_and_doubt_keeps(subject: Subject, end: str, left: int) -> None:
    action = await admitted(subject)
    await subject.ledger.record(subject.world.start(action, reserve=(reserving(), reserving(window="day"))))

    await subject.ledger.record(Finish(action_id=action.id, outcome=end))

    assert await subject.used("actions", "hour") == left
    assert await subject.used("actions", "day") == left


async def test_a_doubt_that_is_settled_as_not_done_gives_back(subject: Subject) -> None:
    action = await admitted(subject)
    await subject.ledger.record(subject.world.start(action, reserve=(reserving(),)))
    await subject.ledger.record(in_doubt(action))

    settled = await subject.ledger.record(refused(action).model_copy(update={"reconciled": True}))

    assert isinstance(settled, Refused)
    assert await subject.used("actions", "hour") == 0
    assert (await subject.story())[-3:] == ["action.in_doubt", "action.reconciled", "action.refused"]


async def test_open_merge_requests_count_until_they_are_merged(subject: Subject) -> None:
    world = subject.world
    params = {"source": "agent/x", "target": "main", "title": "Upgrade openssl"}
    opening = await admitted(subject, kind=ActionType.MERGE_REQUEST_OPEN, params=params)
    budget = (reserving("open_merge_requests", "open", limit=3),)
    await subject.ledger.record(world.start(opening, reserve=budget))
    await subject.ledger.record(performed(opening, merge_request=7))
    other = await admitted(
        subject, kind=ActionType.MERGE_REQUEST_MERGE, params={"expected_head": HEAD}, merge_request=8
    )
    merge = await admitted(
        subject, kind=ActionType.MERGE_REQUEST_MERGE, params={"expected_head": HEAD}, merge_request=7
    )

    await subject.ledger.record(world.start(other))
    await subject.ledger.record(performed(other))
    before = await subject.used("open_merge_requests", "open")
    await subject.ledger.record(world.start(merge))
    await subject.ledger.record(performed(merge))

    assert before == 1
    assert await subject.used("open_merge_requests", "open") == 0


async def test_holding_takes_the_holding_budget_and_closing_gives_it_back(subject: Subject) -> None:
    reserve = (reserving("held_tickets", "open", limit=1),)
    first, second = await admitted(subject), await admitted(subject)
    held_first = await subject.ledger.record(subject.world.hold(first, reserve=reserve))
    blocked = await subject.ledger.record(subject.world.hold(second, reserve=reserve))

    assert isinstance(held_first, Held)
    assert guard(blocked) == "budget"
    assert await subject.ledger.ticket_for(second.id) is None

    await subject.cancel(first.id)
    assert isinstance(await subject.ledger.record(subject.world.hold(second, reserve=reserve)), Held)
