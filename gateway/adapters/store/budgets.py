"""Budgets in the unit: reserve with `UPDATE … WHERE used + amount <= limit`, give back by outcome."""

import json
from collections.abc import Iterable

from sqlalchemy import Connection, Update, bindparam, delete, insert, select, update

from gateway.adapters.store import tables
from gateway.adapters.store.reader import Reader
from gateway.adapters.store.unit import GuardError, Unit
from gateway.adapters.store.writer import Writer
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


class SqlAccounts:
    """The accounts as those see them who settle what is over, and count what is no action."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer, self._reader = writer, reader

    async def open_pipelines(self, *, limit: int) -> tuple[budgets.OpenPipeline, ...]:
        """The performed actions that still hold a place among the pipelines, oldest first."""
        return await self._reader.run(lambda connection: _open_pipelines(connection, limit))

    async def settle(self, action_id: str, minutes: int) -> bool:
        """Give back the place, and the minutes that were estimated and not used; whether that was still to do.

        A pipeline that took longer than estimated takes nothing more: its estimate was what the budget had room for.
        """
        return await self._writer.run(lambda unit: _settle(unit, action_id, minutes))

    async def draw(self, agent: str, wanted: Reservation) -> Blocked | None:
        """Take from a budget for good, outside of any action; None when there was room."""
        try:
            await self._writer.run(lambda unit: _draw(unit, agent, wanted))
        except GuardError as error:
            return error.blocked
        return None


def _open_pipelines(connection: Connection, limit: int) -> tuple[budgets.OpenPipeline, ...]:
    held, action = tables.reservations.c, tables.actions.c
    joined = tables.reservations.join(tables.actions, action.id == held.action_id)
    query = select(action.id, action.project, action.preparation, action.result, action.started_ms)
    query = query.select_from(joined).where(
        held.budget == budgets.PIPELINES, action.state == ActionState.PERFORMED.value
    )
    found = connection.execute(query.order_by(action.started_ms, action.id).limit(limit)).all()
    return tuple(
        budgets.OpenPipeline(
            action_id=row.id,
            project=row.project or "",
            commit=_commit_of(row.preparation, row.result),
            started_ms=row.started_ms or 0,
        )
        for row in found
    )


def _commit_of(preparation: str | None, result: str) -> str | None:
    """The commit that a pipeline runs for, as far as the action noted one."""
    done = json.loads(result)
    noted = (json.loads(preparation).get("commit") if preparation else None, *(done.get(k) for k in _COMMITS))
    return next((c for c in noted if isinstance(c, str)), None)


_COMMITS = ("merge_commit", "merge_commit_sha", "sha", "head", "commit")


def _settle(unit: Unit, action_id: str, minutes: int) -> bool:
    held = tables.reservations.c
    mine = held.action_id == action_id
    if unit.one(select(held.amount).where(mine, held.budget == budgets.PIPELINES)) is None:
        return False
    release(unit, action_id, budgets.PIPELINES)
    for row in unit.rows(select(tables.reservations).where(mine, held.budget == budgets.CI_MINUTES)):
        unused = max(row.amount - minutes, 0)
        unit.execute(_account(row.agent, row.budget, row.period).values(used=tables.budgets.c.used - unused))
        same = mine & (held.budget == row.budget) & (held.period == row.period)
        unit.execute(update(tables.reservations).where(same).values(amount=row.amount - unused))
    return True


def _draw(unit: Unit, agent: str, wanted: Reservation) -> None:
    _take(unit, agent, wanted, budgets.window_key(wanted.window, unit.now_ms))
