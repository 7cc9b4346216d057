"""The road, told as stories: what was recorded and what really happened, in one order."""

import json
from dataclasses import replace

import pytest

from gateway.core.actions import ActionState, Request
from gateway.core.errors import LedgerUnavailableError, MalformedError
from gateway.core.outcomes import AnyOutcome, Denied, Held, InDoubt, Performed, Refused, Stale, Waiting
from gateway.core.rulings import Clause, Reservation
from gateway.core.steps import Start
from gateway.ports import Inspection
from tests.fakes.targets import WORDS
from tests.world import HEAD, OTHER, World, asks, denies, merge_request, seen

JUDGED = ["action.requested", "action.judged"]
DONE = [*JUDGED, "action.started", "PERFORMED", "action.performed"]


@pytest.fixture
def world() -> World:
    return World()


async def held_and_approved(world: World) -> AnyOutcome:
    world.policy.says = (asks(n=1),)
    outcome = await world.propose()
    assert isinstance(outcome, Held)
    await world.vote(outcome)
    return outcome


async def codes(world: World, outcome: AnyOutcome) -> set[str]:
    row = world.ledger.kept.rows[outcome.action_id]
    assert row.ruling is not None
    return {f.code for f in row.ruling.findings}


async def test_what_policy_allows_is_recorded_done_once_and_recorded(world: World) -> None:
    outcome = await world.propose()

    assert isinstance(outcome, Performed)
    assert world.story == DONE


async def test_what_policy_denies_is_recorded_and_never_done(world: World) -> None:
    world.policy.says = (denies("PATH-001"),)

    assert isinstance(await world.propose(), Denied)
    assert world.story == [*JUDGED, "action.denied"]


async def test_a_bad_request_leaves_nothing(world: World) -> None:
    with pytest.raises(MalformedError):
        await world.propose("merge_request.merge", expected_head="not a commit")

    assert world.story == []


async def test_no_record_no_action(world: World) -> None:
    world.ledger.down = True

    with pytest.raises(LedgerUnavailableError):
        await world.propose()

    assert world.effects() == 0


async def test_the_same_key_is_the_same_action(world: World) -> None:
    first = await world.propose(key="k")
    again = await world.propose(key="k")

    assert again.action_id == first.action_id
    assert world.effects() == 1


async def test_a_preview_records_and_does_nothing(world: World) -> None:
    target = {"system": "gitlab", "project": "shop/checkout", "merge_request": 7}
    request = Request(type="merge_request.merge", target=target, params={"expected_head": HEAD})
    judgement = await world.road.preview(request, world.principal)

    assert judgement.ruling.effect == "allow"
    assert world.story == []


async def test_an_approval_opens_the_way_once(world: World) -> None:
    outcome = await held_and_approved(world)

    resumed = await world.resume()

    assert [type(o) for o in resumed] == [Performed]
    assert world.effects() == 1
    assert (await world.ticket(outcome)).state == "spent"
    assert await world.resume() == []


async def test_a_world_that_moved_makes_the_approval_stale(world: World) -> None:
    """The action names its head, so it ends; the proposal for the new head says what changed."""
    outcome = await held_and_approved(world)
    world.gitlab.seen = seen("b" * 40)

    ended = await world.resume()

    assert [type(o) for o in ended] == [Stale]
    assert world.effects() == 0
    assert (await world.ticket(outcome)).state == "stale"


async def test_a_changed_question_goes_back_to_people_with_a_successor(world: World) -> None:
    """A rollback does not name the present state in its params: it is held again, with what changed."""
    world.policy.says = (asks(n=1),)
    held = await world.propose("merge_request.comment", body="Hello.")
    before = await world.ticket(held)
    await world.vote(held)
    world.policy.says = (asks(n=2),)

    resumed = await world.resume()
    after = await world.ticket(held)

    assert [type(o) for o in resumed] == [Held]
    assert after.predecessor == before.id
    assert after.changed is not None
    assert set(after.changed) == {"asks"}
    assert world.effects() == 0


async def test_a_clause_the_votes_do_not_cover_is_asked_of_somebody_else(world: World) -> None:
    held = await held_and_approved(world)
    sre = Clause(count=1, any_of_roles=("sre",))
    world.policy.says = (asks(n=1), asks("FLOW-001", sre))

    assert [type(o) for o in await world.resume()] == [Held]
    await world.vote(held, voter=OTHER)
    assert world.effects() == 0


