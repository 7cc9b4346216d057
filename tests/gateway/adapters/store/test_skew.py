"""A clock that goes back is recorded once for each time it does."""

from gateway.adapters.store.store import Store
from tests.gateway.adapters.store.test_writer import adding
from tests.gateway.adapters.store.world import World

HOUR_MS = 3_600_000


async def skews(store: Store) -> list[int]:
    """By how much the clock was behind, each time that was recorded."""
    found = await store.archive.events(subject="clock", event_type="clock.skewed", after=None, limit=9)
    return [row.leaf["data"]["behind_ms"] for row in found]


async def test_each_jump_back_is_recorded_once_however_often_it_is_looked_at(
    world: World, store: Store
) -> None:
    await store.writer.run(adding("before"))
    begin_ms = store.writer.behind_ms(0)
    for back_ms in (HOUR_MS, 2 * HOUR_MS):
        world.clock.ms = begin_ms - back_ms
        for _ in range(3):
            await store.desk.expire_due(world.clock.ms)
        world.clock.ms = begin_ms + HOUR_MS
        await store.desk.expire_due(world.clock.ms)

    first, second = await skews(store)
    assert first == HOUR_MS
    assert second >= 2 * HOUR_MS


async def test_five_seconds_behind_is_no_jump(world: World, store: Store) -> None:
    await store.writer.run(adding("before"))
    world.clock.ms = store.writer.behind_ms(0) - 5_000
    await store.desk.expire_due(world.clock.ms)
    assert await skews(store) == []

    world.clock.ms -= 1
    await store.desk.expire_due(world.clock.ms)
    assert await skews(store) == [5_001]
