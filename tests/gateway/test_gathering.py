"""Gathering: what the ruling may look at, from every neighbour, and what is missing when one cannot tell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.core.actions import Action, Redaction
from gateway.core.catalogue import BranchEnvironment, Catalogue, Service
from gateway.core.changes import Change, ChangedFile, CiFacts, CommitFact
from gateway.core.errors import FactsMissingError, TargetRefusedError
from gateway.core.facts import (
    BranchFacts,
    DeploymentFacts,
    MergeRequestFacts,
    MissingFact,
    ProjectFacts,
    UsageFacts,
)
from gateway.core.principals import Agent, Person, Roster, Tier
from gateway.core.questions import Question
from gateway.core.rulings import Assurance, Clause, Decision
from gateway.core.tickets import Ticket, TicketState, Vote
from gateway.core.vocabulary import ActionType as T
from gateway.core.vocabulary import System
from gateway.gathering import CHANGE_PATHS, Gathering, measure_blast
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

    async def usage(self, agent: str, now_ms: int) -> UsageFacts:
        assert (agent, now_ms) == (AGENT, NOW_MS)
        return UsageFacts(actions_hour=1, actions_day=2, open_merge_requests=3, held_tickets=4)

    async def stops_on(self, action: Action) -> tuple[str, ...]:
        assert action.agent == AGENT
        return self.stops

    async def suspended(self, agent: str) -> bool:
        return agent == AGENT and self.is_suspended

    async def current_tier(self, agent: str) -> str | None:
        assert agent == AGENT
        return self.tier


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


async def test_the_agents_tier_is_the_lower_of_ceiling_and_present() -> None:
    action = merge_of()
    as_listed = await merging().gathering.gather(action, None)
    lowered = await Scene(counters=FakeCounters(tier="contributor")).gathering.gather(action, None)
    above_the_ceiling = await Scene(counters=FakeCounters(tier="steward")).gathering.gather(action, None)
    unheard_of = await Scene(counters=FakeCounters(tier="emperor")).gathering.gather(action, None)

    assert as_listed.agent.tier == "maintainer"
    assert lowered.agent.tier == "contributor"
    assert above_the_ceiling.agent.tier == "maintainer"
    assert unheard_of.agent.tier == "observer"


async def test_the_agents_grants_projects_owner_and_use_are_told() -> None:
    agent = (await merging().gathering.gather(merge_of(), None)).agent

    assert (agent.owner, agent.grants, agent.projects) == (OWNER, ("basics",), ("shop/*",))
    assert (agent.usage.actions_hour, agent.usage.held_tickets) == (1, 4)
    assert agent.status == "active"


async def test_a_suspended_agent_is_suspended() -> None:
    facts = await Scene(counters=FakeCounters(is_suspended=True)).gathering.gather(merge_of(), None)

    assert facts.agent.status == "suspended"


async def test_an_agent_the_roster_does_not_know_is_suspended_and_holds_nothing() -> None:
    agent = (await Scene(roster=Roster()).gathering.gather(merge_of(), None)).agent

    assert (agent.status, agent.tier, agent.grants, agent.projects) == ("suspended", "observer", (), ())


@pytest.mark.parametrize(
    ("zone", "weekday", "minute"), [("UTC", 5, 480), ("Europe/Berlin", 5, 540), ("America/Los_Angeles", 5, 0)]
)
async def test_weekday_and_minute_are_those_of_the_projects_zone(
    zone: str, weekday: int, minute: int
) -> None:
    assert datetime.fromtimestamp(NOW_MS / 1000, tz=UTC).isoformat() == "2027-01-15T08:00:00+00:00"
    context = (await Scene(time_zone=zone).gathering.gather(merge_of(), None)).context

    assert (context.local_weekday, context.local_minute) == (weekday, minute)


async def test_a_zone_nobody_knows_is_missing_not_guessed() -> None:
    facts = await Scene(time_zone="Mars/Olympus").gathering.gather(merge_of(), None)

    assert {"context.local_minute", "context.local_weekday"} <= {m.path for m in facts.missing}
    assert all(m.retry == "never" for m in facts.missing if m.path.startswith("context."))


async def test_a_clock_that_disagrees_with_the_log_is_told() -> None:
    facts = await Scene(clock_ok=lambda now_ms: now_ms != NOW_MS).gathering.gather(merge_of(), None)

    assert facts.context.clock_ok is False


async def test_matching_stops_are_told() -> None:
    facts = await Scene(counters=FakeCounters(stops=("stp_1",))).gathering.gather(merge_of(), None)

    assert facts.stops == ("stp_1",)


async def test_authors_are_roster_ids_and_the_owners_of_agents_among_them() -> None:
    scene = merging()
    scene.changes.change = change_by(("agt_other", "gateway"), (OWNER, OWNER))
    facts = await scene.gathering.gather(merge_of(), None)

    assert facts.authors == (AGENT, "agt_other", OWNER, "prn_other")
    assert facts.unknown_authors == 0


async def test_makers_nobody_knows_count_as_one_unknown_author() -> None:
    scene = merging()
    scene.changes.change = change_by(("unknown", "unknown"), ("prn_gone", "gateway"))
    facts = await scene.gathering.gather(merge_of(), None)

    assert facts.unknown_authors == 1
    assert facts.authors == (AGENT, OWNER)


async def test_a_merge_request_of_an_unknown_author_counts_too() -> None:
    request = REQUEST.model_copy(update={"author": "unknown"})
    scene = Scene(target=FakeTarget(seen=Inspection(project=PROJECT, merge_request=request)))
    scene.changes.change = change_by((AGENT, "gateway"))
    facts = await scene.gathering.gather(merge_of(), None)

    assert facts.unknown_authors == 1


async def test_the_owner_of_the_agent_that_opened_the_merge_request_is_told() -> None:
    facts = await merging().gathering.gather(merge_of(), None)

    assert facts.merge_request is not None
    assert facts.merge_request.author_owner == OWNER


@pytest.mark.parametrize(
    ("branch", "environments", "expected"),
    [
        ("main", (), ("production",)),
        ("main", ("review",), ("production", "review")),
        ("main", ("unknown",), ("production",)),
        ("develop", (), ()),
        ("develop", ("staging",), ("staging",)),
        ("develop", ("unknown",), ("production",)),
    ],
)
async def test_a_merge_deploys_where_the_map_and_the_jobs_say_and_else_to_production(
    branch: str, environments: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    request = REQUEST.model_copy(update={"target_branch": branch})
    scene = Scene(target=FakeTarget(seen=Inspection(project=PROJECT, merge_request=request)))
    scene.changes.change = change_by(environments=environments)
    facts = await scene.gathering.gather(merge_of(), None)

    assert facts.deploys_to == expected


async def test_a_merge_whose_change_cannot_be_measured_deploys_to_production_for_all_we_know() -> None:
    scene = Scene(catalogue=Catalogue(), target=merging().target)
    scene.changes.error = FactsMissingError("git is slow", until_ms=5)
    facts = await scene.gathering.gather(merge_of(), None)

    assert facts.deploys_to == ("production",)


async def test_a_commit_to_a_mapped_branch_deploys_there() -> None:
    changes = [{"op": "create", "path": "a", "content": ""}]
    for branch, expected in (("main", ("production",)), ("agent/x", ())):
        action = action_of(
            T.COMMIT_CREATE,
            params={"message": "m", "changes": changes},
            project="shop/checkout",
            branch=branch,
        )
        facts = await merging().gathering.gather(action, None)

        assert facts.deploys_to == expected


async def test_a_rollback_deploys_to_its_environment() -> None:
    action = action_of(
        T.DEPLOYMENT_ROLLBACK, params={"to": "1"}, project="shop/checkout", environment="staging"
    )
    facts = await merging().gathering.gather(action, None)

    assert facts.deploys_to == ("staging",)


@pytest.mark.parametrize(
    ("method", "asked"),
    [("redeploy", ("branches", "shop/checkout", "c" * 40, "d" * 40, AGENT)),
     ("revert", ("revert", "shop/checkout", "main", "c" * 40, AGENT))],
)  # fmt: skip
async def test_a_rollback_is_measured_as_the_way_it_takes(method: str, asked: tuple[str, ...]) -> None:
    deployment = DeploymentFacts(
        environment="production", current_id=2, current_sha="c" * 40, to_id=1, to_sha="d" * 40
    )
    scene = Scene(target=FakeTarget(seen=Inspection(project=PROJECT, deployment=deployment)))
    action = action_of(
        T.DEPLOYMENT_ROLLBACK,
        params={"to": "1", "method": method},
        project="shop/checkout",
        environment="production",
    )
    await scene.gathering.gather(action, None)

    assert scene.changes.asked == [asked]


async def test_every_action_that_changes_files_is_measured_its_own_way() -> None:
    scene = merging(branch=BranchFacts(name="agent/x", head=HEAD, protected=False, default=False))
    changes = [{"op": "create", "path": "a", "content": ""}]
    opening = {"source": "agent/fix", "target": "main", "title": "t"}
    at: dict[str, Any] = {"project": "shop/checkout"}
    for action in (
        merge_of(),
        action_of(T.MERGE_REQUEST_OPEN, params=opening, **at),
        action_of(T.COMMIT_CREATE, params={"message": "m", "changes": changes}, branch="agent/x", **at),
        action_of(T.COMMIT_REVERT, branch="agent/x", commit=HEAD, **at),
    ):
        await scene.gathering.gather(action, None)

    assert [asked[0] for asked in scene.changes.asked] == ["merge_request", "branches", "commit", "revert"]


async def test_an_action_that_changes_no_files_is_not_measured() -> None:
    scene = merging()
    comment = action_of(
        T.MERGE_REQUEST_COMMENT, params={"body": "b"}, project="shop/checkout", merge_request=7
    )
    facts = await scene.gathering.gather(comment, None)

    assert scene.changes.asked == []
    assert facts.change is None
    assert measure_blast(comment, facts, scene.in_force) is None


async def test_a_target_that_asks_to_slow_down_makes_the_change_missing_until_then_too() -> None:
    scene = merging()
    scene.target.switches.rate_limit = True
    facts = await scene.gathering.gather(merge_of(), None)

    assert {*CHANGE_PATHS, "project"} <= {m.path for m in facts.missing}
    assert {(m.retry, m.until_ms) for m in facts.missing} == {("wait_until", scene.target.until_ms)}


async def test_a_change_that_cannot_be_measured_is_missing_with_the_reason() -> None:
    scene = merging()
    scene.changes.error = FactsMissingError("no such branch", retryable=False)
    facts = await scene.gathering.gather(merge_of(), None)

    assert [m.path for m in facts.missing] == sorted(CHANGE_PATHS)
    assert {(m.reason, m.retry) for m in facts.missing} == {("no such branch", "fix_and_retry")}
    assert facts.change is None


async def test_a_merge_request_that_cannot_be_read_makes_its_change_missing_for_the_same_reason() -> None:
    unread = MissingFact(path="merge_request", reason="gone", retry="fix_and_retry")
    scene = Scene(target=FakeTarget(seen=Inspection(project=PROJECT, missing=(unread,))))
    facts = await scene.gathering.gather(merge_of(), None)

    assert {m.path for m in facts.missing} == {"merge_request", *CHANGE_PATHS}
    assert {m.reason for m in facts.missing} == {"gone"}


async def test_no_failure_of_a_target_raises() -> None:
    class Broken(FakeTarget):
        async def inspect(self, action: Action) -> Inspection:
            raise TargetRefusedError(f"nothing about {action.id}")

    facts = await Scene(target=Broken()).gathering.gather(merge_of(), None)

    assert {"project", "merge_request", "pipeline", *CHANGE_PATHS} <= {m.path for m in facts.missing}
    assert all("nothing about" in m.reason for m in facts.missing)


async def test_what_this_version_does_not_perform_is_not_asked_for() -> None:
    scene = merging()
    scene.target.switches.garbage = True
    action = action_of(T.PIPELINE_RUN, project="shop/checkout")
    facts = await scene.gathering.gather(action, None)

    assert facts.missing == ()
    assert facts.project is None


async def test_missing_facts_are_listed_once_and_in_order() -> None:
    twice = (
        MissingFact(path="pipeline", reason="b", retry="never"),
        MissingFact(path="branch", reason="a", retry="never"),
        MissingFact(path="branch", reason="a", retry="never"),
    )
    scene = Scene(target=FakeTarget(seen=Inspection(project=PROJECT, merge_request=REQUEST, missing=twice)))
    facts = await scene.gathering.gather(merge_of(), None)

    assert [m.path for m in facts.missing] == ["branch", "pipeline"]


async def test_texts_of_the_action_the_target_and_the_commits_are_scanned() -> None:
    scene = merging(texts={"merge_request.description": "Closes #3"})
    scene.changes.change = Change(base="0" * 40, head=HEAD, messages=("fine", "SHOP-1 #close"))
    facts = await scene.gathering.gather(merge_of(), None)
    comment = action_of(
        T.MERGE_REQUEST_COMMENT, params={"body": "/merge"}, project="shop/checkout", merge_request=7
    )
    said = await merging().gathering.gather(comment, None)

    assert facts.text.closes == ("merge_request.description: Closes #3",)
    assert facts.text.smart_commits == ("commits/1/message: #close",)
    assert said.text.quick_actions == ("body: /merge",)


async def test_secrets_cut_out_of_the_request_are_told() -> None:
    cut = Redaction.model_validate({"field": "body", "detector": "gitlab-token", "line": 1})
    action = action_of(
        T.MERGE_REQUEST_COMMENT, params={"body": "x"}, project="shop/checkout", merge_request=7
    )
    facts = await merging().gathering.gather(action.model_copy(update={"redactions": (cut,)}), None)

    assert facts.text.secrets == ("body: gitlab-token",)


def ticket_with(*votes: Vote) -> Ticket:
    question = Question(
        version=1,
        action="0" * 64,
        agent=AGENT,
        on_behalf_of=OWNER,
        subject={"head": HEAD},
        change={},
        reach={},
        asks=(),
    )
    return Ticket(
        id="tkt_1",
        action_id="act_1",
        state=TicketState.OPEN,
        question=question,
        question_digest=question.digest,
        ruling_id="rul_1",
        clauses=(Clause(count=1, any_of_roles=("sre",)),),
        excluded=(),
        opened_ms=0,
        expires_ms=1,
        votes=votes,
    )


async def test_approvals_are_the_yes_votes_with_the_head_they_were_about() -> None:
    votes = (
        Vote(voter="prn_b", answer="approve", question_digest="0" * 64, reason="", assurance=Assurance.TOKEN, cast_ms=0),
        Vote(voter="prn_a", answer="reject", question_digest="0" * 64, reason="", assurance=Assurance.TOKEN, cast_ms=0),
    )  # fmt: skip
    facts = await merging().gathering.gather(merge_of(), ticket_with(*votes))

    assert [(a.id, a.kind, a.sha) for a in facts.approvals] == [("prn_b", "person", HEAD)]


async def test_the_blast_radius_is_measured_with_the_gravest_environment() -> None:
    scene = merging(concurrent=2)
    row = ChangedFile(
        path="a",
        status="M",
        old_mode="100644",
        new_mode="100644",
        old_oid="1" * 40,
        new_oid="2" * 40,
        additions=3,
    )
    scene.changes.change = change_by(environments=("review/x", "prod-eu")).model_copy(
        update={"files": (row,)}
    )
    facts = await scene.gathering.gather(merge_of(), None)
    blast = measure_blast(merge_of(), facts, scene.in_force)

    assert blast is not None
    assert (blast.environment, blast.services, blast.concurrent, blast.lines) == (
        "production",
        ("checkout",),
        2,
        3,
    )


@pytest.mark.parametrize(
    ("environments", "gravest"),
    [
        ((), "none"),
        (("review/agent",), "dev"),
        (("qa",), "test"),
        (("uat", "dev"), "staging"),
        (("eu-west",), "production"),
    ],
)
async def test_an_environment_of_an_unknown_name_counts_as_production(
    environments: tuple[str, ...], gravest: str
) -> None:
    request = REQUEST.model_copy(update={"target_branch": "develop"})
    scene = Scene(target=FakeTarget(seen=Inspection(project=PROJECT, merge_request=request)))
    scene.changes.change = change_by(environments=environments)
    facts = await scene.gathering.gather(merge_of(), None)
    blast = measure_blast(merge_of(), facts, scene.in_force)

    assert blast is not None
    assert blast.environment == gravest
