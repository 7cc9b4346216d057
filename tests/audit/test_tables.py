import pytest
from sqlalchemy import Table, create_engine, inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DatabaseError
from sqlalchemy.schema import CreateTable

from audit import tables
from tests.audit.world import World, draft


@pytest.mark.parametrize("table", ["audit_leaves", "audit_checkpoints"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET time_ms = 0", "DELETE FROM {}"])
def test_leaves_and_checkpoints_only_grow(log_world: World, table: str, verb: str) -> None:
    log_world.checkpoint()

    with pytest.raises(DatabaseError, match=f"{table} only grows"):
        log_world.connection.exec_driver_sql(verb.format(table))


def test_private_values_can_be_deleted(log_world: World) -> None:
    log_world.append(draft(1, intent="two words"))

    removed = log_world.connection.exec_driver_sql("DELETE FROM audit_disclosures")

    assert removed.rowcount == 1


def test_a_migration_can_apply_the_triggers_itself() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        for table in tables.metadata.sorted_tables:
            connection.execute(CreateTable(table))
        for statement in (*tables.TRIGGERS, *tables.TRIGGERS):
            connection.execute(text(statement))
        found = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars()
        assert sorted(found) == sorted(tables.TRIGGER_NAMES)
    engine.dispose()


def test_every_table_has_the_prefix_of_the_log(world: World) -> None:
    assert all(name.startswith("audit_") for name in inspect(world.connection).get_table_names())


@pytest.mark.parametrize("table", tables.metadata.sorted_tables, ids=lambda table: table.name)
def test_every_table_can_be_made_on_postgresql(table: Table) -> None:
    statement = str(CreateTable(table).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]

    assert "SERIAL" not in statement
    assert "PRIMARY KEY" in statement
