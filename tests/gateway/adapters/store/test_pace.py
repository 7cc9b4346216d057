"""How often an agent may ask, and what its pipelines hold."""

import asyncio

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

MINUTE_MS, HOUR_MS = 60_000, 3_600_000


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


async def used(store: Store, budget: str) -> int:
    account = tables.budgets.c
    query = select(func.coalesce(func.sum(account.used), 0)).where(account.budget == budget)
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
    assert (await used(store, "pipelines"), await used(store, "ci_minutes")) == (0, 55)
    assert await started(world, store, *ci(45)) is not None
    assert await started(world, store, *ci(1)) is None


STEPS = st.lists(
    st.tuples(st.sampled_from(["start", "perform", "refuse", "settle"]), st.integers(1, 40)),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
async def test_sums_never_exceed_limits_and_everything_comes_back_once(
    world: World, steps: list[tuple[str, int]]
) -> None:
    """Two replicas would run the same statements in the same transactions: the writer is the only order there is."""
    world.create()
    running: list[str] = []
    ended: list[str] = []
    with world.store() as store:
        for kind, amount in steps:
            if kind == "start":
                fresh = await asyncio.gather(*(started(world, store, *ci(amount)) for _ in range(3)))
                running += [f for f in fresh if f]
            elif kind == "settle" and ended:
                await asyncio.gather(*(store.accounts.settle(ended[-1], amount) for _ in range(2)))
                ended.pop()
            elif running:
                action_id = running.pop(0)
                record = await store.ledger.find(action_id)
                assert record is not None
                finish = performed(record.action) if kind == "perform" else refused(record.action)
                await store.ledger.record(finish)
                ended += [action_id] if kind == "perform" else []
            assert 0 <= await used(store, "pipelines") <= 2
            assert 0 <= await used(store, "ci_minutes") <= 100
        assert await used(store, "pipelines") == len(running) + len(ended)
