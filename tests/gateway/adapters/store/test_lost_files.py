"""SQLite goes on writing into a file that was taken away; this store does not."""

import shutil

import pytest

from gateway.adapters.store.store import Store
from gateway.adapters.store.unit import Unit
from gateway.core.errors import LedgerUnavailableError
from tests.gateway.adapters.store.world import World


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A database in a file, whatever else the suite runs on."""
    made = World(tmp_path_factory.mktemp("file"))
    made.create()
    return made


async def refused(store: Store, world: World) -> str:
    with pytest.raises(LedgerUnavailableError) as error:
        await store.ledger.admit(world.action())
    assert not store.readiness().ok
    return error.value.detail


async def admitted(store: Store, world: World, times: int) -> None:
    for _ in range(times):
        await store.ledger.admit(world.action())


async def test_nothing_is_acknowledged_into_a_file_that_was_moved_away(world: World) -> None:
    file = world.folder / "loopgate.db"
    with world.store() as store:
        await store.ledger.admit(world.action())
        file.rename(world.folder / "away.db")

        assert "put it back" in await refused(store, world)
        assert "put it back" in await refused(store, world)
        assert not file.exists()

        (world.folder / "away.db").rename(file)
        await store.ledger.admit(world.action())
        assert store.readiness().ok


async def test_a_copy_put_in_its_place_is_checked_before_it_is_used(world: World) -> None:
    file = world.folder / "loopgate.db"
    with world.store() as store:
        await store.ledger.admit(world.action())
    shutil.copy(file, world.folder / "older.db")
    with world.store() as store:
        await store.ledger.admit(world.action())
        for part in world.folder.glob("loopgate.db*"):
            part.unlink()
        (world.folder / "older.db").rename(file)

        assert "replaced" in await refused(store, world)
        assert "does not match" in await refused(store, world)


async def test_a_disk_without_room_stays_red_until_there_is_some(world: World) -> None:
    with world.store() as store:
        await store.ledger.admit(world.action())
        pages = await store.writer.run(
            lambda unit: int(unit.connection.exec_driver_sql("PRAGMA max_page_count=10").scalar_one())
        )
        assert pages > 10
        with pytest.raises(LedgerUnavailableError, match="full"):
            await admitted(store, world, 1000)
        assert not store.readiness().ok

        await store.ledger.admit(world.action())
        assert store.readiness().ok


async def test_what_an_earlier_look_for_room_could_not_take_away_is_in_nobodys_way(world: World) -> None:
    def left_over(unit: Unit) -> None:
        unit.connection.exec_driver_sql("INSERT INTO settings (name, value) VALUES ('room', 'x')")

    with world.store() as store:
        await store.writer.run(left_over)
        await store.writer.run(
            lambda unit: unit.connection.exec_driver_sql("PRAGMA max_page_count=10").scalar()
        )
        with pytest.raises(LedgerUnavailableError, match="full"):
            await admitted(store, world, 1000)

        await store.ledger.admit(world.action())
        rows = await store.reader.run(
            lambda c: c.exec_driver_sql("SELECT count(*) FROM settings WHERE name = 'room'").scalar_one()
        )

    assert rows == 0
