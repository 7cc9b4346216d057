"""What one durable unit of the model may change: road.pml's labels, as a table over (action, ticket).

A step of the real road must be one of these, or change nothing; the machine of `test_machine.py` looks after every step.
"""

from dataclasses import dataclass

from gateway.core.actions import ActionState as A
from gateway.core.tickets import TicketState as T

BEFORE = frozenset({A.REQUESTED, A.HELD, A.APPROVED, A.WAITING})
STARTABLE = frozenset({A.REQUESTED, A.APPROVED, A.WAITING})
LIVE = frozenset({T.OPEN, T.APPROVED})
TERMINAL = frozenset({A.PERFORMED, A.REFUSED, A.DENIED, A.REJECTED, A.EXPIRED, A.STALE, A.CANCELLED})


@dataclass(frozen=True)
class Durable:
    """What is stored: the action's state, and the newest ticket with its state and question."""

    action: A | None = None
    ticket: T | None = None
    ticket_id: str | None = None
    question: str | None = None


def label(now: Durable, then: Durable) -> str | None:
    """The model's name for what happened between two looks; None when the model has no such step."""
    for name, holds in LABELS.items():
        if holds(now, then):
            return name
    return None


def _same_ticket(now: Durable, then: Durable) -> bool:
    return now.ticket_id == then.ticket_id


def _closed(now: Durable, then: Durable, how: T) -> bool:
    """The ticket that was there is closed in that way if it was live, and as it was if not."""
    wanted = how if now.ticket in LIVE else now.ticket
    return _same_ticket(now, then) and then.ticket is wanted


def _admit(now: Durable, then: Durable) -> bool:
    return now.action is None and then == Durable(A.REQUESTED)


def _deny(now: Durable, then: Durable) -> bool:
    return now.action in BEFORE and then.action is A.DENIED and _closed(now, then, T.CANCELLED)


def _wait(now: Durable, then: Durable) -> bool:
    kept = _same_ticket(now, then) and now.ticket is then.ticket
    return now.action in STARTABLE and then.action is A.WAITING and kept


def _hold(now: Durable, then: Durable) -> bool:
    opened = then.ticket is T.OPEN and not _same_ticket(now, then)
    return now.action in BEFORE and then.action is A.HELD and opened


def _supersede(now: Durable, then: Durable) -> bool:
    return now.action in BEFORE and then.action is A.STALE and _closed(now, then, T.STALE)


def _start(now: Durable, then: Durable) -> bool:
    spent = (now.ticket, then.ticket) == (T.APPROVED, T.SPENT)
    unasked = now.ticket not in LIVE and now.ticket is then.ticket
    moved = now.action in STARTABLE and then.action is A.STARTED
    return moved and _same_ticket(now, then) and (spent or unasked)


def _finish(now: Durable, then: Durable) -> bool:
    ends = {A.STARTED: {A.PERFORMED, A.REFUSED, A.IN_DOUBT}, A.IN_DOUBT: {A.PERFORMED, A.REFUSED}}
    kept = _same_ticket(now, then) and now.ticket is then.ticket
    return now.action in ends and then.action in ends[now.action] and kept


def _approve(now: Durable, then: Durable) -> bool:
    moved = (now.action, then.action) == (A.HELD, A.APPROVED)
    return moved and _same_ticket(now, then) and (now.ticket, then.ticket) == (T.OPEN, T.APPROVED)


def _reject(now: Durable, then: Durable) -> bool:
    moved = (now.action, then.action) == (A.HELD, A.REJECTED)
    return moved and _same_ticket(now, then) and (now.ticket, then.ticket) == (T.OPEN, T.REJECTED)


def _expire(now: Durable, then: Durable) -> bool:
    waited = now.action in BEFORE - {A.REQUESTED} and then.action is A.EXPIRED
    return waited and _closed(now, then, T.EXPIRED)


def _cancel(now: Durable, then: Durable) -> bool:
    return now.action in BEFORE and then.action is A.CANCELLED and _closed(now, then, T.CANCELLED)


LABELS = {
    "nothing": lambda now, then: now == then,
    "admit": _admit,
    "deny": _deny,
    "wait": _wait,
    "hold": _hold,
    "supersede": _supersede,
    "start": _start,
    "finish": _finish,
    "approve": _approve,
    "reject": _reject,
    "expire": _expire,
    "cancel": _cancel,
}
