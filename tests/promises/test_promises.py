"""The promises of the product, each by name (SECURITY.md, README.md)."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.opa.wasm import WasmPolicy
from gateway.client.api import Client
from gateway.core.rulings import Effect
from gateway.sandbox.switches import Fault
from gateway.workbench.build import build
from gateway.workbench.cases import bases
from tests.town import (
    DEVELOPER,
    OWNER,
    PROJECT,
    RELEASE,
    ROOT,
    Town,
    built_town,
    commit_on,
    held_merge,
    open_merge_request,
    proposal,
    refusal,
)

pytestmark = pytest.mark.slow


async def approved_merge(town: Town, agent: Client) -> tuple[dict[str, Any], str]:
    """A merge with both approvals given; the proposal's document and the head."""
    opened = await open_merge_request(agent)
    held = await held_merge(agent, opened)
    await town.vote(OWNER, held["ticket"]["id"])
    await town.vote(RELEASE, held["ticket"]["id"])
    return held, opened.head


def merged(town: Town, iid: int = 1) -> bool:
    project = town.sandbox.forge.project_at(PROJECT)
    return project is not None and project.merge_requests[iid].state == "merged"


async def story(town: Town, action_id: str) -> list[str]:
    """The types of the events about an action, in log order."""
    rows = await town.gateway.store.archive.events(subject=action_id, event_type=None, after=None, limit=100)
    return [row.type for row in rows]


async def test_promise_1_no_record_no_action(town: Town) -> None:
    """With the log refusing to record, nothing reaches GitLab; with it, started stands before the effect."""
    async with await town.agent() as agent:
        town.gateway.store.writer.close()
        error = await refusal(agent.propose(proposal("branch.create", {"from": "main"}, branch="agent/x")))

    assert error.problem.code in {"log_unavailable", "busy"}
    project = town.sandbox.forge.project_at(PROJECT)
    assert project is not None
    assert "agent/x" not in project.repository.branches()


async def test_promise_1_started_is_durable_before_the_effect(town: Town) -> None:
    async with await town.agent() as agent:
        done = await agent.propose(proposal("branch.create", {"from": "main"}, branch="agent/x"))

    kinds = await story(town, done["action_id"])
    assert kinds == ["action.requested", "action.judged", "action.started", "action.performed"]


async def test_promise_2_silence_is_not_consent(town: Town) -> None:
    """A missing fact, an unknown type, a policy engine that does not answer: denied."""
    async with await town.agent() as agent:
        town.sandbox.switches.add(Fault("status", status=500, path="/api/v4/projects/.*", times=50))
        missing = await refusal(agent.propose(proposal("branch.create", {"from": "main"}, branch="agent/x")))
        town.sandbox.switches.reset()
        unknown = await refusal(agent.propose(proposal("project.delete")))
        await town.gateway.policy.close()
        silent = await refusal(agent.propose(proposal("branch.create", {"from": "main"}, branch="agent/y")))

    assert "GATE-002" in {f["code"] for f in missing.problem.findings}
    assert unknown.problem.status == 422
    assert silent.problem.code == "policy_unavailable"
    project = town.sandbox.forge.project_at(PROJECT)
    assert project is not None
    assert not {"agent/x", "agent/y"} & set(project.repository.branches())


async def test_promise_2_an_unknown_route_is_no_consent(town: Town) -> None:
    async with await town.agent() as agent:
        error = await refusal(agent._json("POST", "/v1/everything", json={}))

    assert error.problem.code == "not_found"


async def test_promise_3_an_approval_answers_one_question(town: Town) -> None:
    """A new commit after the approvals: stale, nothing merged; the proposal for the new head says what changed."""
    async with await town.agent() as agent:
        opened = await open_merge_request(agent)
        held = await held_merge(agent, opened)
        await town.vote(OWNER, held["ticket"]["id"])
        newer = await commit_on(agent, opened.branch, path="docs/other.md")
        await town.vote(RELEASE, held["ticket"]["id"])
        stale = await town.settle(agent, held["action_id"])
        opened.head = newer
        successor = await held_merge(agent, opened)

    assert stale["status"] == "stale"
    assert not merged(town)
    assert successor["status"] == "held"
    assert successor["ticket"]["predecessor"] == held["ticket"]["id"]
    assert successor["ticket"]["changed"]["subject"]["after"]["head"] == newer


@pytest.mark.parametrize(
    ("voter", "code"),
    [(DEVELOPER, "self_approval"), ("prn_operator", "not_eligible"), ("prn_operator_two", "not_eligible")],
    ids=["the agent's owner", "an operator", "another operator"],
)
async def test_promise_4_nobody_approves_their_own_work(town: Town, voter: str, code: str) -> None:
    """Not the person the agent acts for, and no administrator instead of the people the policy names."""
    async with await town.agent() as agent:
        held = await held_merge(agent, await open_merge_request(agent))
        error = await refusal(town.vote(voter, held["ticket"]["id"]))
        after = await agent.action(held["action_id"])

    assert error.problem.code == code
    assert after["ticket"]["votes"] == []


