"""What every ledger promises: the same tests against the real one and the one in memory."""

import asyncio

import pytest

from gateway.core.actions import ActionState
from gateway.core.errors import ConflictError, NotFoundError
from gateway.core.outcomes import Denied, InDoubt, Performed, Refused, UnderWay, Waiting
from gateway.core.rulings import Retry
from gateway.core.steps import Blocked, Deny
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
    VOTERS,
    asking,
    denying,
    in_doubt,
    performed,
    refused,
    vote,
)

HOUR_MS = 3_600_000
HEAD = "9" * 40


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
    assert {guard(o) for o in outcomes if isinstance(o, Blocked)} == {"permit"}
    assert (await subject.story()).count("action.started") == 1


async def test_a_permit_for_another_question_than_was_approved_starts_nothing(subject: Subject) -> None:
    action, ticket = await approved(subject)
    findings = (asking(services=["billing"]),)
    other = subject.world.judge(action, findings=findings).question.digest
    votes = tuple(v.model_copy(update={"question_digest": other}) for v in ticket.votes)
    forged = ticket.model_copy(update={"question_digest": other, "votes": votes})

    blocked = await subject.ledger.record(subject.world.start(action, forged, findings=findings))

    assert guard(blocked) == "permit"
    assert await ticket_state(subject, action) is TicketState.APPROVED


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
