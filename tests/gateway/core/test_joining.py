"""Joining decisions with cards: never milder than the engine's word, and readable."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.gateway_codes import GATEWAY_CARDS, docs_of, gateway_finding, unknown_card
from gateway.core.joining import join
from gateway.core.messages import render
from gateway.core.rulings import (
    Assurance,
    Binding,
    Clause,
    Decision,
    Effect,
    RawFinding,
    Reservation,
    Retry,
    RuleCard,
    Ruling,
    Waived,
)
from tests.gateway.core.making import POLICY, clause

CARD = RuleCard(
    code="BLAST-001",
    title="Files in one change",
    severity="high",
    remediation="Split the change.",
    retry=Retry.NEEDS_APPROVAL,
    binding=Binding.STATE,
    bound_facts=("files",),
    assurance=Assurance.SIGNED,
)
STRICTNESS = [Effect.ALLOW, Effect.REQUIRE_APPROVAL, Effect.DENY]


def joined(effect: Effect, *findings: RawFinding, **more: Any) -> Ruling:
    """The ruling on a decision with those findings."""
    decision = Decision(effect=effect, findings=findings, **more)
    return join(
        decision,
        {CARD.code: CARD},
        action_id="act_1",
        ruling_id="rul_1",
        policy=POLICY,
        input_digest="1" * 64,
        judged_ms=7,
    )


def raw(effect: Effect = Effect.DENY, code: str = "BLAST-001", **more: Any) -> RawFinding:
    """A finding as the policy returns it; approval findings ask one sre."""
    clauses = (clause(),) if effect is Effect.REQUIRE_APPROVAL else ()
    return RawFinding(**{"code": code, "effect": effect, "clauses": clauses, **more})


def test_a_finding_gets_its_words_from_its_card_and_its_facts() -> None:
    ruling = joined(Effect.REQUIRE_APPROVAL, raw(Effect.REQUIRE_APPROVAL, facts={"files": 45, "limit": 20}))

    found = ruling.findings[0]
    assert found.message == "BLAST-001 Files in one change: files 45, limit 20."
    assert (found.title, found.severity, found.remediation) == (CARD.title, "high", "Split the change.")
    assert (found.retry, found.binding, found.bound_facts) == (
        Retry.NEEDS_APPROVAL,
        Binding.STATE,
        ("files",),
    )
    assert found.docs == "docs/reference/rules/BLAST-001.md"
    assert (ruling.id, ruling.action_id, ruling.judged_ms, ruling.policy) == ("rul_1", "act_1", 7, POLICY)


def test_a_finding_may_override_when_to_try_again() -> None:
    found = joined(Effect.DENY, raw(retry=Retry.WAIT_UNTIL, until_ms=9)).findings[0]

    assert (found.retry, found.until_ms) == (Retry.WAIT_UNTIL, 9)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (Assurance.TOKEN, Assurance.SIGNED),
        (Assurance.SIGNED, Assurance.SIGNED),
        (Assurance.WEBAUTHN, Assurance.WEBAUTHN),
    ],
)
def test_a_clause_asks_the_stronger_of_its_own_and_its_cards_assurance(
    asked: Assurance, expected: Assurance
) -> None:
    finding = raw(Effect.REQUIRE_APPROVAL, clauses=(clause(assurance=asked),))

    assert joined(Effect.REQUIRE_APPROVAL, finding).clauses == (clause(assurance=expected),)


def test_all_clauses_of_all_approval_findings_are_asked() -> None:
    sre = raw(Effect.REQUIRE_APPROVAL, clauses=(clause("sre"), clause("sre"), clause("owner", 2)))
    other = raw(Effect.REQUIRE_APPROVAL, code="PATH-002", clauses=(clause("platform"),))

    asked = {(c.any_of_roles, c.count) for c in joined(Effect.REQUIRE_APPROVAL, sre, other).clauses}

    assert asked == {(("sre",), 1), (("owner",), 2), (("platform",), 1)}


def test_a_code_without_a_card_is_enforced_and_binds_everything() -> None:
    found = joined(
        Effect.REQUIRE_APPROVAL, raw(Effect.REQUIRE_APPROVAL, code="NEW-1", facts={"b": 1, "a": 2})
    )

    assert found.effect is Effect.REQUIRE_APPROVAL
    assert found.findings[0].severity == "critical"
    assert found.findings[0].retry is Retry.NEVER
    assert found.findings[0].bound_facts == ("a", "b")
    assert unknown_card("NEW-1").binding is Binding.STATE


def test_a_shadow_finding_without_a_card_is_enforced_and_one_with_a_card_is_not() -> None:
    ruling = joined(Effect.ALLOW, shadow=(raw(code="NEW-1"), raw()), warnings=(raw(Effect.WARN),))

    assert ruling.effect is Effect.DENY
    assert [f.code for f in ruling.findings] == ["NEW-1"]
    assert [f.code for f in ruling.shadow] == ["BLAST-001"]
    assert [f.effect for f in ruling.warnings] == [Effect.WARN]


def test_an_approval_that_asks_nobody_is_a_denial() -> None:
    assert joined(Effect.REQUIRE_APPROVAL, raw(Effect.REQUIRE_APPROVAL, clauses=())).effect is Effect.DENY
    assert joined(Effect.REQUIRE_APPROVAL).effect is Effect.DENY
    assert joined(Effect.WARN).effect is Effect.DENY
    assert joined(Effect.ALLOW, raw(Effect.ALLOW)).effect is Effect.DENY


def test_what_was_waived_granted_and_reserved_is_passed_on() -> None:
    waived = Waived(code="BLAST-001", by=("EX-1",))
    reserve = Reservation(budget="actions", window="hour", amount=1, limit=30)

    ruling = joined(Effect.ALLOW, waived=(waived,), grants=("basics",), reserve=(reserve,))

    assert (ruling.waived, ruling.grants, ruling.reserve) == ((waived,), ("basics",), (reserve,))
    assert ruling.effect is Effect.ALLOW


@given(
    st.sampled_from(list(Effect)),
    st.lists(st.tuples(st.sampled_from(list(Effect)), st.sampled_from(["BLAST-001", "X-1"])), max_size=4),
)
def test_a_ruling_is_never_milder_than_the_decision_or_any_finding(
    said: Effect, findings: list[tuple[Effect, str]]
) -> None:
    ruling = joined(said, *(raw(effect, code) for effect, code in findings))

    least = [STRICTNESS.index(e) for e in (said, *(e for e, _ in findings)) if e in STRICTNESS]
    assert STRICTNESS.index(ruling.effect) >= max(least, default=0)
    assert all(
        Clause.model_validate(c.model_dump()) in ruling.clauses for f in ruling.findings for c in f.clauses
    )


def test_the_gateways_own_codes_are_not_waivable_and_say_what_to_do() -> None:
    assert GATEWAY_CARDS.keys() == {
        "POLICY_UNAVAILABLE",
        "REJECTED_BEFORE",
        "NOT_SUPPORTED_YET",
        "OUT_OF_SCOPE",
        "STATE_MOVED",
        "MERGE_REQUEST_OVER",
        "UNSATISFIABLE_APPROVAL",
        "OVER_BUDGET",
        "NOT_PERFORMABLE",
        "GUARD_FAILED",
    }
    for card in GATEWAY_CARDS.values():
        assert not card.waivable
        assert card.remediation.endswith(".")


def test_the_gateways_own_denial_carries_its_sentence() -> None:
    found = gateway_finding("OVER_BUDGET", "30 of 30 used.", until_ms=5)

    assert (found.effect, found.retry, found.until_ms) == (Effect.DENY, Retry.WAIT_UNTIL, 5)
    assert found.message == "30 of 30 used."
    assert found.docs == docs_of("OVER_BUDGET") == "docs/reference/errors.md"
    with pytest.raises(KeyError):
        gateway_finding("NO_SUCH", "x")


def test_an_unavailable_policy_reads_as_such() -> None:
    found = joined(Effect.DENY, raw(code="POLICY_UNAVAILABLE")).findings[0]

    assert found.title == "The policy engine gave no usable answer"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, "BLAST-001 Files in one change."),
        ({"open_mrs": 3}, "BLAST-001 Files in one change: open mrs 3."),
        ({"ok": True, "bad": False, "x": None}, "BLAST-001 Files in one change: bad no, ok yes, x unknown."),
        ({"paths": ["a", "b"]}, "BLAST-001 Files in one change: paths [a, b]."),
        ({"paths": list("abcde")}, "BLAST-001 Files in one change: paths [a, b, c, d, e]."),
        ({"paths": list("abcdef")}, "BLAST-001 Files in one change: paths [a, b, c, d, e and 1 more]."),
        ({"p": "x" * 200}, f"BLAST-001 Files in one change: p {'x' * 200}."),
        ({"paths": list("abcdefg")}, "BLAST-001 Files in one change: paths [a, b, c, d, e and 2 more]."),
        ({"d": {"a": 1, "b": [2]}, "e": {}}, "BLAST-001 Files in one change: d a 1 b [2], e none."),
        ({"p": "a\u202e\nb"}, "BLAST-001 Files in one change: p a⟨U+202E⟩ b."),
        ({"p": "x" * 500}, f"BLAST-001 Files in one change: p {'x' * 199}…."),
    ],
)
def test_facts_read_as_a_sentence(facts: dict[str, Any], said: str) -> None:
    assert render("BLAST-001", CARD, facts) == said