async def test_a_no_is_final_for_the_same_question(world: World) -> None:
    world.policy.says = (asks(n=1),)
    first = await world.propose()
    await world.vote(first, "reject")

    again = await world.propose()

    assert isinstance(again, Denied)
    assert "REJECTED_BEFORE" in await codes(world, again)


async def test_a_question_nobody_could_answer_is_refused_at_once(world: World) -> None:
    world.policy.says = (asks("BLAST-001", Clause(count=3, any_of_roles=("service-owner",)), n=1),)

    outcome = await world.propose()

    assert isinstance(outcome, Denied)
    assert "UNSATISFIABLE_APPROVAL" in await codes(world, outcome)


async def test_a_running_pipeline_is_waited_for_after_approval(world: World) -> None:
    await held_and_approved(world)
    world.policy.says = (asks(n=1), denies("FLOW-001"))
    waiting = await world.resume()
    world.policy.says = (asks(n=1),)
    done = await world.resume()

    assert [type(o) for o in waiting] == [Waiting]
    assert [type(o) for o in done] == [Performed]


async def test_a_freeze_that_starts_does_not_lose_the_approval(world: World) -> None:
    held = await held_and_approved(world)
    world.policy.says = (asks(n=1), denies("FLOW-001", until_ms=world.clock.now_ms() + 3_600_000))
    await world.resume()
    assert (await world.ticket(held)).state == "approved"
    assert await world.resume(60) == []

    world.policy.says = (asks(n=1),)
    assert [type(o) for o in await world.resume(3600)] == [Performed]


async def test_when_ready_waits_without_a_ticket(world: World) -> None:
    world.policy.says = (denies("FLOW-001"),)

    assert isinstance(await world.propose(when_ready=True), Waiting)
    assert isinstance(await world.propose(), Denied)


async def test_a_denial_for_good_ends_what_was_approved(world: World) -> None:
    held = await held_and_approved(world)
    world.policy.says = (asks(n=1), denies("PATH-001"))

    assert [type(o) for o in await world.resume()] == [Denied]
    assert (await world.ticket(held)).state == "cancelled"


async def test_a_clear_no_of_the_target_is_refused_in_its_words(world: World) -> None:
    world.gitlab.switches.refuse = True
    outcome = await world.propose()

    assert isinstance(outcome, Refused)
    assert outcome.reason == WORDS
    assert world.effects() == 0


async def test_a_lost_reply_is_in_doubt_until_it_is_found(world: World) -> None:
    world.gitlab.switches.lose_reply = True
    outcome = await world.propose()
    assert isinstance(outcome, InDoubt)

    world.gitlab.switches.lose_reply = False
    found = await world.resume()

    assert [type(o) for o in found] == [Performed]
    assert world.effects() == 1
    assert world.story[-1] == "action.performed"


async def test_a_lost_request_is_refused_only_after_the_settle_time(world: World) -> None:
    world.gitlab.switches.lose_request = True
    await world.propose()

    early = await world.resume(10)
    late = await world.resume(300)

    assert [type(o) for o in early] == [InDoubt]
    assert [type(o) for o in late] == [Refused]
    assert world.effects() == 0


async def test_what_cannot_be_proved_stays_in_doubt(world: World) -> None:
    world.gitlab.switches.lose_reply = True
    await world.propose()
    world.gitlab.switches.blind = True

    assert [type(o) for o in await world.resume(3600)] == [InDoubt]
    assert world.effects() == 1


async def test_a_defect_while_acting_is_in_doubt_not_lost(world: World) -> None:
    world.gitlab.switches.broken = True

    assert isinstance(await world.propose(), InDoubt)


async def test_what_cannot_be_prepared_is_denied_before_it_starts(world: World) -> None:
    world.gitlab.switches.unpreparable = True
    outcome = await world.propose()

    assert isinstance(outcome, Denied)
    assert "NOT_PERFORMABLE" in await codes(world, outcome)
    assert "action.started" not in world.story


async def test_a_stop_between_judging_and_acting_blocks_the_start(world: World) -> None:
    world.ledger.stopped = True
    outcome = await world.propose()

    assert isinstance(outcome, Denied)
    assert "GUARD_FAILED" in await codes(world, outcome)
    assert world.effects() == 0
    assert len(world.policy.documents) == 2


async def test_a_policy_that_changed_in_between_judges_again(world: World) -> None:
    world.ledger.policy = "another"
    outcome = await world.propose()

    assert isinstance(outcome, Denied)
    assert len(world.policy.documents) == 2


