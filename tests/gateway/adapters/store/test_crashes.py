"""The process stops between every two phases of the writer; what is on disk is whole, and the road goes on."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.store.store import Store
from gateway.core.actions import Action, ActionState
from gateway.core.errors import LedgerUnavailableError
from gateway.core.steps import Blocked
from tests.gateway.adapters.store.agreement import assert_log_and_state_agree
from tests.gateway.adapters.store.crashing import CRASHED, PHASES
from tests.gateway.adapters.store.world import World, in_doubt, on_sqlite, performed, refused, vote

ROOT = Path(__file__).parents[4]


class Crash:
    """Ends the writer's thread after the named phase, once armed."""

    def __init__(self, phase: str) -> None:
        self.phase, self.armed = phase, False

    def __call__(self, step: str) -> None:
        if self.armed and step == self.phase:
            raise SystemExit(self.phase)


async def prepare(world: World, state: str) -> tuple[Action, Any]:
    """An action that has come as far as `state`, and its ticket if it has one."""
    action = world.action(key="k1")
    with world.store() as store:
        if state == "nothing":
            return action, None
        await store.ledger.admit(action)
        if state == "requested":
            return action, None
        if state in {"held", "approved"}:
            hold = world.hold(action)
            await store.ledger.record(hold)
            if state == "held":
                return action, hold.ticket
            return action, await store.desk.cast(hold.ticket.id, vote(hold.ticket))
        await store.ledger.record(world.start(action))
        if state == "in_doubt":
            await store.ledger.record(in_doubt(action))
        return action, None


Attempt = Callable[[World, Store, Action, Any], Any]
ATTEMPTS: dict[str, tuple[str, str, Attempt]] = {
    "admit": ("nothing", "requested", lambda _w, s, a, _t: s.ledger.admit(a)),
    "deny": ("requested", "denied", lambda w, s, a, _t: s.ledger.record(w.deny(a))),
    "hold": ("requested", "held", lambda w, s, a, _t: s.ledger.record(w.hold(a))),
    "wait": ("requested", "waiting", lambda w, s, a, _t: s.ledger.record(w.wait(a))),
    "start": ("requested", "started", lambda w, s, a, _t: s.ledger.record(w.start(a))),
    "vote": ("held", "approved", lambda _w, s, _a, t: s.desk.cast(t.id, vote(t))),
    "reject": ("held", "rejected", lambda _w, s, _a, t: s.desk.cast(t.id, vote(t, answer="reject"))),
    "start approved": ("approved", "started", lambda w, s, a, t: s.ledger.record(w.start(a, t))),
    "supersede": ("approved", "stale", lambda w, s, a, t: s.ledger.record(w.supersede(a, t))),
    "cancel": ("approved", "cancelled", lambda _w, s, a, _t: s.desk.cancel(a.id, by="prn_owner")),
    "perform": ("started", "performed", lambda _w, s, a, _t: s.ledger.record(performed(a))),
    "refuse": ("started", "refused", lambda _w, s, a, _t: s.ledger.record(refused(a))),
    "doubt": ("started", "in_doubt", lambda _w, s, a, _t: s.ledger.record(in_doubt(a))),
    "settle": ("in_doubt", "performed", lambda _w, s, a, _t: s.ledger.record(performed(a))),
}


async def attempt_and_crash(world: World, phase: str, name: str) -> tuple[Action, Any]:
    """Make the attempt while the writer stops after `phase`."""
    before, _, attempt = ATTEMPTS[name]
    action, ticket = await prepare(world, before)
    crash = Crash(phase)
    world.after = crash
    store = world.boot()
    try:
        crash.armed = True
        with pytest.raises(LedgerUnavailableError):
            await attempt(world, store, action, ticket)
        assert not store.readiness().ok
    finally:
        store.close()
        world.after = None
    return action, ticket


@pytest.mark.parametrize("name", ATTEMPTS)
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(
    "world", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)
async def test_a_crash_leaves_the_step_whole_or_not_at_all_and_it_can_be_made_again(
    world: World, phase: str, name: str
) -> None:
    before, after, attempt = ATTEMPTS[name]
    action, ticket = await attempt_and_crash(world, phase, name)

    with world.store() as store:
        found = await store.ledger.find(action.id)
        state = found.state.value if found else "nothing"
        assert state == (after if phase == "committed" else before)
        await assert_log_and_state_agree(store)

        again = await asyncio.gather(attempt(world, store, action, ticket), return_exceptions=True)

        assert phase == "committed" or not isinstance(again[0], Exception | Blocked), again
        record = await store.ledger.find(action.id)
        assert record is not None
        assert record.state.value == after
        await assert_log_and_state_agree(store)


@on_sqlite
async def test_what_a_crash_left_is_due_at_once_after_the_restart(world: World) -> None:
    action, _ = await attempt_and_crash(world, "committed", "start")

    with world.store() as store:
        due = await store.ledger.claim_due(lease_ms=60_000, limit=10)

    assert [(r.action.id, r.state) for r in due] == [(action.id, ActionState.STARTED)]


async def test_everybody_who_waits_hears_of_a_crash(world: World) -> None:
    crash = Crash("appended")
    world.after = crash
    store = world.boot()
    crash.armed = True
    actions = [world.action() for _ in range(30)]

    answers = await asyncio.gather(*(store.ledger.admit(a) for a in actions), return_exceptions=True)
    store.close()

    assert {type(a) for a in answers} == {LedgerUnavailableError}
    world.after = None
    with world.store() as again:
        assert [await again.ledger.find(a.id) for a in actions] == [None] * 30
        assert isinstance((await again.ledger.admit(actions[0])).action, Action)


@pytest.mark.slow
@pytest.mark.parametrize("phase", PHASES)
async def test_a_killed_process_leaves_what_it_acknowledged(tmp_path: Path, phase: str) -> None:
    World(tmp_path).create()
    command = (sys.executable, "-m", "tests.gateway.adapters.store.crashing", str(tmp_path), phase)
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE, stderr=PIPE)
    told, complaint = await process.communicate()

    assert process.returncode == CRASHED, complaint.decode()
    said = dict(line.split(" ", 1) for line in told.decode().splitlines())
    assert len(said) > 5
    world = World(tmp_path)
    with world.store() as store:
        assert store.readiness().ok, store.readiness().detail
        found = {action_id: await store.ledger.find(action_id) for action_id in said}
        behind = {i: (said[i], r.state.value) for i, r in found.items() if r and r.state.value != said[i]}
        assert len(behind) <= (phase == "committed")
        assert None not in found.values()
        await assert_log_and_state_agree(store)
        assert (await store.ledger.admit(world.action())).known is None
