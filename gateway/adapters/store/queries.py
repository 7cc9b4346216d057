"""Looking things up: functions of a connection, for readers and for the writer's units alike."""

from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, select
from sqlalchemy.orm import aliased

from gateway.adapters.store import rows, tables
from gateway.adapters.store.prepared import Prepared
from gateway.core.actions import Action, ActionState
from gateway.core.tickets import Ticket, TicketState
from gateway.core.vocabulary import ActionType
from gateway.ports import ActionRecord

_ACTION = Prepared(select(tables.actions).where(tables.actions.c.id == bindparam("wanted")))

_votes, _keys = tables.votes.c, tables.vote_keys.c
# The key a vote names counts only while it is registered to the voter and in use.
_OWN_KEY = and_(_keys.id == _votes.key_id, _keys.person == _votes.voter, _keys.retired_ms.is_(None))
_VOTES = (
    select(tables.votes, _keys.public_key)
    .select_from(tables.votes.outerjoin(tables.vote_keys, _OWN_KEY))
    .where(_votes.ticket_id == bindparam("of_ticket"))
    .order_by(_votes.cast_ms, _votes.voter)
)


def action(connection: Connection, action_id: str) -> ActionRecord | None:
    """The stored action of that id."""
    row = action_row(connection, action_id)
    return rows.record_of(row) if row is not None else None


def action_row(connection: Connection, action_id: str) -> Any:
    """The row of that action, or None."""
    return _ACTION.first(connection, {"wanted": action_id})


def ticket(connection: Connection, ticket_id: str) -> Ticket | None:
    """The ticket of that id with its votes."""
    row = connection.execute(select(tables.tickets).where(tables.tickets.c.id == ticket_id)).first()
    return with_votes(connection, row) if row is not None else None


def newest_ticket(connection: Connection, action_id: str) -> Ticket | None:
    """The newest ticket of an action with its votes."""
    row = _NEWEST_TICKET.first(connection, {"of_action": action_id})
    return with_votes(connection, row) if row is not None else None


def unanswered_predecessor(connection: Connection, wanted: Action) -> Ticket | None:
    """The newest stale ticket of the same agent, type and target that no successor answers yet."""
    ticket_row = tables.tickets.c
    successor = aliased(tables.tickets)
    answered = select(successor.c.id).where(successor.c.predecessor == ticket_row.id).exists()
    same = and_(
        ticket_row.agent == wanted.agent,
        ticket_row.type == wanted.type.value,
        ticket_row.aim == rows.aim_of(wanted.target),
        ticket_row.state == TicketState.STALE.value,
        ~answered,
    )
    row = connection.execute(select(tables.tickets).where(same).order_by(*_newest_first()).limit(1)).first()
    return with_votes(connection, row) if row is not None else None


def rebased(connection: Connection, wanted: Action, before: str, after: str) -> bool:
    """Whether a performed rebase of the same merge request led from one head to the other."""
    row = tables.actions.c
    done = select(row.result).where(
        row.type == ActionType.MERGE_REQUEST_REBASE.value,
        row.project == wanted.target.project,
        row.state == ActionState.PERFORMED.value,
    )
    heads = {"merge_request": wanted.target.merge_request, "head_before": before, "head": after}
    return any(heads.items() <= rows.load(result).items() for result in connection.execute(done).scalars())


def with_votes(connection: Connection, row: Any) -> Ticket:
    """The ticket of a row, joined with its votes in the order they were cast."""
    found = rows.ticket_of(row, ())
    earlier = found.carried.ticket if found.carried else None
    carried = [rows.vote_of(v, carried=True) for v in connection.execute(_VOTES, {"of_ticket": earlier})]
    own = [rows.vote_of(v) for v in connection.execute(_VOTES, {"of_ticket": row.id})]
    return found.model_copy(update={"votes": (*(v for v in carried if v.answer == "approve"), *own)})


def count_tickets(connection: Connection, agent: str) -> int:
    """How many tickets of an agent wait for votes."""
    (count,) = _OPEN_TICKETS.first(connection, {"of_agent": agent})
    return int(count)


def _newest_first() -> tuple[Any, ...]:
    return tables.tickets.c.opened_ms.desc(), tables.tickets.c.id.desc()


_NEWEST_TICKET = Prepared(
    select(tables.tickets)
    .join(tables.actions, tables.actions.c.ticket_id == tables.tickets.c.id)
    .where(tables.actions.c.id == bindparam("of_action"))
)
_OPEN_TICKETS = Prepared(
    select(func.count().label("tickets"))
    .select_from(tables.tickets)
    .where(tables.tickets.c.agent == bindparam("of_agent"), tables.tickets.c.state == TicketState.OPEN.value)
)
