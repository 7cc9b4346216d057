"""What stored things look like in lists, and which of them are wanted."""

from typing import Any

from pydantic import Field

from gateway.core.actions import ActionState
from gateway.core.model import Model


class ActionFilter(Model):
    """Which actions to list; None means any."""

    states: tuple[ActionState, ...] = ()
    agent: str | None = None
    owner: str | None = None
    project: str | None = None
    trace: str | None = None


class EventRow(Model):
    """One event of the log with its place; `leaf` is the event as JSON."""

    index: int
    id: str
    type: str
    subject: str
    time_ms: int
    leaf: dict[str, Any]
    disclosures: dict[str, Any] = Field(default_factory=dict)


class WorkItem(Model):
    """A work item of the tracker that the loop opened. `findings` counts those that are still there."""

    id: str
    key: str
    project: str
    issue: str | None
    title: str
    severity: str
    state: str
    trace: str
    findings: int
    opened_ms: int


class Figures(Model):
    """Counts of what is stored: actions as (type, state, count), tickets as (state, count), events in the log.

    `budgets` is what all agents hold in the windows of now, as (budget, amount); `checkpoint_ms` when the newest
    checkpoint was signed, None before the first.
    """

    actions: tuple[tuple[str, str, int], ...]
    tickets: tuple[tuple[str, int], ...]
    events: int
    budgets: tuple[tuple[str, int], ...] = ()
    in_doubt: int = 0
    stops: int = 0
    break_glass: int = 0
    unreviewed: int = 0
    notices: int = 0
    checkpoint_ms: int | None = None
