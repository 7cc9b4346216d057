"""Break-glass in the store: what may follow what, what is evidence, and who wins the race against the clock."""

from typing import Any

import pytest

from gateway.adapters.store.store import Store
from gateway.core.break_glass import CONFIRM_WITHIN_MS, REVIEW_WITHIN_MS, BreakGlass, GlassState
from gateway.core.errors import ConflictError, NotFoundError, OutOfScopeError
from gateway.core.judgements import Judgement
from gateway.core.outcomes import UnderWay
from gateway.core.permits import grant
from gateway.core.rulings import Narrowing
from gateway.core.steps import Blocked, Preparation, Start
from tests.gateway.adapters.store.world import AGENT, BENCH, World

HOUR_MS = 3_600_000
FIRST, SECOND, THIRD = "prn_a", "prn_b", "prn_c"


async def told(store: Store, kind: str) -> list[dict[str, Any]]:
    rows = await store.archive.events(subject=None, event_type=kind, after=None, limit=100)
    return [{"subject": r.subject, **r.leaf["data"], **r.disclosures} for r in rows]


async def opened(store: Store, scope: str = "agent", value: str = AGENT, **more: Any) -> BreakGlass:
    given = {"ticket": "INC-7", "reason": "The shop is down.", "minutes": 60, "by": FIRST, **more}
    return await store.break_glass.open(scope, value, **given)


async def in_force(store: Store, scope: str = "agent", value: str = AGENT, **more: Any) -> BreakGlass:
    glass = await opened(store, scope, value, **more)
    return await store.break_glass.confirm(glass.id, by=SECOND)


def started_on(world: World, glass_id: str) -> Start:
    """A start whose ruling was narrowed by that break-glass."""
    action = world.action()
    judged = world.judge(action)
    narrowing = Narrowing(id=glass_id, codes=("BLAST-006",))
    ruling = judged.ruling.model_copy(update={"break_glass": narrowing})
    judgement: Judgement = judged.model_copy(update={"ruling": ruling})
    permit = grant(judgement, None, BENCH)
    return Start(judgement=judgement, permit=permit, preparation=Preparation(marker="lg-0123"))


@pytest.mark.parametrize(
    ("scope", "value", "matches"),
    [
        ("agent", AGENT, True),
        ("agent", "agt_other", False),
        ("project", "shop/checkout", True),
        ("project", "shop/other", False),
        ("action_type", "issue.comment", True),
        ("action_type", "issue.create", False),
    ],
)
async def test_it_is_for_what_it_names_and_nothing_else(
    world: World, store: Store, scope: str, value: str, *, matches: bool
) -> None:
    glass = await in_force(store, scope, value)

    found = await store.counters.break_glass_on(world.action(), world.clock.ms)
    assert found == (glass.id if matches else None)


async def test_rules_see_the_one_in_force_and_none_before(world: World, store: Store) -> None:
    action = world.action()
    await opened(store, "project", "shop/checkout")
    before = (await store.counters.standing(action, world.clock.ms)).glass
    glass = await in_force(store)
    seen = (await store.counters.standing(action, world.clock.ms)).glass

    assert before is None
    assert seen is not None
    assert (seen.id, seen.ticket, seen.by, seen.second) == (glass.id, "INC-7", FIRST, SECOND)
    assert seen.confirmed_ms is not None
    assert seen.expires_ms - seen.confirmed_ms == HOUR_MS
    assert seen.review_due_ms == seen.confirmed_ms + REVIEW_WITHIN_MS


async def test_it_is_in_force_from_the_confirmation_until_the_clock_or_a_person_ends_it(
    world: World, store: Store
) -> None:
    action = world.action()
    glass = await opened(store)
    before = await store.counters.break_glass_on(action, world.clock.ms)
    confirmed = await store.break_glass.confirm(glass.id, by=SECOND)
    during = await store.counters.break_glass_on(action, confirmed.expires_ms - 1)
    at_the_end = await store.counters.break_glass_on(action, confirmed.expires_ms)
    closed = await store.break_glass.close(glass.id, by=THIRD)
    after = await store.counters.break_glass_on(action, world.clock.ms)

    assert (before, during, at_the_end, after) == (None, glass.id, None, None)
    assert confirmed.confirmed_ms is not None
    assert confirmed.expires_ms - confirmed.confirmed_ms == HOUR_MS
    assert closed.state(world.clock.ms) is GlassState.ENDED
    assert [e["by"] for e in await told(store, "breakglass.confirmed")] == [SECOND]
    assert [(e["by"], e["uses"]) for e in await told(store, "breakglass.closed")] == [(THIRD, 0)]
    assert [e["reason"] for e in await told(store, "breakglass.opened")] == ["The shop is down."]


async def test_what_starts_on_it_is_evidence_and_counted(world: World, store: Store) -> None:
    glass = await in_force(store)
    start = started_on(world, glass.id)
    await store.ledger.admit(start.permit.action)

    outcome = await store.ledger.record(start)

    assert isinstance(outcome, UnderWay)
    (used,) = await told(store, "breakglass.used")
    assert (used["subject"], used["break_glass"]) == (outcome.action_id, glass.id)
    assert used["codes"] == ["BLAST-006"]
    (judged,) = await told(store, "action.judged")
    assert judged["break_glass"] == {"id": glass.id, "codes": ["BLAST-006"]}
    assert [g.uses for g in await store.break_glass.listed(after=None, limit=10)] == [1]


