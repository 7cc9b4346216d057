"""Statements handed to SQLite's own driver mean what they mean through SQLAlchemy."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    bindparam,
    create_engine,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, OperationalError

from gateway.adapters.store.prepared import Prepared

metadata = MetaData()
things = Table(
    "things",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("word", Text, nullable=False),
    Column("good", Boolean, nullable=False),
    Column("made", Integer, default=lambda: 7),
)
ROWS = [
    {"id": 1, "word": "one", "good": True, "made": 1},
    {"id": 2, "word": "two", "good": False, "made": 1},
    {"id": 3, "word": "thr€e", "good": True, "made": 2},
]


def found() -> Select[Any]:
    chosen = or_(things.c.word == bindparam("word"), things.c.word == "two")
    return select(things).where(chosen).order_by(things.c.id)


class Covered:
    """A driver's connection that does not look like SQLite's, as PostgreSQL's does not."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@pytest.fixture(params=["sqlite", "another driver"])
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    opened = sqlite3.connect(tmp_path / "things.db", isolation_level=None)
    driver: Any = opened if request.param == "sqlite" else Covered(opened)
    engine = create_engine("sqlite://", creator=lambda: driver, isolation_level="AUTOCOMMIT")
    with engine.connect() as made:
        metadata.create_all(made)
        keep = Prepared(insert(things))
        assert [keep.changes(made, row) for row in ROWS] == [1, 1, 1]
        yield made
    engine.dispose()


def test_rows_are_those_of_sqlalchemy(connection: Connection) -> None:
    values = {"word": "thr€e"}
    rows = Prepared(found()).all(connection, values)
    wanted = connection.execute(found(), values).all()
    assert [tuple(row) for row in rows] == [tuple(row) for row in wanted]
    assert [(row.id, row.good) for row in rows] == [(2, False), (3, True)]
    assert rows[0].good is False


def test_the_first_row_is_the_first_and_none_is_none(connection: Connection) -> None:
    assert Prepared(found()).first(connection, {"word": "x"}).id == ROWS[1]["id"]
    nothing = Prepared(select(things.c.id).where(things.c.word == bindparam("word")))
    assert nothing.first(connection, {"word": "x"}) is None
    assert nothing.all(connection, {"word": "x"}) == []


def test_a_guarded_update_tells_how_many_rows_passed(connection: Connection) -> None:
    moved = Prepared(update(things).where(things.c.made == bindparam("old")).values(made=bindparam("new")))
    assert moved.changes(connection, {"old": 1, "new": 9}) == len(ROWS) - 1
    assert moved.changes(connection, {"old": 1, "new": 9}) == 0


def test_the_drivers_refusals_are_sqlalchemys_and_show_no_values(connection: Connection) -> None:
    with pytest.raises(IntegrityError) as refused:
        Prepared(insert(things)).changes(connection, {**ROWS[0], "word": "the secret"})
    assert isinstance(refused.value.orig, sqlite3.IntegrityError)
    connection.exec_driver_sql("DROP TABLE things")
    with pytest.raises(OperationalError):
        Prepared(select(things.c.id)).all(connection, {})


def test_what_sqlalchemy_must_fill_in_is_refused(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'things.db'}", isolation_level="AUTOCOMMIT")
    with engine.connect() as made:
        metadata.create_all(made)
        made.exec_driver_sql("SELECT 1")
        with pytest.raises(TypeError, match="fill in"):
            Prepared(select(things).where(things.c.id.in_([1, 2]))).all(made, {})
        with pytest.raises(TypeError, match="fill in"):
            Prepared(insert(things)).changes(made, {"id": 1, "word": "x", "good": True})
    engine.dispose()
