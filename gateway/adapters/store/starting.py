"""The guards of `Started` (architecture.md): checked inside the unit that claims the action."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from gateway.adapters.store import budgets, events, rows, tables
from gateway.adapters.store.transitions import is_live, move, move_ticket
from gateway.adapters.store.unit import GuardError, Unit
from gateway.core.actions import Action, ActionState
from gateway.core.permits import RULING_LIFETIME_MS, Permit
from gateway.core.steps import Blocked, Start
from gateway.core.tickets import TicketState

ACTIVE_POLICY = "active_policy"
ACT_LEASE_MS = 180_000
"""How long an act may take before another replica calls it in doubt; above every HTTP time-out."""


def start(unit: Unit, step: Start) -> None:
    """Check every guard, spend the ticket, reserve the budgets, claim the action, record `started`.

    Raises `GuardError` naming the first guard that failed; nothing of the unit is kept then.
    """
    permit, action = step.permit, step.permit.action
    for guard in _GUARDS:
        guard(unit, permit)
    move(unit, action.id, ActionState.STARTED, **_claim(unit, step))
    budgets.reserve(unit, action, permit.reserve, at="started")
    unit.record(events.started(step.judgement, step.preparation, permit.reserve))


def matching_stops(action: Action) -> ColumnElement[bool]:
    """The condition on `stops`: in force, and for everything, this agent, its project or its type."""
    stop = tables.stops.c
    named = {"agent": action.agent, "project": action.target.project or "", "action_type": action.type.value}
    exact = [and_(stop.scope == scope, stop.value == value) for scope, value in named.items()]
    return and_(stop.lifted_ms.is_(None), or_(stop.scope == "everything", *exact))


def active_policy(connection: Any) -> str | None:
    """The digest of the policy in force, once one was activated."""
    setting = tables.settings.c
    digest: str | None = connection.execute(
        select(setting.value).where(setting.name == ACTIVE_POLICY)
    ).scalar()
    return digest


def _check_stops(unit: Unit, permit: Permit) -> None:
    stop = unit.one(select(tables.stops.c.id).where(matching_stops(permit.action)).limit(1))
    if stop is not None:
        raise _blocked("stop", f"The emergency stop {stop.id} is engaged; wait until operators lift it.")


def _check_suspension(unit: Unit, permit: Permit) -> None:
    agent = tables.agents.c
    suspended = and_(agent.agent == permit.action.agent, agent.suspended.is_(True))
    if unit.one(select(agent.agent).where(suspended)) is not None:
        raise _blocked("stop", f"The agent {permit.action.agent} is suspended; ask an operator.")


def _check_policy(unit: Unit, permit: Permit) -> None:
    if active_policy(unit.connection) != permit.policy_digest:
        raise _blocked("policy", "Another policy is in force by now; the action must be judged by that one.")


def _check_age(unit: Unit, permit: Permit) -> None:
    if unit.now_ms - permit.judged_ms > RULING_LIFETIME_MS:
        raise _blocked("ruling_age", "The ruling is older than 30 seconds; the action must be judged again.")


def _spend_ticket(unit: Unit, permit: Permit) -> None:
    ticket = tables.tickets.c
    if permit.ticket_id is not None:
        answered = (ticket.question_digest == permit.question_digest, ticket.expires_ms > unit.now_ms)
        move_ticket(unit, permit.ticket_id, permit.action, TicketState.SPENT, *answered)
    elif unit.one(select(ticket.id).where(ticket.action_id == permit.action.id, is_live())) is not None:
        raise _blocked(
            "permit", "People are being asked about this action; the permit does not name their ticket."
        )


_GUARDS: tuple[Callable[[Unit, Permit], None], ...] = (
    _check_stops,
    _check_suspension,
    _check_policy,
    _check_age,
    _spend_ticket,
)


def _claim(unit: Unit, step: Start) -> dict[str, Any]:
    return {
        "ruling_id": step.permit.ruling_id,
        "preparation": rows.dump(step.preparation.model_dump(mode="json")),
        "started_ms": unit.now_ms,
        "until_ms": None,
        "lease_ms": unit.now_ms + ACT_LEASE_MS,
    }


def _blocked(guard: str, detail: str) -> GuardError:
    return GuardError(Blocked(guard=guard, detail=detail))
