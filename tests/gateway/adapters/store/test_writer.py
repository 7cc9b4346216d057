"""The writer: groups, savepoints, refusals, and what a failing database leaves."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from audit import tables as audit_tables
from audit.events import EventDraft, EventType
from gateway.adapters.store import tables
from gateway.adapters.store.store import Store
from gateway.adapters.store.unit import Unit
from gateway.core.errors import ConflictError, LedgerUnavailableError
from tests.gateway.adapters.store.world import AGENT, World, on_sqlite


def adding(name: str, *, events: int = 1) -> Any:
    """A unit that stores a setting and records events about it."""

    def work(unit: Unit) -> str:
        unit.execute(insert(tables.settings), {"name": name, "value": "v"})
        unit.record(*(EventDraft(type=EventType.SETTINGS_CHANGED, subject=name) for _ in range(events)))
        return name

    return work


def failing(error: Exception, name: str = "broken") -> Any:
    """A unit that does its work and then raises."""

    def work(unit: Unit) -> None:
        adding(name)(unit)
        raise error

    return work


async def kept(store: Store) -> set[str]:
    """The names of the settings that are stored."""
    query = select(tables.settings.c.name).where(tables.settings.c.name != "active_policy")
    return await store.reader.run(lambda c: set(c.execute(query).scalars()))


async def recorded(store: Store) -> list[str]:
    """The subjects of the recorded settings events."""
    rows = await store.archive.events(subject=None, event_type="settings.changed", after=None, limit=1000)
    return [r.subject for r in rows]


class Gate:
    """Holds the writer at the beginning of a transaction, so that a group can gather behind it."""

    def __init__(self) -> None:
        self.reached, self.open, self.steps = threading.Event(), threading.Event(), list[str]()

    def __call__(self, step: str) -> None:
        self.steps.append(step)
        if step == "begun" and not self.open.is_set():
            self.reached.set()
            assert self.open.wait(20)


@pytest.fixture
def gate(world: World) -> Gate:
    """A gate in the world's writer."""
    made = Gate()
    world.after = made
    return made


@pytest.fixture
def gated(world: World, gate: Gate) -> Iterator[Store]:
    """A store whose boot has passed the gate, which is closed again afterwards."""
    gate.open.set()
    with world.store() as opened:
        gate.open.clear()
        gate.reached.clear()
        gate.steps.clear()
        yield opened
        gate.open.set()


async def test_what_is_queued_while_one_commits_shares_the_next_commit(gated: Store, gate: Gate) -> None:
    first = gated.writer.submit(adding("s0"))
    await asyncio.to_thread(gate.reached.wait)
    rest = [gated.writer.submit(adding(f"s{n}")) for n in range(1, 40)]
    gate.open.set()
    names = await asyncio.gather(*(asyncio.wrap_future(f) for f in [first, *rest]))

    heads = await gated.reader.run(
        lambda c: list(
            c.execute(select(audit_tables.heads.c.size).order_by(audit_tables.heads.c.size)).scalars()
        )
    )

    assert names == [f"s{n}" for n in range(40)]
    assert heads == [1, 2, 41]
    assert await recorded(gated) == names
    assert gate.steps.count("committed") == 2
    assert gate.steps.count("unit") == 40


async def test_a_unit_that_raises_takes_nobody_with_it(gated: Store, gate: Gate) -> None:
    first = gated.writer.submit(adding("s0"))
    await asyncio.to_thread(gate.reached.wait)
    jobs: list[Future[Any]] = [
        gated.writer.submit(adding("s1")),
        gated.writer.submit(failing(ConflictError("no"), "b1")),
        gated.writer.submit(failing(ZeroDivisionError("defect"), "b2")),
        gated.writer.submit(adding("s0")),
        gated.writer.submit(adding("s2")),
    ]
    gate.open.set()
    answers = await asyncio.gather(*(asyncio.wrap_future(f) for f in [first, *jobs]), return_exceptions=True)

    assert [answers[0], answers[1], answers[5]] == ["s0", "s1", "s2"]
    assert isinstance(answers[2], ConflictError)
    assert isinstance(answers[3], ZeroDivisionError)
    assert isinstance(answers[4], LedgerUnavailableError)
    assert await kept(gated) == {"s0", "s1", "s2"}
    assert await recorded(gated) == ["s0", "s1", "s2"]
    assert gated.readiness().ok


async def test_an_event_that_cannot_be_recorded_fails_its_own_unit_only(store: Store) -> None:
    def work(unit: Unit) -> None:
        adding("big")(unit)
        unit.record(EventDraft(type=EventType.SETTINGS_CHANGED, subject="big", data={"share": 0.5}))

    answers = await asyncio.gather(
        store.writer.run(adding("s1")), store.writer.run(work), return_exceptions=True
    )

    assert answers[0] == "s1"
    assert isinstance(answers[1], LedgerUnavailableError)
    assert "cannot be recorded" in answers[1].detail
    assert await kept(store) == {"s1"}


