"""The units of the road: what each step of `core/steps.py` changes and records."""

from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from audit.canonical import CanonicalError
from audit.events import EventType
from gateway.adapters.store import budgets, events, queries, rows, tables
from gateway.adapters.store.outcomes import outcome_of
from gateway.adapters.store.outdating import outdate
from gateway.adapters.store.prepared import Prepared
from gateway.adapters.store.starting import start
from gateway.adapters.store.transitions import close_tickets, move, move_ticket
from gateway.adapters.store.unit import GuardError, Unit
from gateway.core.actions import Action, ActionState
from gateway.core.digests import digest_of, input_bytes
from gateway.core.errors import NotFoundError
from gateway.core.judgements import Judgement
from gateway.core.outcomes import AnyOutcome
from gateway.core.rulings import Retry
from gateway.core.steps import Blocked, Deny, Finish, Hold, Start, Step, Supersede, Wait
from gateway.core.tickets import Ticket, TicketState
from gateway.core.vocabulary import ActionType

E, S = EventType, ActionState
LOOK_AGAIN_MS = 2_000
"""How long a row that waits, or is in doubt, rests between two looks."""
PARKED_MS = 3_600_000
"""How long a parked action lives on after its budget's window has opened."""
_INSERT_RULING = Prepared(insert(tables.rulings))
_vote, _ticket = tables.votes.c, tables.tickets.c
# By way of the tickets, which have an index over what they ask.
_REJECTION = (
    select(_vote.reason)
    .select_from(tables.tickets.join(tables.votes, _vote.ticket_id == _ticket.id))
    .where(
        _ticket.question_digest == bindparam("of_question"),
        _vote.question_digest == bindparam("of_question"),
        _vote.answer == "reject",
    )
    .order_by(_vote.cast_ms.desc())
    .limit(1)
)
_CLOSES_REQUEST = frozenset({ActionType.MERGE_REQUEST_MERGE, ActionType.MERGE_REQUEST_CLOSE})


def recording(unit: Unit, step: Step) -> AnyOutcome:
    """Record one step; the outcome as it stands afterwards. Raises `GuardError`."""
    _record(unit, step)
    action_id = step.action_id if isinstance(step, Finish) else step.judgement.action.id
    return outcome_of(stored(unit.connection, action_id))


def stored(connection: Connection, action_id: str) -> Any:
    """The row of an action; raises `NotFoundError`."""
    row = queries.action_row(connection, action_id)
    if row is None:
        raise NotFoundError(f"There is no action {action_id}.")
    return row


def keep_ruling(unit: Unit, judgement: Judgement) -> None:
    """Store the ruling with its policy input, and record `judged`."""
    ruling = judgement.ruling
    row = {
        "id": ruling.id,
        "action_id": judgement.action.id,
        "body": ruling.model_dump_json(),
        "document": _text_of(judgement.document),
        "complaint": complaint_of(judgement),
        "judged_ms": ruling.judged_ms,
    }
    _INSERT_RULING.changes(unit.connection, row)
    unit.record(events.judged(judgement))


def _text_of(document: dict[str, Any]) -> str:
    """A policy input in the form it was digested in; one without such a form was denied for that, and is kept too."""
    try:
        return input_bytes(document).decode()
    except CanonicalError:
        return rows.dump(document)


def complaint_of(judgement: Judgement) -> str:
    """The digest of what was found, under which policy, for which question: the same while nothing changed."""
    found = sorted((f.code, f.effect.value, f.until_ms or 0) for f in judgement.ruling.findings)
    return digest_of(
        {
            "policy": judgement.ruling.policy.digest,
            "question": judgement.question.digest,
            "found": [list(f) for f in found],
        }
    )


def _record(unit: Unit, step: Step) -> None:
    match step:
        case Deny():
            _deny(unit, step.judgement)
        case Hold():
            _hold(unit, step)
        case Wait():
            _wait(unit, step)
        case Supersede():
            _supersede(unit, step)
        case Start():
            keep_ruling(unit, step.judgement)
            start(unit, step)
        case Finish():
            _finish(unit, step)


def _deny(unit: Unit, judgement: Judgement) -> None:
    action = judgement.action
    keep_ruling(unit, judgement)
    move(unit, action.id, S.DENIED, ruling_id=judgement.ruling.id, until_ms=None)
    closed = close_tickets(unit, action, TicketState.CANCELLED)
    _park(unit, judgement)
    unit.record(events.followed(E.ACTION_DENIED, judgement, ticket=closed[0] if closed else None))


def _hold(unit: Unit, step: Hold) -> None:
    judgement, ticket = step.judgement, step.ticket
    action = judgement.action
    _refuse_rejected(unit, ticket.question_digest)
    _refuse_overtaken(unit, step)
    keep_ruling(unit, judgement)
    held = {"ruling_id": judgement.ruling.id, "ticket_id": ticket.id, "until_ms": None}
    move(unit, action.id, S.HELD, expires_ms=ticket.expires_ms, **held)
    close_tickets(unit, action, TicketState.STALE)
    budgets.reserve(unit, action, judgement.ruling.reserve, at="held")
    _open(unit, ticket, action)
    unit.record(events.followed(E.ACTION_HELD, judgement, ticket=ticket.id), events.opened(ticket, action))
    if ticket.carried:
        unit.record(events.carried(ticket, action))
    if step.approved:
        move_ticket(unit, ticket.id, action, TicketState.APPROVED)
        move(unit, action.id, S.APPROVED, lease_ms=0)


