"""Databases of earlier versions, made by their code: upgraded, checked, and worked on."""

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import MetaData, create_engine, insert

from audit.note import parse_vkey
from audit.verify import verify_bundle
from gateway.adapters.store import migrate
from gateway.adapters.store.migrate import Form
from gateway.core.actions import ActionState
from gateway.core.errors import SettingsError
from gateway.core.outcomes import Performed
from gateway.core.tickets import TicketState
from tests.gateway.adapters.store.agreement import assert_log_and_state_agree
from tests.gateway.adapters.store.world import AGENT, OWNER, VOTERS, CountedIds, World, performed, vote
from tests.postgres import Cluster

DUMPS = Path(__file__).parents[3] / "data" / "databases"
SECRET = "lg_0000000000000000000000000000000000000001015"
NEEDED = migrate.form_of("sqlite://").needed


@contextmanager
def released(request: pytest.FixtureRequest, folder: Path, database: str) -> Iterator[World]:
    """A database of form 0001 with the rows that the code of its time wrote."""
    file = folder / "released.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((DUMPS / "loopgate-0001.sql").read_text(encoding="utf-8"))
    # Its ids are behind those of the dump.
    world = World(folder, ids=CountedIds(itertools.count(50_000)))
    if database == "sqlite":
        file.rename(folder / "loopgate.db")
        yield world
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    world.cluster, world.name = cluster, cluster.new()
    migrate.upgrade(world.url, "0001")
    _copy(f"sqlite:///{file}", world.url)
    yield world
    cluster.drop(world.name)


def _copy(source: str, target: str) -> None:
    """All rows of one database into the same tables of another."""
    old, new = create_engine(source), create_engine(target)
    there = MetaData()
    there.reflect(new)
    with old.connect() as reading, new.begin() as writing:
        for table in there.sorted_tables:
            found = reading.exec_driver_sql(f"SELECT * FROM {table.name}").mappings().all()  # noqa: S608
            if found and table.name != "alembic_version":
                rows = [{n: _typed(table.c[n].type, v) for n, v in row.items()} for row in found]
                writing.execute(insert(table), rows)
    old.dispose()
    new.dispose()


def _typed(kind: object, value: object) -> object:
    """SQLite keeps a boolean as a number."""
    return bool(value) if "BOOLEAN" in str(kind) and value is not None else value


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """The released database on each kind of server in turn, not upgraded."""
    with released(request, tmp_path, request.param) as world:
        yield world


def test_a_database_of_an_earlier_form_is_known_for_what_it_is(old: World) -> None:
    form = migrate.form_of(old.url)

    assert form == Form("0001", NEEDED)
    revisions = [s.revision for s in migrate.steps_between(form)]
    assert (revisions[0], revisions[-1]) == ("0002", NEEDED)
    with pytest.raises(SettingsError, match="run `loopgate migrate`"):
        migrate.check_form(form)


async def test_an_upgraded_database_keeps_its_log_and_every_row(old: World) -> None:
    migrate.upgrade(old.url)

    assert migrate.form_of(old.url).now == NEEDED
    with old.store() as store:
        assert store.readiness().ok, store.readiness().detail
        await assert_log_and_state_agree(store)
        bundle = await store.archive.export(0, None, by=OWNER)
        verdict = verify_bundle(bundle.content, [parse_vkey((await store.archive.keys())["vkey"])])
        token = await store.credentials.token(SECRET)
        item = await store.work_items.find("wk1")
        stops = await store.emergency.stops()

    assert verdict.ok, verdict.first_problem
    assert token is not None
    assert token.principal == AGENT
    assert item is not None
    assert (item.issue, item.findings) == ("SHOP-1", 2)
    assert [s.scope for s in stops] == ["project"]


async def test_work_that_was_under_way_goes_on_after_the_upgrade(old: World) -> None:
    migrate.upgrade(old.url)
    old.clock.pass_ms(200_000)
    with old.store() as store:
        due = {r.action.idempotency_key: r for r in await store.ledger.claim_due(lease_ms=60_000, limit=50)}

        assert {k: r.state for k, r in due.items()} == {
            "k-approved": ActionState.APPROVED,
            "k-requested": ActionState.REQUESTED,
            "k-started": ActionState.STARTED,
            "k-in-doubt": ActionState.IN_DOUBT,
        }
        done = await store.ledger.record(performed(due["k-in-doubt"].action))
        fresh = due["k-requested"].action
        await store.ledger.record(old.start(fresh))
        ended = await store.ledger.record(performed(fresh))

        assert isinstance(done, Performed)
        assert isinstance(ended, Performed)
        await assert_log_and_state_agree(store)


async def test_a_ticket_that_was_open_is_voted_on_after_the_upgrade(old: World) -> None:
    migrate.upgrade(old.url)
    with old.store() as store:
        (ticket,) = await store.desk.tickets(open_only=True, after=None, limit=10)
        after = await store.desk.cast(ticket.id, vote(ticket, VOTERS[7]))
        record = await store.ledger.find(ticket.action_id)

        assert after.state is TicketState.APPROVED
        assert record is not None
        assert record.state is ActionState.APPROVED
        await assert_log_and_state_agree(store)


async def test_an_idempotency_key_of_before_the_upgrade_still_stands_for_its_action(old: World) -> None:
    migrate.upgrade(old.url)
    with old.store() as store:
        again = await store.ledger.admit(old.action(key="k-performed"))

    assert isinstance(again.known, Performed)


def test_an_upgrade_that_fails_leaves_the_form_it_found(old: World) -> None:
    old.run("CREATE TABLE lineage_files (in_the_way int)")

    with pytest.raises(Exception, match="lineage_files"):
        migrate.upgrade(old.url)

    assert migrate.form_of(old.url).now == "0001"


def test_a_form_that_this_version_does_not_know_is_refused(old: World) -> None:
    old.run("UPDATE alembic_version SET version_num = '9999'")
    form = migrate.form_of(old.url)

    with pytest.raises(SettingsError, match="newer than this version"):
        migrate.check_form(form)
    with pytest.raises(SettingsError, match="newer than this version"):
        migrate.steps_between(form)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        migrate.form_of(f"postgresql://nobody@/none?host={tmp_path}")
