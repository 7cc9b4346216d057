"""Opening a ticket for a judgement that asks for people."""

from gateway.core.judgements import Judgement
from gateway.core.questions import difference
from gateway.core.tickets import Ticket, TicketState, excluded_voters


def open_ticket(
    judgement: Judgement, ticket_id: str, *, now_ms: int, ttl_ms: int, predecessor: Ticket | None
) -> Ticket:
    """The ticket for this judgement; with a predecessor it also says what reads differently now."""
    facts, question = judgement.facts, judgement.question
    return Ticket(
        id=ticket_id,
        action_id=judgement.action.id,
        state=TicketState.OPEN,
        question=question,
        question_digest=question.digest,
        ruling_id=judgement.ruling.id,
        clauses=judgement.ruling.clauses,
        excluded=excluded_voters(judgement.action.agent, judgement.action.on_behalf_of, facts.authors),
        unknown_authors=facts.unknown_authors,
        opened_ms=now_ms,
        expires_ms=now_ms + ttl_ms,
        predecessor=predecessor.id if predecessor else None,
        changed=difference(predecessor.question, question) if predecessor else None,
    )
