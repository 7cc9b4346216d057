"""Kill, restart, look; again and again. `python -m tests.kills.loop 100 [SEED]` does it by hand."""

import asyncio
import contextlib
import random  # noqa: TID251 - seeded, and the seed is printed
import sqlite3
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from audit.note import parse_vkey
from audit.verify import verify_bundle
from gateway.client.api import UnreachableError
from tests.kills.load import DONE, Memory, Shift
from tests.kills.place import GAP_S, Life, Nursery, Vendors, nursery, roomy_home
from tests.town import AUDITOR, template_home

PHASES = ("begun", "unit", "units", "appended", "committed")
_LOOKS = 400


@dataclass
class Count:
    """What the loop did, for the person who reads its print."""

    kills: int = 0
    at: Counter[str] = field(default_factory=Counter)
    doubts: int = 0
    listed: int = 0


class Killing:
    """One home, one pair of vendors, many lives."""

    def __init__(self, life: Life, vendors: Vendors, parent: Nursery, seed: int) -> None:
        self.life, self.vendors, self.parent = life, vendors, parent
        self.memory, self.count = Memory(), Count()
        self._chance = random.Random(seed)
        self._lives = 0
        self._leaves: list[bytes] = []
        self._checked: set[str] = set()

    async def kill_once(self) -> None:
        """One life: look at what the last one left, work, die."""
        how = self._chance.choice(("answer", "writer", "vendor"))
        phase = self._chance.choice(PHASES)
        order = {"step": phase, "nth": self._chance.randint(20, 120)} if how == "writer" else {}
        await self._born(order)
        with contextlib.suppress(UnreachableError):
            await self._look_back()
            await self._work(how)
        self.parent.kill()
        await self.parent.funeral()
        self.vendors.wait_until_quiet()
        self.count.kills += 1
        self.count.at[phase if how == "writer" else how] += 1
        self._check_log()

    async def last_look(self) -> None:
        """A last life in which nobody dies: every action of all lives is looked at, and the evidence verified."""
        for _ in range(2):
            await self._born({})
            await self._look_back()
            await self._nothing_under_way()
            self._check_log()
            await self._verified()
            self.parent.kill()
            await self.parent.funeral()
        self._check_log()
        self._check_everything()

    async def _born(self, order: dict[str, Any]) -> None:
        self._lives += 1
        self.vendors.clock.advance(GAP_S)
        ahead_ms = self._lives * GAP_S * 1000
        url = await self.parent.bear({"home": str(self.life.home), "ahead_ms": ahead_ms, **order})
        assert url, "the gateway did not come up again"
        self.life.url = url

    async def _work(self, how: str) -> None:
        left = [self._chance.randint(1, 40)]

        def counted() -> None:
            left[0] -= 1
            if left[0] == 0:
                self.parent.kill()

        never = lambda: None  # noqa: E731 - a switch that is off
        self.vendors.on_write = counted if how == "vendor" else never
        shift = Shift(
            self.life,
            self.memory,
            self._chance,
            f"{self._lives}",
            counted if how == "answer" else never,
        )
        await shift.work()
        self.vendors.on_write = never

    async def _look_back(self) -> None:
        """What was acknowledged is there; what was not is settled under its key; nothing stands twice."""
        readiness = await self._readiness()
        assert readiness["log"]["ok"], readiness
        mine = [act for act in self.memory.acts.values() if act.key not in self._checked]
        shift = Shift(self.life, self.memory, self._chance, "again", lambda: None)
        async with await self.life.agent() as shift._agent:
            for act in mine:
                before = list(act.told)
                document = await shift.ask(act)
                assert not set(before) & DONE or document["status"] in before, (
                    act.key,
                    before,
                    document["status"],
                )
            for act in mine:
                if await self._rested(shift, act.action_id):
                    self._checked.add(act.key)
        self._check_effects([act.key for act in mine if act.key in self._checked])

    async def _rested(self, shift: Shift, action_id: str) -> bool:
        """Whether the action has come to rest: ended, or waiting for people."""
        status = ""
        for _ in range(_LOOKS):
            status = str((await shift._agent.action(action_id))["status"])
            if status == "held":
                status = str((await shift._agent.cancel(action_id))["status"])
            if status in DONE:
                return True
        assert status in {"in_doubt", "waiting"}, f"{action_id} stays {status}"
        return False

    def _check_effects(self, keys: list[str]) -> None:
        states, effects = self._states(), self.vendors.effects()
        for key in keys:
            act = self.memory.acts[key]
            state, seen = states[act.action_id], effects[act.effect]
            assert seen == (state == "performed"), f"{key} is {state} and stands {seen} times"

    def _check_everything(self) -> None:
        """All actions of all lives, the votes, the budgets."""
        states, effects = self._states(), self.vendors.effects()
        for act in self.memory.acts.values():
            if not act.action_id:
                continue
            state, seen = states[act.action_id], effects[act.effect]
            ended = set(act.told) & DONE
            assert not ended or ended == {state}, f"{act.key} was told {ended} and is {state}"
            assert seen <= 1
            if state != "in_doubt":
                assert seen == (state == "performed"), f"{act.key} is {state} and stands {seen} times"
        self.count.listed = sum(state == "in_doubt" for state in states.values())
        assert set(states.values()) <= {*DONE, "held", "in_doubt", "waiting"}, Counter(states.values())
        with self._database() as database:
            votes = set(database.execute("SELECT ticket_id, voter FROM votes"))
            used = dict(
                _by_account(database.execute("SELECT agent, budget, period, used FROM budgets WHERE used"))
            )
            held = (
                "SELECT agent, budget, period, sum(amount) FROM reservations GROUP BY agent, budget, period"
            )
            sums = dict(_by_account(database.execute(held)))
            doubts = "SELECT count(*) FROM audit_leaves WHERE type = 'action.in_doubt'"
            (self.count.doubts,) = database.execute(doubts).fetchone()
        assert self.memory.votes <= votes
        assert used == sums

    async def _nothing_under_way(self) -> None:
        for _ in range(_LOOKS):
            if not {"requested", "approved", "started"} & set(self._states().values()):
                return
            await self._readiness()

    def _check_log(self) -> None:
        """No gap, and what stood in the log still stands there."""
        with self._database() as database:
            rows = database.execute(
                "SELECT leaf_index, leaf_hash FROM audit_leaves ORDER BY leaf_index"
            ).fetchall()
        assert [index for index, _ in rows] == list(range(len(rows)))
        hashes = [bytes(hashed) for _, hashed in rows]
        assert hashes[: len(self._leaves)] == self._leaves
        self._leaves = hashes

    def _states(self) -> dict[str, str]:
        with self._database() as database:
            return dict(database.execute("SELECT id, state FROM actions"))

    def _database(self) -> contextlib.closing[sqlite3.Connection]:
        return contextlib.closing(sqlite3.connect(self.life.home / "loopgate.db"))

    async def _readiness(self) -> dict[str, Any]:
        try:
            async with self.life.client() as anyone:
                answer = await anyone._http.get("/readyz")
        except httpx2.TransportError as error:
            raise UnreachableError("gone") from error
        checks: dict[str, Any] = answer.json()["checks"]
        return checks

    async def _verified(self) -> None:
        """The whole log, exported and checked as an outsider does."""
        file = self.life.home.parent / "evidence.tar"
        async with await self.life.sign_in(AUDITOR) as auditor:
            await auditor.bundle(file)
            vkey = (await auditor.keys())["vkey"]
        verdict = verify_bundle(file.read_bytes(), [parse_vkey(vkey)])
        assert verdict.ok, verdict
        assert verdict.range[1] >= len(self._leaves)


def _by_account(rows: Any) -> list[tuple[tuple[str, str, str], int]]:
    return [((agent, budget, period), amount) for agent, budget, period, amount in rows]


async def kill_many(template: Path, folder: Path, times: int, seed: int) -> Count:
    """Kill as often as asked; what was counted. Asserts all the way."""
    with Vendors(folder / "vendors") as vendors:
        home, policies = roomy_home(template, folder, vendors)
        async with nursery(policies, folder / "built") as parent:
            killing = Killing(Life(home, vendors), vendors, parent, seed)
            for number in range(1, times + 1):
                await killing.kill_once()
                if number % 10 == 0 or number == times:
                    _progress(killing, number, times, seed)
            await killing.last_look()
            sys.stderr.write(f"seed {seed}: {killing.count}\n")
            return killing.count


def _progress(killing: Killing, number: int, times: int, seed: int) -> None:
    acts, answers = len(killing.memory.acts), killing.memory.answers
    sys.stderr.write(f"\r{number} of {times} kills (seed {seed}): {acts} proposals, {answers} answers\n")


if __name__ == "__main__":
    wanted, sown = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32)
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch, "town").mkdir()
        asyncio.run(kill_many(template_home(Path(scratch, "town")), Path(scratch), wanted, sown))
