"""Stops, suspensions and tiers: in force for the next unit, and each an event."""

from typing import Any

import pytest

from gateway.adapters.store.store import Store
from gateway.core.errors import ConflictError, NotFoundError
from gateway.core.outcomes import UnderWay
from gateway.core.steps import Blocked
from tests.gateway.adapters.store.hands import lift_by_hand
from tests.gateway.adapters.store.world import AGENT, OWNER, World


async def told(store: Store, kind: str) -> list[dict[str, Any]]:
    rows = await store.archive.events(subject=None, event_type=kind, after=None, limit=100)
    return [{"subject": r.subject, **r.leaf["data"], **r.disclosures} for r in rows]


@pytest.mark.parametrize(
    ("scope", "value", "matches"),
    [
        ("everything", "", True),
        ("agent", AGENT, True),
        ("agent", "agt_other", False),
        ("project", "shop/checkout", True),
        ("project", "shop/other", False),
        ("action_type", "issue.comment", True),
        ("action_type", "issue.create", False),
    ],
)
async def test_a_stop_blocks_what_it_names_and_nothing_else(
    world: World, store: Store, scope: str, value: str, *, matches: bool
) -> None:
    action = world.action()
    await store.ledger.admit(action)

    stop = await store.emergency.engage(scope, value, reason="Something burns.", by=OWNER)

    assert await store.counters.stops_on(action) == ((stop.id,) if matches else ())
    outcome = await store.ledger.record(world.start(action))
    assert isinstance(outcome, Blocked if matches else UnderWay)
    if isinstance(outcome, Blocked):
        assert outcome.guard == "stop"
        assert stop.id in outcome.detail


async def test_a_lifted_stop_blocks_no_more(world: World, store: Store) -> None:
    action = world.action()
    await store.ledger.admit(action)
    stop = await store.emergency.engage("everything", "", reason="Something burns.", by=OWNER)
    other = await store.emergency.engage("agent", "agt_other", reason="Another.", by=OWNER)

    assert await store.emergency.stop(stop.id) == stop
    await lift_by_hand(store, stop.id)

    assert await store.emergency.stops() == (other,)
    assert isinstance(await store.ledger.record(world.start(action)), UnderWay)
    with pytest.raises(ConflictError):
        await store.emergency.stop(stop.id)
    with pytest.raises(NotFoundError):
        await store.emergency.stop("stp_none")
    assert [t["reason"] for t in await told(store, "stop.engaged")] == ["Something burns.", "Another."]
    assert [t["subject"] for t in await told(store, "stop.lifted")] == [stop.id]


async def test_a_suspended_agent_starts_nothing_until_it_is_resumed(world: World, store: Store) -> None:
    action = world.action()
    await store.ledger.admit(action)

    for _ in range(2):
        await store.emergency.suspend(AGENT, reason="Too many reverts.", by=OWNER)
    suspended = await store.counters.suspended(AGENT)
    blocked = await store.ledger.record(world.start(action))
    await store.emergency.resume(AGENT, reason="Explained.", by=OWNER)
    started = await store.ledger.record(world.start(action))

    assert suspended
    assert not await store.counters.suspended(AGENT)
    assert isinstance(blocked, Blocked)
    assert blocked.guard == "stop"
    assert isinstance(started, UnderWay)
    assert [t["reason"] for t in await told(store, "agent.suspended")] == ["Too many reverts."]
    assert [t["suspended"] for t in await told(store, "agent.changed")] == [False]


async def test_the_current_tier_is_set_and_returned_and_kept_with_a_suspension(store: Store) -> None:
    unset = await store.counters.current_tier(AGENT)
    await store.emergency.set_tier(AGENT, "observer", by=OWNER)
    await store.emergency.set_tier(AGENT, "observer", by=OWNER)
    await store.emergency.suspend(AGENT, reason="x", by=OWNER)
    lowered = await store.counters.current_tier(AGENT)
    await store.emergency.set_tier(AGENT, None, by=OWNER)

    assert (unset, lowered, await store.counters.current_tier(AGENT)) == (None, "observer", None)
    assert await store.counters.suspended(AGENT)
    changes = await told(store, "agent.tier_changed")
    assert [(c.get("before"), c.get("tier")) for c in changes] == [(None, "observer"), ("observer", None)]
