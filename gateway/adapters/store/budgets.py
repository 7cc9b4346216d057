"""Budgets in the unit: reserve with `UPDATE … WHERE used + amount <= limit`, give back by outcome."""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Update, and_, bindparam, delete, func, insert, select, update

from gateway.adapters.store import tables
from gateway.adapters.store.prepared import Prepared
from gateway.adapters.store.reader import Reader
from gateway.adapters.store.rows import ruling_of
from gateway.adapters.store.unit import GuardError, Unit
from gateway.adapters.store.writer import Writer
from gateway.core import budgets
from gateway.core.actions import Action, ActionState
from gateway.core.rulings import Reservation
from gateway.core.steps import Blocked

OVER_BUDGET = "OVER_BUDGET"
_HELD = Prepared(select(tables.reservations).where(tables.reservations.c.action_id == bindparam("of_action")))


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
    for row in _HELD.all(unit.connection, {"of_action": action_id}):
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
    _used(unit, key)
    fits = account.used + amount <= reservation.limit
    if unit.changes(_account(**key).where(fits).values(used=account.used + amount)) != 1:
        raise GuardError(_exhausted(reservation, unit.now_ms))


def _used(unit: Unit, key: dict[str, str]) -> int:
    """What is used of an account, which exists afterwards."""
    account = tables.budgets.c
    mine = and_(*(account[name] == value for name, value in key.items()))
    row = unit.one(select(account.used).where(mine))
    if row is None:
        unit.execute(insert(tables.budgets), key | {"used": 0})
    return row.used if row is not None else 0


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
        """Give back the place, and settle the minutes; whether that was still to do.

        What was not used comes back to its window. What was used beyond the estimate is taken from the window of now,
        then from the next one, as far as their limits go; the rest is let go.
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
    columns = (action.id, action.project, action.preparation, action.result, action.started_ms)
    query = (
        select(*columns, _ESTIMATE.label("estimate"))
        .select_from(joined)
        .where(held.budget == budgets.PIPELINES, action.state == ActionState.PERFORMED.value)
    )
    found = connection.execute(query.order_by(action.started_ms, action.id).limit(limit)).all()
    return tuple(
        budgets.OpenPipeline(
            action_id=row.id,
            project=row.project or "",
            **_run_of(row.preparation, row.result),
            estimate=row.estimate or 0,
            started_ms=row.started_ms or 0,
        )
        for row in found
    )


def _run_of(preparation: str | None, result: str) -> dict[str, Any]:
    """What the action noted of what runs: a pipeline, a commit, a merge request."""
    done = json.loads(result)
    noted = (json.loads(preparation).get("commit") if preparation else None, *(done.get(k) for k in _COMMITS))
    return {
        "pipeline": _number(done.get("pipeline")),
        "commit": next((c for c in noted if isinstance(c, str)), None),
        "merge_request": _number(done.get("merge_request")),
    }


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


_COMMITS = ("merge_commit", "merge_commit_sha", "sha", "head", "commit")
_MINUTES = tables.reservations.alias("minutes")
_ESTIMATE = (
    select(func.max(_MINUTES.c.amount))
    .where(_MINUTES.c.action_id == tables.actions.c.id, _MINUTES.c.budget == budgets.CI_MINUTES)
    .scalar_subquery()
)


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
        _charge(unit, row, minutes - row.amount)
    return True


def _charge(unit: Unit, held: Any, excess: int) -> None:
    """Take minutes beyond an estimate from the window of now and the next one, never beyond the limit they had."""
    window = held.period.partition(":")[0]
    ends_ms = None if window == budgets.OPEN else budgets.window_end_ms(window, unit.now_ms)
    limit = _limit_of(unit, held.action_id, window)
    for at_ms in (unit.now_ms, ends_ms) if ends_ms else ():
        key = {"agent": held.agent, "budget": held.budget, "period": budgets.window_key(window, at_ms)}
        taken = min(excess, limit - _used(unit, key))
        if taken > 0:
            unit.execute(_account(**key).values(used=tables.budgets.c.used + taken))
            _hold_more(unit, held.action_id, key, taken)
            excess -= taken


def _hold_more(unit: Unit, action_id: str, key: dict[str, str], amount: int) -> None:
    """Note what an action took beyond its reservation: what is used of an account is what its actions hold of it."""
    held = tables.reservations.c
    same = and_(held.action_id == action_id, held.budget == key["budget"], held.period == key["period"])
    if unit.changes(update(tables.reservations).where(same).values(amount=held.amount + amount)) == 0:
        unit.execute(insert(tables.reservations), key | {"action_id": action_id, "amount": amount})


def _limit_of(unit: Unit, action_id: str, window: str) -> int:
    """The limit of the minutes in the ruling that the action started on; 0 where it names none."""
    of_action = tables.actions.c.ruling_id == tables.rulings.c.id
    row = unit.one(select(tables.rulings.c.body).where(of_action, tables.actions.c.id == action_id))
    reserve = ruling_of(row).reserve if row is not None else ()
    return next((r.limit for r in reserve if (r.budget, r.window) == (budgets.CI_MINUTES, window)), 0)


def _draw(unit: Unit, agent: str, wanted: Reservation) -> None:
    _take(unit, agent, wanted, budgets.window_key(wanted.window, unit.now_ms))
