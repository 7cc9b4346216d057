"""The beginning: migrations, leaf 0, and the check at boot."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from sqlalchemy import NullPool, create_engine
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from audit.events import EventType
from audit.keys import Ed25519Signer, KeyFact, KeyRole
from gateway.adapters.store import genesis, migrate
from gateway.adapters.store.database import Database
from gateway.core.errors import LedgerUnavailableError, SettingsError
from tests.gateway.adapters.store.world import ORIGIN, POLICY, World, on_postgresql, on_sqlite, performed
from tests.postgres import Cluster


def schema(path: Path) -> dict[str, Any]:
    """Tables with their columns and indices, and triggers by name, as SQLite holds them."""
    with sqlite3.connect(path) as connection:
        names = [r[0] for r in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY 1"
        ).fetchall()
        tables = {
            n: sorted(_without_place(r) for r in connection.execute(f"PRAGMA table_info({n})")) for n in names
        }
        indices = {n: sorted(r[1:4] for r in connection.execute(f"PRAGMA index_list({n})")) for n in names}
        keys = {n: sorted(r[2:5] for r in connection.execute(f"PRAGMA foreign_key_list({n})")) for n in names}
    connection.close()
    tables.pop("alembic_version", None)
    indices.pop("alembic_version", None)
    keys.pop("alembic_version", None)
    return {"tables": tables, "indices": indices, "keys": keys, "triggers": triggers}


def _without_place(column: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(str(v) for v in column[1:])


def test_migrating_an_empty_database_equals_creating_all_tables(tmp_path: Path) -> None:
    migrate.upgrade(f"sqlite:///{tmp_path / 'migrated.db'}")
    engine = create_engine(f"sqlite:///{tmp_path / 'created.db'}")
    for metadata in migrate.target_metadata():
        metadata.create_all(engine)
    engine.dispose()

    migrated, created = schema(tmp_path / "migrated.db"), schema(tmp_path / "created.db")

    assert migrated == created
    assert len(migrated["triggers"]) == 4
    assert {"actions", "audit_leaves"} < set(migrated["tables"])


def test_nothing_is_left_to_migrate(world: World) -> None:
    engine = create_engine(world.url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"target_metadata": migrate.target_metadata()})
        # Alembic takes a list of metadata here as in an environment; its annotation names only one.
        missing = produce_migrations(context, migrate.target_metadata()).upgrade_ops  # type: ignore[arg-type]
    engine.dispose()

    assert missing is not None
    assert missing.as_diffs() == []


@on_postgresql
def test_migrating_and_creating_all_tables_are_the_same_on_postgresql(world: World) -> None:
    assert world.cluster is not None
    name = world.cluster.new()
    engine = create_engine(world.cluster.url(name), poolclass=NullPool)
    for metadata in migrate.target_metadata():
        metadata.create_all(engine)

    migrated, created = columns_of(world.cluster, world.name), columns_of(world.cluster, name)
    world.cluster.drop(name)

    assert migrated == created
    assert len({c for c in migrated if c[0] == "trigger"}) == 6


def columns_of(cluster: Cluster, name: str) -> set[tuple[object, ...]]:
    """Columns, constraints, indices and triggers of a database on PostgreSQL, without Alembic's own table."""
    queries = {
        "column": "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable "
        "FROM information_schema.columns WHERE table_schema = 'public'",
        "index": "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "constraint": "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace",
        "trigger": "SELECT tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    }
    found = {(kind, *row) for kind, query in queries.items() for row in cluster.run(query, name)}
    return {row for row in found if row[1] != "alembic_version"}


def test_migrating_twice_changes_nothing(world: World) -> None:
    before = world.bytes()

    migrate.upgrade(world.url)

    assert world.bytes() == before


async def test_leaf_0_holds_policy_roster_and_keys(tmp_path: Path) -> None:
    world = World(tmp_path)
    policy_key = KeyFact.of(Ed25519Signer.from_seed(bytes([7] * 32)).public, KeyRole.POLICY)
    genesis.create(
        world.url,
        world.log(),
        policy_digest=POLICY,
        roster_digest="b" * 64,
        other_keys=[policy_key],
        more={"operator": "prn_owner"},
    )

    with world.store() as store:
        first = (await store.archive.events(subject=None, event_type=None, after=None, limit=1))[0]
        active = await store.policies.active()

    assert first.index == 0
    assert first.type == EventType.LOG_OPENED
    assert first.subject == ORIGIN
    data = first.leaf["data"]
    assert (data["policy_digest"], data["roster_digest"], data["operator"]) == (POLICY, "b" * 64, "prn_owner")
    assert [k["role"] for k in data["keys"]] == ["event", "checkpoint", "policy"]
    assert active == POLICY


def test_a_second_genesis_is_refused_and_harmless(world: World) -> None:
    with pytest.raises(SettingsError, match="holds a log already"):
        genesis.create(world.url, world.log(), policy_digest="f" * 64, roster_digest="b" * 64)

    with world.store() as store:
        assert store.readiness().ok


async def test_a_database_without_a_log_refuses_to_act_and_says_why(tmp_path: Path) -> None:
    world = World(tmp_path)
    migrate.upgrade(world.url)

    with world.store() as store:
        assert not store.readiness().ok
        assert "no log" in store.readiness().detail
        with pytest.raises(LedgerUnavailableError):
            await store.ledger.admit(world.action())


ALTERED = {
    "sqlite": "UPDATE audit_leaves SET leaf = replace(leaf, 'prn_owner', 'prn_other') WHERE leaf_index = 1",
    "postgresql": "UPDATE audit_leaves SET leaf = overlay(leaf placing 'X' from 9) WHERE leaf_index = 1",
}
DAMAGE: dict[str, str | dict[str, str]] = {
    "an altered leaf": ALTERED,
    "a missing leaf": "DELETE FROM audit_leaves WHERE leaf_index = 2",
    "a cut tail": "DELETE FROM audit_leaves WHERE leaf_index = 4",
    "an altered head": "UPDATE audit_heads SET time_ms = time_ms + 1",
    "an altered frontier": "UPDATE audit_frontier SET time_ms = time_ms + 1",
    "no frontier": "DELETE FROM audit_frontier",
}


@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_damaged_log_refuses_to_act_and_says_why(world: World, damage: str) -> None:
    with world.store() as store:
        action = world.action()
        await store.ledger.admit(action)
        await store.ledger.record(world.start(action))
        await store.ledger.record(performed(action))
    script = DAMAGE[damage]
    world.unguard("audit_leaves")
    world.run(script if isinstance(script, str) else script[world.kind])

    with world.store() as store:
        readiness = store.readiness()
        assert not readiness.ok
        assert "damaged" in readiness.detail
        with pytest.raises(LedgerUnavailableError) as caught:
            await store.ledger.admit(world.action())
        assert "damaged" in caught.value.detail
        # Reading goes on: people must be able to look.
        assert await store.ledger.find(action.id) is not None


@on_sqlite
async def test_a_restored_backup_is_found_by_its_checkpoint(world: World) -> None:
    with world.store() as store:
        await store.ledger.admit(world.action())
        await store.archive.checkpoint()
    with sqlite3.connect(world.folder / "loopgate.db") as connection:
        note = connection.execute("SELECT size, root, note, time_ms FROM audit_checkpoints").fetchall()
    connection.close()
    world.create()
    with sqlite3.connect(world.folder / "loopgate.db") as connection:
        connection.executemany(
            "INSERT INTO audit_checkpoints (size, root, note, time_ms) VALUES (?, ?, ?, ?)", note
        )
    connection.close()

    with world.store() as store:
        assert not store.readiness().ok
        assert "backup" in store.readiness().detail


async def test_the_newest_policy_is_the_one_in_force(world: World) -> None:
    with world.store() as store:
        version = world.judge(world.action()).ruling.policy.model_copy(update={"digest": "e" * 64})

        was_new = await store.policies.activate(version, by="prn_owner", roster_digest="9" * 64)
        again = await store.policies.activate(version, by="prn_owner")

        events = await store.archive.events(subject=None, event_type="policy.activated", after=None, limit=9)
        assert (was_new, again) == (True, False)
        assert await store.policies.active() == "e" * 64
    data = events[0].leaf["data"]
    assert len(events) == 1
    assert (data["digest"], data["before"], data["by"]) == ("e" * 64, POLICY, "prn_owner")


async def test_the_clock_agrees_unless_it_is_far_behind_the_log(world: World) -> None:
    with world.store() as store:
        last_ms = store.writer._log.last_time_ms

        assert store.writer.clock_agrees(last_ms - 5000)
        assert not store.writer.clock_agrees(last_ms - 5001)
        assert store.writer.clock_agrees(last_ms + 10**9)


def test_every_table_can_be_made_on_postgresql() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    tables = [t for m in migrate.target_metadata() for t in m.sorted_tables]

    made = {t.name: str(CreateTable(t).compile(dialect=dialect)) for t in tables}

    assert len(made) == len(tables)
    assert "created_ms BIGINT NOT NULL" in made["actions"]
    assert "leaf BYTEA NOT NULL" in made["audit_leaves"]


@pytest.mark.parametrize("url", ["mysql://localhost/x", "not a url", "sqlite"])
def test_a_database_we_do_not_work_on_is_said(url: str) -> None:
    with pytest.raises(SettingsError):
        Database(url)


@on_sqlite
async def test_leases_of_the_process_before_bind_nobody(world: World) -> None:
    action = world.action()
    with world.store() as store:
        await store.ledger.admit(action)
        before = await store.ledger.claim_due(lease_ms=60_000, limit=9)
        await store.ledger.release_leases()
        released = await store.ledger.claim_due(lease_ms=60_000, limit=9)
    with world.store() as again:
        due = await again.ledger.claim_due(lease_ms=60_000, limit=9)
        assert await again.desk.action(action.id) == due[0]

    assert before == ()
    assert [r.action.id for r in released] == [r.action.id for r in due] == [action.id]


@on_postgresql
async def test_leases_of_another_replica_bind_until_they_lapse(world: World) -> None:
    action = world.action()
    with world.store() as store:
        await store.ledger.admit(action)
    with world.store() as another:
        before = await another.ledger.claim_due(lease_ms=60_000, limit=9)
        world.clock.pass_ms(90_000)
        after = await another.ledger.claim_due(lease_ms=60_000, limit=9)

    assert before == ()
    assert [r.action.id for r in after] == [action.id]


async def test_a_clock_that_goes_back_behind_what_was_recorded_is_seen(world: World) -> None:
    with world.store() as store:
        world.clock.pass_ms(3_600_000)
        await store.ledger.admit(world.action())
        world.clock.pass_ms(-60_000)

        assert not store.writer.clock_agrees(world.clock.ms)
