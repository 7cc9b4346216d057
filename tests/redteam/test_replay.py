"""What was good once is presented again."""

from typing import Any

import pytest

from gateway.client.vote_keys import sign_vote
from gateway.sandbox.switches import Fault
from tests.redteam.attacks import Kind, attack
from tests.redteam.siege import Siege
from tests.town import OWNER, RELEASE, commit_on, held_merge, open_merge_request, proposal, refusal

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
K = Kind.REPLAY


async def fresh(siege: Siege, name: str) -> dict[str, Any]:
    """A merge that waits, of a branch of its own."""
    opened = await open_merge_request(siege.agent, f"agent/{name}", path=f"docs/{name}.md")
    return await held_merge(siege.agent, opened)


async def replayed(siege: Siege, signed: dict[str, Any], ticket: dict[str, Any], **sent: str) -> None:
    """Send a signature that says one thing as a vote that says another; nothing is counted."""
    await (await siege.town.sign_in(OWNER)).close()
    owner = siege.town.citizens[OWNER]
    asked = {"answer": "approve", "question_digest": ticket["question_digest"], "reason": "Because."}
    signature = sign_vote(owner.key, **{**asked, "ticket": ticket["id"], **signed})
    assertion = {"method": "signed", "key_id": owner.key_id, "signature": signature}
    async with await siege.town.sign_in(OWNER) as voter:
        call = voter.vote(ticket["id"], {**asked, **sent, "assertion": assertion})
        await siege.turned_away(call, "bad_assertion", source=OWNER)
    assert (await siege.town.ticket(ticket["id"]))["votes"] == []


@attack(
    K,
    "spend one approval on two merges",
    stopped_by="the approval is spent in the unit of `started`; a merged request has nothing to merge",
)
async def test_an_approval_is_spent_twice(siege: Siege) -> None:
    opened = await open_merge_request(siege.agent, "agent/spent", path="docs/spent.md")
    held = await held_merge(siege.agent, opened)
    for person in (OWNER, RELEASE):
        await siege.town.vote(person, held["ticket"]["id"])
    done = await siege.town.settle(siege.agent, held["action_id"])
    assert done["status"] == "performed"
    await siege.turned_away(
        siege.town.vote("prn_sre", held["ticket"]["id"]), "ticket_closed", source="prn_sre"
    )
    await siege.denied(held_merge(siege.agent, opened), "MERGE_REQUEST_OVER")
    await siege.town.look(100)
    assert [r.subject for r in await siege.events("approval.spent")] == [held["ticket"]["id"]]


@attack(
    K,
    "use a person's signature on one ticket for another",
    stopped_by="the signature covers the ticket and its question",
)
async def test_a_signature_is_moved_to_another_ticket(siege: Siege) -> None:
    first, second = await fresh(siege, "first"), await fresh(siege, "second")
    other = {"ticket": first["ticket"]["id"], "question_digest": first["ticket"]["question_digest"]}
    await replayed(siege, other, second["ticket"])


@attack(K, "turn a signed no into a yes", stopped_by="the signature covers the answer")
async def test_a_signed_no_is_sent_as_a_yes(siege: Siege) -> None:
    held = await fresh(siege, "turned")
    await replayed(siege, {"answer": "reject"}, held["ticket"])


@attack(
    K, "put other words into an approver's mouth", stopped_by="the signature covers the digest of the reason"
)
async def test_a_signed_reason_is_replaced(siege: Siege) -> None:
    held = await fresh(siege, "reason")
    await replayed(siege, {}, held["ticket"], reason="I checked everything.")


@attack(K, "ask the question again that a person has answered with no", stopped_by="REJECTED_BEFORE")
async def test_a_rejected_question_is_asked_again(siege: Siege) -> None:
    opened = await open_merge_request(siege.agent, "agent/no", path="docs/no.md")
    held = await held_merge(siege.agent, opened)
    await siege.town.vote(OWNER, held["ticket"]["id"], "reject")
    await siege.denied(held_merge(siege.agent, opened), "REJECTED_BEFORE")


@attack(K, "use an approval after its time", stopped_by="tickets expire, and the action with them")
async def test_an_approval_is_given_too_late(siege: Siege) -> None:
    held = await fresh(siege, "expired")
    await siege.town.vote(OWNER, held["ticket"]["id"])
    siege.town.clock.advance(9 * 3600)
    error = await refusal(siege.town.vote(RELEASE, held["ticket"]["id"]))
    await siege.town.look()
    assert error.problem.code in {"ticket_expired", "ticket_closed"}
    assert (await siege.agent.action(held["action_id"]))["status"] == "expired"
    story = await siege.story(held["action_id"])
    assert story[-1] == "action.expired"
    assert "action.started" not in story


@attack(
    K, "have an action done again whose answer was lost", stopped_by="in doubt is found out, never repeated"
)
async def test_a_lost_answer_is_asked_for_again(siege: Siege) -> None:
    fault = Fault("lose_reply", method="POST", path="/rest/api/3/issue", system="jira")
    siege.town.sandbox.switches.add(fault)
    body = proposal("issue.create", {"title": "Only once"}, jira=True)
    errors = [await refusal(siege.agent.propose(body, key="lost")) for _ in range(3)]
    assert [e.problem.code for e in errors] == ["in_doubt"] * 3
    assert (await siege.story(str(errors[0].problem.action_id))).count("action.started") == 1
    assert [i.summary for i in siege.town.sandbox.site.issues.values()].count("Only once") == 1


@attack(K, "revive a withdrawn action with its key", stopped_by="the key gives the old end again")
async def test_a_cancelled_action_is_sent_again(siege: Siege) -> None:
    opened = await open_merge_request(siege.agent, "agent/gone", path="docs/gone.md")
    body = proposal("merge_request.merge", {"expected_head": opened.head}, merge_request=opened.iid)
    held = await siege.agent.propose(body, key="gone")
    await siege.agent.cancel(held["action_id"])
    error = await refusal(siege.agent.propose(body, key="gone"))
    assert (error.problem.code, error.problem.action_id) == ("cancelled", held["action_id"])
    assert (await siege.story(held["action_id"]))[-1] == "action.cancelled"


@attack(
    K,
    "merge the head that people once saw after the branch went on",
    stopped_by="the head must be the branch's own",
)
async def test_an_old_head_is_merged(siege: Siege) -> None:
    opened = await open_merge_request(siege.agent, "agent/old", path="docs/old.md")
    await commit_on(siege.agent, opened.branch, path="docs/old2.md")
    error = await refusal(held_merge(siege.agent, opened))
    story = await siege.story(str(error.problem.action_id))
    assert error.problem.code in {"denied", "stale"}
    assert "action.started" not in story
    assert story[-1] in {"action.denied", "action.stale"}