async def test_a_used_up_budget_denies_with_the_time_to_come_back(world: World) -> None:
    world.policy.reserve = (Reservation(budget="actions", window="hour", amount=1, limit=1),)
    await world.propose()
    over = await world.propose()

    assert isinstance(over, Denied)
    assert "OVER_BUDGET" in await codes(world, over)
    assert "budget.parked" in world.story
    assert world.effects() == 1


async def test_a_used_up_budget_parks_what_was_approved(world: World) -> None:
    world.policy.reserve = (Reservation(budget="actions", window="hour", amount=1, limit=1),)
    await world.propose()
    await held_and_approved(world)

    assert [type(o) for o in await world.resume()] == [Waiting]
    assert [type(o) for o in await world.resume(3600)] == [Performed]


async def test_a_used_up_holding_budget_denies(world: World) -> None:
    world.policy.reserve = (Reservation(budget="held_tickets", window="open", amount=1, limit=1),)
    world.policy.says = (asks(n=1),)
    await world.propose()
    world.policy.says = (asks(n=2),)
    over = await world.propose()

    assert isinstance(over, Denied)
    assert "OVER_BUDGET" in await codes(world, over)


async def test_what_this_version_does_not_perform_is_denied(world: World) -> None:
    target = {"system": "gitlab", "project": "shop/checkout", "refs": ["refs/heads/agent/fix"]}
    outcome = await world.road.submit(Request(type="branch.push", target=target), world.principal)

    assert isinstance(outcome, Denied)
    assert "NOT_SUPPORTED_YET" in await codes(world, outcome)


async def test_a_gateway_that_stopped_while_acting_leaves_it_in_doubt(world: World) -> None:
    world.gitlab.switches.lose_reply = True
    outcome = await world.propose()
    row = world.ledger.kept.rows[outcome.action_id]
    world.ledger.kept.rows[outcome.action_id] = replace(row, state=ActionState.STARTED)

    resumed = await world.resume()

    assert [type(o) for o in resumed] == [Performed]
    assert world.effects() == 1


async def test_a_gateway_that_slept_after_recording_the_start_sends_nothing(world: World) -> None:
    world.ledger.then = lambda step: world.clock.advance(46) if isinstance(step, Start) else None

    outcome = await world.propose()

    assert isinstance(outcome, Refused)
    assert "nothing was sent" in outcome.reason
    assert outcome.retryable
    assert world.effects() == 0


async def test_a_second_carrier_of_the_same_action_stands_back(world: World) -> None:
    outcome = await world.propose(key="once")
    action = world.ledger.kept.rows[outcome.action_id].action

    again = await world.road.carry(action)

    assert isinstance(again, Performed)
    assert world.effects() == 1


async def test_a_denial_of_what_has_ended_changes_nothing(world: World) -> None:
    outcome = await world.propose()
    action = world.ledger.kept.rows[outcome.action_id].action
    world.policy.says = (denies("PATH-001"),)

    assert isinstance(await world.road.carry(action), Performed)
    assert world.story == DONE


async def test_an_unreadable_target_is_a_missing_fact_for_the_policy(world: World) -> None:
    world.gitlab.seen = Inspection()
    world.gitlab.switches.garbage = True
    world.policy.says = (denies("GATE-002"), denies("PATH-001"))
    outcome = await world.propose()

    assert world.policy.documents[0]["missing_total"] > 0
    ruling = world.ledger.kept.rows[outcome.action_id].ruling
    assert ruling is not None
    why = world.policy.documents[0]["missing"][0]["reason"]
    assert {f.code: why in f.message for f in ruling.findings} == {"GATE-002": True, "PATH-001": False}


async def test_a_large_request_is_read_beside_the_others_and_means_the_same(world: World) -> None:
    outcome = await world.propose("merge_request.comment", body="word " * 8_000)

    assert isinstance(outcome, Performed)
    assert world.story == DONE


async def test_a_secret_in_a_name_that_was_read_is_seen_by_no_rule_and_kept_nowhere(world: World) -> None:
    token = "glpat-" + "k" * 20
    named = merge_request().model_copy(update={"source_branch": f"agent/{token}"})
    world.gitlab.seen = world.gitlab.seen.model_copy(update={"merge_request": named})
    world.policy.says = (asks(),)

    held = await world.propose()

    (document,) = world.policy.documents
    ticket = await world.ticket(held)
    assert token not in json.dumps(document)
    assert document["merge_request"]["source_branch"] == "agent/{redacted:gitlab-token}"
    assert document["text"]["secrets"] == ["/input/merge_request/source_branch: gitlab-token"]
    assert token not in ticket.model_dump_json()
