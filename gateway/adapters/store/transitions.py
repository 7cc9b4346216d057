"""Moving actions and tickets along their life cycles: `UPDATE … WHERE state IN …`, checked by row count."""

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, or_, select, update

from gateway.adapters.store import budgets, events, tables
from gateway.adapters.store.prepared import Prepared
from gateway.adapters.store.unit import GuardError, Unit
from gateway.core.actions import LIFE_CYCLE, Action, ActionState
from gateway.core.steps import Blocked
from gateway.core.tickets import TICKET_LIFE, TicketState

_LIVE = tuple(s for s in TicketState if TICKET_LIFE[s])


def move(unit: Unit, action_id: str, state: ActionState, **values: Any) -> None:
    """Bring an action into `state` from any state that has that arrow; give back what it no longer needs.

    Raises `GuardError` (`state`) when the action is somewhere else by now.
    """
    new = {f"new_{name}": value for name, value in values.items()}
    if _moving(state, tuple(values)).changes(unit.connection, {"wanted": action_id, **new}) != 1:
        detail = f"The action cannot become {state.value} from where it is now; read it again."
        raise GuardError(Blocked(guard="state", detail=detail))
    budgets.give_back(unit, action_id, state)


@cache
def _moving(state: ActionState, names: tuple[str, ...]) -> Prepared:
    """The guarded UPDATE into one state, with values for these columns."""
    row = tables.actions.c
    before = or_(*(row.state == s.value for s in ActionState if state in LIFE_CYCLE[s]))
    guard = and_(row.id == bindparam("wanted"), before)
    new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    return Prepared(update(tables.actions).where(guard).values({"state": state.value, **new}))


def close_tickets(unit: Unit, action: Action, state: TicketState) -> tuple[str, ...]:
    """End every live ticket of an action in `state`, with its events; the ids that were closed."""
    live = _LIVE_TICKETS.all(unit.connection, {"of_action": action.id})
    for (ticket_id,) in live:
        move_ticket(unit, ticket_id, action, state)
    return tuple(ticket_id for (ticket_id,) in live)


def move_ticket(
    unit: Unit, ticket_id: str, action: Action, state: TicketState, *also: ColumnElement[bool]
) -> None:
    """Bring a ticket into `state`; raises `GuardError` (`permit`) when it is somewhere else by now.

    `also` are further conditions that must hold of the ticket.
    """
    row = tables.tickets.c
    before = [s.value for s in TicketState if state in TICKET_LIFE[s]]
    guard = and_(row.id == ticket_id, row.action_id == action.id, row.state.in_(before), *also)
    if unit.changes(update(tables.tickets).where(guard).values(state=state.value)) != 1:
        detail = (
            f"The ticket cannot become {state.value} from where it is now; it was used, closed or replaced."
        )
        raise GuardError(Blocked(guard="permit", detail=detail))
    unit.record(*events.ticket_became(state, ticket_id, action))


def is_live() -> ColumnElement[bool]:
    """The condition on `tickets`: still waiting for votes, or approved and not spent."""
    return or_(*(tables.tickets.c.state == s.value for s in _LIVE))


def has_live_ticket(unit: Unit, action_id: str) -> bool:
    """Whether people are being asked about an action, or have approved it."""
    return _LIVE_TICKETS.first(unit.connection, {"of_action": action_id}) is not None


_LIVE_TICKETS = Prepared(
    select(tables.tickets.c.id).where(tables.tickets.c.action_id == bindparam("of_action"), is_live())
)
