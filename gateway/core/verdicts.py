"""What a ruling means for an action, given the ticket it may have (architecture.md "The one road")."""

from enum import StrEnum

from gateway.core.actions import Action
from gateway.core.judgements import Judgement
from gateway.core.rulings import Effect, Finding, Retry, Ruling
from gateway.core.tickets import Bench, Ticket, TicketState, covers, excluded_voters


class Verdict(StrEnum):
    """The five arms of the road."""

    DENY = "deny"
    ASK = "ask"
    WAIT = "wait"
    STALE = "stale"
    ALLOW = "allow"


def verdict(judgement: Judgement, ticket: Ticket | None, bench: Bench) -> Verdict:
    """The arm to take. An effect `deny` is never ALLOW; an approval never outlives its question."""
    approved = ticket if ticket and ticket.state is TicketState.APPROVED else None
    denials = [f for f in judgement.ruling.findings if f.effect is Effect.DENY]
    if _denies_for_good(denials, approved, judgement):
        return Verdict.DENY
    if approved and denials and _half_read(judgement):
        # An outage is not a change: without all facts nobody knows whether the question still reads the same.
        return Verdict.WAIT
    if approved and approved.question_digest != judgement.question.digest:
        return Verdict.STALE
    if judgement.ruling.clauses and not _covered(judgement, approved, bench):
        return Verdict.ASK
    if denials:
        return Verdict.WAIT if approved or judgement.action.can_wait else Verdict.DENY
    return Verdict.ALLOW if _permits(judgement.ruling) else Verdict.DENY


def wait_until_ms(judgement: Judgement) -> int | None:
    """When to look again: the latest time a denial names, or None for "on the next change"."""
    times = [f.until_ms for f in judgement.ruling.findings if f.effect is Effect.DENY]
    known = [t for t in times if t is not None]
    return max(known) if known and len(known) == len(times) else None


def _denies_for_good(denials: list[Finding], approved: Ticket | None, judgement: Judgement) -> bool:
    if judgement.ruling.effect is Effect.DENY and not denials:
        return True
    if approved:
        return any(f.retry is Retry.NEVER for f in denials)
    return any(f.retry is not Retry.WAIT_UNTIL or _is_rate(f, judgement.action) for f in denials)


def _is_rate(finding: Finding, action: Action) -> bool:
    """A used-up budget denies at once, unless the action said that it can wait (ADR 0016)."""
    return finding.code.startswith("RATE-") and not action.can_wait


def _half_read(judgement: Judgement) -> bool:
    """Whether facts were missing, or the engine gave no answer, so that the question could not be phrased in full."""
    silent = any(f.code == "POLICY_UNAVAILABLE" for f in judgement.ruling.findings)
    return silent or bool(judgement.facts.missing)


def _permits(ruling: Ruling) -> bool:
    """Whether the effect permits what is left; an approval that asks nothing of anybody is no approval."""
    asked = ruling.effect is Effect.REQUIRE_APPROVAL and bool(ruling.clauses)
    return asked or ruling.effect is Effect.ALLOW


def _covered(judgement: Judgement, approved: Ticket | None, bench: Bench) -> bool:
    return approved is not None and covers(
        _as_known_now(approved, judgement), bench, judgement.ruling.clauses
    )


def _as_known_now(ticket: Ticket, judgement: Judgement) -> Ticket:
    """The ticket with everybody shut out whom the facts of now name as a maker, beside those known when it opened."""
    action, facts = judgement.action, judgement.facts
    now = excluded_voters(action.agent, action.on_behalf_of, facts.authors)
    return ticket.model_copy(
        update={
            "excluded": tuple(sorted({*ticket.excluded, *now})),
            "unknown_authors": max(ticket.unknown_authors, facts.unknown_authors),
        }
    )
