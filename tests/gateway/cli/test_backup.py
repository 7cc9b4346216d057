"""Backup, restore, and going on from what was restored, over real homes."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from audit.errors import LogDamagedError
from audit.note import parse_vkey
from audit.verify import verify_bundle
from gateway.adapters.clock import SystemClock, UlidIds
from gateway.adapters.store.database import Database
from gateway.adapters.store.genesis import boot, create
from gateway.adapters.store.store import Store
from gateway.app.backup import back_up, restore
from gateway.app.replicas import check_database
from gateway.app.restored import accept_restore
from gateway.app.sources import memory_of, open_log, store_sources
from gateway.app.upkeep import alone, migrate_home
from gateway.core.errors import LedgerUnavailableError, SettingsError
from gateway.settings import Settings, load_settings
from tests.gateway.adapters.store.test_writer import adding
from tests.gateway.adapters.store.world import BENCH
from tests.gateway.cli.shell import loopgate
from tests.postgres import Cluster, binaries

only_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
only_postgresql = pytest.mark.parametrize("settings", ["postgresql"], indirect=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, home_template: Path, tmp_path: Path) -> Iterator[Settings]:
    """A home of its own, on each database in turn."""
    home = Path(shutil.copytree(home_template, tmp_path / "home"))
    if request.param == "sqlite":
        yield load_settings(home)
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    name = cluster.new()
    (home / "loopgate.db").unlink()
    made = load_settings(home).model_copy(update={"database_url": cluster.url(name)})
    clock = SystemClock()
    create(
        made.database, open_log(made, UlidIds(clock), clock), policy_digest="a" * 64, roster_digest="b" * 64
    )
    yield made
    cluster.drop(name)


@pytest.fixture
def on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's client programs beside its server's."""
    monkeypatch.setenv("PATH", f"{binaries()}{os.pathsep}{os.environ['PATH']}")


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """The home's store as `serve` opens it."""
    clock, memory = SystemClock(), memory_of(settings)
    log = open_log(settings, UlidIds(clock), clock, memory.notes)
    store = boot(settings.database, log, store_sources(clock, lambda: BENCH, memory=memory))
    try:
        yield store
    finally:
        store.close()


async def grow(settings: Settings, *names: str) -> int:
    """Record something; how many leaves there are then."""
    with opened(settings) as store:
        for name in names:
            await store.writer.run(adding(name))
        return store.writer.log_size


@pytest.mark.usefixtures("on_path")
async def test_a_backup_of_a_gateway_that_works_is_whole_and_private(
    settings: Settings, tmp_path: Path
) -> None:
    into = tmp_path / "backup"
    with opened(settings) as store:
        await store.writer.run(adding("s1"))
        size = store.writer.log_size
        done = back_up(settings, into)
        await store.writer.run(adding("s2"))

    data = {"loopgate.db", "loopgate.dump"} & set(done.files)
    assert done.size == size
    assert len(data) == 1
    assert {"keys/event.pem", "keys/checkpoint.pem", "keys/marker.key", "loopgate.toml", "log.vkey"} < set(
        done.files
    )
    assert into.stat().st_mode & 0o077 == 0
    assert (into / "keys").stat().st_mode & 0o077 == 0
    assert (into / data.pop()).stat().st_mode & 0o077 == 0
    written = json.loads((into / "backup.json").read_text())
    assert (written["size"], written["root"]) == (done.size, done.root)


@pytest.mark.usefixtures("on_path")
async def test_a_backup_without_keys_has_none(settings: Settings, tmp_path: Path) -> None:
    done = back_up(settings, tmp_path / "backup", with_keys=False)

    assert not any(name.startswith("keys/") for name in done.files)


