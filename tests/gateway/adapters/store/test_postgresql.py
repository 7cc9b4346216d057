"""What PostgreSQL does that SQLite does not: several writers at once, a server that goes and comes back, roles."""

import asyncio
import signal
import threading
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import select

from audit import tables as audit_tables
from audit.note import parse_vkey
from audit.verify import verify_bundle
from gateway.adapters.store.store import Store
from gateway.core.errors import LedgerUnavailableError
from gateway.core.steps import Blocked
from tests.gateway.adapters.store.agreement import assert_log_and_state_agree
from tests.gateway.adapters.store.test_writer import adding, kept, recorded
from tests.gateway.adapters.store.world import AGENT, OWNER, World, on_postgresql, performed
from tests.postgres import Cluster, running_cluster

pytestmark = on_postgresql


@pytest.fixture
def replicas(world: World) -> Iterator[tuple[Store, ...]]:
    """Three stores on one database, as three gateway processes would have them."""
    stores = tuple(world.boot() for _ in range(3))
    yield stores
    for store in stores:
        store.close()


async def test_replicas_write_one_log_in_one_order(replicas: tuple[Store, ...]) -> None:
    names = [f"s{n}" for n in range(90)]

    told = await asyncio.gather(*(replicas[n % 3].writer.run(adding(name)) for n, name in enumerate(names)))

    first = replicas[0]
    indices = await first.reader.run(
        lambda c: list(
            c.execute(
                select(audit_tables.leaves.c.leaf_index).order_by(audit_tables.leaves.c.leaf_index)
            ).scalars()
        )
    )
    assert told == names
    assert indices == list(range(91))
    assert {len(await kept(r)) for r in replicas} == {90}
    assert sorted(await recorded(first)) == sorted(names)
    assert all(r.readiness().ok for r in replicas)
    assert (await first.archive.checkpoint()) == (await replicas[1].archive.checkpoint())


async def test_what_replicas_wrote_verifies_as_one_export(replicas: tuple[Store, ...]) -> None:
    await asyncio.gather(*(replicas[n % 3].writer.run(adding(f"s{n}")) for n in range(30)))

    bundle = await replicas[2].archive.export(0, None, by=OWNER)
    keys = await replicas[0].archive.keys()
    verdict = verify_bundle(bundle.content, [parse_vkey(keys["vkey"])])

    assert (verdict.ok, verdict.first_problem) == (True, None)
    assert verdict.entries == 32


async def test_an_action_is_started_by_one_replica_only(world: World, replicas: tuple[Store, ...]) -> None:
    actions = [world.action() for _ in range(12)]
    await asyncio.gather(*(replicas[0].ledger.admit(a) for a in actions))

    outcomes = [await asyncio.gather(*(r.ledger.record(world.start(a)) for r in replicas)) for a in actions]

    assert [sum(not isinstance(o, Blocked) for o in each) for each in outcomes] == [1] * 12
    await assert_log_and_state_agree(replicas[1])


async def test_a_row_that_is_due_is_taken_up_by_one_replica(
    world: World, replicas: tuple[Store, ...]
) -> None:
    actions = [world.action() for _ in range(30)]
    await asyncio.gather(*(replicas[n % 3].ledger.admit(a) for n, a in enumerate(actions)))
    world.clock.pass_ms(120_000)

    taken = await asyncio.gather(*(r.ledger.claim_due(lease_ms=60_000, limit=50) for r in replicas * 3))

    ids = [record.action.id for records in taken for record in records]
    assert sorted(ids) == sorted(a.id for a in actions)


async def test_a_stop_that_was_acknowledged_by_one_replica_binds_the_next_start_of_every_other(
    world: World, replicas: tuple[Store, ...]
) -> None:
    actions = [world.action() for _ in range(9)]
    await asyncio.gather(*(replicas[0].ledger.admit(a) for a in actions))
    before = await replicas[1].ledger.record(world.start(actions[0]))

    await replicas[0].emergency.engage("agent", AGENT, reason="It misbehaves.", by=OWNER)
    after = await asyncio.gather(
        *(replicas[n % 3].ledger.record(world.start(a)) for n, a in enumerate(actions[1:]))
    )

    assert not isinstance(before, Blocked)
    assert [o.guard for o in after if isinstance(o, Blocked)] == ["stop"] * 8


async def test_credentials_made_by_one_replica_count_on_the_others_and_once(
    world: World, replicas: tuple[Store, ...]
) -> None:
    assert await replicas[0].credentials.see_once("ci.example", "jti-1", world.clock.ms + 60_000)

    again = [await r.credentials.see_once("ci.example", "jti-1", world.clock.ms + 60_000) for r in replicas]

    assert again == [False, False, False]


async def test_a_leaf_that_another_wrote_behind_the_lock_is_refused_by_its_index(
    world: World, replicas: tuple[Store, ...]
) -> None:
    world.run(
        "INSERT INTO audit_leaves SELECT leaf_index + 1, 'evt_forged0', type, subject, time_ms, leaf, leaf_hash, "
        "key_id, signature FROM audit_leaves WHERE leaf_index = 0"
    )

    with pytest.raises(LedgerUnavailableError, match="audit_leaves_pkey"):
        await replicas[0].writer.run(adding("s1"))

    assert await kept(replicas[1]) == set()


