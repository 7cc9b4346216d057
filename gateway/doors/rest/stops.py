"""`/v1/stops`: the emergency brake."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import StringConstraints

from gateway.core.emergency import Stop, stopped_value
from gateway.core.model import Model
from gateway.doors.rest.authentication import AsOperator, AsPerson
from gateway.doors.rest.context import Given
from gateway.doors.rest.documents import Sentence

router = APIRouter(prefix="/v1/stops", tags=["emergency"])
StopId = Annotated[str, Path(pattern=r"^stp_[0-9A-Za-z]{1,64}$")]


class StopRequest(Model):
    """Stop everything, one agent, one project or one action type."""

    scope: Literal["everything", "agent", "project", "action_type"]
    value: Annotated[str, StringConstraints(max_length=300, pattern=r"^[A-Za-z0-9_.:/-]*$")] = ""
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
    return await given.emergency.engage(body.scope, value, reason=body.reason, by=operator.id)


@router.post("/{stop_id}/lift")
async def lift(stop_id: StopId, given: Given, operator: AsOperator) -> Stops:
    """Lift a stop."""
    await given.emergency.lift(stop_id, by=operator.id)
    return Stops(items=await given.emergency.stops())
