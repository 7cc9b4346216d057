"""The real road beside the model: random histories of two replicas on one database, looked at after every step.

Real store, real log, real road; only the target and the policy are in memory. What the model promises of every history
(`docs/explanation/the-model.md`) is asserted of each one that is played here.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import booleans, sampled_from

from gateway.core.actions import ActionState, Request
from gateway.core.errors import CallerError
from gateway.core.listings import ActionFilter
from gateway.core.tickets import Ticket, TicketState
from tests.gateway.adapters.store.world import CLAUSE, NOW_MS, OWNER, POLICY, ROSTER, vote
from tests.gateway.adapters.store.world import World as StoreWorld
from tests.model.replicas import LATEST_ARRIVAL_MS, Gate, Gated, Replica, SlowTarget
from tests.model.units import LABELS, TERMINAL, Durable, label
from tests.world import HEAD, World, asks, denies, seen

pytestmark = pytest.mark.slow
LEASE_MS = 90_000
_SELDOM = sampled_from([False] * 7 + [True])
_HISTORIES = settings(
    max_examples=400,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
_KINDS = {
    "merge_request.merge": {"expected_head": HEAD},
    "merge_request.comment": {"body": "Done."},
}


class TwoReplicas(RuleBasedStateMachine):
    """One action, two replicas, people, a clock, a world that moves."""

    played: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.outside = StoreWorld(Path(self.folder.name))
        self.outside.create()
        self.store = self.outside.boot()
        self.target = SlowTarget(seen=seen())
        self.was = Durable()
        self.starts = 0
        self.stopped = False
        self.read: Ticket | None = None
        self.meant: set[str] = set()
        self.labels: list[str] = []

    @initialize(kind=sampled_from(sorted(_KINDS)), asked=sampled_from([True, True, False]))
    def begin(self, kind: str, asked: bool) -> None:
        self.kind, self.asked = kind, asked
        self.worlds = [self._world() for _ in range(2)]
        self.replicas = [self._replica(world) for world in self.worlds]
        self._says(1)
        self._run(self.replicas[0].begin(self._submission(0)))

    @precondition(lambda self: self.idle() and not self.key_is_forgotten())
    @rule(chance=_SELDOM)
    def propose_again(self, chance: bool) -> None:
        if chance:
            n = self.idle()[0]
            self._run(self.replicas[n].begin(self._submission(n)))

    @rule(last=booleans(), times=sampled_from([1, 3, 9, 9]), other=_SELDOM)
    def go_on(self, last: bool, times: int, other: bool) -> None:
        if other or not self.working():
            self.take_up(last=last)
        for n in self.working()[-1 if last else 0 :][:1]:
            self.step(n, times)

    @rule(times=sampled_from([2, 9, 9]))
    def go_on_after_a_while(self, times: int) -> None:
        self.outside.clock.pass_ms(5_000)
        self.go_on(last=False, times=times, other=False)

    @precondition(lambda self: len(self.working()) == 1)
    @rule()
    def a_lease_lapses_while_its_holder_works(self) -> None:
        self._run(self.target.arrive(really=True))
        self.outside.clock.pass_ms(200_000)
        self.take_up(last=True)

    @precondition(lambda self: self.working())
    @rule(last=booleans(), chance=_SELDOM)
    def crash(self, last: bool, chance: bool) -> None:
        if chance:
            self._run(self.replicas[self.working()[-1 if last else 0]].crash())

    @rule(seconds=sampled_from([1, 5, 40, 200, 400]), really=booleans())
    def time_passes(self, seconds: int, really: bool) -> None:
        if seconds * 1000 >= LATEST_ARRIVAL_MS:
            self._run(self.target.arrive(really=really))
        self.outside.clock.pass_ms(seconds * 1000)

    @rule(mood=sampled_from(["well", "well", "late", "refuse", "lose"]))
    def the_vendor_changes_its_mood(self, mood: str) -> None:
        self.target.late = mood == "late"
        self.target.switches.refuse, self.target.switches.lose_reply = mood == "refuse", mood == "lose"

    @rule(n=sampled_from([1, 1, 2]), never=_SELDOM, not_yet=sampled_from([False, False, True]))
    def the_question_or_the_policy_changes(self, n: int, never: bool, not_yet: bool) -> None:
        self._says(n, never=never, not_yet=not_yet)

    @precondition(lambda self: self.was.action is ActionState.APPROVED and not self.working())
    @rule(other=booleans())
    def approved_and_then_it_changes(self, other: bool) -> None:
        self._says(2 if other else 1, not_yet=not other)
        self.outside.clock.pass_ms(5_000)
        self.go_on(last=False, times=9, other=False)

    @precondition(lambda self: self.was.ticket is TicketState.OPEN or self.read)
    @rule(fresh=sampled_from([True, True, False]), answer=sampled_from(["approve"] * 4 + ["reject"]))
    def vote(self, fresh: bool, answer: str) -> None:
        if fresh or self.read is None:
            self.read = self._run(self.store.ledger.ticket_for(self._row().action.id))
        if answer == "approve":
            self.meant.add(self.read.question_digest)
        self._try(self.store.desk.cast(self.read.id, vote(self.read, answer=answer)))

    @precondition(lambda self: self.was.action)
    @rule(chance=_SELDOM)
    def cancel(self, chance: bool) -> None:
        if chance:
            self._try(self.store.desk.cancel(self._row().action.id, by=OWNER))

    @rule(chance=_SELDOM)
    def tickets_expire(self, chance: bool) -> None:
        if chance:
            self._run(self.target.arrive(really=True))
            self.outside.clock.pass_ms(9 * 3_600_000)
        self._run(self.store.desk.expire_due(self.outside.clock.now_ms()))

    @precondition(lambda self: not self.stopped)
    @rule(chance=_SELDOM)
    def stop(self, chance: bool) -> None:
        if chance:
            self._run(self.store.emergency.engage("everything", "", reason="Smoke.", by=OWNER))
            self.stopped = True

    @invariant()
    def look(self) -> None:
        """What is stored moved by one step of the model, and nothing that the model forbids has happened."""
        now = self._durable()
        name = label(self.was, now)
        assert name, f"the model has no step from {self.was} to {now} after {self.labels}"
        self.labels.append(name)
        self.played[name] += 1
        if name == "start":
            self.starts += 1
            assert not self.stopped
            assert not self.asked or now.question in self.meant
        self.was = now
        assert self.starts <= 1
        assert len(self.target.effects) <= min(1, self.starts)
        assert now.action is not ActionState.REFUSED or not self.target.effects
        assert now.action is not ActionState.PERFORMED or len(self.target.effects) == 1

    def teardown(self) -> None:
        """However it was left: it ends, and the log reads back whole."""
        try:
            if hasattr(self, "replicas"):
                self._end()
        finally:
            self.store.close()
            self.loop.close()
        with self.outside.store() as reopened:
            assert reopened.readiness().ok
        self.folder.cleanup()

    def take_up(self, *, last: bool) -> None:
        """An idle replica looks for due work."""
        for n in self.idle()[-1 if last else 0 :][:1]:
            for record in self._run(self.store.ledger.claim_due(lease_ms=LEASE_MS, limit=1)):
                self._run(self.replicas[n].begin(self.replicas[n].road.resume(record)))

    def step(self, n: int, times: int) -> None:
        """A replica passes some gates; after each one the model is asked."""
        for _ in range(times):
            if self.replicas[n].works:
                self._run(self.replicas[n].step())
                self.look()

    def idle(self) -> list[int]:
        """The replicas that could take something up."""
        return [n for n, replica in enumerate(self.replicas) if not replica.works]

    def working(self) -> list[int]:
        """The replicas in the middle of something."""
        return [n for n, replica in enumerate(self.replicas) if replica.works]

    def key_is_forgotten(self) -> bool:
        """Whether the idempotency key may be out of memory: then the same key is another action."""
        return self.outside.clock.now_ms() - NOW_MS > 12 * 3_600_000

    def _end(self) -> None:
        for replica in self.replicas:
            self._run(replica.crash())
        self.target.late = False
        for _ in range(4):
            self.time_passes(400, really=True)
            self._carry_on()
        row = self._row()
        resting = {ActionState.HELD, ActionState.WAITING}
        assert row is None or row.state in TERMINAL | resting

    def _carry_on(self) -> None:
        self._run(self.store.desk.expire_due(self.outside.clock.now_ms()))
        self.look()
        self.take_up(last=False)
        while self.replicas[0].works:
            self._run(self.replicas[0].step())
            self.look()

    def _world(self) -> World:
        world = World()
        world.policy.digest, world.policy.roster = POLICY, ROSTER
        world.clock = self.outside.clock  # type: ignore[assignment]  # it tells the same time
        world.ids = self.outside.ids  # type: ignore[assignment]  # one sequence for all
        return world

    def _replica(self, world: World) -> Replica:
        gate = Gate()
        ledger = Gated(self.store.ledger, gate, before=("admit", "record", "ticket_for"))
        target = Gated(self.target, gate, before=("inspect", "prepare", "reconcile"), after=("perform",))
        world.ledger = ledger  # type: ignore[assignment]  # the real one behind the same port
        world.targets = {self.target.system: target}  # type: ignore[dict-item]  # the same target for both
        world.road = world._road()
        return Replica(world.road, gate)

    def _says(self, n: int, *, never: bool = False, not_yet: bool = False) -> None:
        says = (
            *((asks("BLAST-001", CLAUSE, n=n),) if self.asked else ()),
            *((denies("PATH-001"),) if never else ()),
            *((denies("FLOW-001", until_ms=self.outside.clock.now_ms() + 1000),) if not_yet else ()),
        )
        for world in self.worlds:
            world.policy.says = says

    def _submission(self, n: int) -> Awaitable[Any]:
        aim = {"system": "gitlab", "project": "shop/checkout", "merge_request": 7}
        request = Request(
            type=self.kind, target=aim, params=_KINDS[self.kind], intent="a test", idempotency_key="once"
        )
        return self.worlds[n].road.submit(request, self.worlds[n].principal)

    def _row(self) -> Any:
        rows = self._run(self.store.desk.actions(ActionFilter(), after=None, limit=10))
        assert len(rows) <= 1, "one key, one action"
        return rows[0] if rows else None

    def _durable(self) -> Durable:
        row = self._row()
        if row is None:
            return Durable()
        ticket = self._run(self.store.ledger.ticket_for(row.action.id))
        if ticket is None:
            return Durable(row.state)
        return Durable(row.state, ticket.state, ticket.id, ticket.question_digest)

    def _try(self, work: Awaitable[Any]) -> None:
        with contextlib.suppress(CallerError):  # a clear no is an answer; what it changed is looked at next
            self._run(work)

    def _run(self, work: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(work)


def test_two_replicas_move_as_the_model_does(tell: Callable[[str], None]) -> None:
    run_state_machine_as_test(TwoReplicas, settings=_HISTORIES)

    tell(f"histories played, by the model's steps: {dict(TwoReplicas.played)}")
    assert set(TwoReplicas.played) == set(LABELS), "the histories leave a step of the model out"
