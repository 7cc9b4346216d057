"""What counts as a decision, and what never does."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.opa.answers import (
    BadAnswerError,
    passes_self_test,
    read_decision,
    unavailable,
)
from gateway.core.digests import input_bytes
from gateway.core.rulings import Effect

CLAUSE = {"count": 1, "any_of_roles": ["sre"], "assurance": "signed"}
ASK = {"code": "X-001", "effect": "require_approval", "facts": {}, "clauses": [CLAUSE]}
DENY = {"code": "X-002", "effect": "deny", "facts": {"n": 1}}


def answer(**parts: Any) -> dict[str, Any]:
    """A sound answer that allows, with some parts replaced."""
    sound: dict[str, Any] = {
        "effect": "allow",
        "findings": [],
        "waived": [],
        "shadow": [],
        "warnings": [],
        "grants": ["g"],
        "reserve": [],
        "missing": [],
    }
    return sound | parts


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"effect": "require_approval", "findings": [ASK]},
        {"effect": "deny", "findings": [ASK, DENY]},
        {"effect": "deny", "grants": [], "findings": [DENY]},
        {"effect": "deny", "findings": [{**DENY, "retry": "wait_until", "until_ms": None}]},
        {"warnings": [{"code": "X-003", "effect": "warn", "facts": {}}]},
        {"waived": [{"code": "X-003", "by": ["EX-1"], "facts": {}}]},
        {"reserve": [{"budget": "actions", "window": "hour", "amount": 1, "limit": 30}]},
    ],
)
def test_a_sound_answer_is_read(parts: dict[str, Any]) -> None:
    assert read_decision(answer(**parts)).effect.value == parts.get("effect", "allow")


@pytest.mark.parametrize(
    "parts",
    [
        {"effect": "deny"},
        {"effect": "allow", "findings": [DENY]},
        {"effect": "allow", "findings": [ASK]},
        {"effect": "require_approval"},
        {"effect": "require_approval", "findings": [ASK, DENY]},
        {"effect": "require_approval", "findings": [ASK], "grants": []},
        {"effect": "allow", "grants": []},
        {"effect": "allow", "findings": [{"code": "X-003", "effect": "warn", "facts": {}}]},
        {"effect": "allow", "findings": [{"code": "X-003", "effect": "allow", "facts": {}}]},
        {"effect": "warn"},
        {"effect": None},
        {"findings": None},
        {"grants": "g"},
        {"grants": [7]},
        {"extra": []},
        {"effect": "require_approval", "findings": [{**ASK, "clauses": [{**CLAUSE, "count": 0}]}]},
        {"effect": "require_approval", "findings": [{**ASK, "clauses": [{**CLAUSE, "any_of_roles": []}]}]},
        {"effect": "require_approval", "findings": [{**ASK, "clauses": [{**CLAUSE, "anyone": True}]}]},
        {"effect": "require_approval", "findings": [{**ASK, "message": "please"}]},
        {"effect": "deny", "findings": [{**DENY, "retry": "whenever"}]},
        {"effect": "deny", "findings": [{**DENY, "facts": {"share": 0.5}}]},
        {"effect": "deny", "findings": [{**DENY, "facts": {"text": "\ud800"}}]},
    ],
)
def test_anything_else_is_no_decision(parts: dict[str, Any]) -> None:
    with pytest.raises(BadAnswerError):
        read_decision(answer(**parts))


@pytest.mark.parametrize("key", sorted(answer()))
def test_a_missing_key_is_no_decision(key: str) -> None:
    whole = answer()
    del whole[key]
    with pytest.raises(BadAnswerError, match=key):
        read_decision(whole)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="ascii")), inner),
    max_leaves=10,
)


WARN = {"code": "X-003", "effect": "warn", "facts": {}}
answers = st.builds(
    answer,
    effect=st.sampled_from(["allow", "require_approval", "deny", "warn"]),
    findings=st.lists(st.sampled_from([ASK, DENY, WARN]), max_size=3),
    grants=st.lists(st.just("g"), max_size=1),
)


@given(json_values | answers)
def test_an_allow_has_a_grant_and_nothing_against_it(value: Any) -> None:
    try:
        decision = read_decision(value)
    except BadAnswerError:
        return
    if decision.effect is not Effect.DENY:
        assert decision.grants
        assert DENY not in value["findings"]
        assert (decision.effect is Effect.REQUIRE_APPROVAL) == (ASK in value["findings"])


@given(st.dictionaries(st.text(st.characters(codec="ascii")), json_values))
def test_a_canonical_input_reaches_the_engine_unchanged(document: dict[str, Any]) -> None:
    assert json.loads(input_bytes(document)) == document


def test_the_denial_of_an_engine_that_did_not_judge_is_no_proof_that_it_works() -> None:
    assert not passes_self_test(unavailable("time-out"))
