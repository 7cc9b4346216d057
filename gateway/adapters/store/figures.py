"""Counts for the metrics: what is stored now, in three small queries."""

from sqlalchemy import Connection, func, select

from audit import tables as audit_tables
from gateway.adapters.store import tables
from gateway.adapters.store.reader import Reader
from gateway.core.listings import Figures


def figures_of(reader: Reader) -> Figures:
    """The counts as they stand; blocks the calling thread for the length of three queries."""
    return reader.read(_counted)


def _counted(connection: Connection) -> Figures:
    action, ticket = tables.actions.c, tables.tickets.c
    actions = connection.execute(
        select(action.type, action.state, func.count()).group_by(action.type, action.state)
    ).all()
    tickets = connection.execute(select(ticket.state, func.count()).group_by(ticket.state)).all()
    leaves = connection.execute(select(func.count()).select_from(audit_tables.leaves)).scalar_one()
    return Figures(
        actions=tuple((kind, state, count) for kind, state, count in actions),
        tickets=tuple((state, count) for state, count in tickets),
        events=leaves,
    )
