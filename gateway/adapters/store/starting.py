"""The guards of `Started` (architecture.md): checked inside the unit that claims the action."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, or_, select

from gateway.adapters.store import break_glass, budgets, events, rows, tables
from gateway.adapters.store.prepared import Prepared
from gateway.adapters.store.transitions import has_live_ticket, move, move_ticket
from gateway.adapters.store.unit import GuardError, Unit
from gateway.core.actions import Action, ActionState
from gateway.core.emergency import NEVER_STOPPED
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
    break_glass.use(unit, permit)
    unit.record(events.started(step.judgement, step.preparation, permit.reserve))


def stops_on(connection: Connection, action: Action) -> tuple[str, ...]:
    """Ids of the stops in force for everything, this agent, its project or its type; sorted.

    What ends an emergency is held by none: others decide it, and a stop on everything could never end otherwise.
    """
    if action.type in NEVER_STOPPED:
        return ()
    named = {
        "agent": action.agent,
        "project": action.target.project or "",
        "action_type": action.type.value,
    }
    return tuple(row.id for row in _STOPS.all(connection, named))


def active_policy(connection: Connection) -> str | None:
    """The digest of the policy in force, once one was activated."""
    digest: str | None = connection.execute(_POLICY).scalar()
    return digest


def _stops() -> Select[Any]:
    stop = tables.stops.c
    scopes = ("agent", "project", "action_type")
    exact = [and_(stop.scope == scope, stop.value == bindparam(scope)) for scope in scopes]
    matching = or_(stop.scope == "everything", *exact)
    return select(stop.id).where(stop.lifted_ms.is_(None), matching).order_by(stop.id)


# Built once: SQLAlchemy then finds the compiled form by identity instead of walking the statement each time.
_STOPS = Prepared(_stops())
_POLICY = select(tables.settings.c.value).where(tables.settings.c.name == ACTIVE_POLICY)
_SUSPENDED = select(tables.agents.c.suspended).where(tables.agents.c.agent == bindparam("of_agent"))


def _check_stops(unit: Unit, permit: Permit) -> None:
    engaged = stops_on(unit.connection, permit.action)
    if engaged:
        raise _blocked("stop", f"The emergency stop {engaged[0]} is engaged; wait until operators lift it.")


def _check_suspension(unit: Unit, permit: Permit) -> None:
    if unit.connection.execute(_SUSPENDED, {"of_agent": permit.action.agent}).scalar():
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
    elif has_live_ticket(unit, permit.action.id):
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
