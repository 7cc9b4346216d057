"""Hours in the small: many agents, a long past, 64 connections; neither the slowest answers nor memory grow.

LOOPGATE_SOAK_SECONDS is how long, 1800 when it is not set.
"""

import os
import sqlite3
from pathlib import Path

import pytest

from tests.bench.__main__ import loaded, posted, serving
from tests.bench.machine import resident_bytes
from tests.bench.scene import commit_of_thirty, make_home, make_repository

SECONDS = float(os.environ.get("LOOPGATE_SOAK_SECONDS", "1800"))
WINDOWS = 10
AGENTS, PAST, CONNECTIONS = 1000, 100_000, 64
_MIB = 1 << 20
# Every past action is a copy of one that really went this road, with names of its own; the log is not copied.
_COPIED = {
    "actions": ("id", "agent", "trace", "ruling_id"),
    "rulings": ("id", "action_id"),
}


@pytest.mark.soak
def test_the_slowest_answers_and_memory_stay_as_they_are(tmp_path: Path) -> None:
    make_home(tmp_path, more_agents=AGENTS)
    _, head = make_repository(tmp_path)
    (tmp_path / "head").write_text(head, encoding="ascii")
    run(tmp_path, seconds=2)
    fill(tmp_path / "home")
    slowest, memory = run(tmp_path, seconds=SECONDS)
    third = WINDOWS // 3
    before, after = sorted(slowest[1 : third + 1])[third // 2], sorted(slowest[-third:])[third // 2]
    assert after <= 1.5 * before, slowest
    # The first window fills what is kept up to a bound: mirrors, compiled statements, pages of the database.
    assert memory[-1] - memory[third] <= 32 * _MIB, [m // _MIB for m in memory]


def run(folder: Path, *, seconds: float) -> tuple[list[float], list[int]]:
    """Serve and load in windows of equal length: p99 in milliseconds and resident bytes after each."""
    slowest, memory = [], []
    with serving("gateway", folder) as gateway:
        url = gateway.said["url"] + "/v1/actions"
        requests = [posted(url, commit_of_thirty(), f"Bearer {token}") for token in gateway.said["tokens"]]
        for _ in range(WINDOWS):
            found = loaded(url, requests, 403, CONNECTIONS, seconds / WINDOWS)
            slowest.append(found.p99)
            memory.append(resident_bytes(gateway.process.pid))
    return slowest, memory


def fill(home: Path) -> None:
    """Give the database a past: copies of the actions it has, spread over all agents."""
    with sqlite3.connect(home / "loopgate.db") as database:
        own = database.execute("SELECT id, ruling_id FROM actions WHERE state = 'denied' LIMIT 1").fetchone()
        for table, named in _COPIED.items():
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            taken = ", ".join(_renamed(c) if c in named else c for c in columns)
            place = own[0] if table == "actions" else own[1]
            numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {PAST})"  # noqa: S608 - names of our own
            database.execute(
                f"{numbers} INSERT INTO {table} ({', '.join(columns)}) SELECT {taken} FROM {table}, n WHERE id = ?",  # noqa: S608 - same
                (place,),
            )
        assert database.execute("SELECT count(*) FROM actions").fetchone()[0] > PAST
    database.close()


def _renamed(column: str) -> str:
    if column == "agent":
        return f"printf('agt_worker_%04d', i % {AGENTS})"
    return f"substr({column}, 1, 4) || printf('0PAST%021d', i)"
