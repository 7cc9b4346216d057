"""The events of the road: pure functions from steps to drafts.

A leaf holds ids, codes, counts and digests. Free text, names and addresses go beside the log: `drafted` moves
every value that looks like text into `private`, whatever the caller thought of it.
"""

from typing import Any

from audit.canonical import MAX_INTEGER, CanonicalError, canonical_bytes
from audit.events import EventDraft, EventType, free_text, has_no_text
from gateway.core.actions import Action, params_digest, plain_params
from gateway.core.digests import sha256_text
from gateway.core.judgements import Judgement
from gateway.core.rulings import Finding, Reservation
from gateway.core.steps import Blocked, Finish, Preparation
from gateway.core.tickets import Ticket, TicketState, Vote

E = EventType
_LARGEST_VALUE = 8192
_OUTCOMES = {"performed": E.ACTION_PERFORMED, "refused": E.ACTION_REFUSED, "in_doubt": E.ACTION_IN_DOUBT}


def drafted(
    kind: EventType, subject: str, data: dict[str, Any], private: dict[str, Any] | None = None
) -> EventDraft:
    """A draft whose leaf is clean: values that are text, fractions or too large stand beside the log.

    None means "does not apply" and is left out.
    """
    given = {name: value for name, value in data.items() if value is not None}
    kept = {name: value for name, value in given.items() if is_clean(value)}
    moved = {name: value for name, value in given.items() if name not in kept}
    beside = {name: value for name, value in (private or {}).items() if value not in ("", None)}
    return EventDraft(type=kind, subject=subject, data=kept, private={**moved, **beside})


def is_clean(value: Any) -> bool:
    """Whether a value may stand in a leaf."""
    if type(value) is str and value.isascii():
        return not free_text(value)
    if type(value) is int and abs(value) <= MAX_INTEGER:
        return True
    try:
        written = canonical_bytes(value)
    except CanonicalError:
        return False
    return len(written) <= _LARGEST_VALUE and (has_no_text(written) or not free_text(value))


def requested(action: Action) -> EventDraft:
    """`action.requested`: who wants what, for whom; the words beside the log."""
    data = {**_about(action), "idempotency_key_sha256": _hashed(action.idempotency_key)}
    if action.redactions:
        data["redactions"] = [r.model_dump(mode="json", exclude_none=True) for r in action.redactions]
    return drafted(
        E.ACTION_REQUESTED, action.id, data, {"intent": action.intent, "params": plain_params(action)}
    )


def judged(judgement: Judgement) -> EventDraft:
    """`action.judged`: evidence.md "Data of a judged event"; enough to replay the decision exactly."""
    ruling = judgement.ruling
    data = {
        **_about(judgement.action),
        "ruling": ruling.id,
        "question_digest": judgement.question.digest,
        "state": judgement.question.subject,
        "change": judgement.question.change,
        "blast": judgement.blast.model_dump(mode="json") if judgement.blast else None,
        "effect": ruling.effect.value,
        "codes": sorted({f.code for f in ruling.findings}),
        "findings": [_finding(f) for f in ruling.findings],
        "waived": [{"code": w.code, "by": list(w.by)} for w in ruling.waived],
        "shadow": [f.code for f in ruling.shadow],
        "warnings": [f.code for f in ruling.warnings],
        "obligations": [c.model_dump(mode="json") for c in ruling.clauses],
        "grants": list(ruling.grants),
        "policy": ruling.policy.model_dump(mode="json"),
        "input_digest": ruling.input_digest,
        "break_glass": ruling.break_glass.model_dump(mode="json") if ruling.break_glass else None,
    }
    texts = {
        "input": judgement.document,
        "finding_facts": [{"code": f.code, "facts": f.facts, "message": f.message} for f in ruling.findings],
    }
    return drafted(E.ACTION_JUDGED, judgement.action.id, data, texts)


def followed(kind: EventType, judgement: Judgement, **data: Any) -> EventDraft:
    """What the verdict led to: `denied`, `held`, `waiting` or `stale`."""
    shared = {**_who(judgement.action), "ruling": judgement.ruling.id}
    codes = sorted({f.code for f in judgement.ruling.findings})
    return drafted(kind, judgement.action.id, {**shared, "codes": codes, **data})


def started(judgement: Judgement, preparation: Preparation, reserve: tuple[Reservation, ...]) -> EventDraft:
    """`action.started`: what is about to be done, and by which mark it will be recognised."""
    data = {
        **_who(judgement.action),
        "ruling": judgement.ruling.id,
        "question_digest": judgement.question.digest,
        "marker": preparation.marker,
        "commit": preparation.commit,
        "reserve": [r.model_dump(mode="json") for r in reserve],
    }
    return drafted(E.ACTION_STARTED, judgement.action.id, data, {"before": preparation.before or None})