async def test_a_full_queue_answers_busy_and_stores_nothing(world: World) -> None:
    gate, world.limit = Gate(), 3
    gate.open.set()
    world.after = gate
    with world.store() as store:
        gate.open.clear()
        gate.reached.clear()
        first = store.writer.submit(adding("s0"))
        await asyncio.to_thread(gate.reached.wait)
        waiting = [store.writer.submit(adding(f"s{n}")) for n in range(1, 4)]
        with pytest.raises(LedgerUnavailableError) as caught:
            store.writer.submit(adding("s9"))
        gate.open.set()
        await asyncio.gather(*(asyncio.wrap_future(f) for f in [first, *waiting]))

        assert caught.value.code == "busy"
        assert await kept(store) == {"s0", "s1", "s2", "s3"}


async def test_a_caller_that_gave_up_before_its_turn_is_not_served(gated: Store, gate: Gate) -> None:
    first = gated.writer.submit(adding("s0"))
    await asyncio.to_thread(gate.reached.wait)
    gone = asyncio.create_task(gated.writer.run(adding("s1")))
    await asyncio.wait([gone], timeout=0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    gate.open.set()
    await asyncio.wrap_future(first)
    await gated.writer.run(adding("s2"))

    assert await kept(gated) == {"s0", "s2"}


async def test_closing_commits_what_is_queued_and_then_refuses(world: World) -> None:
    store = world.boot()
    futures = [store.writer.submit(adding(f"s{n}")) for n in range(20)]
    store.close()
    store.close()

    assert [f.result() for f in futures] == [f"s{n}" for n in range(20)]
    with pytest.raises(LedgerUnavailableError):
        store.writer.submit(adding("late"))
    assert not store.readiness().ok


@on_sqlite
async def test_a_locked_database_refuses_and_recovers(world: World) -> None:
    world.busy_s = 0.05
    with world.store() as store:
        with sqlite3.connect(world.folder / "loopgate.db", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(LedgerUnavailableError, match="locked"):
                await store.writer.run(adding("s1"))
            red = store.readiness()
            other.execute("ROLLBACK")
        other.close()
        assert not red.ok
        assert "locked" in red.detail

        assert await store.writer.run(adding("s2")) == "s2"
        assert store.readiness().ok
        assert await kept(store) == {"s2"}
        assert await recorded(store) == ["s2"]


def filled(unit: Unit) -> None:
    """A unit that writes more than the database may hold."""
    unit.execute(insert(tables.settings), {"name": "huge", "value": "x" * 4_000_000})


@on_sqlite
async def test_a_full_disk_fails_the_whole_group_and_leaves_nothing(gated: Store, gate: Gate) -> None:
    def cap(unit: Unit) -> None:
        pages = unit.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        unit.connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 20}")

    gate.open.set()
    await gated.writer.run(cap)
    gate.open.clear()
    gate.reached.clear()
    first = gated.writer.submit(lambda unit: unit.now_ms)
    await asyncio.to_thread(gate.reached.wait)
    jobs: list[Future[Any]] = [
        gated.writer.submit(adding("s1")),
        gated.writer.submit(filled),
        gated.writer.submit(adding("s2")),
    ]
    gate.open.set()
    await asyncio.wrap_future(first)
    answers = await asyncio.gather(*(asyncio.wrap_future(f) for f in jobs), return_exceptions=True)

    assert [type(a) for a in answers] == [LedgerUnavailableError] * 3
    assert "full" in str(answers[0])
    assert await kept(gated) == set()
    assert await recorded(gated) == []
    # A new connection has no cap: the writer carries on from what is on disk.
    assert await gated.writer.run(adding("s3")) == "s3"
    assert await recorded(gated) == ["s3"]


class FailingCommit:
    """Breaks the transaction after phase 2, once, so that COMMIT fails."""

    def __init__(self) -> None:
        self.armed = False
        self.store: Store | None = None

    def __call__(self, step: str) -> None:
        if step == "appended" and self.armed and self.store:
            self.armed = False
            connection = self.store.writer._connection
            assert connection is not None
            connection.exec_driver_sql("ROLLBACK")


async def test_a_commit_that_fails_leaves_nothing_and_the_log_goes_on(world: World) -> None:
    hook = FailingCommit()
    world.after = hook
    with world.store() as store:
        hook.store = store
        await store.writer.run(adding("s1"))
        hook.armed = True
        lost = await asyncio.gather(
            *(store.writer.run(adding(f"l{n}")) for n in range(3)), return_exceptions=True
        )
        await store.writer.run(adding("s2"))

        assert LedgerUnavailableError in [type(a) for a in lost]
        missing = {f"l{n}" for n, a in enumerate(lost) if isinstance(a, LedgerUnavailableError)}
        assert await kept(store) == {"s1", "s2", "l0", "l1", "l2"} - missing
        assert set(await recorded(store)) == await kept(store)
    with world.store() as again:
        assert again.readiness().ok


async def test_a_log_changed_behind_our_back_stops_the_writer_for_good(world: World, store: Store) -> None:
    await store.writer.run(adding("s1"))
    world.run(
        "UPDATE audit_frontier SET size = 1, hashes = (SELECT leaf_hash FROM audit_leaves WHERE leaf_index = 0)"
    )

    for name in ("s2", "s3"):
        with pytest.raises(LedgerUnavailableError, match="does not match"):
            await store.writer.run(adding(name))

    assert not store.readiness().ok
    assert "does not match" in store.readiness().detail
    assert await kept(store) == {"s1"}


async def test_readers_cannot_write(store: Store) -> None:
    def write(connection: Any) -> None:
        connection.execute(insert(tables.settings), {"name": "x", "value": "y"})

    with pytest.raises(LedgerUnavailableError):
        await store.reader.run(write)
    assert await kept(store) == set()


async def test_a_reader_sees_one_state_while_the_writer_goes_on(store: Store) -> None:
    loop = asyncio.get_running_loop()

    def count_twice(connection: Any) -> tuple[int, int]:
        query = text("SELECT count(*) FROM settings")
        before = connection.execute(query).scalar_one()
        asyncio.run_coroutine_threadsafe(store.writer.run(adding("between")), loop).result()
        return before, connection.execute(query).scalar_one()

    before, after = await store.reader.run(count_twice)

    assert before == after
    assert await kept(store) == {"between"}


async def test_names_of_sql_and_values_are_not_told_to_callers(store: Store) -> None:
    await store.writer.run(adding("secret-name"))

    with pytest.raises(LedgerUnavailableError) as caught:
        await store.writer.run(adding("secret-name"))

    assert "secret-name" not in caught.value.detail
    assert "INSERT" not in caught.value.detail


async def test_what_was_committed_is_there_after_a_restart(world: World) -> None:
    with world.store() as store:
        await store.writer.run(adding(AGENT))
    with world.store() as store:
        assert await kept(store) == {AGENT}


async def test_a_key_that_cannot_sign_refuses_and_recovers(world: World) -> None:
    with world.store() as store:
        log = store.writer._log
        key, log._event_key = log._event_key, NoKey()  # type: ignore[assignment]
        with pytest.raises(LedgerUnavailableError, match="the key store does not answer"):
            await store.writer.run(adding("s1"))
        red = store.readiness()
        log._event_key = key

        assert not red.ok
        assert await store.writer.run(adding("s2")) == "s2"
        assert store.readiness().ok
        assert await kept(store) == {"s2"}


class NoKey:
    """A key whose store is away."""

    def __getattr__(self, name: str) -> Any:
        raise TimeoutError("the key store does not answer")


@on_sqlite
async def test_a_database_that_is_locked_at_boot_is_taken_up_when_it_is_free(world: World) -> None:
    world.busy_s = 0.05
    with sqlite3.connect(world.folder / "loopgate.db", isolation_level=None) as other:
        other.execute("PRAGMA journal_mode=DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with world.store() as store:
            red = store.readiness()
            other.execute("ROLLBACK")
            answer = await store.writer.run(adding("s1"))
            green = store.readiness()
    other.close()

    assert not red.ok
    assert "locked" in red.detail
    assert (answer, green.ok) == ("s1", True)


async def test_a_damaged_log_found_by_a_unit_stops_the_writer(world: World) -> None:
    with world.store() as store:
        await store.writer.run(adding("s1"))
        await store.archive.checkpoint()
        world.unguard("audit_checkpoints")
        world.run("UPDATE audit_checkpoints SET size = 9")

        with pytest.raises(LedgerUnavailableError, match="does not match"):
            await store.archive.checkpoint()

        assert not store.readiness().ok


async def test_a_failure_without_words_is_told_by_its_kind(gated: Store, gate: Gate) -> None:
    def drop(unit: Unit) -> None:
        unit.connection.exec_driver_sql("ROLLBACK")
        raise KeyError

    gate.open.set()
    with pytest.raises(LedgerUnavailableError, match="KeyError"):
        await gated.writer.run(drop)

    assert await gated.writer.run(adding("s1")) == "s1"
