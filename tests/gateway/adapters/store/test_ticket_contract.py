"""What every ledger promises about tickets and what ends early: the same tests against the real one and the one in memory."""

import asyncio
from typing import Any

import pytest

from gateway.core.actions import ActionState
from gateway.core.errors import ConflictError, LoopgateError, NotFoundError, OutOfScopeError
from gateway.core.outcomes import Ended, Stale
from gateway.core.rulings import Clause
from gateway.core.steps import Blocked, Hold
from gateway.core.tickets import TicketState
from gateway.core.vocabulary import ActionType
from tests.gateway.adapters.store.subjects import (
    Subject,
    admitted,
    approved,
    guard,
    held,
    state_of,
    ticket_state,
)
from tests.gateway.adapters.store.world import (
    OWNER,
    VOTERS,
    asking,
    performed,
    vote,
)

HOUR_MS = 3_600_000


async def test_an_approved_action_held_again_makes_its_ticket_stale(subject: Subject) -> None:
    action, ticket = await approved(subject)
    subject.world.clock.pass_ms(1)
    successor = subject.world.hold(action, superseded=ticket, findings=(asking(services=["billing"]),))

    await subject.ledger.record(successor)

    newest = await subject.ledger.ticket_for(action.id)
    assert newest is not None
    assert (newest.id, newest.predecessor, newest.state) == (successor.ticket.id, ticket.id, TicketState.OPEN)
    assert newest.changed == successor.ticket.changed
    assert newest.changed
    assert "approval.stale" in await subject.story()
    assert await subject.ledger.predecessor_for(action) is None


async def test_a_moved_world_ends_action_and_ticket_and_leaves_a_predecessor(subject: Subject) -> None:
    action, ticket = await approved(subject)

    stale = await subject.ledger.record(subject.world.supersede(action, ticket))

    assert isinstance(stale, Stale)
    assert await ticket_state(subject, action) is TicketState.STALE
    again = subject.world.action()
    found = await subject.ledger.predecessor_for(again)
    assert found is not None
    assert found.id == ticket.id
    assert await subject.ledger.predecessor_for(subject.world.action(issue="8")) is None
    assert await subject.ledger.predecessor_for(subject.world.action(agent="agt_other")) is None


async def test_the_newest_stale_ticket_is_the_predecessor_until_a_successor_answers_it(
    subject: Subject,
) -> None:
    for _ in range(2):
        action, ticket = await approved(subject)
        await subject.ledger.record(subject.world.supersede(action, ticket))
        subject.world.clock.pass_ms(1)
    again = await admitted(subject)
    newest = await subject.ledger.predecessor_for(again)
    assert newest is not None
    assert newest.id == ticket.id

    await subject.ledger.record(subject.world.hold(again, superseded=newest))

    older = await subject.ledger.predecessor_for(again)
    assert older is not None
    assert older.id != newest.id


async def test_a_no_ends_the_action_and_is_remembered_for_the_same_question(subject: Subject) -> None:
    action, ticket = await held(subject)

    await subject.cast(ticket.id, vote(ticket, answer="reject", reason="Not before the audit."))

    ended = await subject.ledger.outcome_of(action.id)
    assert isinstance(ended, Ended)
    assert ended.reason == "Not before the audit."
    assert ended.state is ActionState.REJECTED
    assert await subject.ledger.rejected_before(ticket.question_digest) == "Not before the audit."
    assert await subject.ledger.rejected_before("0" * 64) is None
    again = await admitted(subject)
    same = subject.world.hold(again)
    assert same.ticket.question_digest == ticket.question_digest
    blocked = await subject.ledger.record(same)
    assert isinstance(blocked, Blocked)
    assert (blocked.guard, blocked.code) == ("rejected_before", "REJECTED_BEFORE")
    assert "Not before the audit." in blocked.detail


