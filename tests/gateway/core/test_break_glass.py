"""Break-glass asks fewer people and does nothing else: never a denial into a permission, never one's own work."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.break_glass import (
    CONFIRM_WITHIN_MS,
    REVIEW_WITHIN_MS,
    BreakGlass,
    GlassState,
    can_narrow,
    glass_value,
    narrowed,
    refuse_closing,
    refuse_confirmation,
    refuse_review,
)
from gateway.core.errors import ConflictError, MalformedError, OutOfScopeError
from gateway.core.principals import Agent, Roster, Tier
from gateway.core.rulings import (
    Assurance,
    Binding,
    Clause,
    Effect,
    Finding,
    PolicyVersion,
    Retry,
    Ruling,
)
from gateway.core.vocabulary import System

T0 = 1_800_000_000_000
ROSTER = Roster(agents=(Agent(id="agt_fixer", owner="prn_dev", tier=Tier.OBSERVER),))
CODES = ("BLAST-001", "PATH-001", "SECRET-001", "SOD-001", "TRUST-002", "TRUST-003", "GATE-002", "SOD-002")
CLAUSES = st.builds(
    Clause,
    count=st.integers(1, 9),
    any_of_roles=st.sampled_from([("sre",), ("operator",), ("sre", "security")]),
    for_service=st.sampled_from([None, "checkout"]),
    assurance=st.sampled_from(list(Assurance)),
)


def finding(code: str, effect: Effect, clauses: tuple[Clause, ...]) -> Finding:
    return Finding(
        code=code,
        effect=effect,
        clauses=clauses if effect is Effect.REQUIRE_APPROVAL else (),
        retry=Retry.NEVER,
        title=code,
        severity="high",
        remediation="Mend it.",
        message="It is so.",
        binding=Binding.STATE,
    )


def ruling(effect: Effect, findings: tuple[Finding, ...]) -> Ruling:
    clauses = tuple({c.model_dump_json(): c for f in findings for c in f.clauses}.values())
    return Ruling(
        id="rul_1",
        action_id="act_1",
        effect=effect,
        findings=findings,
        clauses=clauses,
        policy=PolicyVersion(digest="d", revision="r", engine="e", engine_version="1"),
        input_digest="0",
        judged_ms=T0,
    )


FINDINGS = st.builds(
    finding,
    st.sampled_from(CODES),
    st.sampled_from([Effect.DENY, Effect.REQUIRE_APPROVAL, Effect.WARN]),
    st.lists(CLAUSES, min_size=1, max_size=3).map(tuple),
)
RULINGS = st.builds(ruling, st.sampled_from(list(Effect)), st.lists(FINDINGS, max_size=5).map(tuple))


@given(RULINGS)
def test_break_glass_never_changes_what_is_denied_or_which_rules_complained(before: Ruling) -> None:
    after = narrowed(before, "bgl_1")

    assert after.effect is before.effect
    told = [(f.code, f.effect, f.retry, f.until_ms, len(f.clauses)) for f in before.findings]
    assert [(f.code, f.effect, f.retry, f.until_ms, len(f.clauses)) for f in after.findings] == told
    assert bool(after.clauses) == bool([c for f in before.findings for c in f.clauses])
    assert after.break_glass is not None


@given(RULINGS)
def test_break_glass_changes_only_how_many_and_only_to_one(before: Ruling) -> None:
    after = narrowed(before, "bgl_1")

    for old, new in zip(before.findings, after.findings, strict=True):
        kept = old.code.startswith(("SECRET-", "TRUST-", "SOD-001", "GATE-"))
        for was, now in zip(old.clauses, new.clauses, strict=True):
            assert now.model_copy(update={"count": was.count}) == was
            assert now.count == (was.count if kept else 1)
    assert after.break_glass
    assert not {c for c in after.break_glass.codes if c.startswith(("SECRET-", "TRUST-", "SOD-001", "GATE-"))}


@given(RULINGS)
def test_it_is_asked_for_exactly_where_it_would_change_something(before: Ruling) -> None:
    changes = narrowed(before, "bgl_1").findings != before.findings

    assert can_narrow(before, System.GITLAB) == changes
    assert not can_narrow(before, System.LOOPGATE)


def glass(**given_values: Any) -> BreakGlass:
    return BreakGlass(
        **{
            "id": "bgl_1",
            "scope": "agent",
            "value": "agt_fixer",
            "ticket": "INC-1",
            "reason": "It burns.",
            "minutes": 30,
            "opened_by": "prn_a",
            "opened_ms": T0,
            "expires_ms": T0 + CONFIRM_WITHIN_MS,
            **given_values,
        }
    )


IN_FORCE = {"confirmed_by": "prn_b", "confirmed_ms": T0, "expires_ms": T0 + 1000}


@pytest.mark.parametrize(
    ("values", "at_ms", "state"),
    [
        ({}, T0, GlassState.OPENED),
        ({}, T0 + CONFIRM_WITHIN_MS, GlassState.LAPSED),
        ({"closed_ms": T0 + 1}, T0 + 2, GlassState.LAPSED),
        (IN_FORCE, T0 + 999, GlassState.IN_FORCE),
        (IN_FORCE, T0 + 1000, GlassState.ENDED),
        ({**IN_FORCE, "closed_ms": T0 + 1}, T0 + 2, GlassState.ENDED),
        ({**IN_FORCE, "reviewed_ms": T0 + 2000}, T0 + 3000, GlassState.REVIEWED),
    ],
)
def test_where_it_stands_follows_from_its_times(
    values: dict[str, Any], at_ms: int, state: GlassState
) -> None:
    assert glass(**values).state(at_ms) is state


def test_a_review_is_due_a_day_after_the_confirmation_and_only_then() -> None:
    assert glass().review_due_ms is None
    assert not glass().is_overdue(T0 + 10 * REVIEW_WITHIN_MS)
    assert not glass(**IN_FORCE).is_overdue(T0 + REVIEW_WITHIN_MS - 1)
    assert glass(**IN_FORCE).is_overdue(T0 + REVIEW_WITHIN_MS)
    assert not glass(**IN_FORCE, reviewed_ms=T0 + 5).is_overdue(T0 + REVIEW_WITHIN_MS)


def test_a_second_person_confirms_in_time_and_once() -> None:
    refuse_confirmation(glass(), "prn_b", T0)

    with pytest.raises(OutOfScopeError):
        refuse_confirmation(glass(), "prn_a", T0)
    with pytest.raises(ConflictError):
        refuse_confirmation(glass(**IN_FORCE), "prn_c", T0)
    with pytest.raises(ConflictError):
        refuse_confirmation(glass(), "prn_b", T0 + CONFIRM_WITHIN_MS)


def test_what_is_over_cannot_be_closed() -> None:
    refuse_closing(glass(**IN_FORCE), T0)

    with pytest.raises(ConflictError):
        refuse_closing(glass(**IN_FORCE), T0 + 1000)


def test_somebody_else_reviews_it_after_it_ended() -> None:
    refuse_review(glass(**IN_FORCE), "prn_c", T0 + 1000)

    for involved in ("prn_a", "prn_b"):
        with pytest.raises(OutOfScopeError):
            refuse_review(glass(**IN_FORCE), involved, T0 + 1000)
    with pytest.raises(ConflictError):
        refuse_review(glass(**IN_FORCE), "prn_c", T0)


@pytest.mark.parametrize(
    ("scope", "value", "kept"),
    [
        ("agent", "agt_fixer", "agt_fixer"),
        ("project", "Shop/Checkout", "shop/checkout"),
        ("project", "jira:SHOP", "SHOP"),
        ("action_type", "merge_request.merge", "merge_request.merge"),
    ],
)
def test_it_names_one_thing_as_actions_spell_it(scope: str, value: str, kept: str) -> None:
    assert glass_value(scope, value, ROSTER) == kept


@pytest.mark.parametrize(
    ("scope", "value"),
    [("action_type", "stop.lift"), ("action_type", "policy.activate")],
)
def test_the_gateways_own_actions_are_out_of_its_reach(scope: str, value: str) -> None:
    with pytest.raises(MalformedError, match="own actions"):
        glass_value(scope, value, ROSTER)


@pytest.mark.parametrize(
    ("scope", "value"),
    [("everything", ""), ("agent", "agt_nobody"), ("action_type", "issue.*"), ("project", "shop")],
)
def test_what_is_too_wide_or_matches_nothing_is_refused(scope: str, value: str) -> None:
    with pytest.raises(MalformedError):
        glass_value(scope, value, ROSTER)
