"""The outbox: notices that are stored with their cause, leased, tried a bounded number of times, and never lost."""

import json
from dataclasses import replace
from typing import Any

import pytest

from audit.events import EventType
from gateway.adapters.store.store import Store
from gateway.core.actions import Target
from gateway.core.errors import LedgerUnavailableError
from gateway.core.notices import Channel, Matter, Occasion
from gateway.core.outcomes import Held
from gateway.core.steps import Finish
from gateway.core.vocabulary import ActionType, System
from tests.gateway.adapters.store.test_events import leaves
from tests.gateway.adapters.store.test_work_items import opened
from tests.gateway.adapters.store.world import OWNER, VOTERS, World, vote

BOTH = (Channel.COMMENT, Channel.WEBHOOK)
LEASE_MS = 1000


async def held(world: World, store: Store, **more: Any) -> Held:
    action = world.action(**more)
    await store.ledger.admit(action)
    outcome = await store.ledger.record(world.hold(action))
    assert isinstance(outcome, Held)
    return outcome


async def due(store: Store) -> tuple[Matter, ...]:
    return await store.outbox.claim(lease_ms=LEASE_MS, limit=20)


async def test_an_opened_ticket_is_to_be_told_on_every_channel(world: World, store: Store) -> None:
    store.outbox.open(BOTH)
    ticket = (await held(world, store)).ticket_id
    comment, webhook = await due(store)

    assert (comment.channel, webhook.channel) == BOTH
    assert {m.occasion for m in (comment, webhook)} == {Occasion.OPENED}
    assert {m.subject for m in (comment, webhook)} == {ticket}
    assert comment.place == Target(system=System.GITLAB, project="shop/checkout", issue="7")
    assert webhook.place is None
    assert comment.ticket is not None
    assert comment.action is not None
    assert (comment.ticket.id, comment.action.type, comment.attempts) == (ticket, ActionType.ISSUE_COMMENT, 1)
    assert comment.created_ms == world.clock.now_ms()


async def test_nothing_is_stored_while_nobody_is_told(world: World, store: Store) -> None:
    await held(world, store)
    store.outbox.open(())
    await held(world, store)
    store.outbox.open(BOTH)

    assert await due(store) == ()


@pytest.mark.parametrize(
    ("answer", "occasion"), [("approve", Occasion.APPROVED), ("reject", Occasion.REJECTED)]
)
async def test_an_answer_is_told_with_its_reason(
    world: World, store: Store, answer: str, occasion: Occasion
) -> None:
    outcome = await held(world, store)
    store.outbox.open((Channel.WEBHOOK,))
    ticket = await store.desk.ticket(outcome.ticket_id or "")
    assert ticket is not None
    await store.desk.cast(ticket.id, vote(ticket, VOTERS[0], answer))
    (matter,) = await due(store)

    assert matter.occasion is occasion
    assert matter.ticket is not None
    assert [v.reason for v in matter.ticket.votes] == ["I read it."]


async def test_an_expired_ticket_is_told(world: World, store: Store) -> None:
    await held(world, store)
    store.outbox.open((Channel.WEBHOOK,))
    world.clock.pass_ms(9 * 3_600_000)
    await store.desk.expire_due(world.clock.now_ms())

    assert [m.occasion for m in await due(store)] == [Occasion.EXPIRED]


async def test_an_action_in_doubt_is_told(world: World, store: Store) -> None:
    store.outbox.open(BOTH)
    action = world.action()
    await store.ledger.admit(action)
    await store.ledger.record(world.start(action))
    await store.ledger.record(Finish(action_id=action.id, outcome="in_doubt", reason="lost"))
    matters = await due(store)

    assert [(m.occasion, m.subject) for m in matters] == [(Occasion.IN_DOUBT, action.id)] * 2
    assert all(m.ticket is None and m.action == action for m in matters)


async def test_a_stop_is_told_by_webhook_only(store: Store) -> None:
    store.outbox.open(BOTH)
    stop = await store.emergency.engage("agent", "agt_fixer", reason="It spins.", by=OWNER)
    (matter,) = await due(store)

    assert (matter.channel, matter.stop, matter.action) == (Channel.WEBHOOK, stop, None)


