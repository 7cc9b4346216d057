"""Kill, restart, look; again and again."""

import asyncio
import contextlib
import random  # noqa: TID251 - seeded, and the seed is printed
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from audit.note import parse_vkey
from audit.verify import verify_bundle
from gateway.client.api import UnreachableError
from tests.kills.evidence import Evidence
from tests.kills.load import DONE, LOOKS, Act, Memory, Shift
from tests.kills.place import GAP_S, Life, Nursery, Vendors, nursery, roomy_home
from tests.town import AUDITOR

PHASES = ("begun", "unit", "units", "appended", "committed")
_WHOLE_EVERY = 25


@dataclass
class Count:
    """What the loop did, for the person who reads its print."""

    kills: int = 0
    at: Counter[str] = field(default_factory=Counter)
    proposals: int = 0
    answers: int = 0
    doubts: int = 0
    listed: int = 0

    def add(self, other: "Count") -> None:
        """Count what happened in another home as well."""
        self.kills += other.kills
        self.at.update(other.at)
        self.proposals += other.proposals
        self.answers += other.answers
        self.doubts += other.doubts
        self.listed += other.listed


class Killing:
    """One home, one pair of vendors, many lives."""

    def __init__(self, life: Life, vendors: Vendors, parent: Nursery, seed: int) -> None:
        self.life, self.vendors, self.parent = life, vendors, parent
        self.memory, self.count = Memory(), Count()
        self.evidence = Evidence(life.settings.database)
        self._chance = random.Random(seed)
        self._lives = 0
        self._unverified = 0
        self._checked: set[str] = set()

    async def kill_once(self) -> None:
        """One life: look at what the last one left, work, die."""
        how = self._chance.choice(("answer", "writer", "vendor"))
        phase = self._chance.choice(PHASES)
        order = {"step": phase, "nth": self._chance.randint(5, 60)} if how == "writer" else {}
        await self._born(order)
        with contextlib.suppress(UnreachableError):
            await self._live(how)
        await self._die()
        self.vendors.wait_until_quiet()
        self.count.kills += 1
        self.count.at[phase if how == "writer" else how] += 1
        self.evidence.check_log(whole=self.count.kills % _WHOLE_EVERY == 0)

    async def last_look(self) -> None:
        """Lives in which nobody dies at work: every action of all lives is looked at, and the evidence verified."""
        for _ in range(2):
            await self._born({})
            async with await self.life.agent() as agent:
                await self._look_back(Shift(self.life, agent, self.memory, self._chance, "again"))
            await self._nothing_under_way()
            await self._verify()
            await self._die()
        self.evidence.check_log(whole=True)
        self._check_everything()

    async def _born(self, order: dict[str, Any]) -> None:
        self._lives += 1
        self.vendors.clock.advance(GAP_S)
        # The first life puts this home's roomy policy in force, which a shared database asks to be told.
        asked = {"home": str(self.life.home), "activate": self._lives == 1, **order}
        url = await self.parent.bear({"ahead_ms": self._lives * GAP_S * 1000, **asked})
        assert url, "the gateway did not come up again"
        self.life.url = url

    async def _die(self) -> None:
        self.parent.kill()
        await self.parent.funeral()

    async def _live(self, how: str) -> None:
        async with await self.life.agent() as agent:
            shift = Shift(self.life, agent, self.memory, self._chance, f"{self._lives}")
            await self._look_back(shift)
            self._unverified += 1
            if self._unverified >= _WHOLE_EVERY:
                await self._verify()
            await self._work(shift, how)

    async def _work(self, shift: Shift, how: str) -> None:
        left = [self._chance.randint(1, 18)]

        def counted() -> None:
            left[0] -= 1
            if left[0] == 0:
                self.parent.kill()

        never = lambda: None  # noqa: E731 - a switch that is off
        self.vendors.on_write = counted if how == "vendor" else never
        shift.after_answer = counted if how == "answer" else never
        try:
            await shift.work()
        finally:
            self.vendors.on_write = never

    async def _look_back(self, shift: Shift) -> None:
        """What was acknowledged is there; what was not is settled under its key; nothing stands twice."""
        readiness = await self._readiness()
        assert readiness["log"]["ok"], readiness
        mine = [act for act in self.memory.acts.values() if act.key not in self._checked]
        await _together(self._asked_again(shift, act) for act in mine)
        await _together(self._rested(shift, act) for act in mine)
        self._check_effects([act for act in mine if act.key in self._checked])

    @staticmethod
    async def _asked_again(shift: Shift, act: Act) -> None:
        before = list(act.told)
        said = (await shift.ask(act))["status"]
        assert not set(before) & DONE or said in before, f"{act.key} was told {before} and now {said}"

    async def _rested(self, shift: Shift, act: Act) -> None:
        status = await shift.rest(act.action_id)
        assert status in {*DONE, "in_doubt", "waiting"}, f"{act.key} stays {status}"
        if status in DONE:
            self._checked.add(act.key)

    def _check_effects(self, acts: Iterable[Act]) -> None:
        states, effects = self.evidence.states(), self.vendors.effects()
        for act in acts:
            state, seen = states[act.action_id], effects[act.effect]
            assert seen == (state == "performed"), f"{act.key} is {state} and stands {seen} times"

    def _check_everything(self) -> None:
        """All actions of all lives, the votes, the budgets."""
        states, acts = self.evidence.states(), [act for act in self.memory.acts.values() if act.action_id]
        for act in acts:
            state, ended = states[act.action_id], set(act.told) & DONE
            assert not ended or ended == {state}, f"{act.key} was told {ended} and is {state}"
        effects = self.vendors.effects()
        assert all(effects[act.effect] <= 1 for act in acts)
        self._check_effects(act for act in acts if states[act.action_id] != "in_doubt")
        assert set(states.values()) <= {*DONE, "held", "in_doubt", "waiting"}, Counter(states.values())
        assert self.memory.votes <= self.evidence.votes()
        used, held = self.evidence.budgets()
        assert used == held, {one: (used.get(one), held.get(one)) for one in {*used, *held}}
        self.count.listed = sum(state == "in_doubt" for state in states.values())
        self.count.doubts = self.evidence.doubts()
        self.count.proposals, self.count.answers = len(self.memory.acts), self.memory.answers

    async def _nothing_under_way(self) -> None:
        for _ in range(LOOKS):
            if not {"requested", "approved", "started"} & set(self.evidence.states().values()):
                return
            await self._readiness()

    async def _readiness(self) -> dict[str, Any]:
        try:
            async with self.life.client() as anyone:
                answer = await anyone._http.get("/readyz")
        except httpx2.TransportError as error:
            raise UnreachableError("gone") from error
        checks: dict[str, Any] = answer.json()["checks"]
        return checks

    async def _verify(self) -> None:
        """The whole log, exported and checked as an outsider does."""
        file = self.life.home.parent / "evidence.tar"
        async with await self.life.sign_in(AUDITOR) as auditor:
            await auditor.bundle(file)
            vkey = (await auditor.keys())["vkey"]
        verdict = verify_bundle(file.read_bytes(), [parse_vkey(vkey)])
        assert verdict.ok, verdict
        assert verdict.range[1] >= self.evidence.size
        self._unverified = 0


async def _together(looks: Iterable[Awaitable[None]]) -> None:
    """All of them at once; what was found wrong counts for more than that the gateway is gone."""
    ends = await asyncio.gather(*looks, return_exceptions=True)
    failures = [end for end in ends if end is not None]
    for failure in sorted(failures, key=lambda one: isinstance(one, UnreachableError)):
        raise failure


async def kill_many(
    template: Path, folder: Path, times: int, seed: int, tell: Callable[[Count], None] = lambda _: None
) -> Count:
    """Kill one home's gateway so often; what was counted. `tell` hears it after every tenth. Asserts all the way."""
    with Vendors(folder / "vendors") as vendors:
        home, policies = roomy_home(template, folder, vendors)
        async with nursery(policies, folder / "built") as parent:
            killing = Killing(Life(home, vendors), vendors, parent, seed)
            for number in range(1, times + 1):
                await killing.kill_once()
                if number % 10 == 0:
                    tell(killing.count)
            await killing.last_look()
            return killing.count


def say(line: str) -> None:
    """A line for the person who waits."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
