"""`/v1/stops`: the emergency brake."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response
from pydantic import StringConstraints

from gateway.core.actions import Request
from gateway.core.emergency import Stop, stopped_value
from gateway.core.errors import OutOfScopeError
from gateway.core.model import Model
from gateway.core.principals import Scope
from gateway.core.redaction import redact_text, refuse_secrets
from gateway.core.vocabulary import ActionType, System
from gateway.doors.rest.actions import answer
from gateway.doors.rest.authentication import AsApprover, AsOperator, AsPerson
from gateway.doors.rest.context import Given
from gateway.doors.rest.documents import ActionDocument, Sentence
from gateway.doors.rest.routes import StrictRoute

router = APIRouter(prefix="/v1/stops", tags=["emergency"], route_class=StrictRoute)
_WAIT_S = 20.0
StopId = Annotated[str, Path(pattern=r"^stp_[0-9A-Za-z]{1,64}$")]


class StopRequest(Model):
    """Stop everything, one agent, one project or one action type."""

    scope: Literal["everything", "agent", "project", "action_type"]
    value: Annotated[str, StringConstraints(max_length=300, pattern=r"^[A-Za-z0-9_.:/-]*$")] = ""
    reason: Sentence


class LiftRequest(Model):
    """Why the stop can be lifted: what the two operators read."""

    reason: Sentence


class Stops(Model):
    """The stops in force."""

    items: tuple[Stop, ...]


@router.get("")
async def list_stops(given: Given, principal: AsPerson) -> Stops:
    """The stops in force."""
    return Stops(items=await given.emergency.stops())


@router.post("", status_code=201)
async def engage(body: StopRequest, given: Given, operator: AsOperator) -> Stop:
    """Engage a stop; nothing it matches starts from the next unit on."""
    value = stopped_value(body.scope, body.value, given.policy.in_force.roster)
    refuse_secrets((("/value", body.value),))
    reason, _ = redact_text(body.reason, "/reason")
    return await given.emergency.engage(body.scope, value, reason=reason, by=operator.id)


@router.post("/{stop_id}/lift", response_model=ActionDocument, status_code=202)
async def lift(body: LiftRequest, stop_id: StopId, given: Given, person: AsApprover) -> Response:
    """Ask to lift a stop: a ticket opens for two operators, neither of whom is the person that asks.

    The answer is the action `stop.lift`, proposed in that person's name.
    """
    if person.is_agent:
        raise OutOfScopeError("Agents do not lift stops; ask a person.")
    await given.emergency.stop(stop_id)
    asked = Request(
        type=ActionType.STOP_LIFT.value,
        target={"system": System.LOOPGATE.value, "stop": stop_id},
        intent=body.reason,
    )
    # People hold no scope of their own: the route lends the one type of action it is there for.
    proposer = person.model_copy(update={"scope": Scope(action_types=(ActionType.STOP_LIFT.value,))})
    outcome = await given.carrier.propose(asked, proposer, wait_s=_WAIT_S)
    return await answer(given, person, outcome, None)
