"""What every ledger promises: the same tests against the real one and the one in memory."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.core.actions import ActionState
from gateway.core.errors import ConflictError, LoopgateError, NotFoundError, OutOfScopeError
from gateway.core.outcomes import Denied, Ended, Held, InDoubt, Performed, Refused, Stale, UnderWay, Waiting
from gateway.core.rulings import Clause, Retry
from gateway.core.steps import Blocked, Deny, Finish, Hold
from gateway.core.tickets import Ticket, TicketState
from gateway.core.vocabulary import ActionType
from tests.gateway.adapters.store.subjects import Fake, Real, Subject
from tests.gateway.adapters.store.world import (
    OWNER,
    VOTERS,
    World,
    asking,
    denying,
    in_doubt,
    performed,
    refused,
    reserving,
    vote,
)

HOUR_MS = 3_600_000
HEAD = "9" * 40


@pytest.fixture(params=["real", "memory"])
def subject(request: pytest.FixtureRequest, world: World) -> Iterator[Subject]:
    """Each ledger in turn."""
    if request.param == "memory":
        yield Fake.over(world)
        return
    with world.store() as store:
        yield Real(world, store)


async def admitted(subject: Subject, **more: Any) -> Any:
    action = subject.world.action(**more)
    await subject.ledger.admit(action)
    return action


async def held(subject: Subject, **more: Any) -> tuple[Any, Ticket]:
    action = await admitted(subject, **more)
    hold = subject.world.hold(action)
    assert isinstance(await subject.ledger.record(hold), Held)
    return action, hold.ticket


async def approved(subject: Subject, **more: Any) -> tuple[Any, Ticket]:
    action, ticket = await held(subject, **more)
    return action, await subject.cast(ticket.id, vote(ticket))


async def state_of(subject: Subject, action: Any) -> ActionState:
    record = await subject.ledger.find(action.id)
    assert record is not None
    return record.state


async def ticket_state(subject: Subject, action: Any) -> TicketState:
    ticket = await subject.ledger.ticket_for(action.id)
    assert ticket is not None
    return ticket.state


def guard(outcome: Any) -> str:
    assert isinstance(outcome, Blocked), outcome
    assert outcome.detail
    return outcome.guard


async def test_an_allowed_action_is_requested_judged_started_performed(subject: Subject) -> None:
    action = await admitted(subject)

    started = await subject.ledger.record(subject.world.start(action))
    done = await subject.ledger.record(performed(action, note=12))

    assert isinstance(started, UnderWay)
    assert isinstance(done, Performed)
    assert done.result == {"note": 12}
    assert await subject.story() == [
        "action.requested",
        "action.judged",
        "action.started",
        "action.performed",
    ]


async def test_a_stored_action_reads_as_it_was_admitted(subject: Subject) -> None:
    branch = await admitted(subject, kind=ActionType.BRANCH_CREATE, params={"from": "main"}, branch="agent/x")
    files = {"message": "Fix", "changes": [{"op": "create", "path": "a b.txt", "content": "\u00e4\n"}]}
    commit = await admitted(subject, kind=ActionType.COMMIT_CREATE, params=files, branch="agent/x", key="k 1")

    for action in (branch, commit):
        record = await subject.ledger.find(action.id)
        assert record is not None
        assert record.action == action
        assert record.action.digest == action.digest
        assert record.state is ActionState.REQUESTED


async def test_the_same_key_and_digest_is_the_same_action_again(subject: Subject) -> None:
    first = await admitted(subject, key="k1")
    await subject.ledger.record(subject.world.start(first))

    again = await subject.ledger.admit(subject.world.action(key="k1"))

    assert again.action.id == first.id
    assert isinstance(again.known, UnderWay)
    assert again.known.action_id == first.id
    assert (await subject.story()).count("action.requested") == 1


async def test_the_same_key_with_another_digest_is_refused(subject: Subject) -> None:
    await admitted(subject, key="k1")

    with pytest.raises(ConflictError) as caught:
        await subject.ledger.admit(subject.world.action(key="k1", params={"body": "Something else."}))

    assert caught.value.code == "idempotency_mismatch"


async def test_a_key_belongs_to_its_agent_and_is_kept_for_a_day(subject: Subject) -> None:
    first = await admitted(subject, key="k1")

    other = await subject.ledger.admit(subject.world.action(key="k1", agent="agt_other"))
    subject.world.clock.pass_ms(24 * HOUR_MS - 1)
    kept = await subject.ledger.admit(subject.world.action(key="k1"))
    subject.world.clock.pass_ms(1)
    later = await subject.ledger.admit(subject.world.action(key="k1"))

    assert other.known is None
    assert kept.action.id == first.id
    assert later.known is None
    assert later.action.id != first.id


async def test_without_a_key_every_proposal_is_an_action_of_its_own(subject: Subject) -> None:
    first, second = await admitted(subject), await admitted(subject)

    assert first.id != second.id
    assert first.digest == second.digest


async def test_200_concurrent_proposals_with_one_key_are_one_action(subject: Subject) -> None:
    proposals = [subject.world.action(key="k1") for _ in range(200)]

    answers = await asyncio.gather(*(subject.ledger.admit(p) for p in proposals))

    assert len({a.action.id for a in answers}) == 1
    assert [a.known for a in answers].count(None) == 1
    assert await subject.story() == ["action.requested"]


async def test_a_denied_action_is_over(subject: Subject) -> None:
    action = await admitted(subject)

    denied = await subject.ledger.record(subject.world.deny(action))
    again = await subject.ledger.record(subject.world.start(action))

    assert isinstance(denied, Denied)
    assert denied.ruling_id
    assert guard(again) == "state"
    assert await subject.story() == ["action.requested", "action.judged", "action.denied"]


async def test_a_held_action_is_approved_and_its_ticket_spent_with_the_start(subject: Subject) -> None:
    action, ticket = await held(subject)

    counted = await subject.cast(ticket.id, vote(ticket, VOTERS[3]))
    assert await state_of(subject, action) is ActionState.APPROVED
    await subject.ledger.record(subject.world.start(action, counted))

    assert counted.state is TicketState.APPROVED
    assert [v.voter for v in counted.votes] == [VOTERS[3]]
    assert await ticket_state(subject, action) is TicketState.SPENT
    assert await subject.story() == [
        "action.requested",
        "action.judged",
        "action.held",
        "approval.opened",
        "approval.voted",
        "approval.approved",
        "action.judged",
        "approval.spent",
        "action.started",
    ]


async def test_a_ticket_is_spent_once(subject: Subject) -> None:
    action, ticket = await approved(subject)
    starts = [subject.world.start(action, ticket) for _ in range(20)]

    outcomes = await asyncio.gather(*(subject.ledger.record(s) for s in starts))

    assert sum(isinstance(o, UnderWay) for o in outcomes) == 1
    assert {guard(o) for o in outcomes if isinstance(o, Blocked)} <= {"permit", "state"}
    assert (await subject.story()).count("action.started") == 1


async def test_an_action_without_a_ticket_starts_once(subject: Subject) -> None:
    action = await admitted(subject)
    starts = [subject.world.start(action) for _ in range(20)]

    outcomes = await asyncio.gather(*(subject.ledger.record(s) for s in starts))

    assert sum(isinstance(o, UnderWay) for o in outcomes) == 1
    assert {guard(o) for o in outcomes if isinstance(o, Blocked)} == {"state"}


async def test_a_permit_of_a_ticket_that_expired_starts_nothing(subject: Subject) -> None:
    action, ticket = await approved(subject)
    subject.world.clock.pass_ms(ticket.expires_ms - subject.world.clock.ms)

    blocked = await subject.ledger.record(subject.world.start(action, ticket))

    assert guard(blocked) == "permit"
    assert await ticket_state(subject, action) is TicketState.APPROVED


async def test_a_permit_without_the_ticket_people_are_asked_on_starts_nothing(subject: Subject) -> None:
    action, _ = await approved(subject)

    assert guard(await subject.ledger.record(subject.world.start(action))) == "permit"


async def test_a_stop_blocks_the_next_start(subject: Subject) -> None:
    action = await admitted(subject)
    await subject.stop()

    assert guard(await subject.ledger.record(subject.world.start(action))) == "stop"
    assert await state_of(subject, action) is ActionState.REQUESTED
    assert "action.judged" not in await subject.story()


async def test_a_permit_of_another_policy_starts_nothing(subject: Subject) -> None:
    action = await admitted(subject)
    start = subject.world.start(action)
    await subject.change_policy()

    assert guard(await subject.ledger.record(start)) == "policy"


async def test_a_ruling_is_good_for_thirty_seconds(subject: Subject) -> None:
    action = await admitted(subject)
    start = subject.world.start(action)

    subject.world.clock.pass_ms(30_001)
    late = await subject.ledger.record(start)
    subject.world.clock.pass_ms(-1)
    just = await subject.ledger.record(start)

    assert guard(late) == "ruling_age"
    assert isinstance(just, UnderWay)


async def test_a_budget_that_is_used_up_blocks_and_says_until_when(subject: Subject) -> None:
    world, reserve = subject.world, (reserving(limit=1), reserving(window="day", limit=9))
    first, second = await admitted(subject), await admitted(subject)
    await subject.ledger.record(world.start(first, reserve=reserve))

    blocked = await subject.ledger.record(world.start(second, reserve=reserve))

    assert isinstance(blocked, Blocked)
    assert (blocked.guard, blocked.code) == ("budget", "OVER_BUDGET")
    assert blocked.until_ms == (world.clock.ms // HOUR_MS + 1) * HOUR_MS
    assert await subject.used("actions", "hour") == 1
    assert await subject.used("actions", "day") == 1
    assert await state_of(subject, second) is ActionState.REQUESTED

    world.clock.pass_ms(HOUR_MS)
    assert isinstance(await subject.ledger.record(world.start(second, reserve=reserve)), UnderWay)
    assert await subject.used("actions", "day") == 2


async def test_a_limit_holds_when_many_start_at_once(subject: Subject) -> None:
    actions = [await admitted(subject) for _ in range(20)]
    starts = [subject.world.start(a, reserve=(reserving(limit=7),)) for a in actions]

    outcomes = await asyncio.gather(*(subject.ledger.record(s) for s in starts))

    assert sum(isinstance(o, UnderWay) for o in outcomes) == 7
    assert await subject.used("actions", "hour") == 7


@pytest.mark.parametrize(("end", "left"), [("performed", 1), ("refused", 0), ("in_doubt", 1)])
async def test_what_was_not_done_is_given_back_and_doubt_keeps(subject: Subject, end: str, left: int) -> None:
    action = await admitted(subject)
    await subject.ledger.record(subject.world.start(action, reserve=(reserving(), reserving(window="day"))))

    await subject.ledger.record(Finish(action_id=action.id, outcome=end))

    assert await subject.used("actions", "hour") == left
    assert await subject.used("actions", "day") == left


async def test_a_doubt_that_is_settled_as_not_done_gives_back(subject: Subject) -> None:
    action = await admitted(subject)
    await subject.ledger.record(subject.world.start(action, reserve=(reserving(),)))
    await subject.ledger.record(in_doubt(action))

    settled = await subject.ledger.record(refused(action).model_copy(update={"reconciled": True}))

    assert isinstance(settled, Refused)
    assert await subject.used("actions", "hour") == 0
    assert (await subject.story())[-3:] == ["action.in_doubt", "action.reconciled", "action.refused"]


async def test_open_merge_requests_count_until_they_are_merged(subject: Subject) -> None:
    world = subject.world
    params = {"source": "agent/x", "target": "main", "title": "Upgrade openssl"}
    opening = await admitted(subject, kind=ActionType.MERGE_REQUEST_OPEN, params=params)
    budget = (reserving("open_merge_requests", "open", limit=3),)
    await subject.ledger.record(world.start(opening, reserve=budget))
    await subject.ledger.record(performed(opening, merge_request=7))
    other = await admitted(
        subject, kind=ActionType.MERGE_REQUEST_MERGE, params={"expected_head": HEAD}, merge_request=8
    )
    merge = await admitted(
        subject, kind=ActionType.MERGE_REQUEST_MERGE, params={"expected_head": HEAD}, merge_request=7
    )

    await subject.ledger.record(world.start(other))
    await subject.ledger.record(performed(other))
    before = await subject.used("open_merge_requests", "open")
    await subject.ledger.record(world.start(merge))
    await subject.ledger.record(performed(merge))

    assert before == 1
    assert await subject.used("open_merge_requests", "open") == 0


async def test_holding_takes_the_holding_budget_and_closing_gives_it_back(subject: Subject) -> None:
    reserve = (reserving("held_tickets", "open", limit=1),)
    first, second = await admitted(subject), await admitted(subject)
    held_first = await subject.ledger.record(subject.world.hold(first, reserve=reserve))
    blocked = await subject.ledger.record(subject.world.hold(second, reserve=reserve))

    assert isinstance(held_first, Held)
    assert guard(blocked) == "budget"
    assert await subject.ledger.ticket_for(second.id) is None

    await subject.cancel(first.id)
    assert isinstance(await subject.ledger.record(subject.world.hold(second, reserve=reserve)), Held)


async def test_an_act_without_its_reply_is_in_doubt_until_it_is_settled(subject: Subject) -> None:
    action = await admitted(subject)
    await subject.ledger.record(subject.world.start(action))

    doubt = await subject.ledger.record(in_doubt(action))
    settled = await subject.ledger.record(performed(action).model_copy(update={"reconciled": True}))

    assert isinstance(doubt, InDoubt)
    assert doubt.reason == "The reply was lost."
    assert isinstance(settled, Performed)


async def test_an_end_is_recorded_once(subject: Subject) -> None:
    action = await admitted(subject)
    await subject.ledger.record(subject.world.start(action))
    await subject.ledger.record(refused(action))

    assert guard(await subject.ledger.record(performed(action))) == "state"
    assert isinstance(await subject.ledger.outcome_of(action.id), Refused)


async def test_waiting_is_an_outcome_with_its_time(subject: Subject) -> None:
    action = await admitted(subject)
    until_ms = subject.world.clock.ms + 5000

    waiting = await subject.ledger.record(subject.world.wait(action, until_ms))

    assert isinstance(waiting, Waiting)
    record = await subject.ledger.find(action.id)
    assert record is not None
    assert record.until_ms == until_ms


async def test_looking_again_without_news_records_nothing(subject: Subject) -> None:
    action = await admitted(subject)
    await subject.ledger.record(subject.world.wait(action))
    before = list(await subject.story())

    again = await subject.ledger.record(subject.world.wait(action))
    assert isinstance(again, Waiting)
    assert await subject.story() == before

    await subject.ledger.record(subject.world.wait(action, until_ms=subject.world.clock.ms + 1))
    assert await subject.story() == [*before, "action.judged", "action.waiting"]


async def test_what_a_budget_stops_is_parked(subject: Subject) -> None:
    action = await admitted(subject)
    finding = denying("OVER_BUDGET", Retry.WAIT_UNTIL, until_ms=subject.world.clock.ms + 9)

    await subject.ledger.record(Deny(judgement=subject.world.judge(action, findings=(finding,))))

    assert await subject.story() == ["action.requested", "action.judged", "budget.parked", "action.denied"]


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


async def test_an_unknown_action_has_no_record_and_no_outcome(subject: Subject) -> None:
    assert await subject.ledger.find("act_none") is None
    assert await subject.ledger.ticket_for("act_none") is None
    with pytest.raises(NotFoundError):
        await subject.ledger.outcome_of("act_none")


async def test_a_fresh_action_is_left_to_its_carrier_and_then_due(subject: Subject) -> None:
    action = await admitted(subject)

    early = await subject.ledger.claim_due(lease_ms=60_000, limit=10)
    subject.world.clock.pass_ms(90_000)
    due = await subject.ledger.claim_due(lease_ms=60_000, limit=10)
    leased = await subject.ledger.claim_due(lease_ms=60_000, limit=10)
    subject.world.clock.pass_ms(60_000)
    again = await subject.ledger.claim_due(lease_ms=60_000, limit=10)

    assert early == leased == ()
    assert [r.action.id for r in due] == [r.action.id for r in again] == [action.id]


async def test_an_approved_action_is_due_at_once(subject: Subject) -> None:
    action, _ = await approved(subject)

    due = await subject.ledger.claim_due(lease_ms=60_000, limit=10)

    assert [(r.action.id, r.state) for r in due] == [(action.id, ActionState.APPROVED)]


async def test_a_wait_is_due_at_its_time_and_a_doubt_after_a_rest(subject: Subject) -> None:
    waiting, doubted = await admitted(subject), await admitted(subject)
    await subject.ledger.record(subject.world.wait(waiting, subject.world.clock.ms + 10_000))
    await subject.ledger.record(subject.world.start(doubted))
    await subject.ledger.record(in_doubt(doubted))

    subject.world.clock.pass_ms(2000)
    first = await subject.ledger.claim_due(lease_ms=60_000, limit=10)
    subject.world.clock.pass_ms(8000)
    second = await subject.ledger.claim_due(lease_ms=60_000, limit=10)

    assert [r.action.id for r in first] == [doubted.id]
    assert [r.action.id for r in second] == [waiting.id]


async def test_a_start_whose_process_died_is_due_after_the_longest_act(subject: Subject) -> None:
    action = await admitted(subject)
    start = subject.world.start(action)
    await subject.ledger.record(start)

    subject.world.clock.pass_ms(179_999)
    assert await subject.ledger.claim_due(lease_ms=60_000, limit=10) == ()
    subject.world.clock.pass_ms(1)
    due = await subject.ledger.claim_due(lease_ms=60_000, limit=10)

    assert [r.action.id for r in due] == [action.id]
    assert due[0].preparation == start.preparation
    assert due[0].started_ms == start.permit.judged_ms


async def test_what_is_over_or_waits_for_people_is_never_due(subject: Subject) -> None:
    await held(subject)
    done, denied = await admitted(subject), await admitted(subject)
    await subject.ledger.record(subject.world.start(done))
    await subject.ledger.record(performed(done))
    await subject.ledger.record(subject.world.deny(denied))

    subject.world.clock.pass_ms(7 * HOUR_MS)

    assert await subject.ledger.claim_due(lease_ms=1, limit=10) == ()


async def test_no_more_is_claimed_than_asked_for(subject: Subject) -> None:
    for _ in range(5):
        await admitted(subject)
    subject.world.clock.pass_ms(90_000)

    first = await subject.ledger.claim_due(lease_ms=60_000, limit=3)
    rest = await subject.ledger.claim_due(lease_ms=60_000, limit=3)

    assert (len(first), len(rest)) == (3, 2)
    assert not {r.action.id for r in first} & {r.action.id for r in rest}
