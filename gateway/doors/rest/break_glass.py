"""`/v1/break-glass`: emergency rights, each by one person, confirmed by a second, reviewed by a third."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field, StringConstraints

from gateway.core.break_glass import LONGEST_MINUTES, BreakGlass, GlassState, glass_value
from gateway.core.errors import OutOfScopeError
from gateway.core.model import Model
from gateway.core.principals import Principal
from gateway.core.redaction import refuse_secrets
from gateway.doors.rest.authentication import AsApprover, AsPerson
from gateway.doors.rest.context import Given
from gateway.doors.rest.documents import Sentence
from gateway.doors.rest.routes import StrictRoute

router = APIRouter(prefix="/v1/break-glass", tags=["emergency"], route_class=StrictRoute)
GlassId = Annotated[str, Path(pattern=r"^bgl_[0-9A-Za-z]{1,64}$")]
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/#-]{0,99}$")]


class GlassRequest(Model):
    """Ask one person instead of several for one agent, project or action type, for an hour at most."""

    scope: Literal["agent", "project", "action_type"]
    value: Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[A-Za-z0-9_.:/-]*$")]
    ticket: Annotated[
        Reference, Field(description="The incident, as it is called elsewhere: SHOP-12, INC-7.")
    ]
    reason: Sentence
    minutes: Annotated[int, Field(ge=1, le=LONGEST_MINUTES)] = LONGEST_MINUTES


class Review(Model):
    """What somebody who neither opened nor confirmed it found."""

    justified: bool
    finding: Sentence


class GlassDocument(BreakGlass):
    """A break-glass as it stands now."""

    stands: GlassState
    review_due: int | None
    overdue: bool


class Glasses(Model):
    """A page of break-glass, newest first."""

    items: tuple[GlassDocument, ...]
    after: str | None


@router.get("")
async def list_break_glass(
    given: Given,
    principal: AsPerson,
    after: Annotated[str | None, Query(pattern=r"^bgl_[0-9A-Za-z]{1,64}$")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Glasses:
    """Every break-glass there was, newest first, with what each still lacks."""
    found = await given.break_glass.listed(after=after, limit=limit)
    now_ms = given.clock.now_ms()
    items = tuple(_document(glass, now_ms) for glass in found)
    return Glasses(items=items, after=found[-1].id if len(found) == limit else None)


@router.post("", status_code=201)
async def open_break_glass(body: GlassRequest, given: Given, person: AsApprover) -> GlassDocument:
    """Open one; nothing changes until a second person confirms it."""
    _check_person(person)
    refuse_secrets((("/reason", body.reason), ("/ticket", body.ticket)))
    value = glass_value(body.scope, body.value, given.policy.in_force.roster)
    opened = await given.break_glass.open(
        body.scope, value, ticket=body.ticket, reason=body.reason, minutes=body.minutes, by=person.id
    )
    return _document(opened, given.clock.now_ms())


@router.post("/{glass_id}/confirm")
async def confirm(glass_id: GlassId, given: Given, person: AsApprover) -> GlassDocument:
    """Put it in force from now on, as somebody other than who opened it."""
    _check_person(person)
    return _document(await given.break_glass.confirm(glass_id, by=person.id), given.clock.now_ms())


@router.post("/{glass_id}/close")
async def close(glass_id: GlassId, given: Given, person: AsApprover) -> GlassDocument:
    """End it before its time."""
    _check_person(person)
    return _document(await given.break_glass.close(glass_id, by=person.id), given.clock.now_ms())


@router.post("/{glass_id}/review")
async def review(body: Review, glass_id: GlassId, given: Given, person: AsApprover) -> GlassDocument:
    """Record the review, as somebody who neither opened nor confirmed it."""
    _check_person(person)
    refuse_secrets((("/finding", body.finding),))
    reviewed = await given.break_glass.review(
        glass_id, by=person.id, justified=body.justified, finding=body.finding
    )
    return _document(reviewed, given.clock.now_ms())


def _check_person(principal: Principal) -> None:
    if principal.is_agent:
        raise OutOfScopeError("Agents do not break glass; ask a person.")


def _document(glass: BreakGlass, now_ms: int) -> GlassDocument:
    standing = {"review_due": glass.review_due_ms, "overdue": glass.is_overdue(now_ms)}
    return GlassDocument(**glass.model_dump(), stands=glass.state(now_ms), **standing)
