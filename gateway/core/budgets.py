"""Budgets: which window a reservation falls into, when it is made, and what gives it back (approvals.md)."""

from typing import Final, Literal

from gateway.core.actions import ActionState
from gateway.core.model import Model
from gateway.core.principals import Tier
from gateway.core.rulings import Reservation
from gateway.core.vocabulary import ActionType as T

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


PIPELINES: Final = "pipelines"
CI_MINUTES: Final = "ci_minutes"
DRY_RUNS: Final = "dry_runs"
_APPEARS_MS = 900_000
_FORGOTTEN_MS = DAY_MS


class Allowance(Model):
    """What a policy lets agents draw of a budget: `low` for observers and contributors, `high` for those above."""

    budget: str
    window: str
    low: int
    high: int

    def limit(self, tier: Tier) -> int:
        """The limit for an agent of that tier."""
        return self.high if tier in {Tier.MAINTAINER, Tier.STEWARD} else self.low


class PipelineUse(Model):
    """What the pipelines of a commit use: how many there are, whether one is under way, seconds of all their jobs."""

    found: int
    under_way: bool = False
    seconds: int = 0


class OpenPipeline(Model):
    """An action that holds a place among the pipelines under way. Times in milliseconds since 1970, UTC.

    `pipeline`, `commit` and `merge_request` are what the action noted of what runs; `estimate` are the minutes reserved.
    """

    action_id: str
    project: str
    pipeline: int | None = None
    commit: str | None = None
    merge_request: int | None = None
    estimate: int = 0
    started_ms: int


def settled_minutes(use: PipelineUse | None, age_ms: int, estimate: int) -> int | None:
    """The minutes that were really used, once nothing is under way any more; None while that is not sure.

    `use` is None when it cannot be asked. A pipeline that has not appeared within fifteen minutes was not made. After
    a day nobody waits for an answer: the place is given back, and the estimate stands.
    """
    if use is None or use.under_way or not (use.found or age_ms >= _APPEARS_MS):
        return estimate if age_ms >= _FORGOTTEN_MS else None
    return -(-use.seconds // 60)


# What may start a pipeline: by itself, or because GitLab runs CI for the ref it moves.
TRIGGERS = frozenset(
    {
        T.BRANCH_CREATE,
        T.COMMIT_CREATE,
        T.COMMIT_REVERT,
        T.COMMIT_CHERRY_PICK,
        T.TAG_CREATE,
        T.MERGE_REQUEST_OPEN,
        T.MERGE_REQUEST_REOPEN,
        T.MERGE_REQUEST_REBASE,
        T.MERGE_REQUEST_MERGE,
        T.PIPELINE_RUN,
        T.PIPELINE_RETRY,
        T.JOB_PLAY,
        T.JOB_RETRY,
        T.DEPLOYMENT_ROLLBACK,
    }
)


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
