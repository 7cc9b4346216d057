"""Votes that must not count, each refused with its reason, against a whole gateway."""

import asyncio

import pytest

from tests.town import DEVELOPER, OWNER, RELEASE, Town, commit_on, held_merge, open_merge_request, refusal

pytestmark = pytest.mark.slow


async def test_a_stranger_to_the_clauses_may_not_vote(town: Town) -> None:
    async with await town.agent() as agent:
        held = await held_merge(agent, await open_merge_request(agent))
        error = await refusal(town.vote("prn_data_owner", held["ticket"]["id"]))

    assert error.problem.code == "not_eligible"


async def test_a_vote_on_another_digest_is_refused(town: Town) -> None:
    async with await town.agent() as agent:
        held = await held_merge(agent, await open_merge_request(agent))
        error = await refusal(town.vote(OWNER, held["ticket"]["id"], digest="0" * 64))

    assert error.problem.code == "stale_question"
    assert error.problem.status == 409


async def test_a_signature_of_another_key_is_refused(town: Town) -> None:
    async with await town.agent() as agent:
        held = await held_merge(agent, await open_merge_request(agent))
        for person in (OWNER, RELEASE):
            await (await town.sign_in(person)).close()
        error = await refusal(town.vote_with_key(OWNER, RELEASE, held["ticket"]["id"]))
        after = await agent.action(held["action_id"])

    assert error.problem.code == "bad_assertion"
    assert after["ticket"]["votes"] == []


async def test_an_unsigned_vote_does_not_fill_a_clause_that_wants_a_signature(town: Town) -> None:
    async with await town.agent() as agent:
        held = await held_merge(agent, await open_merge_request(agent))
        await town.vote(OWNER, held["ticket"]["id"], signed=False)
        await town.vote(RELEASE, held["ticket"]["id"])
        after = await agent.action(held["action_id"])

    assert {c["assurance"] for c in held["ticket"]["clauses"]} == {"signed"}
    assert after["status"] == "held"


async def test_a_vote_after_expiry_is_refused_and_the_action_expires(town: Town) -> None:
    async with await town.agent() as agent:
        held = await held_merge(agent, await open_merge_request(agent))
    town.clock.advance(9 * 3600)
    error = await refusal(town.vote(OWNER, held["ticket"]["id"]))
    await town.look()
    async with await town.agent() as agent:
        after = await agent.action(held["action_id"])

    assert error.problem.code in {"ticket_expired", "ticket_closed"}
    assert after["status"] == "expired"


async def test_a_vote_is_counted_once_per_person(town: Town) -> None:
    async with await town.agent() as agent:
        held = await held_merge(agent, await open_merge_request(agent))
        await town.vote(OWNER, held["ticket"]["id"])
        error = await refusal(town.vote(OWNER, held["ticket"]["id"]))

    assert error.problem.code == "already_voted"


async def test_an_agents_token_does_not_vote(town: Town) -> None:
    async with await town.agent() as agent:
        held = await held_merge(agent, await open_merge_request(agent))
        ballot = {"answer": "approve", "question_digest": held["ticket"]["question_digest"], "reason": "Me."}
        error = await refusal(agent.vote(held["ticket"]["id"], ballot))

    assert error.problem.status == 403


async def test_a_rejection_after_the_quorum_comes_too_late(town: Town) -> None:
    async with await town.agent() as agent:
        held = await held_merge(agent, await open_merge_request(agent))
        await town.vote(OWNER, held["ticket"]["id"])
        await town.vote(RELEASE, held["ticket"]["id"])
        error = await refusal(town.vote("prn_sre", held["ticket"]["id"], "reject"))

    assert error.problem.code == "ticket_closed"


async def test_a_rejection_is_final_for_the_same_question_and_gives_its_reason(town: Town) -> None:
    async with await town.agent() as agent:
        opened = await open_merge_request(agent)
        held = await held_merge(agent, opened)
        await town.vote(OWNER, held["ticket"]["id"], "reject")
        again = await refusal(held_merge(agent, opened))

    assert "REJECTED_BEFORE" in {f["code"] for f in again.problem.findings}
    assert "Because." in again.problem.detail


async def test_a_commit_of_somebody_else_on_the_agents_branch_is_not_merged(town: Town) -> None:
    """A commit of somebody else on the agent's branch: self-declared authorship must not choose the approver."""
    async with await town.agent() as agent:
        opened = await open_merge_request(agent)
        author = {"name": "Somebody", "email": "somebody@example.invalid"}
        opened.head = town.commit_by_hand(opened.branch, author)
        error = await refusal(held_merge(agent, opened))

    assert "COMMIT-001" in {f["code"] for f in error.problem.findings}


async def test_the_owner_of_the_agent_may_not_even_reject_for_it(town: Town) -> None:
    async with await town.agent() as agent:
        opened = await open_merge_request(agent)
        await commit_on(agent, opened.branch, path="docs/b.md")
        opened.head = await commit_on(agent, opened.branch, path="docs/c.md")
        held = await held_merge(agent, opened)
        errors = await asyncio.gather(
            *(refusal(town.vote(DEVELOPER, held["ticket"]["id"], answer)) for answer in ("approve", "reject"))
        )

    assert {e.problem.code for e in errors} == {"self_approval"}
