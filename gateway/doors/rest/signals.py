"""`/v1/signals/trivy` and `/v1/work-items`: reports in, work items out."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from gateway.core.errors import OutOfScopeError
from gateway.core.listings import WorkItem
from gateway.core.model import Model
from gateway.core.principals import Principal, Role
from gateway.doors.rest.authentication import AsReader, AsSystem
from gateway.doors.rest.context import Given
from gateway.doors.rest.reading import page_of, project_in_scope, refuse_foreign
from gateway.doors.rest.routes import StrictRoute

router = APIRouter(prefix="/v1", tags=["loop"], route_class=StrictRoute)


class WorkItems(Model):
    """Work items, newest first."""

    items: tuple[WorkItem, ...]
    after: str | None = None


@router.post(
    "/signals/trivy",
    status_code=201,
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
    },
)
async def trivy(
    request: Request,
    given: Given,
    principal: AsSystem,
    project: Annotated[str, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]{0,200}$")],
    tracker: Annotated[str, Query(pattern=r"^[A-Z][A-Z0-9_]{1,20}$", description="Jira project key.")],
) -> WorkItems:
    """Import a Trivy JSON report for a project; its findings become work items, grouped by package."""
    places = (project, f"jira:{tracker}")
    if Role.OPERATOR not in principal.roles and not all(project_in_scope(principal, p) for p in places):
        raise OutOfScopeError(f"Your token may not report on {project} into {tracker}.")
    return WorkItems(
        items=await given.signals.trivy(await request.body(), project=project, tracker=tracker, by=principal)
    )


@router.get("/work-items")
async def work_items(
    given: Given,
    principal: AsReader,
    project: Annotated[str | None, Query(max_length=300)] = None,
    after: Annotated[str | None, Query(pattern=r"^wrk_[0-9A-Za-z]{1,64}$")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> WorkItems:
    """Work items; an agent sees those of projects in its token's scope."""
    refuse_foreign(principal, project)
    items, following = await page_of(
        lambda last, count: given.signals.work_items(after=last, limit=count),
        lambda item: project in {None, item.project} and _may_see(principal, item),
        lambda item: item.id,
        after=after,
        limit=limit,
    )
    if principal.is_agent and items:
        await given.signals.read_by(principal.id)
    return WorkItems(items=tuple(_seen_by(principal, item) for item in items), after=following)


def _may_see(principal: Principal, item: WorkItem) -> bool:
    return not principal.is_agent or project_in_scope(principal, item.project)


def _seen_by(principal: Principal, item: WorkItem) -> WorkItem:
    """The item; an agent whose token does not hold the tracker learns nothing of what is there."""
    tracker = (item.issue or "").rpartition("-")[0]
    if not principal.is_agent or not tracker or project_in_scope(principal, f"jira:{tracker}"):
        return item
    return item.model_copy(update={"issue": None})
