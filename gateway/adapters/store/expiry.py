"""What runs out of time: tickets nobody answered, approvals nobody used, waits that never ended."""

from sqlalchemy import and_, or_, select

from audit.events import EventType
from gateway.adapters.store import break_glass, events, rows, tables
from gateway.adapters.store.transitions import close_tickets, is_live, move
from gateway.adapters.store.unit import Unit
from gateway.core.actions import LIFE_CYCLE, ActionState
from gateway.core.tickets import TicketState

_MAY_EXPIRE = tuple(s.value for s in ActionState if ActionState.EXPIRED in LIFE_CYCLE[s])
_AT_ONCE = 200


def expire(unit: Unit, now_ms: int) -> int:
    """Expire what is due at `now_ms`, at most a couple of hundred at a time; how many actions."""
    break_glass.settle(unit)
    row, ticket = tables.actions.c, tables.tickets.c
    answered_late = select(ticket.action_id).where(is_live(), ticket.expires_ms <= now_ms)
    due = and_(row.state.in_(_MAY_EXPIRE), or_(row.expires_ms <= now_ms, row.id.in_(answered_late)))
    found = unit.rows(select(row.id, row.body).where(due).order_by(row.id).limit(_AT_ONCE))
    for action_id, body in found:
        action = rows.action_of(body)
        closed = close_tickets(unit, action, TicketState.EXPIRED)
        move(unit, action_id, ActionState.EXPIRED)
        unit.record(events.closed(EventType.ACTION_EXPIRED, action, ticket=closed[0] if closed else None))
    return len(found)
