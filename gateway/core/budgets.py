"""Budgets: which window a reservation falls into, when it is made, and what gives it back (approvals.md)."""

from typing import Literal

from gateway.core.actions import ActionState
from gateway.core.rulings import Reservation

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
_LENGTHS = {"hour": HOUR_MS, "day": DAY_MS}
OPEN = "open"
"""The window without an end: what is reserved stays reserved until the thing it counts is closed."""

_HOLDING = frozenset({"held_tickets", "quarantine_bytes"})
_UNDONE = frozenset(
    {
        ActionState.DENIED,
        ActionState.REFUSED,
        ActionState.EXPIRED,
        ActionState.REJECTED,
        ActionState.STALE,
        ActionState.CANCELLED,
    }
)
_NO_TICKET_OPEN = _UNDONE | {
    ActionState.APPROVED,
    ActionState.STARTED,
    ActionState.PERFORMED,
    ActionState.IN_DOUBT,
}


def window_key(window: str, now_ms: int) -> str:
    """The name of the window that `now_ms` falls into: `hour:492741`, `day:20530`, or `open`.

    Numbers count hours and days since 1970, UTC. Raises `ValueError` for a window nobody knows.
    """
    return OPEN if window == OPEN else f"{window}:{now_ms // _length(window)}"


def window_end_ms(window: str, now_ms: int) -> int | None:
    """When that window ends and its budget is fresh, in milliseconds since 1970, UTC; None for `open`."""
    return None if window == OPEN else (now_ms // _length(window) + 1) * _length(window)


def reserved_at(budget: str) -> Literal["held", "started"]:
    """Whether a budget is taken when a ticket opens or when the act starts."""
    return "held" if budget in _HOLDING else "started"


def gives_back(budget: str, state: ActionState) -> bool:
    """Whether an action that came to rest in `state` gives its reservation of `budget` back.

    Holding budgets count open tickets, so they return however the ticket ended; the others return only when
    nothing was done. In doubt keeps: it may have been done.
    """
    return state in (_NO_TICKET_OPEN if budget in _HOLDING else _UNDONE)


def refunds(reserved: tuple[Reservation, ...], state: ActionState) -> tuple[Reservation, ...]:
    """The reservations that an action in `state` gives back."""
    return tuple(r for r in reserved if gives_back(r.budget, state))


def _length(window: str) -> int:
    if window not in _LENGTHS:
        raise ValueError(f"{window!r} is no window of a budget; use hour, day or open")
    return _LENGTHS[window]