async def test_every_commit_waits_for_the_disk_even_where_the_server_would_not(world: World) -> None:
    world.run(f"ALTER DATABASE {world.name} SET synchronous_commit = off")

    with world.store() as store:
        mode = await store.writer.run(
            lambda unit: unit.connection.exec_driver_sql("SHOW synchronous_commit").scalar_one()
        )

    assert mode == "on"


async def test_a_lock_that_is_not_given_up_refuses_and_recovers(world: World) -> None:
    world.busy_s = 0.05
    assert world.cluster is not None
    with world.store() as store:
        socket = str(world.cluster.folder)
        with psycopg.connect(host=socket, user="loopgate", dbname=world.name) as other:
            other.execute("SELECT pg_advisory_xact_lock(7304817)")
            with pytest.raises(LedgerUnavailableError, match="lock timeout"):
                await store.writer.run(adding("s1"))
            red = store.readiness()
        answer = await store.writer.run(adding("s2"))

        assert not red.ok
        assert (answer, store.readiness().ok) == ("s2", True)
        assert await kept(store) == {"s2"}


async def test_a_frozen_process_keeps_the_lock_no_longer_than_the_server_allows(world: World) -> None:
    with world.store() as store:
        limit = await store.writer.run(
            lambda unit: unit.connection.exec_driver_sql(
                "SHOW idle_in_transaction_session_timeout"
            ).scalar_one()
        )

    assert limit == "30s"


async def test_sessions_that_the_server_ended_cost_nobody_an_answer(world: World) -> None:
    with world.store() as store:
        await store.writer.run(adding("s1"))
        assert await kept(store) == {"s1"}
        world.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

        assert await kept(store) == {"s1"}
        assert await store.writer.run(adding("s2")) == "s2"
        assert store.readiness().ok


async def test_a_session_that_ends_in_the_middle_of_a_unit_leaves_nothing(world: World) -> None:
    steps: list[str] = []
    reached, go_on = threading.Event(), threading.Event()

    def after(step: str) -> None:
        steps.append(step)
        if step == "appended" and not reached.is_set():
            reached.set()
            assert go_on.wait(20)

    world.after = after
    with world.store() as store:
        waiting = store.writer.submit(adding("s1"))
        await asyncio.to_thread(reached.wait)
        world.run(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        go_on.set()
        with pytest.raises(LedgerUnavailableError):
            await asyncio.wrap_future(waiting)

        assert await kept(store) == set()
        assert await store.writer.run(adding("s2")) == "s2"
        assert await recorded(store) == ["s2"]


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A server that a test may stop."""
    with running_cluster() as cluster:
        yield cluster


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_a_server_that_is_gone_refuses_and_is_taken_up_when_it_is_back(
    world: World, own_cluster: Cluster, how: int
) -> None:
    there = World(world.folder, cluster=own_cluster)
    there.create()
    with there.store() as store:
        await store.writer.run(adding("s1"))
        own_cluster.stop(how)
        with pytest.raises(LedgerUnavailableError):
            await store.writer.run(adding("s2"))
        with pytest.raises(LedgerUnavailableError):
            await kept(store)
        red = store.readiness()
        own_cluster.start()

        assert not red.ok
        assert await store.writer.run(adding("s3")) == "s3"
        assert store.readiness().ok
        assert await recorded(store) == ["s1", "s3"]


async def test_a_text_with_a_nul_is_kept_so_that_it_shows(world: World) -> None:
    with world.store() as store:
        stop = await store.emergency.engage("agent", AGENT, reason="It burns.\0Really.", by=OWNER)
        (kept_stop,) = await store.emergency.stops()
        (event,) = await store.archive.events(subject=stop.id, event_type=None, after=None, limit=2)
        nothing = await store.archive.events(subject="nul\0", event_type=None, after=None, limit=2)

    assert kept_stop.reason == "It burns.\u2400Really."
    assert event.disclosures == {"reason": "It burns.\0Really."}
    assert nothing == ()


@pytest.mark.parametrize("table", ["audit_leaves", "audit_checkpoints"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET time_ms = 0", "DELETE FROM {}", "TRUNCATE {}"])
async def test_leaves_and_checkpoints_only_grow(world: World, table: str, verb: str) -> None:
    with pytest.raises(psycopg.Error, match=f"{table} only grows"):
        world.run(verb.format(table))


GRANTS = """
CREATE ROLE {role} LOGIN;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
REVOKE UPDATE, DELETE ON audit_leaves, audit_heads, audit_checkpoints, audit_keys FROM {role};
REVOKE INSERT, DELETE ON audit_frontier FROM {role};
REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {role};
"""


async def test_a_role_that_can_only_add_to_the_log_is_enough_to_serve(world: World) -> None:
    assert world.cluster is not None
    role = f"serve_{world.name}"
    for statement in GRANTS.format(role=role).strip().split(";\n"):
        world.run(statement)
    world.user = role
    with world.store() as store:
        action = world.action()
        await store.ledger.admit(action)
        await store.ledger.record(world.start(action))
        await store.ledger.record(performed(action))
        await store.archive.checkpoint()
        with pytest.raises(LedgerUnavailableError, match="permission denied"):
            await store.writer.run(
                lambda unit: unit.connection.exec_driver_sql("DELETE FROM audit_leaves").rowcount
            )

        assert store.readiness().ok
        await assert_log_and_state_agree(store)
