"""What the doors need beside the road: reading what is stored, votes, credentials, stops, evidence, signals."""

from collections.abc import AsyncIterator
from typing import Any, Protocol

from gateway.core.actions import Request
from gateway.core.break_glass import BreakGlass
from gateway.core.credentials import Token, VoteKey
from gateway.core.emergency import Stop
from gateway.core.judgements import Judgement
from gateway.core.listings import ActionFilter, EventRow, WorkItem
from gateway.core.policies import KeptPolicy, PolicyStanding
from gateway.core.principals import Principal, Scope
from gateway.core.recorded import RecordedRuling, RulingFilter
from gateway.core.rulings import Ruling
from gateway.core.tickets import Ticket, Vote
from gateway.ports import ActionRecord


class Desk(Protocol):
    """What is stored about actions, rulings and tickets, and people's hands on them."""

    async def action(self, action_id: str) -> ActionRecord | None:
        """The stored action, if there is one."""
        ...

    async def actions(
        self, wanted: ActionFilter, *, after: str | None, limit: int
    ) -> tuple[ActionRecord, ...]:
        """A page of actions, newest first."""
        ...

    async def ruling(self, ruling_id: str) -> Ruling | None:
        """The ruling with that id."""
        ...

    async def rulings(
        self, wanted: RulingFilter, *, after: str | None, limit: int
    ) -> tuple[RecordedRuling, ...]:
        """A page of recorded rulings with their policy inputs, oldest first."""
        ...

    async def ticket(self, ticket_id: str) -> Ticket | None:
        """The ticket with its votes."""
        ...

    async def tickets(self, *, open_only: bool, after: str | None, limit: int) -> tuple[Ticket, ...]:
        """A page of tickets, newest first."""
        ...

    async def cast(self, ticket_id: str, vote: Vote) -> Ticket:
        """Count a vote; raises `OutOfScopeError` or `ConflictError` with the reason it cannot count."""
        ...

    async def cancel(self, action_id: str, *, by: str) -> None:
        """Withdraw an action that has not started; raises `ConflictError` (`not_cancellable`)."""
        ...

    async def evidence_of(self, action_id: str) -> tuple[int, ...]:
        """The leaf indices of the action's events, ascending."""
        ...


class Credentials(Protocol):
    """Tokens and keys. Every change is an event."""

    async def issue(self, principal: str, scope: Scope, *, door: str, lifetime_s: int, by: str) -> Token:
        """Make a token; raises nothing a caller could mend."""
        ...

    async def revoke(self, token_id: str, *, by: str) -> None:
        """Make a token worthless; raises `NotFoundError`."""
        ...

    async def invite(self, person: str, *, name: str, email: str, by: str) -> str:
        """A one-time code for a person of the roster."""
        ...

    async def register_key(self, code: str, public_key: str) -> VoteKey:
        """Register a vote key; raises `UnauthenticatedError` (`bad_code`)."""
        ...

    async def challenge(self, key_id: str) -> str:
        """A fresh challenge for a key; it lives a minute."""
        ...

    async def sign_in(self, key_id: str, challenge: str, signature: str) -> Token:
        """A token of at most 15 minutes for a signed challenge; raises `UnauthenticatedError`."""
        ...

    async def vote_key(self, key_id: str) -> VoteKey | None:
        """The registered key with that id."""
        ...


class Denials(Protocol):
    """The count of what was refused at a door."""

    def count(self, source: str, door: str, code: str, now_ms: int) -> None:
        """Note one."""
        ...


class Emergency(Protocol):
    """Stops. In force for the next unit."""

    async def engage(self, scope: str, value: str, *, reason: str, by: str) -> Stop:
        """Engage a stop."""
        ...

    async def stop(self, stop_id: str) -> Stop:
        """A stop in force; raises `NotFoundError` or `ConflictError`."""
        ...

    async def stops(self) -> tuple[Stop, ...]:
        """The stops in force."""
        ...


class Glasses(Protocol):
    """Break-glass. Every change is an event; what it narrows is decided inside the unit that starts an action."""

    async def open(
        self, scope: str, value: str, *, ticket: str, reason: str, minutes: int, by: str
    ) -> BreakGlass:
        """Open one; raises `ConflictError` (`review_overdue`)."""
        ...

    async def confirm(self, glass_id: str, *, by: str) -> BreakGlass:
        """Put it in force; raises `NotFoundError`, `OutOfScopeError` or `ConflictError`."""
        ...

    async def close(self, glass_id: str, *, by: str) -> BreakGlass:
        """End it; raises `NotFoundError` or `ConflictError`."""
        ...

    async def review(self, glass_id: str, *, by: str, justified: bool, finding: str) -> BreakGlass:
        """Record its review; raises `NotFoundError`, `OutOfScopeError` or `ConflictError`."""
        ...

    async def listed(self, *, after: str | None, limit: int) -> tuple[BreakGlass, ...]:
        """A page of them, newest first."""
        ...


class Archive(Protocol):
    """Reading the evidence."""

    async def events(
        self, *, subject: str | None, event_type: str | None, after: int | None, limit: int
    ) -> tuple[EventRow, ...]:
        """Events in log order after an index."""
        ...

    async def checkpoint(self) -> str:
        """The newest signed checkpoint as text."""
        ...

    async def keys(self) -> dict[str, Any]:
        """The verifier key and the event keys."""
        ...

    async def bundle(self, first: int, end: int | None, *, by: str) -> AsyncIterator[bytes]:
        """The bytes of an evidence bundle; the export is an event itself."""
        ...


class Signals(Protocol):
    """Reports from scanners, and the work items made of them."""

    async def trivy(
        self, report: bytes, *, project: str, tracker: str, by: Principal
    ) -> tuple[WorkItem, ...]:
        """Import a report; the work items it stands for. Raises `MalformedError`."""
        ...

    async def work_items(self, *, after: str | None, limit: int) -> tuple[WorkItem, ...]:
        """A page of work items, newest first."""
        ...

    async def read_by(self, agent: str) -> None:
        """Note that an agent was served work items, whose words come from reports; else `LedgerUnavailableError`."""
        ...


class PolicyDesk(Protocol):
    """Policies: uploading, activating before the seal, the seal, and trying one that is not in force."""

    async def upload(self, wasm: bytes, rego: bytes, *, by: str) -> KeptPolicy:
        """Keep a signed policy; raises `MalformedError` (`bundle_refused`) or `ConflictError`."""
        ...

    async def kept(self) -> tuple[KeptPolicy, ...]:
        """Every policy that is kept, newest first."""
        ...

    async def standing(self) -> PolicyStanding:
        """What is in force, and whether changing it needs approval."""
        ...

    async def enter(self, digest: str, *, by: str) -> bool:
        """Put a kept policy in force before the seal; whether it was not yet. Raises `ConflictError` after it."""
        ...

    async def step_back(self, *, by: str) -> str:
        """Go back to the policy of before, before the seal; its digest. Raises `ConflictError`."""
        ...

    async def seal(self, *, by: str) -> PolicyStanding:
        """From now on changing the policy needs approval. Raises `ConflictError` or `MalformedError`."""
        ...

    async def rehearse(
        self, request: Request, principal: Principal, *, policy: str | None, agent: str
    ) -> Judgement:
        """How a proposal of that agent would be judged by a kept policy, or by the one the principal uploaded last."""
        ...
