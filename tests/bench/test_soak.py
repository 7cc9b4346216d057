"""Hours in the small: a thousand agents, a long past, 64 connections; neither the slowest answers nor memory grow.

The gateway is driven at a fixed pace, half of what it could do in the first seconds of the run: at full speed the
slowest answer tells how long the queue is and what else the machine does, and nothing about the gateway. An answer's
time counts from the moment its request was due. LOOPGATE_SOAK_SECONDS is how long the run is, 1800 when it is not
set; a window has at least a thousand answers, and there are at least six windows, however short the run.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pytest
from rich.console import Console
from rich.table import Table

from tests.bench.__main__ import Server, loaded, posted, serving
from tests.bench.client import Measured
from tests.bench.machine import cpu_seconds, resident_bytes
from tests.bench.scene import commit_of_thirty, make_home, make_repository

SECONDS = float(os.environ.get("LOOPGATE_SOAK_SECONDS", "1800"))
AGENTS, PAST, CONNECTIONS = 1000, 100_000, 64
_FEWEST_WINDOWS, _MOST_WINDOWS, _ANSWERS = 6, 30, 1000
_CAPACITY_S = 15
# Half of what it can do: the other half is there for whatever else the machine is asked meanwhile.
_SHARE = 0.5
_TURNS, _TURN_S = 8, 4
_MIB = 1 << 20
# Every past action is a copy of one that really went this road, with names of its own; the log is not copied.
_COPIED = {
    "actions": ("id", "agent", "trace", "ruling_id"),
    "rulings": ("id", "action_id"),
}


class Window(NamedTuple):
    """What was seen in one stretch of the run: answers, milliseconds, CPU milliseconds an answer, resident MiB."""

    answers: int
    p50: float
    p99: float
    cpu_ms: float
    mib: float


class Soaked:
    """A running gateway with a thousand agents, and a client that takes turns between them."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._url = server.said["url"] + "/v1/actions"
        self._request = posted(self._url, commit_of_thirty(), "TOKEN")

    def driven(self, seconds: float, *, connections: int = CONNECTIONS, rate: float | None = None) -> Window:
        """Drive it for so long, at that many requests a second or as fast as it answers."""
        before = cpu_seconds(self._server.process.pid)
        found = self.load(seconds, connections, rate)
        spent = cpu_seconds(self._server.process.pid) - before
        mib = resident_bytes(self._server.process.pid) / _MIB
        return Window(found.count, found.p50, found.p99, 1000 * spent / found.count, mib)

    def load(self, seconds: float, connections: int, rate: float | None) -> Measured:
        """What the client saw."""
        tokens = self._server.said["tokens"]
        return loaded(self._url, [self._request], 403, connections, seconds=seconds, rate=rate, tokens=tokens)


@contextmanager
def soaked(folder: Path, *, past: bool) -> Iterator[Soaked]:
    """A gateway with its agents in a home of its own, with a long past or none."""
    folder.mkdir()
    make_home(folder, more_agents=AGENTS)
    _, head = make_repository(folder)
    (folder / "head").write_text(head, encoding="ascii")
    if past:
        with serving("gateway", folder) as gateway:
            Soaked(gateway).driven(1, connections=1)
        fill(folder / "home")
    with serving("gateway", folder) as gateway:
        yield Soaked(gateway)


@pytest.mark.soak
def test_the_slowest_answers_and_memory_stay_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with soaked(tmp_path / "soaked", past=True) as gateway:
        rate = _SHARE * gateway.load(_CAPACITY_S, CONNECTIONS, None).rate
        # A tenth more than needed: what is under way at the end of a window is not counted.
        shortest = 1.1 * _ANSWERS / rate
        count = min(_MOST_WINDOWS, max(_FEWEST_WINDOWS, int(SECONDS / shortest)))
        seconds = max(shortest, SECONDS / count)
        windows = [gateway.driven(seconds, rate=rate) for _ in range(count)]
    with capsys.disabled():
        show(windows, rate, seconds)
    assert min(w.answers for w in windows) >= _ANSWERS, windows
    third = len(windows) // 3
    first, last = windows[:third], windows[-third:]
    assert median(w.p99 for w in last) <= 1.5 * median(w.p99 for w in first), windows
    assert median(w.cpu_ms for w in last) <= 1.1 * median(w.cpu_ms for w in first), windows
    assert median(w.mib for w in last) - median(w.mib for w in first) <= 32, windows


@pytest.mark.soak
def test_what_a_decision_costs_does_not_depend_on_the_past(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both gateways run side by side and are asked in turns, so that whatever else the machine does hits both."""
    with (
        soaked(tmp_path / "fresh", past=False) as fresh,
        soaked(tmp_path / "old", past=True) as old,
    ):
        for gateway in (fresh, old):
            gateway.driven(_TURN_S, connections=4)
        pairs = [_compared(fresh, old, turned=bool(turn % 2)) for turn in range(_TURNS)]
    told = ", ".join(f"{before:.2f} / {after:.2f}" for before, after in pairs)
    with capsys.disabled():
        Console(width=118).print(f"\nCPU ms an answer without a past / after {PAST:,} actions: {told}")
    assert median(after / before for before, after in pairs) <= 1.15, told


def _compared(fresh: Soaked, old: Soaked, *, turned: bool) -> tuple[float, float]:
    """CPU ms an answer of both, one right after the other; `turned` asks the old one first."""
    first, second = (old, fresh) if turned else (fresh, old)
    one, other = (gateway.driven(_TURN_S, connections=4).cpu_ms for gateway in (first, second))
    return (other, one) if turned else (one, other)


def show(windows: list[Window], rate: float, seconds: float) -> None:
    """Print what each window was like."""
    table = Table(
        title=f"{rate:.0f} requests a second over {CONNECTIONS} connections, {seconds:.0f} s a window"
    )
    for column in ("window", "answers", "p50 ms", "p99 ms", "CPU ms an answer", "resident MiB"):
        table.add_column(column, justify="right")
    for number, window in enumerate(windows, start=1):
        measured = (f"{value:.2f}" for value in (window.p50, window.p99, window.cpu_ms, window.mib))
        table.add_row(str(number), str(window.answers), *measured)
    console = Console(width=118)
    console.print()
    console.print(table)


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
