"""Every neighbour of the road in memory, and one ordered story of events and effects.

`world.story` reads like `["action.requested", "action.judged", "action.started", "PERFORMED", "action.performed"]`.
Each neighbour has switches; nothing here waits, sleeps or leaves the process.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.core.actions import Action, Request
from gateway.core.catalogue import Catalogue, Service
from gateway.core.facts import (
    BranchFacts,
    MergeRequestFacts,
    PipelineFacts,
    ProjectFacts,
    Standing,
    UsageFacts,
)
from gateway.core.outcomes import AnyOutcome
from gateway.core.principals import Agent, Person, Principal, Role, Roster, Scope, Tier
from gateway.core.rulings import (
    Assurance,
    Binding,
    Clause,
    Decision,
    Effect,
    PolicyVersion,
    RawFinding,
    Reservation,
    Retry,
    RuleCard,
)
from gateway.core.tickets import Ticket, Vote
from gateway.core.vocabulary import System
from gateway.gathering import Gathering
from gateway.judging import Judge
from gateway.pipeline import Road
from gateway.ports import Inspection, PolicyInForce, Readiness
from tests.fakes.ledger import FakeLedger
from tests.fakes.targets import FakeChanges, FakeTarget
from tests.voting import signed

AGENT, OWNER, VOTER, OTHER = "agt_fixer", "prn_developer", "prn_checkout_owner", "prn_sre"
HEAD = "9f" * 20
DIGEST = "d" * 64
PEOPLE = (
    Person(id=OWNER, roles=(Role.APPROVER,), approves_as=("service-owner",)),
    Person(id=VOTER, roles=(Role.APPROVER,), approves_as=("service-owner",)),
    Person(id=OTHER, roles=(Role.APPROVER,), approves_as=("sre",)),
)
CLAUSE = Clause(count=1, any_of_roles=("service-owner",), for_service="checkout")


def card(code: str, retry: Retry = Retry.NEEDS_APPROVAL, binding: Binding = Binding.STATE) -> RuleCard:
    return RuleCard(
        code=code,
        title=code,
        severity="high",
        remediation="Mend it.",
        retry=retry,
        binding=binding,
        bound_facts=("n",),
    )


CARDS = {
    c.code: c
    for c in (
        card("BLAST-001"),
        card("BLAST-002"),
        card("PATH-001", Retry.NEVER),
        card("FLOW-001", Retry.WAIT_UNTIL, Binding.MOMENT),
        card("FLOW-003", Retry.FIX_AND_RETRY),
        card("RATE-001", Retry.WAIT_UNTIL, Binding.MOMENT),
    )
}


def asks(code: str = "BLAST-001", clause: Clause = CLAUSE, **facts: Any) -> RawFinding:
    """A finding that wants an approval."""
    return RawFinding(code=code, effect=Effect.REQUIRE_APPROVAL, facts=facts, clauses=(clause,))


def denies(code: str, until_ms: int | None = None) -> RawFinding:
    """A finding that denies; its retry is its card's."""
    return RawFinding(code=code, effect=Effect.DENY, until_ms=until_ms)


@dataclass
class FakePolicy:
    """Decides what `says` says; effect is the strongest of the findings."""

    roster: Roster
    says: tuple[RawFinding, ...] = ()
    reserve: tuple[Reservation, ...] = ()
    digest: str = DIGEST
    carries: bool = False
    era: int = 0
    swaps: list[str] = field(default_factory=list)
    documents: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def in_force(self) -> PolicyInForce:
        version = PolicyVersion(digest=self.digest, revision="test", engine="fake", engine_version="1")
        services = (Service(name="checkout", project="shop/checkout", owners=(VOTER, OWNER)),)
        catalogue = Catalogue(services=services)
        return PolicyInForce(
            version=version,
            cards=CARDS,
            roster=self.roster,
            catalogue=catalogue,
            carry_over_clean_rebase=self.carries,
            era=self.era,
        )

    async def decide(self, document: Mapping[str, Any]) -> Decision:
        self.documents.append(document)
        if self.swaps:
            self.digest, self.era = self.swaps.pop(0), self.era + 1
        effects = [f.effect for f in self.says]
        order = (Effect.DENY, Effect.REQUIRE_APPROVAL)
        effect = next((e for e in order if e in effects), Effect.ALLOW)
        return Decision(effect=effect, findings=self.says, reserve=self.reserve)

    def readiness(self) -> Readiness:
        return Readiness(ok=True)