async def test_a_start_that_comes_after_the_end_is_blocked_and_leaves_nothing(
    world: World, store: Store
) -> None:
    glass = await in_force(store, minutes=1)
    start = started_on(world, glass.id)
    await store.ledger.admit(start.permit.action)
    # Judged within the minute, started after it: the ruling itself is still fresh.
    world.clock.pass_ms(glass.expires_ms - world.clock.ms - 1_000)
    fresh = started_on(world, glass.id)
    await store.ledger.admit(fresh.permit.action)
    world.clock.pass_ms(2_000)

    blocked = await store.ledger.record(fresh)

    assert isinstance(blocked, Blocked)
    assert blocked.guard == "break_glass"
    assert await told(store, "breakglass.used") == []
    assert await told(store, "action.started") == []


async def test_a_start_that_comes_after_a_person_closed_it_is_blocked(world: World, store: Store) -> None:
    glass = await in_force(store)
    start = started_on(world, glass.id)
    await store.ledger.admit(start.permit.action)
    await store.break_glass.close(glass.id, by=FIRST)

    blocked = await store.ledger.record(start)

    assert isinstance(blocked, Blocked)
    assert blocked.guard == "break_glass"


async def test_whoever_opened_it_neither_confirms_nor_reviews_it(world: World, store: Store) -> None:
    glass = await opened(store)
    with pytest.raises(OutOfScopeError):
        await store.break_glass.confirm(glass.id, by=FIRST)
    await store.break_glass.confirm(glass.id, by=SECOND)
    with pytest.raises(ConflictError):
        await store.break_glass.review(glass.id, by=THIRD, justified=True, finding="Early.")
    world.clock.pass_ms(HOUR_MS)

    for involved in (FIRST, SECOND):
        with pytest.raises(OutOfScopeError):
            await store.break_glass.review(glass.id, by=involved, justified=True, finding="Mine.")
    reviewed = await store.break_glass.review(glass.id, by=THIRD, justified=False, finding="No need.")

    assert reviewed.state(world.clock.ms) is GlassState.REVIEWED
    (event,) = await told(store, "breakglass.reviewed")
    assert (event["by"], event["justified"], event["finding"]) == (THIRD, False, "No need.")
    with pytest.raises(ConflictError):
        await store.break_glass.review(glass.id, by=THIRD, justified=True, finding="Again.")


async def test_what_nobody_confirms_lapses_and_asks_for_no_review(world: World, store: Store) -> None:
    glass = await opened(store)
    world.clock.pass_ms(CONFIRM_WITHIN_MS)
    await store.desk.expire_due(world.clock.ms)

    with pytest.raises(ConflictError):
        await store.break_glass.confirm(glass.id, by=SECOND)
    world.clock.pass_ms(REVIEW_WITHIN_MS * 2)
    await store.desk.expire_due(world.clock.ms)

    assert await store.break_glass.overdue(world.clock.ms) == ()
    assert await told(store, "breakglass.overdue") == []
    assert len(await told(store, "breakglass.closed")) == 1


async def test_the_end_by_the_clock_and_an_overdue_review_are_told_once(world: World, store: Store) -> None:
    glass = await in_force(store)
    world.clock.pass_ms(REVIEW_WITHIN_MS + 1_000)
    for _ in range(3):
        await store.desk.expire_due(world.clock.ms)

    assert await store.break_glass.overdue(world.clock.ms) == (glass.id,)
    assert [e["subject"] for e in await told(store, "breakglass.overdue")] == [glass.id]
    closed = await told(store, "breakglass.closed")
    assert [(e["subject"], "by" in e) for e in closed] == [(glass.id, False)]


async def test_an_overdue_review_blocks_the_next_until_it_is_made(world: World, store: Store) -> None:
    glass = await in_force(store)
    world.clock.pass_ms(REVIEW_WITHIN_MS - CONFIRM_WITHIN_MS // 2)
    another = await opened(store)
    world.clock.pass_ms(CONFIRM_WITHIN_MS // 2)

    with pytest.raises(ConflictError) as not_opened:
        await opened(store)
    with pytest.raises(ConflictError):
        await store.break_glass.confirm(another.id, by=SECOND)
    await store.break_glass.review(glass.id, by=THIRD, justified=True, finding="It was right.")

    assert not_opened.value.code == "review_overdue"
    assert (await opened(store)).id != glass.id


async def test_what_is_not_there_is_not_found(store: Store) -> None:
    for hand in (store.break_glass.confirm, store.break_glass.close):
        with pytest.raises(NotFoundError):
            await hand("bgl_none", by=FIRST)
    with pytest.raises(NotFoundError):
        await store.break_glass.review("bgl_none", by=FIRST, justified=True, finding="Which?")


async def test_the_list_is_newest_first_and_pages(store: Store) -> None:
    ids = [(await opened(store)).id for _ in range(3)]

    first = await store.break_glass.listed(after=None, limit=2)
    rest = await store.break_glass.listed(after=first[-1].id, limit=2)

    assert [g.id for g in (*first, *rest)] == ids[::-1]
