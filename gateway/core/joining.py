"""Joining the decision of the policy with the rules' METADATA: what comes out is a ruling people can read.

The engine's word is never made milder here. A code without a card is enforced, a request for approval without
clauses is a denial, and the effect is at least as strict as the strictest finding.
"""

from collections.abc import Mapping

from gateway.core.gateway_codes import GATEWAY_CARDS, docs_of, unknown_card
from gateway.core.messages import render
from gateway.core.rulings import (
    ASSURANCE_ORDER,
    Assurance,
    Clause,
    Decision,
    Effect,
    Finding,
    PolicyVersion,
    RawFinding,
    RuleCard,
    Ruling,
)
from gateway.core.tickets import merged

_STRICTNESS = (Effect.ALLOW, Effect.REQUIRE_APPROVAL, Effect.DENY)


def join(
    decision: Decision,
    cards: Mapping[str, RuleCard],
    *,
    action_id: str,
    ruling_id: str,
    policy: PolicyVersion,
    input_digest: str,
    judged_ms: int,
) -> Ruling:
    """The ruling on an action: the decision with titles, messages, remedies and the conjunction of clauses.

    `input_digest` is SHA-256 (hex) of the policy input, `judged_ms` the time in milliseconds since 1970, UTC.
    """
    known = {**cards, **GATEWAY_CARDS}
    unregistered = tuple(f for f in decision.shadow if f.code not in known)
    findings = tuple(_joined(f, known) for f in (*decision.findings, *unregistered))
    return Ruling(
        id=ruling_id,
        action_id=action_id,
        effect=_effect(decision.effect, findings),
        findings=findings,
        waived=decision.waived,
        shadow=tuple(_joined(f, known) for f in decision.shadow if f.code in known),
        warnings=tuple(_joined(f, known) for f in decision.warnings),
        grants=decision.grants,
        reserve=decision.reserve,
        clauses=merged(tuple(f.clauses for f in findings if f.effect is Effect.REQUIRE_APPROVAL)),
        policy=policy,
        input_digest=input_digest,
        judged_ms=judged_ms,
    )


def _joined(raw: RawFinding, cards: Mapping[str, RuleCard]) -> Finding:
    card = cards.get(raw.code) or unknown_card(raw.code)
    return Finding(
        code=raw.code,
        effect=_of_finding(raw),
        facts=raw.facts,
        clauses=tuple(_raised(c, card.assurance) for c in raw.clauses),
        retry=raw.retry or card.retry,
        until_ms=raw.until_ms,
        title=card.title,
        severity=card.severity,
        remediation=card.remediation,
        message=render(raw.code, card, raw.facts),
        binding=card.binding,
        bound_facts=card.bound_facts if raw.code in cards else tuple(sorted(raw.facts)),
        docs=docs_of(raw.code),
    )


def _of_finding(raw: RawFinding) -> Effect:
    """An approval nobody can give, or a finding that claims to allow, is a denial."""
    unanswerable = raw.effect is Effect.REQUIRE_APPROVAL and not raw.clauses
    return Effect.DENY if unanswerable or raw.effect is Effect.ALLOW else raw.effect


def _raised(clause: Clause, floor: Assurance) -> Clause:
    strongest = max(clause.assurance, floor, key=ASSURANCE_ORDER.index)
    return clause.model_copy(update={"assurance": strongest})


def _effect(said: Effect, findings: tuple[Finding, ...]) -> Effect:
    asked = any(f.effect is Effect.REQUIRE_APPROVAL for f in findings)
    if said not in _STRICTNESS or (said is Effect.REQUIRE_APPROVAL and not asked):
        return Effect.DENY
    found = [f.effect for f in findings if f.effect in _STRICTNESS]
    return max((said, *found), key=_STRICTNESS.index)
