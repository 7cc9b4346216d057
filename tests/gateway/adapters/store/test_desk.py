"""Reading: actions, rulings, tickets, evidence, in pages."""

import asyncio
from pathlib import Path

import pytest

from audit.archive import decode_archive
from audit.note import parse_vkey
from audit.verify import verify_bundle
from gateway.adapters.store.store import Store
from gateway.core.actions import ActionState
from gateway.core.errors import MalformedError
from gateway.core.listings import ActionFilter
from tests.gateway.adapters.store.world import AGENT, OWNER, VOTERS, World, performed, vote


async def test_actions_are_listed_newest_first_in_pages(world: World, store: Store) -> None:
    actions = [world.action() for _ in range(7)]
    await asyncio.gather(*(store.ledger.admit(a) for a in actions))

    first = await store.desk.actions(ActionFilter(), after=None, limit=4)
    second = await store.desk.actions(ActionFilter(), after=first[-1].action.id, limit=4)

    assert [r.action.id for r in (*first, *second)] == [a.id for a in reversed(actions)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (ActionFilter(), {"a", "b", "c"}),
        (ActionFilter(agent=AGENT), {"a", "c"}),
        (ActionFilter(agent="agt_other"), {"b"}),
        (ActionFilter(owner=OWNER), {"a", "b", "c"}),
        (ActionFilter(owner="prn_nobody"), set()),
        (ActionFilter(project="shop/other"), {"c"}),
        (ActionFilter(trace="trc_1"), {"a", "b", "c"}),
        (ActionFilter(trace="trc_2"), set()),
        (ActionFilter(states=(ActionState.DENIED,)), {"a"}),
        (ActionFilter(states=(ActionState.DENIED, ActionState.REQUESTED), agent=AGENT), {"a", "c"}),
        (ActionFilter(states=(ActionState.IN_DOUBT,)), set()),
    ],
)
async def test_actions_are_found_by_what_they_are(
    world: World, store: Store, wanted: ActionFilter, found: set[str]
) -> None:
    actions = {
        "a": world.action(),
        "b": world.action(agent="agt_other"),
        "c": world.action(project="shop/other"),
    }
    for action in actions.values():
        await store.ledger.admit(action)
    await store.ledger.record(world.deny(actions["a"]))

    listed = await store.desk.actions(wanted, after=None, limit=10)

    assert {r.action.id for r in listed} == {actions[name].id for name in found}


async def test_a_ruling_and_its_policy_input_are_kept_whole(world: World, store: Store) -> None:
    action = world.action()
    await store.ledger.admit(action)
    deny = world.deny(action)
    await store.ledger.record(deny)

    assert await store.desk.ruling(deny.judgement.ruling.id) == deny.judgement.ruling
    assert await store.desk.policy_input(deny.judgement.ruling.id) == deny.judgement.document
    assert await store.desk.ruling("rul_none") is None
    assert await store.desk.policy_input("rul_none") is None


async def test_tickets_are_listed_newest_first_open_ones_alone_if_wanted(world: World, store: Store) -> None:
    holds = []
    for _ in range(4):
        action = world.action()
        await store.ledger.admit(action)
        holds.append(world.hold(action))
        await store.ledger.record(holds[-1])
    await store.desk.cast(holds[1].ticket.id, vote(holds[1].ticket))

    every = await store.desk.tickets(open_only=False, after=None, limit=10)
    waiting = await store.desk.tickets(open_only=True, after=None, limit=10)
    page = await store.desk.tickets(open_only=True, after=holds[2].ticket.id, limit=10)

    ids = [h.ticket.id for h in holds]
    assert [t.id for t in every] == ids[::-1]
    assert [t.id for t in waiting] == [ids[3], ids[2], ids[0]]
    assert [t.id for t in page] == [ids[0]]
    assert every[2].votes[0].voter == VOTERS[0]
    assert await store.desk.ticket("tkt_none") is None
    usage = await store.counters.usage(AGENT, world.clock.ms)
    assert usage.held_tickets == 3


async def test_the_evidence_of_an_action_is_every_leaf_about_it_and_its_tickets(
    world: World, store: Store
) -> None:
    action, other = world.action(), world.action()
    await store.ledger.admit(action)
    await store.ledger.admit(other)
    hold = world.hold(action)
    await store.ledger.record(hold)

    indices = await store.desk.evidence_of(action.id)

    rows = await store.archive.events(subject=None, event_type=None, after=None, limit=100)
    assert [rows[i].subject for i in indices] == [action.id, action.id, action.id, hold.ticket.id]
    assert await store.desk.evidence_of("act_none") == ()


async def test_events_are_read_in_order_by_subject_and_type(world: World, store: Store) -> None:
    action = world.action()
    await store.ledger.admit(action)
    await store.ledger.record(world.deny(action))
    archive = store.archive

    by_type = await archive.events(subject=None, event_type="loopgate.action.denied", after=None, limit=9)
    after = await archive.events(subject=action.id, event_type=None, after=1, limit=1)

    assert [e.index for e in by_type] == [3]
    assert [(e.index, e.type) for e in after] == [(2, "action.judged")]
    assert after[0].disclosures["input"] == {"action": {"intent": action.intent}, "ratio": 0.5}
    assert after[0].leaf["id"] == after[0].id


async def test_an_exported_bundle_verifies_offline_and_holds_its_own_export(
    world: World, store: Store
) -> None:
    action = world.action()
    await store.ledger.admit(action)
    await store.ledger.record(world.start(action))
    await store.ledger.record(performed(action))

    chunks = [chunk async for chunk in await store.archive.bundle(0, None, by=OWNER)]
    keys = await store.archive.keys()

    verdict = verify_bundle(b"".join(chunks), [parse_vkey(keys["vkey"])])
    assert verdict.ok, verdict
    exported = await store.archive.events(subject=OWNER, event_type="audit.exported", after=None, limit=9)
    assert len(exported) == 1
    assert b"approval" not in decode_archive(b"".join(chunks))["events.dsse.jsonl"]
    assert len(keys["event_keys"]) == 1


async def test_a_range_the_log_does_not_have_is_refused(store: Store) -> None:
    with pytest.raises(MalformedError, match="cannot be exported"):
        await store.archive.bundle(5, 900, by=OWNER)


async def test_the_same_checkpoint_is_given_until_there_is_more(world: World, store: Store) -> None:
    first = await store.archive.checkpoint()
    same = await store.archive.checkpoint()
    await store.ledger.admit(world.action())
    more = await store.archive.checkpoint()

    assert first == same
    assert (first.splitlines()[1], more.splitlines()[1]) == ("1", "2")


def test_nothing_is_written_outside_the_folder(world: World) -> None:
    with world.store():
        names = {p.name for p in Path(world.folder).iterdir()}

    assert names <= {"loopgate.db", "loopgate.db-wal", "loopgate.db-shm"}