async def test_work_without_an_issue_is_told_on_the_issue_of_its_work_item(
    world: World, store: Store
) -> None:
    store.outbox.open((Channel.COMMENT,))
    work = {"kind": ActionType.BRANCH_CREATE, "params": {}, "branch": "agent/x"}
    await held(world, store, **work)
    unopened = await due(store)
    await opened(store, trace="trc_1")
    await held(world, store, **work)
    unlinked = await due(store)
    await store.work_items.link("k1", "SHOP-3")
    await held(world, store, **work)
    (matter,) = await due(store)

    assert (unopened, unlinked) == ((), ())
    assert matter.place == Target(system=System.JIRA, project="SHOP", issue="SHOP-3")


async def test_a_lease_keeps_others_away_until_it_ends_and_every_attempt_counts(
    world: World, store: Store
) -> None:
    store.outbox.open((Channel.WEBHOOK,))
    await held(world, store)
    (first,) = await due(store)
    meanwhile = await due(store)
    world.clock.pass_ms(LEASE_MS)
    (second,) = await due(store)

    assert meanwhile == ()
    assert (first.attempts, second.attempts) == (1, 2)


async def test_what_was_sent_is_an_event_and_not_sent_again(world: World, store: Store) -> None:
    store.outbox.open((Channel.WEBHOOK,))
    outcome = await held(world, store)
    (matter,) = await due(store)
    await store.outbox.sent(matter)
    await store.outbox.sent(matter)
    await store.outbox.failed(matter, "too late", pause_ms=1)
    world.clock.pass_ms(10 * LEASE_MS)
    told = await leaves(store, "notification.sent")

    assert await due(store) == ()
    about = {"about": "approval.opened", "channel": "webhook", "attempts": 1}
    assert told == [{**about, "action": outcome.action_id}]
    assert await leaves(store, "notification.failed") == []


async def test_a_failure_is_an_event_and_tried_again_after_its_pause(world: World, store: Store) -> None:
    store.outbox.open((Channel.WEBHOOK,))
    await held(world, store)
    (matter,) = await due(store)
    await store.outbox.failed(matter, "The webhook answered 500.", pause_ms=60_000)
    world.clock.pass_ms(59_999)
    early = await due(store)
    world.clock.pass_ms(1)
    (again,) = await due(store)
    (failed,) = await leaves(store, "notification.failed")

    assert early == ()
    assert again.attempts == 2
    assert failed["given_up"] is False
    assert "answered 500" not in json.dumps(failed)


async def test_what_was_given_up_stays_and_is_counted(world: World, store: Store) -> None:
    store.outbox.open((Channel.WEBHOOK,))
    await held(world, store)
    (matter,) = await due(store)
    before = await store.outbox.given_up(0)
    await store.outbox.failed(matter, "gone", pause_ms=None)
    world.clock.pass_ms(10**9)

    assert await due(store) == ()
    assert (before, await store.outbox.given_up(0)) == (0, 1)
    assert await store.outbox.given_up(world.clock.now_ms()) == 0


async def test_a_notice_is_rolled_back_with_the_unit_that_caused_it(world: World) -> None:
    class StoppedError(RuntimeError):
        pass

    def stop(phase: str) -> None:
        if armed and phase == "appended":
            raise StoppedError

    armed: list[int] = []
    with replace(world, after=stop).store() as store:
        store.outbox.open(BOTH)
        action = world.action()
        await store.ledger.admit(action)
        armed.append(1)
        with pytest.raises(LedgerUnavailableError):
            await store.ledger.record(world.hold(action))
        armed.clear()

        assert await due(store) == ()


async def test_a_notice_survives_the_end_of_the_process(world: World) -> None:
    with world.store() as store:
        store.outbox.open((Channel.WEBHOOK,))
        await held(world, store)
        assert len(await due(store)) == 1
    world.clock.pass_ms(LEASE_MS)
    with world.store() as store:
        (matter,) = await due(store)

    assert matter.attempts == 2


async def test_no_notice_is_stored_about_notices(world: World, store: Store) -> None:
    store.outbox.open((Channel.WEBHOOK,))
    await held(world, store)
    (matter,) = await due(store)
    await store.outbox.failed(matter, "x", pause_ms=None)

    assert EventType.NOTIFICATION_FAILED.value not in {o.value for o in Occasion}
    assert await due(store) == ()
