"""What a decision costs does not grow with the past: no statement of the road walks through a table that grows."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from gateway.client.api import ApiError
from tests.town import (
    NOTE,
    OWNER,
    RELEASE,
    Town,
    held_merge,
    open_merge_request,
    proposal,
    refusal,
)

# Few rows for ever: stops and break-glass are rare events, the frontier is one row, settings are a handful.
_SMALL = frozenset({"stops", "break_glass", "settings", "audit_frontier", "audit_keys", "sqlite_master"})
_PLANNED = re.compile(r"\s*(?:SELECT|UPDATE|DELETE|INSERT)\b", re.IGNORECASE)
_SCANNED = re.compile(r"SCAN (\w+)")
Asked = dict[str, Any]


@pytest.fixture(autouse=True)
def heard() -> Iterator[list[str]]:
    """What SQLite itself says it runs, values filled in, on every connection opened meanwhile; before there is a town."""
    told: list[str] = []

    def trace(connection: sqlite3.Connection, _record: Any) -> None:
        connection.set_trace_callback(told.append)

    event.listen(Engine, "connect", trace)
    try:
        yield told
    finally:
        event.remove(Engine, "connect", trace)


@contextmanager
def statements(heard: list[str]) -> Iterator[Asked]:
    """Every statement that is executed meanwhile."""
    asked: Asked = {}
    before = len(heard)
    yield asked
    asked.update(dict.fromkeys(heard[before:], ()))


def scanned(database: Path, asked: Asked) -> dict[str, set[str]]:
    """The tables that a statement walks through from end to end, by statement."""
    found = {}
    with sqlite3.connect(database) as connection:
        for statement, parameters in asked.items():
            if _PLANNED.match(statement):
                plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
                tables = {t for *_, words in plan for t in _SCANNED.findall(words)}
                found[statement] = tables - _SMALL
    connection.close()
    return {statement: tables for statement, tables in found.items() if tables}


def database_of(town: Town) -> Path:
    return Path(town.settings.database.removeprefix("sqlite:///"))


async def test_a_denial_walks_through_no_table(town: Town, heard: list[str]) -> None:
    async with await town.agent() as agent:
        with statements(heard) as asked:
            change = {**NOTE, "path": ".gitlab-ci.yml"}
            bad = proposal("commit.create", {"message": "x", "changes": [change]}, branch="agent/x")
            denied = await refusal(agent.propose(bad))
    assert isinstance(denied, ApiError)
    assert len(asked) > 15
    assert scanned(database_of(town), asked) == {}


async def test_an_action_that_is_held_approved_and_done_walks_through_no_table(
    town: Town, heard: list[str]
) -> None:
    async with await town.agent() as agent:
        opened = await open_merge_request(agent)
        with statements(heard) as asked:
            held = await held_merge(agent, opened)
            for person in (OWNER, RELEASE):
                await town.vote(person, held["ticket"]["id"])
            await town.look()
    assert any("tickets" in statement for statement in asked)
    assert scanned(database_of(town), asked) == {}


async def test_the_detector_sees_a_walk(town: Town) -> None:
    asked: Asked = {"SELECT * FROM actions WHERE intent_nobody_has IS NULL OR reason = ?": ("x",)}
    with pytest.raises(sqlite3.OperationalError):
        scanned(database_of(town), asked)
    asked = {"SELECT * FROM actions WHERE reason = ?": ("x",)}
    assert scanned(database_of(town), asked) == {next(iter(asked)): {"actions"}}
