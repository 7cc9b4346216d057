"""Budgets in the unit: reserve with `UPDATE … WHERE used + amount <= limit`, give back by outcome."""

from collections.abc import Iterable

from sqlalchemy import Update, bindparam, delete, insert, select, update

from gateway.adapters.store import tables
from gateway.adapters.store.unit import GuardError, Unit
from gateway.core import budgets
from gateway.core.actions import Action, ActionState
from gateway.core.rulings import Reservation
from gateway.core.steps import Blocked

OVER_BUDGET = "OVER_BUDGET"
_HELD = select(tables.reservations).where(tables.reservations.c.action_id == bindparam("of_action"))


def reserve(unit: Unit, action: Action, wanted: Iterable[Reservation], *, at: str) -> None:
    """Take what is due at this step (`held` or `started`) and not taken yet.

    Raises `GuardError` (`budget`) naming the budget, with the end of its window, when a limit is reached.
    """
    for reservation in wanted:
        period = budgets.window_key(reservation.window, unit.now_ms)
        if (
            reservation.amount
            and budgets.reserved_at(reservation.budget) == at
            and not _has(unit, action, reservation)
        ):
            _take(unit, action.agent, reservation, period)
            row = {"action_id": action.id, "budget": reservation.budget, "period": period}
            unit.execute(
                insert(tables.reservations), row | {"agent": action.agent, "amount": reservation.amount}
            )


def give_back(unit: Unit, action_id: str, state: ActionState) -> None:
    """Return every reservation that an action in `state` no longer holds (`core/budgets.py`)."""
    for row in unit.rows(_HELD, {"of_action": action_id}):
        if budgets.gives_back(row.budget, state):
            release(unit, row.action_id, row.budget)


def release(unit: Unit, action_id: str, budget: str) -> None:
    """Return what one action holds of one budget."""
    held = tables.reservations.c
    mine = (held.action_id == action_id) & (held.budget == budget)
    for row in unit.rows(select(tables.reservations).where(mine)):
        unit.execute(_account(row.agent, budget, row.period).values(used=tables.budgets.c.used - row.amount))
    unit.execute(delete(tables.reservations).where(mine))


def _has(unit: Unit, action: Action, reservation: Reservation) -> bool:
    """Whether this action holds the budget already: one that is held again asks twice but counts once."""
    held = tables.reservations.c
    same = (held.action_id == action.id) & (held.budget == reservation.budget)
    of_window = held.period.startswith(reservation.window)
    return unit.one(select(held.amount).where(same, of_window)) is not None


def _take(unit: Unit, agent: str, reservation: Reservation, period: str) -> None:
    account, amount = tables.budgets.c, reservation.amount
    key = {"agent": agent, "budget": reservation.budget, "period": period}
    mine = (account.agent == agent) & (account.budget == reservation.budget) & (account.period == period)
    if unit.one(select(account.used).where(mine)) is None:
        unit.execute(insert(tables.budgets), key | {"used": 0})
    fits = account.used + amount <= reservation.limit
    if unit.changes(_account(**key).where(fits).values(used=account.used + amount)) != 1:
        raise GuardError(_exhausted(reservation, unit.now_ms))


def _account(agent: str, budget: str, period: str) -> Update:
    account = tables.budgets.c
    return update(tables.budgets).where(
        account.agent == agent, account.budget == budget, account.period == period
    )


def _exhausted(reservation: Reservation, now_ms: int) -> Blocked:
    until_ms = budgets.window_end_ms(reservation.window, now_ms)
    when = "when the window ends" if until_ms else "when one of those that are open is closed"
    return Blocked(
        guard="budget",
        code=OVER_BUDGET,
        detail=f"The budget of {reservation.limit} {reservation.budget} per {reservation.window} is used up; try again {when}.",
        until_ms=until_ms,
    )