@pytest.mark.usefixtures("on_path")
async def test_a_folder_in_use_is_refused_and_left_alone(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")

    with pytest.raises(SettingsError, match="is there already"):
        back_up(settings, tmp_path / "mine")

    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["file"]


@only_sqlite
async def test_a_backup_that_fails_leaves_nothing_behind(settings: Settings, tmp_path: Path) -> None:
    (settings.home / "loopgate.db").write_bytes(b"not a database at all" * 100)

    with pytest.raises(Exception, match="not a database"):
        back_up(settings, tmp_path / "backup")

    assert not (tmp_path / "backup").exists()


@only_sqlite
async def test_an_old_backup_is_refused_with_a_sentence_and_goes_on_when_it_is_accepted(
    settings: Settings, tmp_path: Path
) -> None:
    await grow(settings, "s1")
    done = back_up(settings, tmp_path / "backup")
    newer = await grow(settings, "s2", "s3")

    aside = restore(settings, tmp_path / "backup")
    with opened(settings) as store:
        red = store.readiness()
        with pytest.raises(LedgerUnavailableError, match="old backup"):
            await store.writer.run(adding("s4"))
    with pytest.raises(LogDamagedError, match="old backup"):
        back_up(settings, tmp_path / "another")
    accepted = accept_restore(settings, by="prn_operator", reason="The disk broke.")

    assert aside.exists()
    assert not red.ok
    assert (
        f"a checkpoint of {newer} leaves is known outside the database, but only {done.size} are here"
        in red.detail
    )
    assert (accepted.before, accepted.known, accepted.size) == (done.size, newer, done.size + 1)
    with opened(settings) as store:
        assert store.readiness().ok, store.readiness().detail
        await store.writer.run(adding("s5"))
        (event,) = await store.archive.events(subject=None, event_type="audit.restored", after=None, limit=9)
        bundle = await store.archive.export(0, None, by="prn_operator")
        verdict = verify_bundle(bundle.content, [parse_vkey((await store.archive.keys())["vkey"])])
    data = event.leaf["data"]
    assert (data["size"], data["known_size"], data["known_root"], data["by"]) == (
        done.size,
        newer,
        accepted.root,
        "prn_operator",
    )
    assert event.disclosures == {"reason": "The disk broke."}
    assert verdict.ok, verdict.first_problem


async def test_there_is_nothing_to_accept_where_nothing_is_missing(settings: Settings) -> None:
    before = await grow(settings, "s1")

    with pytest.raises(SettingsError, match="nothing to accept"):
        accept_restore(settings, by="prn_operator", reason="x")

    assert await grow(settings) == before


@only_sqlite
async def test_a_restore_never_mixes_with_the_log_of_the_database_before(
    settings: Settings, tmp_path: Path
) -> None:
    back_up(settings, tmp_path / "backup")
    with opened(settings) as store:
        await store.writer.run(adding("s1"))
        # What a crash leaves: a write-ahead log that belongs to the newer file.
        for end in ("", "-wal"):
            shutil.copy(f"{settings.home}/loopgate.db{end}", tmp_path / f"crashed{end}")
    for end in ("", "-wal"):
        shutil.copy(tmp_path / f"crashed{end}", f"{settings.home}/loopgate.db{end}")

    restore(settings, tmp_path / "backup")
    second = restore(settings, tmp_path / "backup")

    assert sorted(p.name for p in settings.home.glob("loopgate.db*")) == [
        "loopgate.db",
        "loopgate.db.before-restore-1",
        "loopgate.db.before-restore-1-wal",
        "loopgate.db.before-restore-2",
    ]
    assert second.name.endswith("2")
    with opened(settings) as store:
        assert "old backup" in store.readiness().detail


@only_sqlite
async def test_a_backup_that_was_changed_is_not_put_back(settings: Settings, tmp_path: Path) -> None:
    back_up(settings, tmp_path / "backup")
    with (tmp_path / "backup" / "loopgate.db").open("ab") as file:
        file.write(b"\0")

    with pytest.raises(SettingsError, match="was changed or is missing"):
        restore(settings, tmp_path / "backup")
    with pytest.raises(SettingsError, match="is not a whole backup"):
        restore(settings, tmp_path)


@only_sqlite
async def test_nothing_is_put_back_under_a_gateway_that_serves(settings: Settings, tmp_path: Path) -> None:
    back_up(settings, tmp_path / "backup")

    with alone(settings.home):
        for attempt in (
            lambda: restore(settings, tmp_path / "backup"),
            lambda: accept_restore(settings, by="prn_operator", reason="x"),
            lambda: migrate_home(settings),
        ):
            with pytest.raises(SettingsError, match="Another process works on"):
                attempt()


@only_postgresql
@pytest.mark.usefixtures("on_path")
async def test_a_dump_of_postgresql_is_put_back_with_its_own_tools_and_then_refused(
    settings: Settings, tmp_path: Path, cluster: Cluster
) -> None:
    await grow(settings, "s1")
    back_up(settings, tmp_path / "backup")
    await grow(settings, "s2")
    name = cluster.restore(tmp_path / "backup" / "loopgate.dump")
    there = settings.model_copy(update={"database_url": cluster.url(name)})

    with opened(there) as store:
        said = store.readiness().detail
    accept_restore(there, by="prn_operator", reason="The server was lost.")
    with opened(there) as store:
        after = store.readiness()
    cluster.drop(name)

    assert "an old backup was restored" in said
    assert after.ok, after.detail


async def test_a_gateway_refuses_another_form_of_the_database_and_names_the_command(
    settings: Settings,
) -> None:
    engine = Database(settings.database).writer()
    with engine.connect() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
        with pytest.raises(SettingsError, match="run `loopgate migrate`"):
            check_database(settings)
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        for refuse in (check_database, migrate_home):
            with pytest.raises(SettingsError, match="newer than this version"):
                refuse(settings)
    engine.dispose()


@only_sqlite
async def test_a_home_without_a_database_is_not_given_an_empty_one(
    settings: Settings, tmp_path: Path
) -> None:
    (settings.home / "loopgate.db").unlink()

    for attempt in (lambda: migrate_home(settings), lambda: back_up(settings, tmp_path / "backup")):
        with pytest.raises(SettingsError, match="There is no database at"):
            attempt()

    assert not (settings.home / "loopgate.db").exists()


@only_postgresql
async def test_a_machine_without_pg_dump_is_told_what_to_do(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SettingsError, match="Install PostgreSQL's client programs"):
        back_up(settings, tmp_path / "backup")


@pytest.mark.slow
@only_sqlite
async def test_the_command_line_backs_up_restores_and_accepts(settings: Settings, tmp_path: Path) -> None:
    home, into = str(settings.home), str(tmp_path / "backup")
    made = loopgate("backup", into, "--home", home, "--json")
    again = loopgate("backup", into, "--home", home)
    await grow(settings, "s1")
    put_back = loopgate("restore", into, "--home", home)
    looked = loopgate("doctor", "--home", home, "--json")
    accepted = loopgate(
        "audit", "accept-restore", "--by", "prn_operator", "--reason", "A test.", "--home", home
    )
    once_more = loopgate("audit", "accept-restore", "--by", "prn_operator", "--reason", "x", "--home", home)
    migrated = loopgate("migrate", "--home", home)

    assert [s.code for s in (made, again, put_back, looked, accepted, once_more, migrated)] == [
        0,
        1,
        0,
        1,
        0,
        1,
        0,
    ]
    assert made.document["size"] > 1
    assert "is there already" in again.err
    assert "loopgate.db.before-restore-1" in put_back.out
    assert ["old backup" in c["detail"] for c in looked.document if c["name"] == "log"] == [True]
    assert "Recorded as audit.restored" in accepted.out
    assert "nothing to accept" in once_more.err
    assert "nothing was done" in migrated.out
