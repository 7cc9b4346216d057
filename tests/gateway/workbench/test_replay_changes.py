"""Which way a decision went, and by which rules."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.recorded import RecordedRuling
from gateway.core.rulings import Assurance, Clause, Effect, Reservation, Waived
from gateway.workbench.replay_changes import STRICTNESS, Turn, flip_of, policy_effect
from tests.gateway.workbench.records import ACTIONS, SRE, for_now, found, ruling

DENIED = ruling(findings=(found("X-001"),))
ASKED = ruling(findings=(found("X-001", Effect.REQUIRE_APPROVAL),), clauses=(SRE,))
ALLOWED = ruling()
UNGRANTED = ruling(grants=())
BY_EFFECT = {Effect.DENY: DENIED, Effect.REQUIRE_APPROVAL: ASKED, Effect.ALLOW: ALLOWED}
TWO = SRE.model_copy(update={"count": 2})
SIGNED = SRE.model_copy(update={"assurance": Assurance.SIGNED})
FOR_ONE = SRE.model_copy(update={"for_service": "checkout"})
EITHER = Clause(count=1, any_of_roles=("release-manager", "sre"))
OTHER = Clause(count=1, any_of_roles=("release-manager",))


def turn(before: RecordedRuling, after: RecordedRuling) -> Turn | None:
    flip = flip_of(before, after)
    return flip.turn if flip else None


def causes(before: RecordedRuling, after: RecordedRuling) -> list[tuple[str, str]]:
    flip = flip_of(before, after)
    assert flip is not None
    return [(cause.code, cause.how) for cause in flip.causes]


@pytest.mark.parametrize("was", STRICTNESS)
@pytest.mark.parametrize("now", STRICTNESS)
def test_the_effect_decides_which_way_a_decision_went(was: Effect, now: Effect) -> None:
    gap = STRICTNESS.index(now) - STRICTNESS.index(was)
    expected = None if gap == 0 else Turn.STRICTER if gap > 0 else Turn.LOOSER

    assert turn(BY_EFFECT[was], BY_EFFECT[now]) == expected


def asking(*clauses: Clause) -> RecordedRuling:
    return ASKED.model_copy(update={"clauses": clauses})


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((SRE,), (SRE,), None),
        ((SRE, TWO), (TWO,), None),
        ((SRE,), (TWO,), Turn.STRICTER),
        ((TWO,), (SRE,), Turn.LOOSER),
        ((SRE,), (SIGNED,), Turn.STRICTER),
        ((SIGNED,), (SRE,), Turn.LOOSER),
        ((EITHER,), (SRE,), Turn.STRICTER),
        ((SRE,), (EITHER,), Turn.LOOSER),
        ((SRE,), (OTHER,), Turn.LOOSER),
        ((SRE,), (SRE, OTHER), Turn.STRICTER),
        ((SRE, OTHER), (SRE,), Turn.LOOSER),
        ((SRE,), (FOR_ONE,), Turn.STRICTER),
        ((FOR_ONE,), (SRE,), Turn.LOOSER),
    ],
)
def test_asking_others_is_looser_unless_they_imply_those_who_were_asked(
    before: tuple[Clause, ...], after: tuple[Clause, ...], expected: Turn | None
) -> None:
    assert turn(asking(*before), asking(*after)) == expected


def reserving(*reserve: Reservation) -> RecordedRuling:
    return ALLOWED.model_copy(update={"reserve": reserve})


def drawing(**change: Any) -> Reservation:
    return ACTIONS.model_copy(update=change)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ((ACTIONS,), None),
        ((), Turn.LOOSER),
        ((drawing(limit=31),), Turn.LOOSER),
        ((drawing(amount=0),), Turn.LOOSER),
        ((drawing(limit=29),), Turn.STRICTER),
        ((drawing(amount=2),), Turn.STRICTER),
        ((ACTIONS, drawing(budget="bytes")), Turn.STRICTER),
    ],
)
def test_a_budget_that_holds_less_is_looser(after: tuple[Reservation, ...], expected: Turn | None) -> None:
    assert turn(reserving(ACTIONS), reserving(*after)) == expected


def test_budgets_that_were_not_recorded_say_nothing() -> None:
    unknown = ALLOWED.model_copy(update={"reserve": None})

    assert turn(unknown, reserving()) is None


WAITING = ruling(findings=(for_now("FLOW-001"),))


def test_what_is_denied_for_now_alone_is_looser_than_what_is_denied_for_good() -> None:
    both = ruling(findings=(for_now("FLOW-001"), found("X-001")))

    assert turn(DENIED, WAITING) == turn(both, WAITING) == Turn.LOOSER
    assert turn(WAITING, DENIED) == turn(WAITING, both) == Turn.STRICTER
    assert turn(WAITING, WAITING) is turn(DENIED, both) is None
    assert turn(UNGRANTED, WAITING) == Turn.LOOSER


def test_whom_a_waiting_action_asks_is_compared_as_if_it_waited_no_more() -> None:
    """Hidden behind a pipeline that still runs, the loss of an approval would be found only once it is green."""
    asks = found("X-001", Effect.REQUIRE_APPROVAL)
    waiting = ruling(findings=(for_now("FLOW-001"), asks), clauses=(SRE,))

    assert turn(waiting, WAITING) == Turn.LOOSER
    assert turn(WAITING, waiting) == Turn.STRICTER
    assert causes(waiting, WAITING) == [("X-001", "finds nothing any more")]


def test_a_denied_action_is_denied_whatever_it_would_have_reserved() -> None:
    assert turn(DENIED, DENIED.model_copy(update={"reserve": ()})) is None


def test_without_a_grant_nothing_is_permitted() -> None:
    assert policy_effect(UNGRANTED) is Effect.DENY
    assert turn(UNGRANTED, ALLOWED) == Turn.LOOSER


def test_what_the_gateway_added_does_not_hide_a_laxer_policy() -> None:
    unsatisfiable = (found("X-001", Effect.REQUIRE_APPROVAL), found("UNSATISFIABLE_APPROVAL"))
    before = ruling(findings=unsatisfiable, clauses=(SRE,), effect=Effect.DENY)

    assert turn(before, ALLOWED) == Turn.LOOSER
    assert turn(before, ASKED) is None


def test_an_engine_that_gives_no_answer_now_is_stricter() -> None:
    assert turn(ALLOWED, ruling(findings=(found("POLICY_UNAVAILABLE"),), grants=())) == Turn.STRICTER


def test_an_effect_nobody_knows_denies() -> None:
    assert policy_effect(ruling(findings=(found("X-001", Effect.WARN),))) is Effect.DENY


@pytest.mark.parametrize(
    ("after", "how"),
    [
        (ALLOWED, "finds nothing any more"),
        (ruling(waived=(Waived(code="X-001", by=("EX-2", "EX-1")),)), "waived by EX-1, EX-2"),
        (ruling(shadow=(found("X-001"),)), "in shadow now"),
        (ruling(warnings=(found("X-001", Effect.WARN),)), "only warns now"),
        (ASKED, "asks instead of denying"),
    ],
)
def test_a_flip_says_what_became_of_the_rule(after: RecordedRuling, how: str) -> None:
    assert causes(DENIED, after) == [("X-001", how)]


def test_a_stricter_flip_names_the_rule_that_is_new() -> None:
    assert causes(ALLOWED, ASKED) == [("X-001", "now asks")]
    assert causes(ALLOWED, DENIED) == [("X-001", "now denies")]


def test_other_clauses_and_budgets_are_causes_of_their_own() -> None:
    assert causes(asking(TWO), asking(SRE)) == [("X-001", "asks others")]
    assert causes(reserving(ACTIONS), reserving(drawing(limit=31))) == [
        ("budget actions per hour", "1 of 30 → 1 of 31")
    ]
    assert causes(reserving(ACTIONS), reserving()) == [("budget actions per hour", "1 of 30 → nothing")]


CLAUSES = st.builds(
    Clause,
    count=st.integers(1, 3),
    any_of_roles=st.sampled_from([("sre",), ("release-manager", "sre"), ("platform",)]),
    assurance=st.sampled_from([Assurance.TOKEN, Assurance.SIGNED]),
)
RULINGS = st.one_of(
    st.just(ALLOWED),
    st.just(DENIED),
    st.builds(asking, CLAUSES),
    st.builds(asking, CLAUSES, CLAUSES),
    st.builds(reserving, st.builds(drawing, limit=st.integers(29, 31))),
)


@given(RULINGS, RULINGS)
def test_a_change_that_is_stricter_one_way_is_looser_the_other(
    one: RecordedRuling, other: RecordedRuling
) -> None:
    there, back = turn(one, other), turn(other, one)

    assert (there is None) == (back is None)
    assert there is not Turn.STRICTER or back is Turn.LOOSER
    assert there is None or Turn.LOOSER in {there, back}
