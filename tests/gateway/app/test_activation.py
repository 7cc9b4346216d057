"""Changing the policy: free and recorded before the seal, a governed action after it, in force at once."""

from typing import Any

import pytest

from gateway.client.api import ApiError
from tests.gateway.app.shipping import APPROVER, AUTHOR, Shipped, in_force, upload
from tests.town import (
    OPERATOR,
    OWNER,
    RELEASE,
    Town,
    held_merge,
    open_merge_request,
    proposal,
    refusal,
)

pytestmark = pytest.mark.slow


async def branch(town: Town, name: str = "agent/x") -> str:
    """What becomes of a branch that an agent wants: `performed`, or the code it is denied with."""
    async with await town.agent() as agent:
        wanted = proposal("branch.create", {"from": "main"}, branch=name)
        try:
            return str((await agent.propose(wanted))["status"])
        except ApiError as error:
            return ",".join(sorted(f["code"] for f in error.problem.findings))


async def events_of(town: Town, subject: str) -> list[str]:
    rows = await town.gateway.store.archive.events(subject=subject, event_type=None, after=None, limit=100)
    return [row.type for row in rows]


async def test_before_the_seal_an_author_activates_alone_and_it_is_recorded(
    trusting: Town, strict: Shipped
) -> None:
    await upload(trusting, strict)
    assert await branch(trusting, "agent/before") == "performed"

    async with await trusting.sign_in(AUTHOR) as author:
        done = await author.activate_policy(strict.digest, "No more branches.")

    assert done["changed"] is True
    assert await in_force(trusting) == strict.digest
    assert "GATE-001" in await branch(trusting)
    assert await events_of(trusting, strict.digest) == ["policy.uploaded", "policy.activated"]


async def test_after_the_seal_another_person_must_approve(sealed: Town, strict: Shipped) -> None:
    await upload(sealed, strict)
    async with await sealed.sign_in(AUTHOR) as author:
        held = await author.activate_policy(strict.digest, "No more branches.")
        assert held["status"] == "held"
        alone = await refusal(sealed.vote(AUTHOR, held["ticket"]["id"]))
    assert alone.problem.code == "self_approval"
    assert await branch(sealed, "agent/before") == "performed"

    await sealed.vote(APPROVER, held["ticket"]["id"])
    await sealed.gateway.neighbours.carrier.finish()
    await sealed.look()

    assert await in_force(sealed) == strict.digest
    assert "GATE-001" in await branch(sealed)
    assert await events_of(sealed, strict.digest) == ["policy.uploaded", "policy.activated"]
    kinds = await events_of(sealed, held["action_id"])
    assert kinds[-2:] == ["action.started", "action.performed"]


async def test_the_question_names_what_changes(sealed: Town, strict: Shipped, same: Shipped) -> None:
    await upload(sealed, strict)
    async with await sealed.sign_in(AUTHOR) as author:
        held = await author.activate_policy(strict.digest, "No more branches.")

    subject: dict[str, Any] = held["ticket"]["question"]["subject"]
    assert (subject["digest"], subject["in_force"]) == (strict.digest, same.digest)
    assert subject["data"] == {"changed": ["grants"]}
    assert subject["files"] == {"changed": ["data.json"]}
    assert subject["uploaded_by"] == AUTHOR
    assert subject["sha256"] == strict.release.sha256


async def test_a_rollback_is_asked_for_and_goes_back_at_once(
    sealed: Town, strict: Shipped, same: Shipped
) -> None:
    await activated(sealed, strict)
    async with await sealed.sign_in(OPERATOR) as operator:
        held = await operator.roll_back_policy("Nobody can work.")
    assert held["status"] == "held"

    await sealed.vote(APPROVER, held["ticket"]["id"])
    await sealed.gateway.neighbours.carrier.finish()
    await sealed.look()

    assert await in_force(sealed) == same.digest
    assert await branch(sealed) == "performed"
    assert (await events_of(sealed, same.digest))[-1] == "policy.rolled_back"


async def activated(town: Town, shipped: Shipped) -> dict[str, Any]:
    await upload(town, shipped)
    async with await town.sign_in(AUTHOR) as author:
        held = await author.activate_policy(shipped.digest, "As agreed.")
        await town.vote(APPROVER, held["ticket"]["id"])
        await town.gateway.neighbours.carrier.finish()
        return await town.settle(author, held["action_id"])


async def test_a_draft_judges_a_dry_run_and_nothing_else(trusting: Town, strict: Shipped) -> None:
    await upload(trusting, strict)
    wanted = proposal("branch.create", {"from": "main"}, branch="agent/x")
    async with await trusting.sign_in(AUTHOR) as author:
        ruling = await author.rehearse_draft(wanted, agent="agt_fixer")

    assert (ruling["effect"], ruling["policy_digest"]) == ("deny", strict.digest)
    assert await branch(trusting) == "performed"
    assert await events_of(trusting, strict.digest) == ["policy.uploaded", "policy.draft_used"]


async def test_a_ticket_outlives_a_policy_that_asks_the_same_and_both_digests_are_recorded(
    sealed: Town, same: Shipped, third: Shipped
) -> None:
    async with await sealed.agent() as agent:
        opened = await open_merge_request(agent)
        sealed.sandbox.clock.advance(65)
        held = await held_merge(agent, opened)
        await sealed.vote(OWNER, held["ticket"]["id"])
        assert (await activated(sealed, third))["status"] == "performed"

        await sealed.vote(RELEASE, held["ticket"]["id"])
        done = await sealed.settle(agent, held["action_id"])

    rows = await sealed.gateway.store.archive.events(
        subject=held["action_id"], event_type="action.judged", after=None, limit=50
    )
    assert done["status"] == "performed"
    assert [row.leaf["data"]["policy"]["digest"] for row in rows][:: len(rows) - 1] == [
        same.digest,
        third.digest,
    ]


async def test_an_approved_activation_waits_for_no_other_and_goes_stale_when_another_came_first(
    sealed: Town, strict: Shipped, third: Shipped
) -> None:
    """People approved a change from one policy; from another it would be another change."""
    await upload(sealed, strict)
    async with await sealed.sign_in(AUTHOR) as author:
        held = await author.activate_policy(strict.digest, "No more branches.")
        await activated(sealed, third)
        await sealed.vote(APPROVER, held["ticket"]["id"])
        done = await sealed.settle(author, held["action_id"])

    assert done["status"] == "stale"
    assert await in_force(sealed) == third.digest


async def test_no_stop_keeps_people_from_going_back(sealed: Town, strict: Shipped, same: Shipped) -> None:
    await activated(sealed, strict)
    async with await sealed.sign_in(OPERATOR) as operator:
        await operator.stop("everything", "", "odd denials")
        held = await operator.roll_back_policy("Nobody can work.")
    await sealed.vote(APPROVER, held["ticket"]["id"])
    await sealed.look()

    assert await in_force(sealed) == same.digest
