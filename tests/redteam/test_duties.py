"""Work approved by who made it, votes that are not votes, and authors who try to disappear."""

from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.client.vote_keys import public_half
from tests.redteam.attacks import Kind, attack
from tests.redteam.siege import Siege
from tests.town import (
    DEVELOPER,
    OPERATOR,
    OWNER,
    RELEASE,
    Citizen,
    Opened,
    commit_on,
    held_merge,
    open_merge_request,
    proposal,
)

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
K = Kind.DUTIES
FOREIGN = {"name": "Somebody", "email": "somebody@else.test"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def held(siege: Siege) -> dict[str, Any]:
    """A merge that waits for its approvals."""
    return await held_merge(siege.agent, await open_merge_request(siege.agent))


async def stays_held(siege: Siege, held: dict[str, Any]) -> None:
    """No vote was counted and nothing was started."""
    after = await siege.agent.action(held["action_id"])
    assert (after["status"], after["ticket"]["votes"]) == ("held", [])
    assert "action.started" not in await siege.story(held["action_id"])


@attack(
    K,
    "have the agent's owner approve the agent's work",
    stopped_by="the owner is excluded, whatever roles they hold",
)
async def test_the_owner_of_the_agent_approves(siege: Siege, held: dict[str, Any]) -> None:
    await siege.turned_away(
        siege.town.vote(DEVELOPER, held["ticket"]["id"]), "self_approval", source=DEVELOPER
    )
    await stays_held(siege, held)


@attack(K, "vote with the agent's own token", stopped_by="the route is for people")
async def test_the_agent_votes(siege: Siege, held: dict[str, Any]) -> None:
    ballot = {"answer": "approve", "question_digest": held["ticket"]["question_digest"], "reason": "Me."}
    await siege.turned_away(
        siege.agent.vote(held["ticket"]["id"], ballot), "out_of_scope", source="agt_fixer"
    )
    await stays_held(siege, held)


@attack(
    K,
    "have an administrator approve instead of who must",
    stopped_by="no administrator is exempt: roles of the ticket only",
)
async def test_an_operator_approves(siege: Siege, held: dict[str, Any]) -> None:
    await siege.turned_away(siege.town.vote(OPERATOR, held["ticket"]["id"]), "not_eligible", source=OPERATOR)
    await stays_held(siege, held)


@attack(K, "collect a yes from an approver of something else", stopped_by="clauses name roles for a service")
async def test_a_stranger_to_the_service_approves(siege: Siege, held: dict[str, Any]) -> None:
    call = siege.town.vote("prn_data_owner", held["ticket"]["id"])
    await siege.turned_away(call, "not_eligible", source="prn_data_owner")
    await stays_held(siege, held)


@attack(K, "sign in another person's name with its own key", stopped_by="a vote key belongs to one person")
async def test_a_vote_is_signed_by_another_key(siege: Siege, held: dict[str, Any]) -> None:
    for person in (OWNER, RELEASE):
        await (await siege.town.sign_in(person)).close()
    call = siege.town.vote_with_key(OWNER, RELEASE, held["ticket"]["id"])
    await siege.turned_away(call, "bad_assertion", source=OWNER)
    await stays_held(siege, held)


@attack(
    K,
    "have people approve another question than they read",
    stopped_by="a vote names the digest of the question",
)
async def test_a_vote_is_for_another_question(siege: Siege, held: dict[str, Any]) -> None:
    call = siege.town.vote(OWNER, held["ticket"]["id"], digest="0" * 64)
    await siege.turned_away(call, "stale_question", source=OWNER)
    await stays_held(siege, held)


@attack(K, "count one person twice by a second key", stopped_by="one person, one vote, whatever key")
async def test_a_person_votes_again_with_a_second_key(siege: Siege) -> None:
    held = await held_merge(
        siege.agent, await open_merge_request(siege.agent, "agent/keys", path="docs/keys.md")
    )
    await siege.town.vote(RELEASE, held["ticket"]["id"])
    async with await siege.town.sign_in(OPERATOR) as operator:
        code = await operator.invite(RELEASE)
    key = Ed25519PrivateKey.generate()
    async with siege.town.client() as anonymous:
        registered = await anonymous.register_key(code, public_half(key))
    first = siege.town.citizens[RELEASE]
    siege.town.citizens[RELEASE] = Citizen(RELEASE, key, registered["id"])
    await siege.turned_away(siege.town.vote(RELEASE, held["ticket"]["id"]), "already_voted", source=RELEASE)
    siege.town.citizens[RELEASE] = first
    assert (await siege.agent.action(held["action_id"]))["status"] == "held"


@attack(
    K,
    "approve with a stolen session and no key",
    stopped_by="clauses ask for a signature; a token fills none",
)
async def test_votes_by_token_fill_no_clause(siege: Siege) -> None:
    held = await held_merge(
        siege.agent, await open_merge_request(siege.agent, "agent/token", path="docs/token.md")
    )
    for person in (OWNER, RELEASE):
        await siege.town.vote(person, held["ticket"]["id"], signed=False)
    await siege.town.look()
    after = await siege.agent.action(held["action_id"])
    votes = [
        r.leaf["data"]["assurance"]
        for r in await siege.events("approval.voted")
        if r.subject == held["ticket"]["id"]
    ]
    assert (after["status"], votes) == ("held", ["token", "token"])
    assert "action.started" not in await siege.story(held["action_id"])


@attack(K, "merge a commit that somebody else pushed to its branch", stopped_by="COMMIT-001")
async def test_a_foreign_commit_is_merged(siege: Siege) -> None:
    opened = await open_merge_request(siege.agent, "agent/foreign", path="docs/foreign.md")
    opened.head = siege.town.commit_by_hand(opened.branch, FOREIGN)
    await siege.denied(held_merge(siege.agent, opened), "COMMIT-001")
    await siege.denied(held_merge(siege.agent, opened, squash=True), "COMMIT-001")


@attack(
    K, "make an author disappear in a squash", stopped_by="COMMIT-001 looks at the commits that are squashed"
)
async def test_a_squash_hides_an_author(siege: Siege) -> None:
    iid = max(n for n, r in siege.project.merge_requests.items() if r.source_branch == "agent/foreign")
    request = siege.project.merge_requests[iid]
    head = siege.project.repository.head(request.source_branch)
    body = proposal("merge_request.merge", {"expected_head": head, "squash": True}, merge_request=iid)
    await siege.denied(siege.agent.propose(body), "COMMIT-001")


@attack(
    K,
    "copy somebody's unreviewed commit and be its only author",
    stopped_by="lineage: the patch is known as somebody else's, and every clause asks for one more person",
)
async def test_a_cherry_pick_launders_an_author(siege: Siege) -> None:
    foreign = siege.project.repository.head("agent/foreign")
    await siege.agent.propose(proposal("branch.create", {"from": "main"}, branch="agent/pick"))
    picked = await siege.agent.propose(proposal("commit.cherry_pick", branch="agent/pick", commit=foreign))
    wanted = {"source": "agent/pick", "target": "main", "title": "Mine"}
    iid = int((await siege.agent.propose(proposal("merge_request.open", wanted)))["result"]["merge_request"])
    held = await held_merge(siege.agent, Opened(iid, picked["result"]["commit"], "agent/pick"))
    assert (held["ticket"]["unknown_authors"], {c["count"] for c in held["ticket"]["clauses"]}) == (1, {2})
    for person in (OWNER, RELEASE):
        await siege.town.vote(person, held["ticket"]["id"])
    await siege.town.look()
    assert (await siege.agent.action(held["action_id"]))["status"] == "held"
    assert "action.started" not in await siege.story(held["action_id"])


@attack(K, "confirm one's own break-glass", stopped_by="a second person confirms, a third reviews")
async def test_break_glass_is_confirmed_by_its_opener(siege: Siege) -> None:
    wanted = {
        "scope": "project",
        "value": "shop/checkout",
        "ticket": "INC-1",
        "reason": "Down.",
        "minutes": 30,
    }
    async with await siege.town.sign_in(OPERATOR) as operator:
        glass = await operator.open_break_glass(wanted)
        await siege.turned_away(operator.confirm_break_glass(glass["id"]), "self_approval", source=OPERATOR)
    assert not await siege.events("breakglass.confirmed")


@attack(K, "open break-glass as an agent", stopped_by="agents have no part in it")
async def test_an_agent_opens_break_glass(siege: Siege) -> None:
    wanted = {
        "scope": "project",
        "value": "shop/checkout",
        "ticket": "INC-2",
        "reason": "Down.",
        "minutes": 30,
    }
    await siege.turned_away(siege.agent.open_break_glass(wanted), "out_of_scope", source="agt_fixer")


@attack(K, "lift a stop alone, by asking and agreeing", stopped_by="who asks is not one of the two")
async def test_a_stop_is_lifted_by_who_asked(siege: Siege) -> None:
    async with await siege.town.sign_in(OPERATOR) as operator:
        stop = await operator.stop("agent", "agt_loop", "Looking.")
        lift = await operator.lift(stop["id"], "Looked.")
    call = siege.town.vote(OPERATOR, lift["ticket"]["id"])
    await siege.turned_away(call, "self_approval", source=OPERATOR)
    assert not await siege.events("stop.lifted")


@attack(K, "lift a stop on itself", stopped_by="agents do not lift stops")
async def test_an_agent_lifts_its_stop(siege: Siege) -> None:
    async with await siege.town.sign_in(OPERATOR) as operator:
        stop = (await operator.stops())["items"][0]
    await siege.turned_away(siege.other.lift(stop["id"], "Please."), "out_of_scope", source="agt_loop")


@attack(K, "go on while it is stopped", stopped_by="TRUST-002")
async def test_a_stopped_agent_goes_on(siege: Siege) -> None:
    body = proposal("issue.comment", {"body": "Still here."}, jira=True, issue="SHOP-1")
    await siege.denied(siege.other.propose(body), "TRUST-002")


@attack(
    K,
    "add a commit after people have approved",
    stopped_by="the merge names its head; the approval ends stale",
)
async def test_a_commit_is_added_after_approval(siege: Siege) -> None:
    opened = await open_merge_request(siege.agent, "agent/late", path="docs/late.md")
    held = await held_merge(siege.agent, opened)
    await siege.town.vote(OWNER, held["ticket"]["id"])
    await commit_on(siege.agent, opened.branch, path="docs/later.md")
    await siege.town.vote(RELEASE, held["ticket"]["id"])
    after = await siege.town.settle(siege.agent, held["action_id"])
    assert after["status"] == "stale"
    assert "action.started" not in await siege.story(held["action_id"])
    assert "approval.stale" in [
        r.type for r in await siege.events("approval.stale") if r.subject == held["ticket"]["id"]
    ]
