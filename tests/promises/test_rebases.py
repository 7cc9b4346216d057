"""A rebase by the gateway while people are asked about the merge: a whole gateway, the sandbox's real rebase, real git."""

from typing import Any

import pytest

from gateway.client.api import Client
from tests.town import (
    OWNER,
    RELEASE,
    Opened,
    Town,
    held_merge,
    open_merge_request,
    proposal,
    refusal,
)

pytestmark = pytest.mark.slow
MAYA = {"name": "Maya", "email": "maya@shop.test"}


async def rebase(agent: Client, opened: Opened, **how: Any) -> dict[str, Any]:
    return await agent.propose(proposal("merge_request.rebase", {}, merge_request=opened.iid), **how)


async def events_of(town: Town, subject: str) -> list[str]:
    rows = await town.gateway.store.archive.events(subject=subject, event_type=None, after=None, limit=99)
    return [row.type for row in rows]


async def test_a_rebase_with_conflicts_is_refused_in_gitlabs_words_and_costs_no_vote(town: Town) -> None:
    async with await town.agent() as agent:
        opened = await open_merge_request(agent, path="by-hand.md", content="Not by hand.\n")
        held = await held_merge(agent, opened)
        await town.vote(OWNER, held["ticket"]["id"])
        town.commit_by_hand("main", MAYA)

        refused = await refusal(rebase(agent, opened, key="once"))
        again = await refusal(rebase(agent, opened, key="once"))
        ticket = await town.ticket(held["ticket"]["id"])

    assert (refused.problem.status, refused.problem.code) == (409, "target_refused")
    assert "resolve all conflicts" in refused.problem.detail
    assert again.problem.action_id == refused.problem.action_id
    told = await events_of(town, again.problem.action_id or "")
    assert [t for t in told if t not in {"action.requested", "action.judged"}] == [
        "action.started",
        "action.refused",
    ]
    assert town.sandbox.forge.projects[1].merge_requests[opened.iid].sha == opened.head
    assert (ticket["state"], len(ticket["votes"])) == ("open", 1)
    assert (await events_of(town, held["ticket"]["id"])) == ["approval.opened", "approval.voted"]


async def test_a_rebase_ends_the_question_about_the_old_head_and_says_so_to_everybody(town: Town) -> None:
    async with await town.agent() as agent:
        opened = await open_merge_request(agent)
        merge = proposal("merge_request.merge", {"expected_head": opened.head}, merge_request=opened.iid)
        held = await agent.propose(merge, key="merge")
        ticket = held["ticket"]["id"]
        await town.vote(OWNER, ticket)
        town.commit_by_hand("main", MAYA)

        done = await town.settle(agent, (await rebase(agent, opened))["action_id"])
        head = done["result"]["head"]
        late = await refusal(town.vote(RELEASE, ticket))
        stale = await agent.action(held["action_id"])
        told = await refusal(agent.propose(merge, key="merge"))
        fresh = await held_merge(agent, Opened(opened.iid, head, opened.branch))
        rows = await town.gateway.store.archive.events(
            subject=held["action_id"], event_type="action.stale", after=None, limit=9
        )

    assert late.problem.code == "ticket_closed"
    assert "stale" in late.problem.detail
    assert stale["status"] == "stale"
    assert (told.problem.status, told.problem.code) == (409, "stale")
    assert f"Propose the merge again with expected_head {head}" in told.problem.detail
    assert (await events_of(town, ticket))[-1] == "approval.stale"
    assert [row.leaf["data"]["by"] for row in rows] == [done["action_id"]]
    assert (fresh["status"], fresh["ticket"]["votes"]) == ("held", [])
    assert fresh["ticket"]["predecessor"] == ticket
