"""Questions about a head that the gateway's own rebase has replaced: ended in the unit that records the rebase."""

from sqlalchemy import select

from audit.events import EventType
from gateway.adapters.store import events, rows, tables
from gateway.adapters.store.transitions import close_tickets, move
from gateway.adapters.store.unit import Unit
from gateway.core.actions import Action, ActionState
from gateway.core.carrying import outdated_by
from gateway.core.steps import Finish
from gateway.core.tickets import TicketState
from gateway.core.vocabulary import ActionType


def outdate(unit: Unit, rebase: Action, finish: Finish) -> None:
    """End every merge held for the head from which `rebase` led away; nobody can approve it any more.

    What people have approved already is left to the road, which judges it again before it acts.
    """
    row = tables.actions.c
    asked = select(row.body).where(
        row.type == ActionType.MERGE_REQUEST_MERGE.value,
        row.project == rebase.target.project,
        row.aim == rows.aim_of(rebase.target),
        row.state == ActionState.HELD.value,
    )
    for found in unit.rows(asked):
        merge = rows.action_of(found.body)
        reason = outdated_by(rebase, finish, merge)
        if reason is None:
            continue
        move(unit, merge.id, ActionState.STALE, reason=reason, until_ms=None)
        (ticket,) = close_tickets(unit, merge, TicketState.STALE)
        unit.record(events.closed(EventType.ACTION_STALE, merge, by=rebase.id, ticket=ticket))
