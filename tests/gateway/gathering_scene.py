"""Every neighbour of gathering in memory, each changeable."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.core.actions import Action
from gateway.core.catalogue import BranchEnvironment, Catalogue, Service
from gateway.core.changes import Change, CiFacts, CommitFact
from gateway.core.facts import (
    MergeRequestFacts,
    ProjectFacts,
    Standing,
    UsageFacts,
)
from gateway.core.principals import Agent, Person, Roster, Tier
from gateway.core.rulings import Decision
from gateway.core.session_sources import SourceFact
from gateway.core.vocabulary import ActionType as T
from gateway.core.vocabulary import System
from gateway.gathering import Gathering
from gateway.ports import Inspection, PolicyInForce, Readiness
from tests.fakes.permits import AGENT, NOW_MS, OWNER, POLICY, action_of
from tests.fakes.targets import FakeChanges, FakeTarget

HEAD = "a" * 40
PROJECT = ProjectFacts(id="1", path="shop/checkout", default_branch="main", protected_branches=("main",))
REQUEST = MergeRequestFacts(
    iid=7,
    head=HEAD,
    source_branch="agent/fix",
    target_branch="main",
    source_project_id="1",
    target_project_id="1",
    author=AGENT,
    state="opened",
    draft=False,
    merge_status="mergeable",
    target_protected=True,
)
ROSTER = Roster(
    people=(Person(id=OWNER), Person(id="prn_other")),
    agents=(
        Agent(id=AGENT, owner=OWNER, tier=Tier.MAINTAINER, grants=("basics",), projects=("shop/*",)),
        Agent(id="agt_other", owner="prn_other", tier=Tier.OBSERVER),
    ),
)
CATALOGUE = Catalogue(
    services=(Service(name="checkout", project="shop/checkout", tier=1),),
    environments=(BranchEnvironment(project="shop/checkout", branch="main", environment="production"),),
)


@dataclass
class FakeCounters:
    tier: str | None = None
    is_suspended: bool = False
    stops: tuple[str, ...] = ()
    sources: tuple[SourceFact, ...] = ()

    async def usage(self, agent: str, now_ms: int) -> UsageFacts:
        assert (agent, now_ms) == (AGENT, NOW_MS)
        return UsageFacts(actions_hour=1, actions_day=2, open_merge_requests=3, held_tickets=4)

    async def drawn(self, agent: str, now_ms: int) -> dict[tuple[str, str], int]:
        raise AssertionError(f"gathering asks for no account: {agent} {now_ms}")

    async def break_glass_on(self, action: Action, now_ms: int) -> str | None:
        raise AssertionError(f"gathering asks for no break-glass: {action.id} {now_ms}")

    async def current_tier(self, agent: str) -> str | None:
        raise AssertionError(f"gathering asks for the whole standing at once: {agent}")

    async def standing(self, action: Action, now_ms: int) -> Standing:
        usage = await self.usage(action.agent, now_ms)
        return Standing(
            usage=usage, stops=self.stops, suspended=self.is_suspended, tier=self.tier, sources=self.sources
        )


@dataclass
class FakePolicy:
    in_force: PolicyInForce

    async def decide(self, document: Mapping[str, Any]) -> Decision:
        raise AssertionError(f"gathering judges nothing: {document}")

    def readiness(self) -> Readiness:
        return Readiness(ok=True)


class FixedClock:
    def now_ms(self) -> int:
        return NOW_MS


@dataclass
class Scene:
    """Every neighbour of gathering, each changeable."""

    target: FakeTarget = field(default_factory=FakeTarget)
    changes: FakeChanges = field(default_factory=FakeChanges)
    counters: FakeCounters = field(default_factory=FakeCounters)
    roster: Roster = ROSTER
    catalogue: Catalogue = CATALOGUE
    time_zone: str = "UTC"
    clock_ok: Callable[[int], bool] = lambda _: True

    @property
    def in_force(self) -> PolicyInForce:
        return PolicyInForce(
            version=POLICY, cards={}, roster=self.roster, catalogue=self.catalogue, time_zone=self.time_zone
        )

    @property
    def gathering(self) -> Gathering:
        return Gathering(
            targets={System.GITLAB: self.target},
            changes=self.changes,
            counters=self.counters,
            clock=FixedClock(),
            policy=FakePolicy(self.in_force),
            clock_ok=self.clock_ok,
        )


def merge_of(**more: Any) -> Action:
    params = {"expected_head": HEAD, **more}
    return action_of(T.MERGE_REQUEST_MERGE, params=params, project="shop/checkout", merge_request=7)


def merging(**seen: Any) -> Scene:
    return Scene(target=FakeTarget(seen=Inspection(project=PROJECT, merge_request=REQUEST, **seen)))


def change_by(*commits: tuple[str, str], environments: tuple[str, ...] = ()) -> Change:
    facts = tuple(
        CommitFact(id=f"{n:040x}", author=author, committer=committer, foreign=False)
        for n, (author, committer) in enumerate(commits)
    )
    return Change(base="0" * 40, head=HEAD, commits=facts, ci=CiFacts(environments=environments))
