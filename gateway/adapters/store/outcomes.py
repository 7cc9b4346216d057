"""The outcome of a stored action, as it stands."""

import json
from typing import Any

from gateway.core.actions import ActionState
from gateway.core.outcomes import (
    AnyOutcome,
    Denied,
    Ended,
    Held,
    InDoubt,
    Next,
    Performed,
    Refused,
    Stale,
    UnderWay,
    Waiting,
)

S = ActionState
_NEXT = {
    S.REQUESTED: "It is being judged; ask again.",
    S.STARTED: "It is being performed; ask again.",
    S.APPROVED: "People approved it; it is about to be performed. Ask again.",
    S.DENIED: "Read the findings; each says what would help and whether to try again.",
    S.HELD: "People are asked. Wait for their votes; do not propose it again.",
    S.WAITING: "The gateway waits and judges again by itself; do not propose it again.",
    S.STALE: "The world moved. Look again and propose it for the new state.",
    S.IN_DOUBT: "It may have happened. Do not repeat it; it is being reconciled.",
    S.REFUSED: "Read the target's own words; propose it again once they are answered.",
    S.REJECTED: "A person said no; change what they name before you propose anything like it.",
    S.EXPIRED: "Nobody answered in time; propose it again if it is still wanted.",
    S.CANCELLED: "It was withdrawn; propose it again if it is wanted after all.",
}
_ENDED = {S.REJECTED, S.EXPIRED, S.CANCELLED}
_PLAIN: dict[ActionState, type[UnderWay | Denied | Held | Waiting]] = {
    S.REQUESTED: UnderWay,
    S.STARTED: UnderWay,
    S.APPROVED: UnderWay,
    S.DENIED: Denied,
    S.HELD: Held,
    S.WAITING: Waiting,
}


def outcome_of(row: Any) -> AnyOutcome:
    """The outcome of a row of `actions`."""
    state = ActionState(row.state)
    shared = {
        "action_id": row.id,
        "state": state,
        "ruling_id": row.ruling_id,
        "ticket_id": row.ticket_id,
        "next": Next(what=_NEXT[state], when_ms=row.until_ms) if state in _NEXT else None,
    }
    match state:
        case S.PERFORMED:
            return Performed(**shared, result=json.loads(row.result))
        case S.REFUSED:
            return Refused(**shared, reason=row.reason, retryable=row.retryable)
        case S.STALE:
            return Stale(**shared, reason=row.reason)
        case S.IN_DOUBT:
            return InDoubt(**shared, reason=row.reason)
        case _ if state in _ENDED:
            return Ended(**shared, reason=row.reason)
        case _:
            return _PLAIN[state](**shared)