def _wait(unit: Unit, step: Wait) -> None:
    judgement = step.judgement
    action = judgement.action
    again = {"lease_ms": unit.now_ms + LOOK_AGAIN_MS, **_kept_until(unit, step)}
    if _says_the_same(unit, step):
        unit.execute(update(tables.actions).where(tables.actions.c.id == action.id).values(**again))
        return
    keep_ruling(unit, judgement)
    move(unit, action.id, S.WAITING, ruling_id=judgement.ruling.id, until_ms=step.until_ms, **again)
    _park(unit, judgement, also="RATE-")
    unit.record(events.followed(E.ACTION_WAITING, judgement, until_ms=step.until_ms))


def _supersede(unit: Unit, step: Supersede) -> None:
    judgement = step.judgement
    keep_ruling(unit, judgement)
    move(unit, judgement.action.id, S.STALE, ruling_id=judgement.ruling.id, until_ms=None)
    close_tickets(unit, judgement.action, TicketState.STALE)
    unit.record(events.followed(E.ACTION_STALE, judgement, ticket=step.ticket.id))


def _finish(unit: Unit, step: Finish) -> None:
    action = rows.action_of(stored(unit.connection, step.action_id).body)
    values = {
        "result": rows.dump(step.performance.result if step.performance else {}),
        "reason": step.reason,
        "retryable": step.retryable,
        "lease_ms": unit.now_ms + LOOK_AGAIN_MS,
    }
    move(unit, action.id, ActionState(step.outcome), **values)
    if step.outcome == S.PERFORMED and action.type in _CLOSES_REQUEST:
        _count_closed_request(unit, action)
    unit.record(*events.finished(action, step))
    if step.outcome == S.PERFORMED and action.type is ActionType.MERGE_REQUEST_REBASE:
        outdate(unit, action, step)


def _refuse_rejected(unit: Unit, digest: str) -> None:
    reason = rejection_of(unit.connection, digest)
    if reason is not None:
        detail = f"A person rejected this very question: {reason}"
        raise GuardError(Blocked(guard="rejected_before", code="REJECTED_BEFORE", detail=detail))


def _refuse_overtaken(unit: Unit, step: Hold) -> None:
    """A ticket that this judging never saw was opened by another replica meanwhile: people are asked that one."""
    judged_on = step.superseded.id if step.superseded else None
    if stored(unit.connection, step.judgement.action.id).ticket_id != judged_on:
        detail = "Another replica opened a ticket for this action meanwhile; read it again."
        raise GuardError(Blocked(guard="state", detail=detail))


def rejection_of(connection: Connection, digest: str) -> str | None:
    """The reason of the newest vote that rejected this question, if there is one."""
    reason: str | None = connection.execute(_REJECTION, {"of_question": digest}).scalar()
    return reason


def _open(unit: Unit, ticket: Ticket, action: Action) -> None:
    row = {
        "id": ticket.id,
        "action_id": action.id,
        "agent": action.agent,
        "type": action.type.value,
        "aim": rows.aim_of(action.target),
        "state": TicketState.OPEN.value,
        "question_digest": ticket.question_digest,
        "body": rows.ticket_body(ticket),
        "predecessor": ticket.predecessor,
        "opened_ms": ticket.opened_ms,
        "expires_ms": ticket.expires_ms,
    }
    unit.execute(insert(tables.tickets), row)


def _says_the_same(unit: Unit, step: Wait) -> bool:
    """Whether the action waits already for the same reasons: looking again is then no news and no event.

    A merge that waits an hour for its pipeline would otherwise fill the log with one judgement per look.
    """
    action = stored(unit.connection, step.judgement.action.id)
    if action.state != S.WAITING or action.until_ms != step.until_ms:
        return False
    before = select(tables.rulings.c.complaint).where(tables.rulings.c.id == action.ruling_id)
    return bool(unit.connection.execute(before).scalar() == complaint_of(step.judgement))


def _kept_until(unit: Unit, step: Wait) -> dict[str, int]:
    """What is parked does not run out of time before its budget's window opens. An approval keeps its own time."""
    if step.ticket is not None or step.until_ms is None:
        return {}
    row = stored(unit.connection, step.judgement.action.id)
    return {"expires_ms": max(row.expires_ms, step.until_ms + PARKED_MS)}


def _park(unit: Unit, judgement: Judgement, also: str = budgets.OVER_BUDGET) -> None:
    """Work that a budget stops is finished and stays: `budget.parked` says so; `also` begins further codes."""
    for finding in judgement.ruling.findings:
        # One that does not end by itself says that nobody could count, not that a budget is used up.
        used_up = finding.retry is Retry.WAIT_UNTIL
        if used_up and finding.code.startswith((budgets.OVER_BUDGET, also)):
            blocked = Blocked(
                guard="budget", code=finding.code, detail=finding.message, until_ms=finding.until_ms
            )
            unit.record(events.parked(judgement.action, blocked))


def _count_closed_request(unit: Unit, action: Action) -> None:
    """A merge request that we merged or closed is no longer one of the agent's open ones."""
    row = tables.actions.c
    opened = select(row.id, row.result).where(
        row.type == ActionType.MERGE_REQUEST_OPEN.value,
        row.project == action.target.project,
        row.state == S.PERFORMED.value,
    )
    for found in unit.rows(opened):
        if rows.request_of(found.result) == action.target.merge_request:
            budgets.release(unit, found.id, "open_merge_requests")
