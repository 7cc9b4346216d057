"""A database that was restored from an old backup, or exchanged for another: seen, refused, and said."""

import itertools
import logging
import shutil
from pathlib import Path

import pytest

from gateway.adapters.remembered import EXPORTED, NEWEST, Remembered
from gateway.core.errors import LedgerUnavailableError, SettingsError
from tests.gateway.adapters.store.test_writer import adding
from tests.gateway.adapters.store.world import OWNER, CountedIds, World, on_sqlite


class Backup:
    """A copy of the world's database as it was."""

    def __init__(self, world: World) -> None:
        self._world = world
        if world.cluster:
            self._name = world.cluster.new(world.name)
        else:
            self._bytes = (world.folder / "loopgate.db").read_bytes()

    def restore(self) -> None:
        if self._world.cluster:
            self._world.cluster.drop(self._world.name)
            self._world.name = self._name
        else:
            (self._world.folder / "loopgate.db").write_bytes(self._bytes)


@pytest.fixture
def memory(world: World, tmp_path: Path) -> Remembered:
    """The world's memory, in two places."""
    places = (tmp_path / "home", tmp_path / "elsewhere")
    for place in places:
        place.mkdir()
    world.memory = Remembered(places)
    return world.memory


async def grow(world: World, *names: str) -> None:
    """Record something, look once as the poller does, and stop."""
    with world.store() as store:
        for name in names:
            await store.writer.run(adding(name))
        await store.desk.expire_due(world.clock.ms)


async def refusal(world: World) -> str:
    """What the gateway says when it does not work on this database; nothing is recorded meanwhile."""
    with world.store() as store:
        with pytest.raises(LedgerUnavailableError):
            await store.writer.run(adding("x"))
        readiness = store.readiness()
        # People must be able to look.
        assert await store.ledger.find("act_1") is None
    assert not readiness.ok
    return readiness.detail


@pytest.mark.usefixtures("memory")
async def test_a_database_that_is_behind_what_was_seen_is_refused_with_what_to_do(world: World) -> None:
    await grow(world, "s1")
    backup = Backup(world)
    await grow(world, "s2")
    backup.restore()

    said = await refusal(world)

    assert "a checkpoint of 3 leaves is known outside the database, but only 2 are here" in said
    assert "an old backup was restored" in said
    assert "loopgate audit accept-restore" in said


@pytest.mark.usefixtures("memory")
async def test_a_database_with_another_history_is_refused(world: World) -> None:
    await grow(world, "s1")
    backup = Backup(world)
    await grow(world, "s2")
    backup.restore()
    # Somebody lets it go on without its memory, past the point where it was.
    kept, world.memory = world.memory, None
    world.ids = CountedIds(itertools.count(70_000))
    await grow(world, "t2", "t3")
    world.memory = kept

    assert "this is another history" in await refusal(world)


async def test_one_place_that_outlived_the_home_is_enough(
    world: World, memory: Remembered, tmp_path: Path
) -> None:
    await grow(world, "s1")
    backup = Backup(world)
    home = tmp_path / "home"
    shutil.copytree(home, tmp_path / "home-of-then")
    await grow(world, "s2")
    backup.restore()
    shutil.rmtree(home)
    (tmp_path / "home-of-then").rename(home)

    assert memory.notes()
    assert "an old backup was restored" in await refusal(world)


@pytest.mark.usefixtures("memory")
async def test_what_was_exported_is_remembered_before_it_is_handed_out(world: World, tmp_path: Path) -> None:
    with world.store() as store:
        await store.writer.run(adding("s1"))
        bundle = await store.archive.export(0, None, by=OWNER)
        lines = (tmp_path / "elsewhere" / EXPORTED).read_text().splitlines()

    assert bundle.content
    assert len(lines) == 1
    assert r"\n3\n" in lines[0]


@pytest.mark.usefixtures("memory")
async def test_a_checkpoint_that_cannot_be_remembered_is_not_handed_out(world: World, tmp_path: Path) -> None:
    with world.store() as store:
        shutil.rmtree(tmp_path / "elsewhere")
        with pytest.raises(LedgerUnavailableError, match="so it is not given"):
            await store.archive.checkpoint()
        (tmp_path / "elsewhere").mkdir()

        assert await store.archive.checkpoint()