async def test_a_rejection_after_quorum_comes_too_late(subject: Subject) -> None:
    action, ticket = await approved(subject)

    with pytest.raises(ConflictError) as caught:
        await subject.cast(ticket.id, vote(ticket, VOTERS[1], "reject"))

    assert caught.value.code == "ticket_closed"
    assert await state_of(subject, action) is ActionState.APPROVED


@pytest.mark.parametrize(
    ("voter", "more", "code"),
    [
        (OWNER, {}, "self_approval"),
        ("prn_stranger", {}, "not_eligible"),
        ("prn_nobody", {}, "not_eligible"),
        (VOTERS[0], {"question_digest": "0" * 64}, "stale_question"),
    ],
)
async def test_a_vote_that_cannot_count_is_refused_with_the_reason(
    subject: Subject, voter: str, more: dict[str, Any], code: str
) -> None:
    action, ticket = await held(subject)

    with pytest.raises((OutOfScopeError, ConflictError)) as caught:
        await subject.cast(ticket.id, vote(ticket, voter, **more))

    assert caught.value.code == code
    assert await state_of(subject, action) is ActionState.HELD
    assert "approval.voted" not in await subject.story()


async def test_a_vote_after_expiry_or_a_second_one_is_refused(subject: Subject) -> None:
    action = await admitted(subject)
    two = Clause(count=2, any_of_roles=("service-owner",))
    hold = subject.world.hold(action, findings=(asking("BLAST-001", two),))
    await subject.ledger.record(hold)
    await subject.cast(hold.ticket.id, vote(hold.ticket))

    with pytest.raises(ConflictError) as twice:
        await subject.cast(hold.ticket.id, vote(hold.ticket))
    subject.world.clock.pass_ms(8 * HOUR_MS)
    with pytest.raises(ConflictError) as late:
        await subject.cast(hold.ticket.id, vote(hold.ticket, VOTERS[1]))

    assert (twice.value.code, late.value.code) == ("already_voted", "ticket_expired")


async def test_a_vote_on_no_ticket_is_refused(subject: Subject) -> None:
    _, ticket = await held(subject)

    with pytest.raises(NotFoundError):
        await subject.cast("tkt_none", vote(ticket))


@pytest.mark.parametrize("position", [0, 1, 25, 49])
async def test_fifty_votes_racing_a_rejection_have_one_consistent_end(
    subject: Subject, position: int
) -> None:
    action = await admitted(subject)
    many = Clause(count=9, any_of_roles=("service-owner",))
    hold: Hold = subject.world.hold(action, findings=(asking("BLAST-001", many),))
    await subject.ledger.record(hold)
    ballots = [vote(hold.ticket, v) for v in VOTERS[:49]]
    ballots.insert(position, vote(hold.ticket, VOTERS[49], "reject"))

    answers = await asyncio.gather(
        *(subject.cast(hold.ticket.id, b) for b in ballots), return_exceptions=True
    )

    ticket = await subject.ledger.ticket_for(action.id)
    assert ticket is not None
    rejected = any(v.answer == "reject" for v in ticket.votes)
    assert ticket.state is (TicketState.REJECTED if rejected else TicketState.APPROVED)
    assert await state_of(subject, action) is (ActionState.REJECTED if rejected else ActionState.APPROVED)
    assert len(ticket.votes) == (position + 1 if position < 9 else 9)
    refusals = [a for a in answers if isinstance(a, LoopgateError)]
    assert {r.code for r in refusals} == {"ticket_closed"}
    assert len(refusals) == 50 - len(ticket.votes)
    story = await subject.story()
    assert story.count("approval.voted") == len(ticket.votes)
    assert story.count("approval.approved") + story.count("approval.rejected") == 1


async def test_a_ticket_nobody_answers_expires_with_its_action(subject: Subject) -> None:
    action, _ = await held(subject)

    subject.world.clock.pass_ms(8 * HOUR_MS - 1)
    early = await subject.expire()
    subject.world.clock.pass_ms(1)
    due = await subject.expire()

    assert (early, due) == (0, 1)
    assert await state_of(subject, action) is ActionState.EXPIRED
    assert await ticket_state(subject, action) is TicketState.EXPIRED
    assert (await subject.story())[-2:] == ["approval.expired", "action.expired"]


