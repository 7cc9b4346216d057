"""What goes into an engine and what comes out, checked the same way for both engines."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from audit.canonical import canonical_bytes
from gateway.core.rulings import Decision, Effect, RawFinding

POLICY_UNAVAILABLE = "POLICY_UNAVAILABLE"
SELF_TEST_INPUT: Mapping[str, Any] = {"action": {"type": "loopgate.self_test"}}
"""An action nobody may ever do: an engine that does not deny it is not to be believed."""

_KEYS = frozenset(Decision.model_fields)
_MUST_DENY_WITH = frozenset({"GATE-001", "GATE-004"})


class BadAnswerError(ValueError):
    """An engine answered in a form that is not a decision; the message says what is wrong with it."""


def read_decision(answer: Any) -> Decision:
    """The decision an engine answered with.

    Raises `BadAnswerError` for anything undefined, incomplete, unknown or contradictory: an allow with an open
    finding or without a grant, a question that asks nobody, a finding that allows.
    """
    if not isinstance(answer, dict):
        raise BadAnswerError(f"the answer is {type(answer).__name__}, not a decision document")
    if answer.keys() != _KEYS:
        odd = sorted(str(key) for key in answer.keys() ^ _KEYS)
        raise BadAnswerError(f"the decision document lacks or adds: {', '.join(odd)}")
    try:
        decision = Decision.model_validate_json(canonical_bytes(answer))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BadAnswerError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except ValueError as error:
        raise BadAnswerError(str(error)) from error
    _refuse_contradictions(decision)
    return decision


def decision_bytes(answer: Any) -> bytes:
    """The canonical bytes of an engine's answer, for comparing engines and for recording."""
    return canonical_bytes(answer)


def unavailable(reason: str) -> Decision:
    """The denial that stands for an engine that did not judge; `reason` is a word or two, told to the agent."""
    finding = RawFinding(code=POLICY_UNAVAILABLE, effect=Effect.DENY, facts={"reason": reason})
    return Decision(effect=Effect.DENY, findings=(finding,))


def passes_self_test(decision: Decision) -> bool:
    """Whether the forbidden action was denied for the right reasons."""
    codes = {finding.code for finding in decision.findings}
    return decision.effect is Effect.DENY and codes >= _MUST_DENY_WITH


def _refuse_contradictions(decision: Decision) -> None:
    effects = {finding.effect for finding in decision.findings}
    if effects - {Effect.DENY, Effect.REQUIRE_APPROVAL}:
        raise BadAnswerError("a finding neither denies nor asks")
    if any(f.effect is Effect.REQUIRE_APPROVAL and not f.clauses for f in decision.findings):
        raise BadAnswerError("a finding asks for approval but names nobody to ask")
    if decision.effect is not _effect_of(effects, granted=bool(decision.grants)):
        raise BadAnswerError(
            f"the effect {decision.effect.value} does not follow from the findings and grants"
        )


def _effect_of(effects: set[Effect], *, granted: bool) -> Effect:
    if Effect.DENY in effects or not granted:
        return Effect.DENY
    return Effect.REQUIRE_APPROVAL if Effect.REQUIRE_APPROVAL in effects else Effect.ALLOW
