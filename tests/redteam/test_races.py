"""Two things at once, where only one may happen."""

import asyncio
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.client.api import ApiError, Client
from gateway.client.vote_keys import public_half, sign_challenge
from tests.redteam.attacks import Kind, attack
from tests.redteam.siege import Siege
from tests.town import OPERATOR, OWNER, RELEASE, held_merge, open_merge_request, proposal

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
K = Kind.RACES


async def fresh(siege: Siege, name: str) -> dict[str, Any]:
    """A merge that waits, of a branch of its own."""
    opened = await open_merge_request(siege.agent, f"agent/{name}", path=f"docs/{name}.md")
    return await held_merge(siege.agent, opened)


def codes(answers: list[Any]) -> list[str]:
    """The codes of what was refused."""
    return [a.problem.code for a in answers if isinstance(a, ApiError)]


@attack(
    K,
    "be counted twice by voting twice at the same moment",
    stopped_by="a vote is checked and written in one unit",
)
async def test_one_person_votes_many_times_at_once(siege: Siege) -> None:
    held = await fresh(siege, "votes")
    before = siege.last
    calls = (siege.town.vote(OWNER, held["ticket"]["id"]) for _ in range(6))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert codes(list(answers)) == ["already_voted"] * 5
    assert len(await siege.events("approval.voted", before)) == 1
    assert (await siege.counted(before))[(OWNER, "rest", "already_voted")] == 5


@attack(K, "get a yes in before a no, and act", stopped_by="the votes have one order; a no closes the ticket")
async def test_a_yes_races_a_no(siege: Siege) -> None:
    held = await fresh(siege, "yesno")
    votes = (
        siege.town.vote(OWNER, held["ticket"]["id"], "reject"),
        siege.town.vote(RELEASE, held["ticket"]["id"]),
    )
    await asyncio.gather(*votes, return_exceptions=True)
    await siege.town.look()
    assert (await siege.agent.action(held["action_id"]))["status"] == "rejected"
    assert "action.started" not in await siege.story(held["action_id"])


@attack(
    K,
    "start what was approved before a stop takes hold",
    stopped_by="the stop is a guard inside the unit of `started`",
)
async def test_a_stop_comes_between_approval_and_start(siege: Siege) -> None:
    held = await fresh(siege, "stopped")
    await siege.town.vote(OWNER, held["ticket"]["id"])
    async with await siege.town.sign_in(OPERATOR) as operator:
        await operator.stop("action_type", "merge_request.merge", "Wait.")
    await siege.town.vote(RELEASE, held["ticket"]["id"])
    for _ in range(3):
        await siege.town.look()
    assert (await siege.agent.action(held["action_id"]))["status"] in {"waiting", "approved"}
    story = await siege.story(held["action_id"])
    assert "action.started" not in story
    assert "action.waiting" in story
    await siege.turned_away(siege.other.cancel(held["action_id"]), "not_found", source="agt_loop")


@attack(
    K,
    "have an approval survive the withdrawal of its action",
    stopped_by="a cancelled action closes its ticket in the same unit",
)
async def test_a_vote_races_a_cancellation(siege: Siege) -> None:
    held = await fresh(siege, "cancelled")
    await siege.agent.cancel(held["action_id"])
    call = siege.town.vote(OWNER, held["ticket"]["id"])
    await siege.turned_away(call, "ticket_closed", source=OWNER)
    assert (await siege.agent.action(held["action_id"]))["status"] == "cancelled"
    assert "action.cancelled" in await siege.story(held["action_id"])


@attack(
    K,
    "make two sessions of one answered challenge",
    stopped_by="the challenge is spent in the unit that makes the token",
)
async def test_one_challenge_is_answered_many_times_at_once(siege: Siege) -> None:
    await (await siege.town.sign_in(OWNER)).close()
    owner, before = siege.town.citizens[OWNER], siege.last
    async with siege.town.client() as thief:
        challenge = await thief.challenge(owner.key_id)
        signature = sign_challenge(owner.key, owner.key_id, challenge)
        calls = (thief.sign_in(owner.key_id, challenge, signature) for _ in range(5))
        answers = await asyncio.gather(*calls, return_exceptions=True)
    assert codes(list(answers)) == ["unauthenticated"] * 4
    assert len(await siege.events("access.granted", before)) == 1
    assert (await siege.counted(before))[(owner.key_id, "sign_in", "unauthenticated")] == 4


@attack(
    K,
    "register its key with a person's code at the moment they do",
    stopped_by="a code is spent by one of the two, and the other is told",
)
async def test_one_code_is_used_by_two_at_once(siege: Siege) -> None:
    async with await siege.town.sign_in(OPERATOR) as operator:
        code = await operator.invite("prn_security")
    before = siege.last
    async with siege.town.client() as anyone:
        keys = (public_half(Ed25519PrivateKey.generate()) for _ in range(4))
        answers = await asyncio.gather(*(anyone.register_key(code, k) for k in keys), return_exceptions=True)
    assert codes(list(answers)) == ["bad_code"] * 3
    counted = await siege.counted(before)
    assert sum(n for (_, door, code), n in counted.items() if (door, code) == ("sign_in", "bad_code")) == 3


@attack(
    K,
    "create one branch twice from two places",
    stopped_by="the push is leased: one is done, the others are refused",
)
async def test_one_branch_is_created_many_times_at_once(siege: Siege) -> None:
    async def create(client: Client) -> Any:
        return await client.propose(proposal("branch.create", {"from": "main"}, branch="agent/same"))

    before = siege.last
    answers = await asyncio.gather(*(create(siege.agent) for _ in range(4)), return_exceptions=True)
    done = [a for a in answers if isinstance(a, dict)]
    assert len(done) == 1
    ended = await siege.events("action.refused", before) + await siege.events("action.denied", before)
    assert len(ended) == 3
