"""The road's steps through the real store: state, tickets and events."""

from gateway.adapters.store.store import Store
from gateway.core.actions import ActionState
from gateway.core.outcomes import Denied, Ended, Held, InDoubt, Performed, Refused, Stale, UnderWay, Waiting
from gateway.core.steps import Blocked
from tests.gateway.adapters.store.world import VOTERS, World, in_doubt, performed, refused, vote


async def story(store: Store, *subjects: str) -> list[str]:
    """The types of the events about these subjects, in log order (all of them without subjects)."""
    rows = await store.archive.events(subject=None, event_type=None, after=None, limit=1000)
    return [r.type for r in rows if not subjects or r.subject in subjects]


async def test_an_allowed_action_is_requested_judged_started_performed(world: World, store: Store) -> None:
    action = world.action()

    admitted = await store.ledger.admit(action)
    started = await store.ledger.record(world.start(action))
    done = await store.ledger.record(performed(action))

    assert admitted.known is None
    assert isinstance(started, UnderWay)
    assert isinstance(done, Performed)
    assert done.result == {"note": 12}
    told = await story(store, action.id)
    assert told == ["action.requested", "action.judged", "action.started", "action.performed"]


async def test_a_held_action_is_approved_by_votes_and_its_ticket_spent(world: World, store: Store) -> None:
    action, hold = world.action(), None
    await store.ledger.admit(action)
    hold = world.hold(action)

    held = await store.ledger.record(hold)
    counted = await store.desk.cast(hold.ticket.id, vote(hold.ticket, VOTERS[3]))
    found = await store.ledger.find(action.id)
    await store.ledger.record(world.start(action, counted))

    assert isinstance(held, Held)
    assert found is not None
    assert found.state is ActionState.APPROVED
    spent = await store.desk.ticket(hold.ticket.id)
    assert spent is not None
    assert spent.state == "spent"
    assert [v.voter for v in spent.votes] == [VOTERS[3]]
    assert await story(store, hold.ticket.id) == [
        "approval.opened",
        "approval.voted",
        "approval.approved",
        "approval.spent",
    ]
    evidence = await store.desk.evidence_of(action.id)
    assert len(evidence) == 9
