"""Tickets and votes: who must say yes to what, and whether they have. State as a table, no I/O, no clock."""

from enum import StrEnum
from typing import Any, Literal

from gateway.core.catalogue import Catalogue
from gateway.core.errors import ConflictError, OutOfScopeError
from gateway.core.model import Model
from gateway.core.principals import Person, Roster
from gateway.core.questions import Question
from gateway.core.rulings import ASSURANCE_ORDER, Assurance, Clause
from gateway.core.vote_proof import verify_vote, vote_key_id


class TicketState(StrEnum):
    """Where a ticket is in its life."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    STALE = "stale"
    CANCELLED = "cancelled"
    SPENT = "spent"


T = TicketState
TICKET_LIFE: dict[TicketState, frozenset[TicketState]] = {
    T.OPEN: frozenset({T.APPROVED, T.REJECTED, T.EXPIRED, T.STALE, T.CANCELLED}),
    T.APPROVED: frozenset({T.SPENT, T.STALE, T.EXPIRED, T.CANCELLED}),
    T.REJECTED: frozenset(),
    T.EXPIRED: frozenset(),
    T.STALE: frozenset(),
    T.CANCELLED: frozenset(),
    T.SPENT: frozenset(),
}


class Vote(Model):
    """One person's answer, bound to a question digest.

    `signature` proves it where assurance asks; `public_key` is the registered key named by `key_id` (both base64).
    `ticket` is the earlier ticket that a carried vote was cast on; None for the ticket that holds it.
    """

    voter: str
    answer: Literal["approve", "reject"]
    question_digest: str
    reason: str
    assurance: Assurance
    cast_ms: int
    key_id: str | None = None
    signature: str | None = None
    public_key: str | None = None
    ticket: str | None = None


class Carried(Model):
    """The earlier ticket and question whose votes count here too, because only a clean rebase lies between."""

    ticket: str
    question_digest: str


class Ticket(Model):
    """A question put to people. `excluded` may never vote: the agent, its owner, authors of the change.

    Each unknown author raises every clause's count by one (approvals.md). Times in milliseconds since 1970.
    """

    id: str
    action_id: str
    state: TicketState
    question: Question
    question_digest: str
    ruling_id: str
    clauses: tuple[Clause, ...]
    excluded: tuple[str, ...]
    unknown_authors: int = 0
    opened_ms: int
    expires_ms: int
    votes: tuple[Vote, ...] = ()
    predecessor: str | None = None
    carried: Carried | None = None
    changed: dict[str, Any] | None = None

    def asked(self) -> tuple[Clause, ...]:
        """The clauses with unknown authors counted in."""
        extra = self.unknown_authors
        return tuple(c.model_copy(update={"count": c.count + extra}) for c in self.clauses)


class Bench(Model):
    """The people who can vote: the roster and the catalogue of the policy in force."""

    roster: Roster
    catalogue: Catalogue

    def holds(self, person: Person, clause: Clause) -> bool:
        """Whether that person holds one of the clause's roles for its service; a person's id is a role of its own."""
        if "service-owner" in clause.any_of_roles and clause.for_service:
            service = self.catalogue.service(clause.for_service)
            if service and person.id in service.owners:
                return True
        plain = set(clause.any_of_roles) - ({"service-owner"} if clause.for_service else set())
        return bool(plain & {person.id, *person.approves_as})


def eligible(ticket: Ticket, person: Person, bench: Bench) -> bool:
    """Whether that person may vote on this ticket at all."""
    return person.id not in ticket.excluded and any(bench.holds(person, c) for c in ticket.clauses)


def refuse_vote(ticket: Ticket, voter: str, digest: str, *, now_ms: int, bench: Bench) -> None:
    """Raise why this vote cannot count; return when it can.

    Raises `OutOfScopeError` (`not_eligible`, `self_approval`) or `ConflictError` (`ticket_closed`,
    `ticket_expired`, `stale_question`, `already_voted`).
    """
    if voter in ticket.excluded:
        raise OutOfScopeError(
            "You are the agent's owner or an author of this change; nobody approves their own work. "
            "Ask another person with one of the roles named in the ticket.",
            code="self_approval",
        )
    person = bench.roster.person(voter)
    if person is None or not eligible(ticket, person, bench):
        raise OutOfScopeError("You hold none of the roles this ticket asks for.", code="not_eligible")
    if ticket.state is not TicketState.OPEN:
        raise ConflictError(
            f"This ticket is {ticket.state.value}; it takes no more votes.", code="ticket_closed"
        )
    if now_ms >= ticket.expires_ms:
        raise ConflictError(
            "This ticket has expired; the agent can propose the action again.", code="ticket_expired"
        )
    if digest != ticket.question_digest:
        raise ConflictError(
            "The question has changed since you read it; read the ticket again and vote on its present digest.",
            code="stale_question",
        )
    if any(v.voter == voter for v in ticket.votes):
        raise ConflictError("You have voted on this ticket already.", code="already_voted")


def covers(ticket: Ticket, bench: Bench, clauses: tuple[Clause, ...] | None = None) -> bool:
    """Whether the approvals fill every clause (the ticket's own unless others are given).

    A person may fill several clauses; within one clause people are distinct. Voters no longer in the roster
    or no longer eligible do not count.
    """
    wanted = ticket.asked() if clauses is None else ticket.model_copy(update={"clauses": clauses}).asked()
    return all(_filled(clause, ticket, bench) for clause in wanted)


def outcome_of(ticket: Ticket, bench: Bench) -> TicketState:
    """What the votes make of an open ticket: rejected by one no, approved when every clause is filled."""
    if any(v.answer == "reject" for v in ticket.votes):
        return TicketState.REJECTED
    return TicketState.APPROVED if covers(ticket, bench) else TicketState.OPEN


def satisfiable(
    clauses: tuple[Clause, ...], excluded: tuple[str, ...], unknown_authors: int, bench: Bench
) -> Clause | None:
    """The first clause that nobody could ever fill, or None when the roster can fill all."""
    for clause in clauses:
        able = [p for p in bench.roster.people if p.id not in excluded and bench.holds(p, clause)]
        if len(able) < clause.count + unknown_authors:
            return clause
    return None


def merged(findings_clauses: tuple[tuple[Clause, ...], ...]) -> tuple[Clause, ...]:
    """The conjunction of several findings' clauses: duplicates fold, nothing is ever dropped."""
    unique = {c.model_dump_json(): c for clauses in findings_clauses for c in clauses}
    return tuple(unique[key] for key in sorted(unique))


def excluded_voters(agent: str, owner: str, authors: tuple[str, ...]) -> tuple[str, ...]:
    """Who may never vote: the agent, the person it acts for, every known author of the change."""
    return tuple(sorted({agent, owner, *authors}))


def _filled(clause: Clause, ticket: Ticket, bench: Bench) -> bool:
    able = {v.voter for v in ticket.votes if _counts(v, clause, ticket, bench)}
    return len(able) >= clause.count


def _counts(vote: Vote, clause: Clause, ticket: Ticket, bench: Bench) -> bool:
    person = bench.roster.person(vote.voter)
    return (
        vote.answer == "approve"
        and _is_about(vote, ticket)
        and vote.voter not in ticket.excluded
        and person is not None
        and bench.holds(person, clause)
        and ASSURANCE_ORDER.index(vote.assurance) >= ASSURANCE_ORDER.index(clause.assurance)
        and _is_proven(vote, ticket)
    )


def _is_about(vote: Vote, ticket: Ticket) -> bool:
    """Whether it answers this ticket's question, or the one it replaced after a clean rebase."""
    if vote.ticket is None:
        return vote.question_digest == ticket.question_digest
    carried = ticket.carried
    return carried is not None and (vote.ticket, vote.question_digest) == (
        carried.ticket,
        carried.question_digest,
    )


def _is_proven(vote: Vote, ticket: Ticket) -> bool:
    """Whether a vote that claims a proof has one. What is stored of its assurance is a claim, not a proof."""
    if vote.assurance is Assurance.TOKEN:
        return True
    if vote.assurance is not Assurance.SIGNED or vote.public_key is None or vote.signature is None:
        return False
    return vote.key_id == vote_key_id(vote.public_key) and verify_vote(
        vote.public_key,
        vote.signature,
        ticket=vote.ticket or ticket.id,
        question_digest=vote.question_digest,
        answer=vote.answer,
        reason=vote.reason,
    )
