"""`/v1/signals/trivy` and `/v1/work-items`: reports in, work items out."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from gateway.core.errors import OutOfScopeError
from gateway.core.listings import WorkItem
from gateway.core.model import Model
from gateway.core.principals import Role
from gateway.doors.rest.authentication import AsReader, AsSystem
from gateway.doors.rest.context import Given
from gateway.doors.rest.reading import project_in_scope

router = APIRouter(prefix="/v1", tags=["loop"])


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
    if not project_in_scope(principal, project) and Role.OPERATOR not in principal.roles:
        raise OutOfScopeError(f"Your token may not report on {project}.")
    return WorkItems(
        items=await given.signals.trivy(await request.body(), project=project, tracker=tracker, by=principal)
    )


@router.get("/work-items")
async def work_items(
    given: Given,
    principal: AsReader,
    after: Annotated[str | None, Query(pattern=r"^wrk_[0-9A-Za-z]{1,64}$")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> WorkItems:
    """Work items; an agent sees those of projects in its token's scope."""
    items = await given.signals.work_items(after=after, limit=limit)
    shown = tuple(i for i in items if not principal.is_agent or project_in_scope(principal, i.project))
    return WorkItems(items=shown, after=items[-1].id if len(items) == limit else None)
