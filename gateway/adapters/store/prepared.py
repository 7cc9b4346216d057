"""Statements of the hot road, compiled once and handed to SQLite's own driver.

SQLAlchemy takes several times as long to hand over a short statement as SQLite takes to run it. Every other database
gets the same statement through SQLAlchemy, as always.
"""

import sqlite3
from collections import namedtuple
from collections.abc import Mapping
from contextlib import closing
from typing import Any, NamedTuple

from sqlalchemy import Connection, Insert, exc

_Row = Any
_Values = Mapping[str, Any]


class _Compiled(NamedTuple):
    """SQL, the names of its values in their order, those that are always the same, and the columns of its rows."""

    sql: str
    names: tuple[str, ...]
    constants: dict[str, Any]
    columns: tuple[tuple[str, Any], ...]
    row: Any


class Prepared:
    """One statement whose values are all named; an INSERT is given the same columns each time."""

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._kept: _Compiled | None = None

    def first(self, connection: Connection, values: _Values) -> _Row:
        """The first row, or None."""
        driver = _driver(connection)
        if driver is None:
            return connection.execute(self._statement, dict(values)).first()
        compiled = self._compiled(connection, values)
        with closing(_ran(driver, compiled, values)) as cursor:
            row = cursor.fetchone()
        return None if row is None else _shown(compiled, row)

    def all(self, connection: Connection, values: _Values) -> list[_Row]:
        """All rows."""
        driver = _driver(connection)
        if driver is None:
            return list(connection.execute(self._statement, dict(values)).all())
        compiled = self._compiled(connection, values)
        with closing(_ran(driver, compiled, values)) as cursor:
            return [_shown(compiled, row) for row in cursor.fetchall()]

    def changes(self, connection: Connection, values: _Values) -> int:
        """Run what writes; how many rows it wrote."""
        driver = _driver(connection)
        if driver is None:
            return connection.execute(self._statement, dict(values)).rowcount
        with closing(_ran(driver, self._compiled(connection, values), values)) as cursor:
            return cursor.rowcount

    def _compiled(self, connection: Connection, values: _Values) -> _Compiled:
        if self._kept is None:
            self._kept = _compile(self._statement, connection, list(values))
        return self._kept


def _driver(connection: Connection) -> sqlite3.Connection | None:
    """The driver's connection, once SQLAlchemy has seen that it is in use; None where it is not SQLite's."""
    driver = connection.connection.driver_connection
    return driver if isinstance(driver, sqlite3.Connection) and connection.in_transaction() else None


def _compile(statement: Any, connection: Connection, given: list[str]) -> _Compiled:
    written = given if isinstance(statement, Insert) else None
    compiled = statement.compile(dialect=connection.dialect, column_keys=written)
    if compiled.post_compile_params or compiled.insert_prefetch or compiled.update_prefetch:
        raise TypeError("lists of an open length and defaults made in Python are SQLAlchemy's to fill in")
    names = tuple(compiled.positiontup)
    constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    columns = tuple(
        (
            column.keyname,
            column.type.dialect_impl(connection.dialect).result_processor(connection.dialect, None),
        )
        for column in compiled._result_columns  # noqa: SLF001 - the one list of a compiled statement's columns
    )
    row = namedtuple("Row", [name for name, _ in columns]) if columns else tuple  # noqa: PYI024
    return _Compiled(compiled.string, names, constants, columns, row)


def _ran(driver: sqlite3.Connection, compiled: _Compiled, values: _Values) -> sqlite3.Cursor:
    """The cursor of the statement that ran; raises what SQLAlchemy would raise."""
    given = {**compiled.constants, **values} if compiled.constants else values
    try:
        return driver.execute(compiled.sql, [given[name] for name in compiled.names])
    except sqlite3.Error as error:
        kind = getattr(exc, type(error).__name__, exc.DatabaseError)
        raise kind(compiled.sql, None, error) from error


def _shown(compiled: _Compiled, row: tuple[Any, ...]) -> _Row:
    columns = zip(compiled.columns, row, strict=True)
    return compiled.row._make(value if read is None else read(value) for (_, read), value in columns)