async def test_promise_4_the_agent_itself_does_not_vote(town: Town) -> None:
    async with await town.agent() as agent:
        held = await held_merge(agent, await open_merge_request(agent))
        ballot = {"answer": "approve", "question_digest": held["ticket"]["question_digest"], "reason": "Me."}
        error = await refusal(agent.vote(held["ticket"]["id"], ballot))

    assert error.problem.status == 403


async def test_promise_5_at_most_once(town: Town) -> None:
    """A lost reply is in doubt, then found; the same key never acts again."""
    async with await town.agent() as agent:
        town.sandbox.switches.add(Fault("lose_reply", method="POST", path="/rest/api/3/issue", system="jira"))
        body = proposal("issue.create", {"title": "Once"}, jira=True)
        error = await refusal(agent.propose(body, key="once"))
        action_id = str(error.problem.action_id)
        again = await refusal(agent.propose(body, key="once"))
        town.clock.advance(600)
        settled = await town.settle(agent, action_id)

    assert error.problem.code == again.problem.code == "in_doubt"
    assert settled["status"] == "performed"
    assert [i.summary for i in town.sandbox.site.issues.values()].count("Once") == 1


async def test_promise_5_one_action_for_two_hundred_proposals_with_one_key(town: Town) -> None:
    async with await town.agent() as agent:
        body = proposal("branch.create", {"from": "main"}, branch="agent/once")
        answers = await asyncio.gather(*(agent.propose(body, key="same") for _ in range(200)))

    assert len({a["action_id"] for a in answers}) == 1
    assert {a["status"] for a in answers} == {"performed"}


async def test_promise_8_a_policy_cannot_permit_what_was_not_granted(town: Town) -> None:
    """agt_loop holds grants for issues only: no rule and no approval lets it branch."""
    async with await town.agent("agt_loop") as agent:
        error = await refusal(agent.propose(proposal("branch.create", {"from": "main"}, branch="agent/loop")))

    assert "GATE-001" in {f["code"] for f in error.problem.findings}


@pytest.mark.parametrize("by", ["commit", "branch"])
async def test_promise_6_a_new_branch_carries_nobody_elses_commit_past_the_rules(town: Town, by: str) -> None:
    """CI runs a branch as soon as it is there, so a branch is judged by what stands on it."""
    async with await town.agent() as agent:
        await agent.propose(proposal("branch.create", {"from": "main"}, branch="agent/a"))
        head = town.commit_by_hand("agent/a", {"name": "Somebody", "email": "somebody@else.test"})
        start = {"from": head if by == "commit" else "agent/a"}
        error = await refusal(agent.propose(proposal("branch.create", start, branch="agent/b")))

    project = town.sandbox.forge.project_at(PROJECT)
    assert "COMMIT-001" in {f["code"] for f in error.problem.findings}
    assert project is not None
    assert "agent/b" not in project.repository.branches()


async def test_promise_8_no_removed_or_retyped_fact_loosens_a_verdict(tmp_path: Path) -> None:
    """One level of the merge document here; every field of every case in the workbench's mutation tests."""
    policy = WasmPolicy.load(build(ROOT / "policies", tmp_path))
    document = bases(ROOT / "policies")["merge"]
    strictness = [Effect.ALLOW, Effect.REQUIRE_APPROVAL, Effect.DENY]
    before = (await policy.decide(document)).effect
    mutants = [{k: v for k, v in document.items() if k != name} for name in document]
    others: tuple[Any, ...] = (None, "", 0, [], {})
    mutants += [{**document, name: other} for name in document for other in others]
    after = [(await policy.decide(mutant)).effect for mutant in mutants]
    await policy.close()

    assert before is Effect.REQUIRE_APPROVAL
    assert min(strictness.index(effect) for effect in after) >= strictness.index(before)


async def test_a_merge_happens_once_and_at_the_head_people_saw(town: Town) -> None:
    async with await town.agent() as agent:
        held, head = await approved_merge(town, agent)
        done = await town.settle(agent, held["action_id"])

    assert done["status"] == "performed"
    assert merged(town)
    assert done["result"]["head"] == head


async def test_a_pipeline_that_finishes_in_between_does_not_make_the_ticket_stale(town: Town) -> None:
    async with await town.agent() as agent:
        opened = await open_merge_request(agent)
        held = await held_merge(agent, opened)
        assert "FLOW-001" in {f["code"] for f in held["ruling"]["findings"]}
        town.sandbox.clock.advance(60)
        await town.vote(OWNER, held["ticket"]["id"])
        await town.vote(RELEASE, held["ticket"]["id"])
        done = await town.settle(agent, held["action_id"])

    assert done["status"] == "performed"


async def test_an_approved_merge_survives_a_restart(home_template: Path, tmp_path: Path) -> None:
    with built_town(home_template, tmp_path) as town:
        async with town.open(), await town.agent() as agent:
            held, _ = await approved_merge(town, agent)
            await town.gateway.neighbours.carrier.finish()
        async with town.open(), await town.agent() as agent:
            done = await town.settle(agent, held["action_id"])

            assert done["status"] == "performed"
            assert merged(town)
