"""What the ledger in memory keeps of an action, and the outcome it stands for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.core.actions import Action, ActionState
from gateway.core.outcomes import (
    AnyOutcome,
    Denied,
    Ended,
    Held,
    InDoubt,
    Performed,
    Refused,
    Stale,
    UnderWay,
    Waiting,
)
from gateway.core.rulings import Ruling
from gateway.core.steps import Preparation
from gateway.ports import ActionRecord

S = ActionState


@dataclass(frozen=True)
class Row:
    """One stored action."""

    action: Action
    state: ActionState
    lease_ms: int
    expires_ms: int
    ruling: Ruling | None = None
    ticket_id: str | None = None
    preparation: Preparation | None = None
    started_ms: int | None = None
    result: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    retryable: bool = False
    until_ms: int | None = None
    complaint: Any = None


_OUTCOMES: dict[ActionState, Callable[[Row, dict[str, Any]], AnyOutcome]] = {
    S.PERFORMED: lambda row, shared: Performed(**shared, result=row.result),
    S.REFUSED: lambda row, shared: Refused(**shared, reason=row.reason, retryable=row.retryable),
    S.IN_DOUBT: lambda row, shared: InDoubt(**shared, reason=row.reason),
    S.REJECTED: lambda row, shared: Ended(**shared, reason=row.reason),
    S.EXPIRED: lambda row, shared: Ended(**shared, reason=row.reason),
    S.CANCELLED: lambda row, shared: Ended(**shared, reason=row.reason),
    S.DENIED: lambda _row, shared: Denied(**shared),
    S.HELD: lambda _row, shared: Held(**shared),
    S.WAITING: lambda _row, shared: Waiting(**shared),
    S.STALE: lambda row, shared: Stale(**shared, reason=row.reason),
}


def outcome_from(row: Row) -> AnyOutcome:
    """The outcome of a stored action as it stands."""
    shared = {
        "action_id": row.action.id,
        "state": row.state,
        "ruling_id": row.ruling.id if row.ruling else None,
        "ticket_id": row.ticket_id,
    }
    make = _OUTCOMES.get(row.state)
    return make(row, shared) if make else UnderWay.model_validate(shared)


def record_from(row: Row) -> ActionRecord:
    """The record of a stored action."""
    return ActionRecord(
        action=row.action,
        state=row.state,
        ticket_id=row.ticket_id,
        ruling_id=row.ruling.id if row.ruling else None,
        preparation=row.preparation,
        started_ms=row.started_ms,
        result=row.result,
        reason=row.reason,
        until_ms=row.until_ms,
    )
