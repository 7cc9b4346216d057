"""What agents read, in the store: it counts for its agent and trace, or for a day, and is never taken back."""

from gateway.adapters.store.store import Store
from gateway.core.actions import Action
from gateway.core.session_sources import SERVED_FOR_MS, Source, SourceKind
from gateway.core.vocabulary import ActionType
from tests.gateway.adapters.store.world import AGENT, World

WEB, FILE = Source(kind=SourceKind.WEB, ref="https://a.test/x"), Source(kind=SourceKind.FILE)


def merging(world: World, *, trace: str | None = None, agent: str = AGENT) -> Action:
    params = {"expected_head": "a" * 40}
    action = world.action(ActionType.MERGE_REQUEST_MERGE, params=params, agent=agent, merge_request=1)
    return action.model_copy(update={"trace": trace} if trace else {})


async def kinds(world: World, store: Store, action: Action, later_ms: int = 0) -> list[str]:
    standing = await store.counters.standing(action, world.clock.ms + later_ms)
    return [source.kind for source in standing.sources]


async def test_what_was_declared_once_counts_for_all_that_follows_under_the_trace(
    world: World, store: Store
) -> None:
    first = world.action().model_copy(update={"sources": (WEB, FILE, WEB), "trace": "trc_1"})
    await store.ledger.admit(first)

    assert await kinds(world, store, merging(world, trace="trc_1")) == ["file", "web"]
    assert await kinds(world, store, merging(world, trace="trc_1"), later_ms=10 * SERVED_FOR_MS) == [
        "file",
        "web",
    ]
    assert await kinds(world, store, merging(world, trace="trc_2")) == []
    assert await kinds(world, store, merging(world, trace="trc_1", agent="agt_other")) == []


async def test_saying_nothing_later_takes_nothing_back(world: World, store: Store) -> None:
    for sources in ((WEB,), (), (WEB,)):
        said = world.action().model_copy(update={"sources": sources, "trace": "trc_1"})
        await store.ledger.admit(said)

    assert await kinds(world, store, merging(world, trace="trc_1")) == ["web"]


async def test_a_dry_run_counts_what_it_says_itself(world: World, store: Store) -> None:
    asked = merging(world).model_copy(update={"sources": (FILE,)})

    assert await kinds(world, store, asked) == ["file"]


async def test_what_was_served_counts_for_a_day_under_any_trace(world: World, store: Store) -> None:
    await store.session_sources.served(AGENT, SourceKind.WORK_ITEM)

    assert await kinds(world, store, merging(world, trace="trc_9")) == ["work_item"]
    assert await kinds(world, store, merging(world), later_ms=SERVED_FOR_MS - 1000) == ["work_item"]
    assert await kinds(world, store, merging(world), later_ms=SERVED_FOR_MS + 1000) == []
    assert await kinds(world, store, merging(world, agent="agt_other")) == []


async def test_served_again_counts_for_another_day(world: World, store: Store) -> None:
    await store.session_sources.served(AGENT, SourceKind.WORK_ITEM)
    world.clock.ms += 2 * 3_600_000
    await store.session_sources.served(AGENT, SourceKind.WORK_ITEM)

    assert await kinds(world, store, merging(world), later_ms=SERVED_FOR_MS - 1000) == ["work_item"]


async def test_what_matters_to_nobody_is_not_looked_up(world: World, store: Store) -> None:
    await store.session_sources.served(AGENT, SourceKind.WORK_ITEM)

    assert await kinds(world, store, world.action()) == []
