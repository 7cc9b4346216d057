"""Decisions as they were recorded: what a policy author judges again, under the same or under another policy."""

from typing import Any

from pydantic import Field

from gateway.core.model import Model
from gateway.core.rulings import Clause, Effect, Finding, Reservation, Retry, Ruling, Waived

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_CHARACTERS = 10
_SKEW_MS = 3_600_000


class RecordedFinding(Model):
    """What a rule found then. `effect` and `retry` are None where only the code was recorded (shadow, in the log)."""

    code: str
    effect: Effect | None = None
    retry: Retry | None = None
    facts: dict[str, Any] = Field(default_factory=dict)
    message: str = ""


class RecordedRuling(Model):
    """A ruling, who asked for what, and the policy input it was made on. Times in milliseconds since 1970, UTC.

    `place` is the project as scopes write it (`shop/checkout`, `jira:SHOP`). `reserve` is None where the budgets were
    not recorded with it, `document` where the input was erased or withheld. `break_glass` names what narrowed it.
    """

    id: str
    action_id: str
    agent: str
    action_type: str
    place: str | None
    judged_ms: int
    effect: Effect
    findings: tuple[RecordedFinding, ...] = ()
    warnings: tuple[RecordedFinding, ...] = ()
    shadow: tuple[RecordedFinding, ...] = ()
    waived: tuple[Waived, ...] = ()
    grants: tuple[str, ...] = ()
    clauses: tuple[Clause, ...] = ()
    reserve: tuple[Reservation, ...] | None = None
    break_glass: str | None = None
    policy_digest: str
    input_digest: str
    document: dict[str, Any] | None = None


class RulingFilter(Model):
    """Which recorded rulings are wanted: judged from `since_ms` up to, not including, `until_ms`; of one action."""

    since_ms: int = 0
    until_ms: int | None = None
    action_id: str | None = None


def recorded(
    ruling: Ruling, *, agent: str, action_type: str, place: str | None, document: dict[str, Any] | None
) -> RecordedRuling:
    """A stored ruling as it is judged again."""
    return RecordedRuling(
        id=ruling.id,
        action_id=ruling.action_id,
        agent=agent,
        action_type=action_type,
        place=place,
        judged_ms=ruling.judged_ms,
        effect=ruling.effect,
        findings=_findings(ruling.findings),
        warnings=_findings(ruling.warnings),
        shadow=_findings(ruling.shadow),
        waived=ruling.waived,
        grants=ruling.grants,
        clauses=ruling.clauses,
        reserve=ruling.reserve,
        break_glass=ruling.break_glass.id if ruling.break_glass else None,
        policy_digest=ruling.policy.digest,
        input_digest=ruling.input_digest,
        document=document,
    )


def _findings(found: tuple[Finding, ...]) -> tuple[RecordedFinding, ...]:
    return tuple(
        RecordedFinding(code=f.code, effect=f.effect, retry=f.retry, facts=f.facts, message=f.message)
        for f in found
    )


def id_before(prefix: str, time_ms: int) -> str:
    """An id smaller than all that are made from `time_ms` on, with an hour to spare for clocks that differ.

    The first ten characters of a ULID are its time, in Crockford's base 32.
    """
    left = max(time_ms - _SKEW_MS, 0)
    letters = (_ALPHABET[(left >> (5 * place)) & 31] for place in reversed(range(_TIME_CHARACTERS)))
    return f"{prefix}_{''.join(letters)}"
