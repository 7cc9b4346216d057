"""The ledger under test: the real one and the one in memory, behind the same hands."""

from dataclasses import dataclass
from typing import Any, Protocol

from gateway.adapters.store.store import Store
from gateway.core.actions import ActionState
from gateway.core.outcomes import Held
from gateway.core.steps import Blocked
from gateway.core.tickets import Ticket, TicketState, Vote
from gateway.ports import Ledger
from tests.fakes.ledger import FakeLedger
from tests.gateway.adapters.store.world import AGENT, BENCH, OWNER, POLICY, World, vote


class Subject(Protocol):
    """What the contract needs of a ledger."""

    world: World

    @property
    def ledger(self) -> Ledger: ...

    async def cast(self, ticket_id: str, vote: Vote) -> Ticket: ...

    async def cancel(self, action_id: str) -> None: ...

    async def expire(self) -> int: ...

    async def stop(self) -> None: ...

    async def change_policy(self) -> None: ...

    async def used(self, budget: str, period: str) -> int: ...

    async def story(self) -> list[str]: ...


@dataclass
class Real:
    """The store on SQLite."""

    world: World
    store: Store

    @property
    def ledger(self) -> Ledger:
        return self.store.ledger

    async def cast(self, ticket_id: str, vote: Vote) -> Ticket:
        return await self.store.desk.cast(ticket_id, vote)

    async def cancel(self, action_id: str) -> None:
        await self.store.desk.cancel(action_id, by=OWNER)

    async def expire(self) -> int:
        return await self.store.desk.expire_due(self.world.clock.ms)

    async def stop(self) -> None:
        await self.store.emergency.engage("agent", AGENT, reason="It misbehaves.", by=OWNER)

    async def change_policy(self) -> None:
        version = self.world.judge(self.world.action()).ruling.policy
        await self.store.policies.activate(version.model_copy(update={"digest": "d" * 64}), by=OWNER)

    async def used(self, budget: str, period: str) -> int:
        usage = await self.store.counters.usage(AGENT, self.world.clock.ms)
        named = {"actions": f"actions_{period}", "open_merge_requests": "open_merge_requests"}
        return int(getattr(usage, named[budget]))

    async def story(self) -> list[str]:
        rows = await self.store.archive.events(subject=None, event_type=None, after=None, limit=1000)
        return [r.type for r in rows if r.type.startswith(("action.", "approval.", "budget."))]


@dataclass
class Fake:
    """The ledger in memory."""

    world: World
    fake: FakeLedger

    @classmethod
    def over(cls, world: World) -> "Fake":
        return cls(world, FakeLedger(world.clock, lambda: BENCH, POLICY))

    @property
    def ledger(self) -> Ledger:
        return self.fake

    async def cast(self, ticket_id: str, vote: Vote) -> Ticket:
        return await self.fake.cast(ticket_id, vote)

    async def cancel(self, action_id: str) -> None:
        await self.fake.cancel(action_id, by=OWNER)

    async def expire(self) -> int:
        return await self.fake.expire_due(self.world.clock.ms)

    async def stop(self) -> None:
        self.fake.stopped = True

    async def change_policy(self) -> None:
        self.fake.policy = "d" * 64

    async def used(self, budget: str, period: str) -> int:
        accounts = self.fake.kept.used.items()
        return sum(n for (_, name, of), n in accounts if name == budget and of.startswith(period))

    async def story(self) -> list[str]:
        return self.fake.story


async def admitted(subject: Subject, **more: Any) -> Any:
    action = subject.world.action(**more)
    await subject.ledger.admit(action)
    return action


async def held(subject: Subject, **more: Any) -> tuple[Any, Ticket]:
    action = await admitted(subject, **more)
    hold = subject.world.hold(action)
    assert isinstance(await subject.ledger.record(hold), Held)
    return action, hold.ticket


async def approved(subject: Subject, **more: Any) -> tuple[Any, Ticket]:
    action, ticket = await held(subject, **more)
    return action, await subject.cast(ticket.id, vote(ticket))


async def state_of(subject: Subject, action: Any) -> ActionState:
    record = await subject.ledger.find(action.id)
    assert record is not None
    return record.state


async def ticket_state(subject: Subject, action: Any) -> TicketState:
    ticket = await subject.ledger.ticket_for(action.id)
    assert ticket is not None
    return ticket.state


def guard(outcome: Any) -> str:
    assert isinstance(outcome, Blocked), outcome
    assert outcome.detail
    return outcome.guard