async def test_an_approval_nobody_uses_expires_and_can_start_nothing(subject: Subject) -> None:
    action, ticket = await approved(subject)
    start = subject.world.start(action, ticket)
    subject.world.clock.pass_ms(8 * HOUR_MS)
    await subject.expire()

    assert guard(await subject.ledger.record(start)) in {"ruling_age", "permit"}
    assert await state_of(subject, action) is ActionState.EXPIRED


async def test_a_wait_without_a_ticket_ends_after_a_day(subject: Subject) -> None:
    action = await admitted(subject)
    await subject.ledger.record(subject.world.wait(action))

    subject.world.clock.pass_ms(24 * HOUR_MS)

    assert await subject.expire() == 1
    assert await state_of(subject, action) is ActionState.EXPIRED


async def test_what_has_not_started_can_be_cancelled(subject: Subject) -> None:
    action, _ = await approved(subject)

    await subject.cancel(action.id)

    assert await state_of(subject, action) is ActionState.CANCELLED
    assert await ticket_state(subject, action) is TicketState.CANCELLED
    assert (await subject.story())[-1] == "action.cancelled"


async def test_what_has_started_cannot_be_cancelled(subject: Subject) -> None:
    action = await admitted(subject)
    await subject.ledger.record(subject.world.start(action))

    with pytest.raises(ConflictError) as caught:
        await subject.cancel(action.id)

    assert caught.value.code == "not_cancellable"
    with pytest.raises(NotFoundError):
        await subject.cancel("act_none")


async def test_a_ticket_that_another_replica_opened_meanwhile_is_not_replaced(subject: Subject) -> None:
    action = await admitted(subject)
    slower = subject.world.hold(action)
    await subject.ledger.record(subject.world.hold(action))
    asked = await subject.ledger.ticket_for(action.id)

    blocked = await subject.ledger.record(slower)

    assert isinstance(blocked, Blocked)
    assert blocked.guard == "state"
    assert await subject.ledger.ticket_for(action.id) == asked


OLD, NEW = "a" * 40, "b" * 40
MERGE, REBASE = ActionType.MERGE_REQUEST_MERGE, ActionType.MERGE_REQUEST_REBASE


async def rebased(subject: Subject) -> None:
    rebase = await admitted(subject, kind=REBASE, params={}, merge_request=7)
    await subject.ledger.record(subject.world.start(rebase))
    await subject.ledger.record(performed(rebase, merge_request=7, head=NEW, head_before=OLD))


async def test_a_rebase_ends_the_open_question_about_the_head_it_replaced_and_no_other(
    subject: Subject,
) -> None:
    asked, _ = await held(subject, kind=MERGE, params={"expected_head": OLD}, merge_request=7)
    of_another, _ = await held(subject, kind=MERGE, params={"expected_head": OLD}, merge_request=8)
    of_the_new, _ = await held(subject, kind=MERGE, params={"expected_head": NEW}, merge_request=7)

    await rebased(subject)

    ended = await subject.ledger.outcome_of(asked.id)
    assert isinstance(ended, Stale)
    assert NEW in ended.reason
    assert await ticket_state(subject, asked) is TicketState.STALE
    assert (await subject.story())[-2:] == ["approval.stale", "action.stale"]
    for other in (of_another, of_the_new):
        assert await state_of(subject, other) is ActionState.HELD
        assert await ticket_state(subject, other) is TicketState.OPEN


async def test_what_people_approved_before_a_rebase_is_left_to_be_judged_again(subject: Subject) -> None:
    action, _ = await approved(subject, kind=MERGE, params={"expected_head": OLD}, merge_request=7)

    await rebased(subject)

    assert await state_of(subject, action) is ActionState.APPROVED
    assert await ticket_state(subject, action) is TicketState.APPROVED