@dataclass
class FakeCounters:
    """Nothing used, nobody stopped."""

    stops: tuple[str, ...] = ()
    break_glass: str | None = None

    async def usage(self, agent: str, now_ms: int) -> UsageFacts:
        del agent, now_ms
        return UsageFacts(actions_hour=0, actions_day=0, open_merge_requests=0, held_tickets=0)

    async def drawn(self, agent: str, now_ms: int) -> dict[tuple[str, str], int]:
        del agent, now_ms
        return {}

    async def break_glass_on(self, action: Action, now_ms: int) -> str | None:
        del action, now_ms
        return self.break_glass

    async def current_tier(self, agent: str) -> str | None:
        del agent
        return None

    async def standing(self, action: Action, now_ms: int) -> Standing:
        return Standing(usage=await self.usage(action.agent, now_ms), stops=self.stops)


@dataclass
class WorldClock:
    """A clock that only tests move."""

    ms: int = 1_800_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def advance(self, seconds: float) -> None:
        self.ms += int(seconds * 1000)


@dataclass
class WorldIds:
    """Names that come in order."""

    counter: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def new(self, prefix: str) -> str:
        return f"{prefix}_{next(self.counter):026d}"


def merge_request(head: str = HEAD) -> MergeRequestFacts:
    return MergeRequestFacts(
        iid=7,
        head=head,
        source_branch="agent/fix",
        target_branch="main",
        source_project_id="1",
        target_project_id="1",
        author=AGENT,
        author_owner=OWNER,
        state="opened",
        draft=False,
        merge_status="mergeable",
        target_protected=True,
    )


def seen(head: str = HEAD) -> Inspection:
    """What GitLab tells about a merge request that could be merged."""
    return Inspection(
        project=ProjectFacts(
            id="1", path="shop/checkout", default_branch="main", protected_branches=("main",)
        ),
        branch=BranchFacts(name="main", head="0" * 40, protected=True, default=True),
        merge_request=merge_request(head),
        pipeline=PipelineFacts(status="success", sha=head, id=1),
    )


class World:
    """The road with every neighbour faked; `propose` is what a door does."""

    def __init__(self) -> None:
        agent = Agent(id=AGENT, owner=OWNER, tier=Tier.CONTRIBUTOR, grants=("all",), projects=("shop/*",))
        self.story: list[str] = []
        self.clock, self.ids = WorldClock(), WorldIds()
        self.policy = FakePolicy(Roster(people=PEOPLE, agents=(agent,)))
        self.counters = FakeCounters()
        self.changes = FakeChanges()
        self.gitlab = FakeTarget(System.GITLAB, seen=seen(), story=self.story)
        self.jira = FakeTarget(System.JIRA, story=self.story)
        self.targets = {System.GITLAB: self.gitlab, System.JIRA: self.jira}
        self.ledger = FakeLedger(
            self.clock, lambda: self.policy.in_force.bench, policy=DIGEST, story=self.story
        )
        self.road = self._road()
        self.principal = Principal(
            id=AGENT,
            roles=(Role.AGENT,),
            owner=OWNER,
            scope=Scope(projects=("shop/*", "jira:SHOP"), action_types=("*",)),
        )

    def _road(self) -> Road:
        gathering = Gathering(
            targets=self.targets,
            changes=self.changes,
            counters=self.counters,
            clock=self.clock,
            policy=self.policy,
            clock_ok=lambda _: True,
        )
        judge = Judge(policy=self.policy, gathering=gathering, clock=self.clock, ids=self.ids)
        return Road(
            ids=self.ids, clock=self.clock, ledger=self.ledger, judge=judge, targets=dict(self.targets)
        )

    async def propose(
        self, kind: str = "merge_request.merge", *, key: str | None = None, **params: Any
    ) -> AnyOutcome:
        """Propose the merge of request 7, or another action on it."""
        given = {"expected_head": HEAD, **params} if kind == "merge_request.merge" else params
        target = {"system": "gitlab", "project": "shop/checkout", "merge_request": 7}
        return await self.road.submit(
            Request(type=kind, target=target, params=given, intent="a test", idempotency_key=key),
            self.principal,
        )

    async def ticket(self, outcome: AnyOutcome) -> Ticket:
        """The newest ticket of an action."""
        ticket = await self.ledger.ticket_for(outcome.action_id)
        assert ticket is not None
        return ticket

    async def vote(self, outcome: AnyOutcome, answer: str = "approve", voter: str = VOTER) -> Ticket:
        """A vote on the newest ticket of an action."""
        ticket = await self.ticket(outcome)
        cast = Vote(
            voter=voter,
            answer="approve" if answer == "approve" else "reject",
            question_digest=ticket.question_digest,
            reason="Because.",
            assurance=Assurance.SIGNED,
            cast_ms=self.clock.now_ms(),
        )
        return await self.ledger.cast(ticket.id, signed(cast, ticket.id))

    async def resume(self, seconds: float = 300) -> list[AnyOutcome]:
        """Let time pass and carry on what is due, as the poller does."""
        self.clock.advance(seconds)
        due = await self.ledger.claim_due(lease_ms=1000, limit=10)
        return [await self.road.resume(record) for record in due]

    def effects(self) -> int:
        """How often something really happened."""
        return self.story.count("PERFORMED")
