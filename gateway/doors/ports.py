"""What the doors need beside the road: reading what is stored, votes, credentials, stops, evidence, signals."""

from collections.abc import AsyncIterator
from typing import Any, Protocol

from gateway.core.actions import ActionState
from gateway.core.model import Model
from gateway.core.principals import Principal, Scope
from gateway.core.rulings import Ruling
from gateway.core.tickets import Ticket, Vote
from gateway.ports import ActionRecord


class ActionFilter(Model):
    """Which actions to list; None means any."""

    states: tuple[ActionState, ...] = ()
    agent: str | None = None
    owner: str | None = None
    project: str | None = None
    trace: str | None = None


class Desk(Protocol):
    """What is stored about actions, rulings and tickets, and people's hands on them."""

    async def action(self, action_id: str) -> ActionRecord | None: ...

    async def actions(self, wanted: ActionFilter, *, after: str | None, limit: int) -> tuple[ActionRecord, ...]: ...

    async def ruling(self, ruling_id: str) -> Ruling | None: ...

    async def ticket(self, ticket_id: str) -> Ticket | None: ...

    async def tickets(self, *, open_only: bool, after: str | None, limit: int) -> tuple[Ticket, ...]: ...

    async def cast(self, ticket_id: str, vote: Vote) -> Ticket: ...

    async def cancel(self, action_id: str, *, by: str) -> None: ...

    async def evidence_of(self, action_id: str) -> tuple[int, ...]: ...


class Token(Model):
    """A credential just made; `secret` is shown this once."""

    id: str
    secret: str
    expires_ms: int


class VoteKey(Model):
    """A person's public vote key; `public_key` is 32 bytes in base64."""

    id: str
    person: str
    public_key: str


class Credentials(Protocol):
    """Tokens and keys. Every change is an event."""

    async def issue(self, principal: str, scope: Scope, *, door: str, lifetime_s: int, by: str) -> Token: ...

    async def revoke(self, token_id: str, *, by: str) -> None: ...

    async def invite(self, person: str, *, name: str, email: str, by: str) -> str: ...

    async def register_key(self, code: str, public_key: str) -> VoteKey: ...

    async def challenge(self, key_id: str) -> str: ...

    async def sign_in(self, key_id: str, challenge: str, signature: str) -> Token: ...

    async def vote_key(self, key_id: str) -> VoteKey | None: ...


class Stop(Model):
    """An emergency brake. `scope` is everything, agent, project or action_type; `value` names which."""

    id: str
    scope: str
    value: str
    reason: str
    by: str
    engaged_ms: int


class Emergency(Protocol):
    """Stops. In force for the next unit."""

    async def engage(self, scope: str, value: str, *, reason: str, by: str) -> Stop: ...

    async def lift(self, stop_id: str, *, by: str) -> None: ...

    async def stops(self) -> tuple[Stop, ...]: ...


class EventRow(Model):
    """One event of the log with its place; `leaf` is the event as JSON."""

    index: int
    id: str
    type: str
    subject: str
    time_ms: int
    leaf: dict[str, Any]
    disclosures: dict[str, Any] = {}


class Archive(Protocol):
    """Reading the evidence."""

    async def events(
        self, *, subject: str | None, event_type: str | None, after: int | None, limit: int
    ) -> tuple[EventRow, ...]: ...

    async def checkpoint(self) -> str: ...

    async def keys(self) -> dict[str, Any]: ...

    async def bundle(self, first: int, end: int | None, *, by: str) -> AsyncIterator[bytes]: ...


class WorkItem(Model):
    """A work item of the tracker that the loop opened."""

    id: str
    key: str
    project: str
    issue: str | None
    title: str
    severity: str
    state: str
    trace: str
    findings: int
    opened_ms: int


class Signals(Protocol):
    """Reports from scanners, and the work items made of them."""

    async def trivy(self, report: bytes, *, project: str, tracker: str, by: Principal) -> tuple[WorkItem, ...]: ...

    async def work_items(self, *, after: str | None, limit: int) -> tuple[WorkItem, ...]: ...
