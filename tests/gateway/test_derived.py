"""Facts derived from other facts: the agent, the moment, authors, approvals, where a merge deploys."""

from datetime import UTC, datetime

import pytest

from gateway import derived
from gateway.core.catalogue import Catalogue
from gateway.core.errors import FactsMissingError
from gateway.core.principals import Person, Role, Roster
from gateway.core.questions import Question
from gateway.core.rulings import Assurance, Clause
from gateway.core.tickets import Ticket, TicketState, Vote
from gateway.core.vocabulary import ActionType as T
from gateway.gathering import measure_blast
from gateway.ports import Inspection
from tests.fakes.permits import AGENT, NOW_MS, OWNER, action_of
from tests.fakes.targets import FakeTarget
from tests.gateway.gathering_scene import (
    HEAD,
    PROJECT,
    REQUEST,
    ROSTER,
    FakeCounters,
    Scene,
    change_by,
    merge_of,
    merging,
)


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


async def test_authors_are_roster_ids_and_the_owners_of_agents_among_them() -> None:
    scene = merging()
    scene.changes.change = change_by(("agt_other", "gateway"), (OWNER, OWNER))
    facts = await scene.gathering.gather(merge_of(), None)

    assert facts.authors == (AGENT, "agt_other", OWNER, "prn_other")
    assert facts.unknown_authors == 0


async def test_each_maker_nobody_knows_counts_as_one_unknown_author() -> None:
    scene = merging()
    scene.changes.change = change_by(("unknown", "unknown"), ("prn_gone", "gateway"))
    facts = await scene.gathering.gather(merge_of(), None)

    assert facts.unknown_authors == 2
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


def test_addresses_nobody_knows_are_as_many_people_and_the_unknown_opener_is_one_more() -> None:
    makers = (AGENT, "unknown:1", "unknown:2")
    change = change_by(("unknown", "gateway")).model_copy(update={"makers": makers})
    opened = REQUEST.model_copy(update={"author": "unknown"})

    assert derived.authors_of(change, None, ROSTER) == ((AGENT, OWNER), 2)
    assert derived.authors_of(change, opened, ROSTER) == ((AGENT, OWNER), 3)


async def test_a_person_acts_for_itself_on_the_gateways_own_things_with_the_grants_of_its_roles() -> None:
    people = (Person(id=AGENT, roles=(Role.OPERATOR, Role.APPROVER)),)
    person = (await Scene(roster=Roster(people=people)).gathering.gather(merge_of(), None)).agent

    assert (person.id, person.owner, person.status, person.tier) == (AGENT, AGENT, "active", "observer")
    assert person.grants == ("role:approver", "role:operator")
    assert person.projects == ("loopgate",)


async def test_a_person_who_is_suspended_is_suspended() -> None:
    roster = Roster(people=(Person(id=AGENT, roles=(Role.OPERATOR,)),))
    scene = Scene(roster=roster, counters=FakeCounters(is_suspended=True))

    assert (await scene.gathering.gather(merge_of(), None)).agent.status == "suspended"