def finished(action: Action, finish: Finish) -> tuple[EventDraft, ...]:
    """How the act ended: `performed`, `refused` or `in_doubt`; `reconciled` too when a later look proved it."""
    result = finish.performance.result if finish.performance else {}
    data = {**_who(action), "result": result or None, "reconciled": finish.reconciled or None}
    ended = drafted(_OUTCOMES[finish.outcome], action.id, data, {"reason": finish.reason})
    if not finish.reconciled:
        return (ended,)
    proved = drafted(E.ACTION_RECONCILED, action.id, {**_who(action), "outcome": finish.outcome})
    return (proved, ended)


def closed(
    kind: EventType, action: Action, *, by: str | None = None, ticket: str | None = None
) -> EventDraft:
    """An action that ends without having been tried: `cancelled`, `expired`."""
    return drafted(kind, action.id, {**_who(action), "by": by, "ticket": ticket})


def carried(ticket: Ticket, action: Action) -> EventDraft:
    """`approval.carried`: a clean rebase by the gateway kept these votes; each is signed over the earlier ticket."""
    earlier = ticket.carried.ticket if ticket.carried else None
    voters = sorted(v.voter for v in ticket.votes if v.ticket == earlier)
    data = {"action": action.id, "from": earlier, "voters": voters, "question_digest": ticket.question_digest}
    return drafted(E.APPROVAL_CARRIED, ticket.id, data)


def opened(ticket: Ticket, action: Action) -> EventDraft:
    """`approval.opened`: what is asked of whom, until when."""
    data = {
        "action": action.id,
        "agent": action.agent,
        "question_digest": ticket.question_digest,
        "clauses": [c.model_dump(mode="json") for c in ticket.clauses],
        "excluded": list(ticket.excluded),
        "unknown_authors": ticket.unknown_authors,
        "expires_ms": ticket.expires_ms,
        "predecessor": ticket.predecessor,
    }
    texts = {"question": ticket.question.model_dump(mode="json"), "changed": ticket.changed}
    return drafted(E.APPROVAL_OPENED, ticket.id, data, texts)


def voted(ticket: Ticket, vote: Vote) -> EventDraft:
    """`approval.voted`: self-verifying when signed (approvals.md "assurance")."""
    data = {
        "action": ticket.action_id,
        "ticket": ticket.id,
        "voter": vote.voter,
        "question_digest": vote.question_digest,
        "answer": vote.answer,
        "assurance": vote.assurance.value,
        "reason_sha256": sha256_text(vote.reason),
        "key_id": vote.key_id,
        "signature": vote.signature,
    }
    return drafted(E.APPROVAL_VOTED, ticket.id, data, {"reason": vote.reason})


_TICKET_ENDS = {
    TicketState.APPROVED: E.APPROVAL_APPROVED,
    TicketState.REJECTED: E.APPROVAL_REJECTED,
    TicketState.EXPIRED: E.APPROVAL_EXPIRED,
    TicketState.STALE: E.APPROVAL_STALE,
    TicketState.SPENT: E.APPROVAL_SPENT,
}


def ticket_became(state: TicketState, ticket_id: str, action: Action) -> tuple[EventDraft, ...]:
    """A ticket's next state; a cancelled one is told by the event of its action, which names it."""
    if state not in _TICKET_ENDS:
        return ()
    return (drafted(_TICKET_ENDS[state], ticket_id, {"action": action.id, "agent": action.agent}),)


def parked(action: Action, blocked: Blocked) -> EventDraft:
    """`budget.parked`: the work is finished and waits for a budget."""
    data = {**_who(action), "code": blocked.code, "until_ms": blocked.until_ms}
    return drafted(E.BUDGET_PARKED, action.id, data, {"detail": blocked.detail})


def _who(action: Action) -> dict[str, Any]:
    actor = {"agent": action.agent, "on_behalf_of": action.on_behalf_of}
    return {"actor": actor, "type": action.type.value, "trace": action.trace}


def _about(action: Action) -> dict[str, Any]:
    return {
        **_who(action),
        "target": action.target.compact(),
        "action_digest": action.digest,
        "params_digest": params_digest(action),
        "door": action.door.value,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    """A finding in a leaf: with its facts when they are ids and counts; they stand beside the log in any case."""
    plain = {
        "code": finding.code,
        "effect": finding.effect.value,
        "retry": finding.retry.value,
        "severity": finding.severity,
        "binding": finding.binding.value,
    }
    return {**plain, "facts": finding.facts} if is_clean(finding.facts) else plain


def _hashed(text: str | None) -> str | None:
    return sha256_text(text) if text else None
