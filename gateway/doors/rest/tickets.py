"""`/v1/tickets`: the question as people read it, and their votes."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response

from gateway.core.errors import CallerError, NotFoundError, OutOfScopeError
from gateway.core.principals import Principal, Role
from gateway.core.rulings import Assurance
from gateway.core.tickets import Ticket, Vote, eligible
from gateway.core.vote_proof import verify_vote
from gateway.doors.rest.authentication import AsApprover, AsTicketReader
from gateway.doors.rest.context import Given, Neighbours
from gateway.doors.rest.documents import Ballot, Page, TicketDocument
from gateway.doors.rest.reading import page_of
from gateway.doors.rest.routes import StrictRoute
from gateway.doors.rest.shown import ShownJSON
from gateway.doors.rest.ticket_page import html_of

router = APIRouter(prefix="/v1/tickets", tags=["tickets"], route_class=StrictRoute)
TicketId = Annotated[str, Path(pattern=r"^tkt_[0-9A-Za-z]{1,64}$")]


@router.get("", response_class=ShownJSON)
async def list_tickets(
    given: Given,
    principal: AsTicketReader,
    mine: Annotated[bool, Query(description="Only open tickets I may vote on.")] = False,
    after: Annotated[str | None, Query(pattern=r"^tkt_[0-9A-Za-z]{1,64}$")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page:
    """Tickets, newest first; with `mine` those that wait for you."""
    tickets, following = await page_of(
        lambda last, count: given.desk.tickets(open_only=mine, after=last, limit=count),
        lambda ticket: not mine or _waits_for(ticket, principal, given),
        lambda ticket: ticket.id,
        after=after,
        limit=limit,
    )
    items = tuple([(await _document(given, ticket)).model_dump(mode="json") for ticket in tickets])
    return Page(items=items, after=following)


@router.get("/{ticket_id}", response_model=TicketDocument)
async def read_ticket(
    ticket_id: TicketId, request: Request, given: Given, principal: AsTicketReader
) -> Response:
    """One ticket: as JSON, or as a read-only HTML page for `Accept: text/html`."""
    document = await _document(given, await _found(given, ticket_id))
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(html_of(document), headers=_PAGE_HEADERS)
    return ShownJSON(document.model_dump(mode="json"))


@router.post("/{ticket_id}/votes", status_code=201)
async def vote(ticket_id: TicketId, ballot: Ballot, given: Given, principal: AsApprover) -> TicketDocument:
    """Answer a ticket's question; the last approval it needs sends the action on."""
    if principal.is_agent:
        raise OutOfScopeError("Agents do not vote.", code="not_eligible")
    await _found(given, ticket_id)
    cast = Vote(
        voter=principal.id,
        answer=ballot.answer,
        question_digest=ballot.question_digest,
        reason=ballot.reason,
        assurance=await _assurance(given, ticket_id, ballot, principal),
        cast_ms=given.clock.now_ms(),
        key_id=ballot.assertion.key_id if ballot.assertion else None,
        signature=ballot.assertion.signature if ballot.assertion else None,
    )
    ticket = await given.desk.cast(ticket_id, cast)
    record = await given.desk.action(ticket.action_id)
    if record is not None and record.state == "approved":
        await given.carrier.resume(record)
    return await _document(given, ticket)


_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


async def _found(given: Neighbours, ticket_id: str) -> Ticket:
    ticket = await given.desk.ticket(ticket_id)
    if ticket is None:
        raise NotFoundError("There is no such ticket.")
    return ticket


async def _document(given: Neighbours, ticket: Ticket) -> TicketDocument:
    record = await given.desk.action(ticket.action_id)
    ruling = await given.desk.ruling(ticket.ruling_id)
    return TicketDocument.of(ticket, record.action if record else None, ruling)


def _waits_for(ticket: Ticket, principal: Principal, given: Neighbours) -> bool:
    bench = given.policy.in_force.bench
    person = bench.roster.person(principal.id)
    voted = any(v.voter == principal.id for v in ticket.votes)
    return (
        Role.APPROVER in principal.roles
        and person is not None
        and not voted
        and eligible(ticket, person, bench)
    )


async def _assurance(given: Neighbours, ticket_id: str, ballot: Ballot, principal: Principal) -> Assurance:
    """How the vote is proven; a proof that does not hold is refused, never downgraded."""
    if ballot.assertion is None:
        return Assurance.TOKEN
    key = await given.credentials.vote_key(ballot.assertion.key_id)
    if key is None or key.person != principal.id:
        raise CallerError(
            "That vote key is not registered to you; register it with `loopgate login`.", code="bad_assertion"
        )
    proven = verify_vote(
        key.public_key,
        ballot.assertion.signature,
        ticket=ticket_id,
        question_digest=ballot.question_digest,
        answer=ballot.answer,
        reason=ballot.reason,
    )
    if not proven:
        detail = "The signature does not match this ticket, question, answer and reason; nothing was counted."
        raise CallerError(detail, code="bad_assertion")
    return Assurance.SIGNED
