"""`GET /v1/rulings`: recorded decisions with their policy inputs, for policy authors and auditors."""

from typing import Annotated

from fastapi import APIRouter, Query

from gateway.core.model import Model
from gateway.core.principals import Principal
from gateway.core.recorded import RecordedRuling, RulingFilter
from gateway.doors.rest.authentication import AsPolicyReader
from gateway.doors.rest.context import Given
from gateway.doors.rest.reading import page_of, project_in_scope
from gateway.doors.rest.routes import StrictRoute
from gateway.doors.rest.shown import ShownJSON

router = APIRouter(prefix="/v1", tags=["policy"], route_class=StrictRoute)
_END = 2**53 - 1


class Rulings(Model):
    """A page of recorded rulings, oldest first."""

    items: tuple[RecordedRuling, ...]
    after: str | None


@router.get("/rulings", response_class=ShownJSON)
async def list_rulings(
    given: Given,
    principal: AsPolicyReader,
    since_ms: Annotated[int, Query(ge=0, le=_END)] = 0,
    until_ms: Annotated[int | None, Query(ge=0, le=_END)] = None,
    action: Annotated[str | None, Query(pattern=r"^act_[0-9A-Za-z]{1,64}$")] = None,
    after: Annotated[str | None, Query(pattern=r"^rul_[0-9A-Za-z]{1,64}$")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> Rulings:
    """Rulings as they were recorded, with the input each was made on, in the projects of the caller's token."""
    wanted = RulingFilter(since_ms=since_ms, until_ms=until_ms, action_id=action)
    kept, following = await page_of(
        lambda last, count: given.desk.rulings(wanted, after=last, limit=count),
        lambda ruling: _in_reach(principal, ruling),
        lambda ruling: ruling.id,
        after=after,
        limit=limit,
    )
    return Rulings(items=kept, after=following)


def _in_reach(principal: Principal, ruling: RecordedRuling) -> bool:
    """What concerns the gateway itself has no project; the token of a person who signed in holds every project."""
    everywhere = ruling.place is None or "*" in principal.scope.projects
    return everywhere or project_in_scope(principal, str(ruling.place))
