"""What a ruling means: five arms, and no way from a denial to ALLOW."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.actions import Action
from gateway.core.facts import MissingFact
from gateway.core.judgements import Judgement
from gateway.core.rulings import Effect, Finding, Retry, Ruling
from gateway.core.tickets import Ticket, TicketState
from gateway.core.verdicts import Verdict, verdict, wait_until_ms
from gateway.core.vocabulary import ActionType
from tests.gateway.core.making import (
    HEAD,
    action,
    bench,
    clause,
    facts,
    finding,
    judgement,
    ruling,
    ticket,
    vote,
)

PEOPLE = bench(sam=("sre",), kim=("sre",))
ASK = finding(effect=Effect.REQUIRE_APPROVAL)
WAITING = finding("FLOW-001", retry=Retry.WAIT_UNTIL)
BROKEN = finding("FLOW-001", retry=Retry.FIX_AND_RETRY)
NEVER = finding("SECRET-001", retry=Retry.NEVER)
RATE = finding("RATE-001", retry=Retry.WAIT_UNTIL)


def asked(*more: Finding, of: Action | None = None) -> Judgement:
    """A judgement that asks one sre, with more findings beside it."""
    effect = Effect.DENY if more else Effect.REQUIRE_APPROVAL
    return judgement(ruling(effect, (ASK, *more)), of=of)


def denied(*findings: Finding, of: Action | None = None) -> Judgement:
    """A judgement with these findings and nothing to ask."""
    return judgement(ruling(Effect.DENY, findings), of=of)


def approved(on: Judgement, voter: str = "prn_sam") -> Ticket:
    """The approved ticket for that judgement's question."""
    opened = ticket(judgement(ruling(Effect.REQUIRE_APPROVAL, (ASK,)), of=on.action, known=on.facts))
    return opened.model_copy(update={"state": TicketState.APPROVED, "votes": (vote(voter, opened),)})


def test_what_is_permitted_without_conditions_is_allowed() -> None:
    assert verdict(judgement(ruling(Effect.ALLOW)), None, PEOPLE) is Verdict.ALLOW


def test_what_asks_for_people_is_asked_until_they_have_answered() -> None:
    judged = asked()

    assert verdict(judged, None, PEOPLE) is Verdict.ASK
    assert verdict(judged, ticket(judged), PEOPLE) is Verdict.ASK
    assert verdict(judged, approved(judged), PEOPLE) is Verdict.ALLOW


def test_an_approval_never_outlives_its_question() -> None:
    before = asked()
    after = asked(of=action(params={"expected_head": "c" * 40}))

    assert verdict(after, approved(before), PEOPLE) is Verdict.STALE


def test_votes_that_no_longer_cover_the_clauses_are_asked_for_again() -> None:
    judged = asked()

    assert verdict(judged, approved(judged), bench(sam=("platform",))) is Verdict.ASK
    two = judgement(ruling(Effect.REQUIRE_APPROVAL, (ASK,), clauses=(clause("sre", 2),)))
    assert verdict(two, approved(two), PEOPLE) is Verdict.ASK


def test_a_maker_who_became_known_after_the_vote_does_not_count() -> None:
    judged = asked()
    now = judged.model_copy(update={"facts": facts(authors=("prn_sam",))})
    unknown = judged.model_copy(update={"facts": facts(unknown_authors=1)})

    assert verdict(now, approved(judged), PEOPLE) is Verdict.ASK
    assert verdict(now, approved(judged, "prn_kim"), PEOPLE) is Verdict.ALLOW
    assert verdict(unknown, approved(judged), PEOPLE) is Verdict.ASK


@pytest.mark.parametrize("denial", [BROKEN, NEVER, RATE])
def test_a_denial_that_waiting_does_not_mend_is_final_without_an_approval(denial: Finding) -> None:
    assert verdict(asked(denial), None, PEOPLE) is Verdict.DENY
    assert verdict(denied(denial), None, PEOPLE) is Verdict.DENY
    assert verdict(denied(denial, WAITING), None, PEOPLE) is Verdict.DENY


def test_people_are_asked_while_the_pipeline_runs() -> None:
    assert verdict(asked(WAITING), None, PEOPLE) is Verdict.ASK


def test_an_approval_waits_for_what_can_still_change() -> None:
    for denial in (WAITING, BROKEN, RATE):
        judged = asked(denial)

        assert verdict(judged, approved(judged), PEOPLE) is Verdict.WAIT

    judged = asked(NEVER)
    assert verdict(judged, approved(judged), PEOPLE) is Verdict.DENY


@pytest.mark.parametrize(
    ("code", "missing"),
    [
        ("GATE-002", (MissingFact(path="branch", reason="GitLab did not answer.", retry="wait_until"),)),
        ("POLICY_UNAVAILABLE", ()),
    ],
)
def test_an_outage_is_not_a_change_so_an_approval_outlives_it(
    code: str, missing: tuple[MissingFact, ...]
) -> None:
    before = asked()
    silence = finding(code, retry=Retry.FIX_AND_RETRY)
    after = judgement(ruling(Effect.DENY, (silence,)), known=facts(missing=missing))

    assert after.question.digest != before.question.digest
    assert verdict(after, approved(before), PEOPLE) is Verdict.WAIT
    assert verdict(after, None, PEOPLE) is Verdict.DENY


def test_only_an_action_that_says_so_waits_without_an_approval() -> None:
    when_ready = action(params={"expected_head": HEAD, "when_ready": True})

    assert verdict(denied(WAITING), None, PEOPLE) is Verdict.DENY
    assert verdict(denied(WAITING, of=when_ready), None, PEOPLE) is Verdict.WAIT
    assert verdict(denied(WAITING, of=action(ActionType.COMMIT_REVERT)), None, PEOPLE) is Verdict.DENY


@pytest.mark.parametrize("effect", [Effect.DENY, Effect.REQUIRE_APPROVAL, Effect.WARN])
def test_an_effect_without_a_finding_to_show_for_it_denies(effect: Effect) -> None:
    assert verdict(judgement(ruling(effect)), None, PEOPLE) is Verdict.DENY


def test_it_is_looked_at_again_at_the_latest_time_named_or_on_the_next_change() -> None:
    soon, late = finding(until_ms=5), finding(until_ms=9)

    assert wait_until_ms(denied(soon, late)) == 9
    assert wait_until_ms(denied(soon, WAITING)) is None
    assert wait_until_ms(denied(ASK)) is None


FINDINGS = st.lists(
    st.builds(
        finding,
        st.sampled_from(["BLAST-001", "RATE-001", "FLOW-001"]),
        st.sampled_from(list(Effect)),
        retry=st.sampled_from(list(Retry)),
    ),
    max_size=4,
).map(tuple)
RULINGS = st.builds(ruling, st.sampled_from(list(Effect)), FINDINGS)


@given(RULINGS, st.booleans(), st.booleans())
def test_no_denial_is_ever_allowed(given_: Ruling, with_ticket: bool, when_ready: bool) -> None:  # noqa: FBT001
    judged = judgement(given_, of=action(params={"expected_head": HEAD, "when_ready": when_ready}))
    on = ticket(judged)
    held = (
        on.model_copy(update={"state": TicketState.APPROVED, "votes": (vote("prn_sam", on),)})
        if with_ticket
        else None
    )

    arm = verdict(judged, held, PEOPLE)

    if given_.effect is Effect.DENY or any(f.effect is Effect.DENY for f in given_.findings):
        assert arm is not Verdict.ALLOW
    if given_.clauses and not with_ticket:
        assert arm is not Verdict.ALLOW
