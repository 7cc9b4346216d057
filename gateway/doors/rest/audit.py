"""`/v1/audit` and `/audit/log`: reading the evidence."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse, StreamingResponse

from gateway.core.model import Model
from gateway.doors.rest.authentication import AsAuditor
from gateway.doors.rest.context import Given
from gateway.doors.rest.documents import Page, WholeNumber
from gateway.doors.rest.routes import StrictRoute

router = APIRouter(tags=["evidence"], route_class=StrictRoute)


class BundleRequest(Model):
    """A contiguous range of the log: from `first` up to, not including, `end` (None: all there is)."""

    first: Annotated[WholeNumber, Query(ge=0, le=2**53 - 1)] = 0
    end: Annotated[WholeNumber, Query(ge=1, le=2**53 - 1)] | None = None


@router.get("/audit/log/checkpoint", response_class=PlainTextResponse)
async def checkpoint(given: Given) -> PlainTextResponse:
    """The newest signed checkpoint, a C2SP signed note. Public."""
    return PlainTextResponse(await given.archive.checkpoint(), headers={"Cache-Control": "max-age=1"})


@router.get("/v1/audit/events")
async def events(
    given: Given,
    principal: AsAuditor,
    subject: Annotated[str | None, Query(max_length=200)] = None,
    type: Annotated[str | None, Query(max_length=80)] = None,  # noqa: A002 - the query parameter's documented name
    after: Annotated[int | None, Query(ge=-1, le=2**53 - 1)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Page:
    """Events in log order, each with index and leaf."""
    rows = await given.archive.events(subject=subject, event_type=type, after=after, limit=limit)
    items = tuple(r.model_dump(mode="json") for r in rows)
    return Page(items=items, after=str(rows[-1].index) if len(rows) == limit else None)


@router.post("/v1/audit/bundles", response_class=StreamingResponse)
async def bundle(wanted: BundleRequest, given: Given, principal: AsAuditor) -> StreamingResponse:
    """An evidence bundle of a range, to be verified offline. The export is itself an event."""
    stream = await given.archive.bundle(wanted.first, wanted.end, by=principal.id)
    headers = {"Content-Disposition": 'attachment; filename="loopgate.evidence.tar"'}
    return StreamingResponse(stream, media_type="application/x-tar", headers=headers)


@router.get("/v1/audit/keys")
async def keys(given: Given, principal: AsAuditor) -> dict[str, object]:
    """The log's verifier key and the event keys, for pinning outside."""
    return await given.archive.keys()
