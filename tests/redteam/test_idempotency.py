"""Idempotency keys as a way to another's answer, round a denial, or to a second effect."""

import asyncio

import pytest

from tests.redteam.attacks import Kind, attack
from tests.redteam.siege import REFUSED, Siege
from tests.town import NOTE, proposal, refusal

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
K = Kind.IDEMPOTENCY
BRANCH = proposal("branch.create", {"from": "main"}, branch="agent/keyed")
COMMENT = proposal("issue.comment", {"body": "Hello."}, jira=True, issue="SHOP-1")
RULES = {"message": "Tidy", "changes": [{**NOTE, "path": "policies/mine.md"}]}


@attack(
    K,
    "get another agent's result with that agent's key",
    stopped_by="a key is known per agent: the thief is judged on its own",
)
async def test_an_agent_presents_anothers_key(siege: Siege) -> None:
    done = await siege.agent.propose(BRANCH, key="shared")
    error = await siege.denied(siege.other.propose(BRANCH, key="shared"), "GATE-001")
    assert error.problem.action_id != done["action_id"]


@attack(K, "block another agent by using up the keys it will use", stopped_by="keys of two agents never meet")
async def test_an_agent_squats_on_anothers_key(siege: Siege) -> None:
    await siege.denied(siege.other.propose(BRANCH, key="tomorrow"), "GATE-001")
    own = await siege.agent.propose(COMMENT, key="tomorrow")
    assert own["status"] == "performed"


@attack(K, "swap the action under a key that was accepted", stopped_by="a key stands for one digest")
async def test_a_key_is_used_for_another_action(siege: Siege) -> None:
    await siege.agent.propose(COMMENT, key="one")
    other = proposal("issue.comment", {"body": "Something else."}, jira=True, issue="SHOP-1")
    await siege.turned_away(siege.agent.propose(other, key="one"), "idempotency_mismatch", source="agt_fixer")


@attack(
    K,
    "wash a denial away by sending it again and again",
    stopped_by="the same key gives the same answer, judged once",
)
async def test_a_denial_is_sent_again(siege: Siege) -> None:
    body = proposal("commit.create", RULES, branch="agent/keyed")
    first = await siege.denied(siege.agent.propose(body, key="wash"), "PATH-001")
    again = [await refusal(siege.agent.propose(body, key="wash")) for _ in range(5)]
    assert {e.problem.action_id for e in again} == {first.problem.action_id}
    assert await siege.story(str(first.problem.action_id)) == REFUSED


@attack(
    K,
    "reach what a wide token did from a narrow token of the same agent",
    stopped_by="the scope is checked before the key is looked up",
)
async def test_a_narrow_token_presents_the_wide_ones_key(siege: Siege) -> None:
    wide = proposal("branch.create", {"from": "main"}, branch="agent/wide")
    await siege.agent.propose(wide, key="wide")
    async with await siege.town.agent(projects=["jira:SHOP"]) as narrow:
        await siege.turned_away(narrow.propose(wide, key="wide"), "out_of_scope", source="agt_fixer")


@attack(K, "hide an action behind an overlong key that some index would cut", stopped_by="the form of keys")
async def test_a_key_is_too_long_to_compare(siege: Siege) -> None:
    await siege.turned_away(siege.agent.propose(COMMENT, key="k" * 201), "malformed", source="agt_fixer")


@attack(
    K,
    "have two actions pass under one key by sending them at once",
    stopped_by="the key is a row written in the unit of the request",
)
async def test_one_key_is_raced_with_two_actions(siege: Siege) -> None:
    bodies = [proposal("issue.comment", {"body": f"Twin {n}."}, jira=True, issue="SHOP-1") for n in range(8)]
    before = siege.last
    answers = await asyncio.gather(
        *(siege.agent.propose(b, key="twin") for b in bodies), return_exceptions=True
    )
    done = [a for a in answers if isinstance(a, dict)]
    assert len(done) == 1
    assert len(await siege.events("action.performed", before)) == 1
    counted = await siege.counted(before)
    assert counted[("agt_fixer", "rest", "idempotency_mismatch")] == len(bodies) - 1
