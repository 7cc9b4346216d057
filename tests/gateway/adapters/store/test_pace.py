"""How often an agent may ask, and what its pipelines hold."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from gateway.adapters.store import tables
from gateway.adapters.store.store import Store
from gateway.core.errors import TooManyRequestsError
from gateway.core.rulings import Reservation
from gateway.core.steps import Blocked, Preparation, Start
from tests.gateway.adapters.store.world import AGENT, World, performed, refused, reserving

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000


async def test_proposals_over_the_minutes_limit_are_refused_and_counted_in_one_event(
    world: World, store: Store
) -> None:
    pace = store.pace(world.clock, proposals_per_minute=2, dry_runs_per_hour=0)
    for _ in range(2):
        await pace.propose(AGENT, "rest")
    for _ in range(5):
        with pytest.raises(TooManyRequestsError) as refused_one:
            await pace.propose(AGENT, "rest")
    await pace.propose("agt_other", "rest")

    world.clock.pass_ms(MINUTE_MS)
    await pace.propose(AGENT, "rest")
    await store.desk.expire_due(world.clock.ms)
    events = await store.archive.events(subject=None, event_type="session.denied", after=None, limit=9)

    assert 1 <= refused_one.value.retry_after_s <= 60
    assert [e.leaf["data"]["count"] for e in events] == [5]
    assert events[0].leaf["data"]["code"] == "too_many_requests"


async def test_dry_runs_have_a_budget_of_their_own_over_every_replica(world: World, store: Store) -> None:
    one = store.pace(world.clock, proposals_per_minute=0, dry_runs_per_hour=3)
    other = store.pace(world.clock, proposals_per_minute=0, dry_runs_per_hour=3)
    await one.rehearse(AGENT, "rest")
    await other.rehearse(AGENT, "rest")
    await one.rehearse(AGENT, "rest")

    with pytest.raises(TooManyRequestsError):
        await other.rehearse(AGENT, "rest")
    assert (await store.counters.usage(AGENT, world.clock.ms)).actions_hour == 0
    world.clock.pass_ms(HOUR_MS)
    await other.rehearse(AGENT, "rest")
    await store.pace(world.clock, proposals_per_minute=0, dry_runs_per_hour=0).rehearse(AGENT, "rest")


async def started(world: World, store: Store, *reserve: Reservation, commit: str = "c" * 40) -> str | None:
    """Start an action that draws these budgets; its id, or None when there was no room."""
    action = world.action()
    await store.ledger.admit(action)
    plain = world.start(action, reserve=reserve)
    preparation = Preparation(marker="lg-1", commit=commit)
    start = Start(judgement=plain.judgement, permit=plain.permit, preparation=preparation)
    blocked = isinstance(await store.ledger.record(start), Blocked)
    return None if blocked else action.id


def ci(minutes: int) -> tuple[Reservation, ...]:
    return reserving("pipelines", "open", limit=2), reserving("ci_minutes", "day", limit=100, amount=minutes)


async def used(store: Store, budget: str, period: str = "") -> int:
    """What is used in all windows whose name begins so."""
    account = tables.budgets.c
    mine = (account.budget == budget) & account.period.startswith(period)
    query = select(func.coalesce(func.sum(account.used), 0)).where(mine)
    return int(await store.reader.run(lambda connection: connection.execute(query).scalar_one()))


async def held(store: Store, budget: str, period: str = "") -> int:
    """What actions hold of a budget in all windows whose name begins so."""
    row = tables.reservations.c
    mine = (row.budget == budget) & row.period.startswith(period)
    query = select(func.coalesce(func.sum(row.amount), 0)).where(mine)
    return int(await store.reader.run(lambda connection: connection.execute(query).scalar_one()))


async def test_a_finished_pipeline_gives_back_its_place_and_unused_minutes_once(
    world: World, store: Store
) -> None:
    ids = [await started(world, store, *ci(40)) for _ in range(2)]
    third = await started(world, store, *ci(1))
    for action_id in ids:
        record = await store.ledger.find(action_id or "")
        assert record is not None
        await store.ledger.record(performed(record.action))
    opened = await store.accounts.open_pipelines(limit=9)

    both = await asyncio.gather(*(store.accounts.settle(ids[0] or "", 15) for _ in range(2)))

    assert third is None
    assert {o.action_id for o in opened} == set(ids)
    assert {(o.project, o.commit) for o in opened} == {("shop/checkout", "c" * 40)}
    assert sorted(both) == [False, True]
    assert (await used(store, "pipelines"), await used(store, "ci_minutes")) == (1, 55)
    assert await store.accounts.settle(ids[1] or "", 10**9)
    assert (await used(store, "pipelines"), await used(store, "ci_minutes")) == (0, 200)
    assert await started(world, store, *ci(1)) is None


@pytest.mark.parametrize(
    ("minutes", "today", "tomorrow"),
    [(20, 20, 0), (40, 40, 0), (41, 41, 0), (100, 100, 0), (130, 100, 30), (10**9, 100, 100)],
)
async def test_minutes_beyond_the_estimate_are_taken_from_now_and_then_the_next_window_up_to_the_limits(
    world: World, store: Store, minutes: int, today: int, tomorrow: int
) -> None:
    action_id = await started(world, store, *ci(40)) or ""
    await end(store, action_id, done=True)
    (opened,) = await store.accounts.open_pipelines(limit=9)

    assert opened.estimate == 40
    assert await store.accounts.settle(action_id, minutes)
    day = world.clock.ms // DAY_MS
    assert await used(store, "ci_minutes", f"day:{day}") == today
    assert await used(store, "ci_minutes", f"day:{day + 1}") == tomorrow
    assert await held(store, "ci_minutes", f"day:{day}") == today
    assert await held(store, "ci_minutes", f"day:{day + 1}") == tomorrow


async def test_minutes_that_are_known_the_day_after_are_taken_from_that_day(
    world: World, store: Store
) -> None:
    action_id = await started(world, store, *ci(40)) or ""
    await end(store, action_id, done=True)
    world.clock.pass_ms(DAY_MS)
    await store.accounts.settle(action_id, 60)

    day = world.clock.ms // DAY_MS
    assert [await used(store, "ci_minutes", f"day:{n}") for n in (day - 1, day)] == [40, 20]


async def end(store: Store, action_id: str, *, done: bool) -> None:
    """Finish what has started, well or not at all."""
    record = await store.ledger.find(action_id)
    assert record is not None
    await store.ledger.record(performed(record.action) if done else refused(record.action))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["start", "perform", "refuse", "settle"]), st.integers(0, 1), st.integers(1, 120)
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.slow
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
async def test_sums_never_exceed_limits_and_everything_comes_back_once(
    world: World, steps: list[tuple[str, int, int]]
) -> None:
    """Two stores on one database do everything at the same time; on SQLite the second is the first, as one process writes."""
    world.create()
    with stores_on(world) as stores:
        running: list[str] = []
        ended: list[str] = []
        for kind, which, amount in steps:
            first, second = stores[which], stores[1 - which]
            if kind == "start":
                at_once = [started(world, s, *ci(amount)) for s in (first, second, first, second)]
                running += [f for f in await asyncio.gather(*at_once) if f]
            elif kind == "settle" and ended:
                oldest = ended.pop(0)
                both = await asyncio.gather(*(s.accounts.settle(oldest, amount) for s in (first, second)))
                assert sorted(both) == [False, True]
            elif running and kind in {"perform", "refuse"}:
                ending = running.pop(0)
                both_end = [end(s, ending, done=kind == "perform") for s in (first, second)]
                answers = await asyncio.gather(*both_end, return_exceptions=True)
                assert any(a is None for a in answers)
                ended += [ending] if kind == "perform" else []
            assert await used(first, "pipelines") == len(running) + len(ended) <= 2
            minutes = [await used(first, "ci_minutes", f"day:{n}") for n in days(world)]
            assert 0 <= min(minutes) <= max(minutes) <= 100
            assert sum(minutes) == await held(first, "ci_minutes")


def days(world: World) -> tuple[int, int]:
    today = world.clock.ms // DAY_MS
    return today, today + 1


@contextmanager
def stores_on(world: World) -> Iterator[tuple[Store, Store]]:
    """Two replicas where the database takes two; the database is gone afterwards."""
    with world.store() as one:
        if world.cluster is None:
            yield one, one
            return
        with world.store() as other:
            yield one, other
    world.cluster.drop(world.name)
