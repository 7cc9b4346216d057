"""Permits: the only thing a target acts on, and `grant()`, the only maker of one."""

from dataclasses import InitVar, dataclass
from typing import Final

from gateway.core.actions import Action
from gateway.core.errors import LoopgateError
from gateway.core.facts import Facts
from gateway.core.judgements import Judgement
from gateway.core.rulings import Narrowing, Reservation
from gateway.core.tickets import Bench, Ticket, TicketState
from gateway.core.verdicts import Verdict, verdict

_SEAL: Final = object()
RULING_LIFETIME_MS: Final = 30_000


class PermitRefusedError(LoopgateError):
    """Somebody tried to make a permit that no ruling and no votes support."""

    code = "permit_refused"


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to perform one action once. Made by `grant()` only; spent in the unit of `started`.

    `judged_ms` is when the ruling was made; it is good for `RULING_LIFETIME_MS`.
    """

    action: Action
    facts: Facts
    ruling_id: str
    policy_digest: str
    judged_ms: int
    ticket_id: str | None
    question_digest: str
    reserve: tuple[Reservation, ...]
    break_glass: Narrowing | None
    # Not a field: a copy made by `dataclasses.replace` with another action must not carry the seal along.
    _seal: InitVar[object]

    def __post_init__(self, _seal: object) -> None:
        """Refuse to exist unless `grant()` made it."""
        if _seal is not _SEAL:
            raise PermitRefusedError("Only grant() makes a permit.")


def grant(judgement: Judgement, ticket: Ticket | None, bench: Bench) -> Permit:
    """Make the permit for an allowed judgement, checking ruling, ticket, votes and voters once more.

    Raises `PermitRefusedError` when they do not add up.
    """
    if verdict(judgement, ticket, bench) is not Verdict.ALLOW:
        raise PermitRefusedError("The ruling and the votes do not allow this action.")
    action, ruling = judgement.action, judgement.ruling
    if ruling.action_id != action.id or (ticket and ticket.action_id != action.id):
        raise PermitRefusedError("The ruling or the ticket belongs to another action.")
    return Permit(
        action=action,
        facts=judgement.facts,
        ruling_id=ruling.id,
        policy_digest=ruling.policy.digest,
        judged_ms=ruling.judged_ms,
        ticket_id=ticket.id if ticket and ticket.state is TicketState.APPROVED else None,
        question_digest=judgement.question.digest,
        reserve=ruling.reserve,
        break_glass=ruling.break_glass,
        _seal=_SEAL,
    )
