"""Between rows and the core's models."""

import json
from typing import Any

from gateway.core.actions import Action, ActionState, Target
from gateway.core.params import params_model
from gateway.core.rulings import Ruling
from gateway.core.steps import Preparation
from gateway.core.tickets import Ticket, TicketState, Vote
from gateway.core.vocabulary import ActionType
from gateway.ports import ActionRecord


def dump(value: Any) -> str:
    """JSON text of a plain value, keys sorted."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def aim_of(target: Target) -> str:
    """A target in the one form in which two equal ones are the same text."""
    return dump(target.compact())


def action_body(action: Action) -> str:
    """The stored form of an action, with the wire names of its params."""
    return action.model_dump_json(by_alias=True)


def action_of(body: str) -> Action:
    """The action that `action_body` stored."""
    plain = json.loads(body)
    params = params_model(ActionType(plain["type"])).model_validate(plain["params"])
    return Action.model_validate({**plain, "params": params})


def record_of(row: Any) -> ActionRecord:
    """The record of a row of `actions`."""
    return ActionRecord(
        action=action_of(row.body),
        state=ActionState(row.state),
        ticket_id=row.ticket_id,
        ruling_id=row.ruling_id,
        preparation=Preparation.model_validate_json(row.preparation) if row.preparation else None,
        started_ms=row.started_ms,
        result=json.loads(row.result),
        reason=row.reason,
        until_ms=row.until_ms,
    )


def ticket_body(ticket: Ticket) -> str:
    """The stored form of a ticket: what was asked, without votes."""
    return dump(ticket.model_dump(mode="json", exclude={"votes", "state"}))


def ticket_of(row: Any, votes: tuple[Vote, ...]) -> Ticket:
    """The ticket of a row of `tickets` with its votes."""
    return Ticket.model_validate({**json.loads(row.body), "state": TicketState(row.state), "votes": votes})


def vote_of(row: Any, *, carried: bool = False) -> Vote:
    """The vote of a row of `votes`, with the voter's own registered key beside it; `carried` from another ticket."""
    return Vote(
        voter=row.voter,
        answer=row.answer,
        question_digest=row.question_digest,
        reason=row.reason,
        assurance=row.assurance,
        cast_ms=row.cast_ms,
        key_id=row.key_id,
        signature=row.signature,
        public_key=row.public_key,
        ticket=row.ticket_id if carried else None,
    )


def vote_row(vote: Vote) -> dict[str, Any]:
    """The columns of a vote; its public key stays where it is registered."""
    return vote.model_dump(mode="json", exclude={"public_key", "ticket"})


def ruling_of(row: Any) -> Ruling:
    """The ruling of a row of `rulings`."""
    return Ruling.model_validate_json(row.body)


def request_of(result: str) -> int | None:
    """The merge request that a performed `merge_request.open` made, by its iid."""
    number = json.loads(result).get("merge_request")
    return number if isinstance(number, int) else None


def load(text: str) -> dict[str, Any]:
    """A stored JSON object."""
    plain: dict[str, Any] = json.loads(text)
    return plain
