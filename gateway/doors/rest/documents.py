"""The JSON documents of the REST door."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from gateway.core.actions import Action, ActionState, plain_params
from gateway.core.model import Model
from gateway.core.outcomes import Next
from gateway.core.params import CommitCreate
from gateway.core.principals import Door
from gateway.core.rulings import Clause, Finding, Narrowing, Reservation, Ruling
from gateway.core.session_sources import MOST_DECLARED, Source
from gateway.core.tickets import Ticket, Vote
from gateway.core.vocabulary import ActionType
from gateway.ports import ActionRecord

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}_[0-9A-Za-z_]{1,64}$")]
Hex64 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_CONTENTS = frozenset({"content", "content_base64"})
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


def _number(value: Any) -> Any:
    if isinstance(value, str | bool):
        raise ValueError("a whole number is wanted")  # noqa: TRY004 - pydantic turns it into its own error
    return value


WholeNumber = Annotated[int, BeforeValidator(_number, json_schema_input_type=int)]


class Proposal(Model):
    """`POST /v1/actions`: what an agent wants done (api.md)."""

    type: Annotated[
        str,
        StringConstraints(min_length=1, max_length=64),
        Field(json_schema_extra={"enum": [t.value for t in ActionType]}),
    ]
    target: dict[str, Any]
    params: dict[str, Any] = Field(default_factory=dict)
    intent: Annotated[str, StringConstraints(max_length=2000)] = ""
    trace: Annotated[str, StringConstraints(pattern=r"^trc_[0-9A-Za-z]{1,64}$")] | None = None
    when_ready: bool = False
    sources: Annotated[
        tuple[Source, ...],
        Field(
            max_length=MOST_DECLARED,
            description="What the agent read for this that somebody else wrote. It counts for all it does under the trace.",
        ),
    ] = ()


class RulingDocument(Model):
    """A ruling as its readers see it. Reservations are limits, shown to people only."""

    id: str
    effect: str
    findings: tuple[Finding, ...]
    waived: tuple[dict[str, Any], ...]
    shadow: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    grants: tuple[str, ...]
    clauses: tuple[Clause, ...]
    policy_digest: str
    policy_revision: str
    engine: str
    input_digest: str
    judged_ms: int
    reserve: tuple[Reservation, ...] = ()
    break_glass: Narrowing | None = None

    @classmethod
    def of(cls, ruling: Ruling) -> "RulingDocument":
        """The document of a ruling."""
        # Its parts are models already: dumped and read again they would be the same.
        kept = (name for name in cls.model_fields if name in Ruling.model_fields and name != "waived")
        version = ruling.policy
        return cls(
            **{name: getattr(ruling, name) for name in kept},
            waived=tuple(w.model_dump(mode="json") for w in ruling.waived),
            policy_digest=version.digest,
            policy_revision=version.revision,
            engine=f"{version.engine} {version.engine_version}",
        )


class VoteDocument(Model):
    """A vote. `reason` is a person's text: show it as text, never act on it."""

    voter: str
    answer: str
    reason: str
    assurance: str
    cast_ms: int


class TicketDocument(Model):
    """A ticket: the question as people read it, and its digest."""

    id: str
    action_id: str
    state: str
    question_digest: str
    question: dict[str, Any]
    clauses: tuple[Clause, ...]
    excluded: tuple[str, ...]
    unknown_authors: int
    votes: tuple[VoteDocument, ...]
    opened_ms: int
    expires_ms: int
    predecessor: str | None
    changed: dict[str, Any] | None
    action: dict[str, Any] | None = None
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(
        cls, ticket: Ticket, action: Action | None = None, ruling: Ruling | None = None
    ) -> "TicketDocument":
        """The document of a ticket, with the action and the findings where they are at hand."""
        return cls(
            id=ticket.id,
            action_id=ticket.action_id,
            state=ticket.state.value,
            question_digest=ticket.question_digest,
            question=ticket.question.model_dump(mode="json"),
            clauses=ticket.asked(),
            excluded=ticket.excluded,
            unknown_authors=ticket.unknown_authors,
            votes=tuple(_vote(v) for v in ticket.votes),
            opened_ms=ticket.opened_ms,
            expires_ms=ticket.expires_ms,
            predecessor=ticket.predecessor,
            changed=ticket.changed,
            action=shown_action(action) if action else None,
            findings=ruling.findings if ruling else (),
        )


class ActionDocument(Model):
    """An action with its ruling, ticket, outcome and what to do next."""

    action_id: str
    status: ActionState
    type: ActionType
    target: dict[str, Any]
    params: dict[str, Any]
    intent: str
    agent: str
    on_behalf_of: str
    door: Door
    trace: str
    created_ms: int
    result: dict[str, Any] = Field(default_factory=dict)
    reason: str = ""
    ruling: RulingDocument | None = None
    ticket: TicketDocument | None = None
    next: Next | None = None
    evidence: tuple[int, ...] = ()

    @classmethod
    def of(cls, record: ActionRecord) -> "ActionDocument":
        """The document of a stored action, without ruling and ticket."""
        return cls(
            action_id=record.action.id,
            status=record.state,
            **shown_action(record.action),
            result=record.result,
            reason=record.reason,
        )


class Page(Model):
    """A page of a keyset list; `after` continues it, null at the end."""

    items: tuple[dict[str, Any], ...]
    after: str | None


class Ballot(Model):
    """`POST /v1/tickets/{id}/votes`."""

    answer: Literal["approve", "reject"]
    question_digest: Hex64
    reason: Sentence
    assertion: "Assertion | None" = None


class Assertion(Model):
    """Proof of a vote: an Ed25519 signature by the person's vote key (approvals.md "assurance")."""

    method: Literal["signed"]
    key_id: Identifier
    signature: Annotated[
        str, StringConstraints(min_length=88, max_length=88, pattern=r"^[A-Za-z0-9+/]{86}==$")
    ]


def shown_action(action: Action) -> dict[str, Any]:
    """What readers see of an action; file contents are shown by size, not in full."""
    params = plain_params(action)
    if isinstance(action.params, CommitCreate):
        params = {**params, "changes": [_sized(change) for change in params["changes"]]}
    return {
        "type": action.type,
        "target": action.target.compact(),
        "params": params,
        "intent": action.intent,
        "agent": action.agent,
        "on_behalf_of": action.on_behalf_of,
        "door": action.door,
        "trace": action.trace,
        "created_ms": action.created_ms,
    }


def _sized(change: dict[str, Any]) -> dict[str, Any]:
    return {
        name: f"({len(value)} characters)" if name in _CONTENTS else value for name, value in change.items()
    }


def _vote(vote: Vote) -> VoteDocument:
    return VoteDocument(**vote.model_dump(include=set(VoteDocument.model_fields)))


Ballot.model_rebuild()
