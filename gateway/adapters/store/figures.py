"""Counts for the metrics: what is stored now, in a handful of small queries."""

from sqlalchemy import ColumnElement, Connection, Table, and_, func, select

from audit import tables as audit_tables
from gateway.adapters.store import tables
from gateway.adapters.store.reader import Reader
from gateway.core.actions import ActionState
from gateway.core.listings import Figures


def figures_of(reader: Reader, now_ms: int) -> Figures:
    """The counts as they stand; blocks the calling thread for the length of the queries."""
    return reader.read(lambda connection: _counted(connection, now_ms))


def _counted(connection: Connection, now_ms: int) -> Figures:
    action, ticket, glass = tables.actions.c, tables.tickets.c, tables.break_glass.c
    actions = connection.execute(
        select(action.type, action.state, func.count()).group_by(action.type, action.state)
    ).all()
    tickets = connection.execute(select(ticket.state, func.count()).group_by(ticket.state)).all()
    # Leaves are never deleted, so the last index says how many there are without counting them.
    last_leaf = connection.execute(select(func.max(audit_tables.leaves.c.leaf_index))).scalar()
    over = (glass.closed_ms.is_not(None)) | (glass.expires_ms <= now_ms)
    return Figures(
        actions=tuple((kind, state, count) for kind, state, count in actions),
        tickets=tuple((state, count) for state, count in tickets),
        events=0 if last_leaf is None else last_leaf + 1,
        budgets=_budgets(connection),
        in_doubt=sum(count for _, state, count in actions if state == ActionState.IN_DOUBT.value),
        stops=_count(connection, tables.stops, tables.stops.c.lifted_ms.is_(None)),
        break_glass=_count(connection, tables.break_glass, and_(glass.confirmed_ms.is_not(None), ~over)),
        unreviewed=_count(
            connection,
            tables.break_glass,
            and_(glass.confirmed_ms.is_not(None), glass.reviewed_ms.is_(None), over),
        ),
        notices=_count(connection, tables.notifications, tables.notifications.c.ended_ms.is_(None)),
        checkpoint_ms=connection.execute(select(func.max(audit_tables.checkpoints.c.time_ms))).scalar(),
    )


def _budgets(connection: Connection) -> tuple[tuple[str, int], ...]:
    """What is held of each budget by actions that may still give it back."""
    held = tables.reservations.c
    query = select(held.budget, func.sum(held.amount)).group_by(held.budget).order_by(held.budget)
    return tuple((budget, int(amount)) for budget, amount in connection.execute(query))


def _count(connection: Connection, table: Table, condition: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).select_from(table).where(condition)).scalar_one())