@pytest.mark.usefixtures("memory")
async def test_the_road_does_not_wait_for_a_place_that_is_away(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with world.store() as store:
        await store.writer.run(adding("s1"))
        shutil.rmtree(tmp_path / "elsewhere")
        with caplog.at_level(logging.WARNING):
            await store.desk.expire_due(world.clock.ms)

        assert "could not be remembered" in caplog.text
        assert store.readiness().ok


@pytest.mark.usefixtures("memory")
async def test_a_place_that_is_away_at_the_start_is_waited_for(world: World, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").rename(tmp_path / "away")
    with world.store() as store:
        red = store.readiness()
        (tmp_path / "away").rename(tmp_path / "elsewhere")
        await store.writer.run(adding("s1"))

        assert not red.ok
        assert "is not there" in red.detail
        assert store.readiness().ok


async def test_what_was_accepted_is_what_the_log_goes_on_from(world: World, memory: Remembered) -> None:
    await grow(world, "s1")
    backup = Backup(world)
    await grow(world, "s2", "s3")
    backup.restore()
    kept, world.memory = memory, None
    with world.store() as store:
        await store.writer.run(adding("t2"))
        kept.accept(await store.archive.checkpoint())
    world.memory = kept

    await grow(world, "t3")

    with world.store() as store:
        assert store.readiness().ok, store.readiness().detail


def note(size: int) -> str:
    """Something that has the form of a checkpoint; its signature is not looked at here."""
    return f"gateway.example/audit/log1\n{size}\n{'A' * 43}=\n\n— gateway.example/audit/log1 AAAA\n"


def test_the_newest_never_goes_back_and_what_was_handed_out_only_grows(tmp_path: Path) -> None:
    memory = Remembered([tmp_path])
    for size in (5, 3):
        memory.keep_up(note(size))
    for size in (4, 4, 6):
        memory.hand_out(note(size))

    assert (tmp_path / NEWEST).read_text() == note(5)
    assert len((tmp_path / EXPORTED).read_text().splitlines()) == 2
    assert memory.notes() == (note(6), note(5))


def test_a_line_that_a_crash_cut_short_was_never_handed_out(tmp_path: Path) -> None:
    memory = Remembered([tmp_path])
    memory.hand_out(note(4))
    with (tmp_path / EXPORTED).open("a") as file:
        file.write('{"checkpoint": "gateway.exa')

    assert memory.notes() == (note(4),)
    memory.hand_out(note(5))

    assert memory.notes() == (note(5),)
    assert len((tmp_path / EXPORTED).read_text().splitlines()) == 2


@pytest.mark.parametrize("line", ["nothing", "[]", "{}", '{"checkpoint": 5}', '{"checkpoint": "a\\nb"}'])
def test_a_whole_line_that_cannot_be_read_is_said(tmp_path: Path, line: str) -> None:
    (tmp_path / EXPORTED).write_text(line + "\n")

    with pytest.raises(SettingsError, match="not one that Loopgate wrote"):
        Remembered([tmp_path]).notes()


def test_a_home_that_remembers_nothing_refuses_nothing(tmp_path: Path) -> None:
    (tmp_path / EXPORTED).write_text("")

    assert Remembered([tmp_path]).notes() == ()


def test_what_is_remembered_is_open_to_nobody_else(tmp_path: Path) -> None:
    memory = Remembered([tmp_path])
    memory.hand_out(note(1))
    memory.keep_up(note(1))

    assert [(tmp_path / n).stat().st_mode & 0o077 for n in (EXPORTED, NEWEST)] == [0, 0]


@on_sqlite
async def test_a_gateway_that_stops_remembers_where_it_stopped(world: World, memory: Remembered) -> None:
    with world.store() as store:
        await store.writer.run(adding("s1"))

    assert [n.splitlines()[1] for n in memory.notes()] == ["2"]
