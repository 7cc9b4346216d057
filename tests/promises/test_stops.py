"""A stop holds whatever has not started, approved or not; two operators lift it, and what was approved goes on."""

import pytest

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
SECOND, THIRD = "prn_operator_two", "prn_operator_three"


async def approve_lift(town: Town, ticket: str, *people: str) -> None:
    for person in people:
        await town.vote(person, ticket)


async def test_approved_work_waits_for_the_stop_and_goes_on_when_two_operators_lift_it(town: Town) -> None:
    async with await town.agent() as agent:
        held = await held_merge(agent, await open_merge_request(agent))
        ticket = held["ticket"]["id"]
        async with await town.sign_in(OPERATOR) as operator:
            stop = await operator.stop("everything", "", "Something burns.")
            await town.vote(OWNER, ticket)
            await town.vote(RELEASE, ticket)
            await town.look()
            await town.look()
            waiting = await agent.action(held["action_id"])
            fresh = await refusal(
                agent.propose(proposal("branch.create", {"from": "main"}, branch="agent/x"))
            )
            lift = await operator.lift(stop["id"], "Put out.")
        await approve_lift(town, lift["ticket"]["id"], SECOND)
        await town.look()
        still = await agent.action(held["action_id"])
        await approve_lift(town, lift["ticket"]["id"], THIRD)
        await town.look()
        await town.look()
        done = await town.settle(agent, held["action_id"])
        async with await town.sign_in(OPERATOR) as operator:
            lifted, stops = await operator.action(lift["action_id"]), await operator.stops()

    assert waiting["status"] == still["status"] == "waiting"
    assert fresh.problem.code == "denied"
    assert fresh.problem.retry == {"kind": "wait_until", "wait_until_ms": None}
    assert (lift["status"], lift["type"], lift["agent"]) == ("held", "stop.lift", OPERATOR)
    assert lift["ticket"]["question"]["subject"]["scope"] == "everything"
    assert lifted["status"] == "performed"
    assert stops["items"] == []
    assert done["status"] == "performed"


async def test_who_asks_to_lift_a_stop_is_not_one_of_the_two(town: Town) -> None:
    async with await town.sign_in(OPERATOR) as operator:
        stop = await operator.stop("project", "shop/checkout", "Looking.")
        lift = await operator.lift(stop["id"], "Looked.")
    own = await refusal(town.vote(OPERATOR, lift["ticket"]["id"]))
    stranger = await refusal(town.vote(OWNER, lift["ticket"]["id"]))
    token_only = await refusal_of_unsigned(town, lift["ticket"]["id"])

    assert own.problem.code == "self_approval"
    assert stranger.problem.code == "not_eligible"
    assert token_only["state"] == "open"


async def refusal_of_unsigned(town: Town, ticket: str) -> dict[str, object]:
    """A vote by token alone is recorded and fills no clause that asks for a signature."""
    await town.vote(SECOND, ticket, signed=False)
    return await town.vote(THIRD, ticket)


async def test_a_stop_is_lifted_once_and_a_second_ticket_for_it_ends_stale(town: Town) -> None:
    async with await town.sign_in(OPERATOR) as operator:
        stop = await operator.stop("agent", "agt_fixer", "Looking.")
        first = await operator.lift(stop["id"], "Looked.")
    async with await town.sign_in(OWNER) as owner:
        second = await owner.lift(stop["id"], "I looked too.")
    await approve_lift(town, first["ticket"]["id"], SECOND, THIRD)
    await town.look()
    await approve_lift(town, second["ticket"]["id"], OPERATOR, SECOND)
    await town.look()
    async with await town.sign_in(OPERATOR) as operator:
        documents = [await operator.action(a["action_id"]) for a in (first, second)]
        again = await refusal(operator.lift(stop["id"], "Once more."))
        unknown = await refusal(operator.lift("stp_1", "Which?"))

    assert [d["status"] for d in documents] == ["performed", "stale"]
    assert (again.problem.status, unknown.problem.status) == (409, 404)


async def test_a_stop_on_lifting_stops_is_refused(town: Town) -> None:
    async with await town.sign_in(OPERATOR) as operator:
        refused = await refusal(operator.stop("action_type", "stop.lift", "Nothing goes."))

    assert refused.problem.code == "malformed"


async def test_an_agent_can_neither_lift_nor_propose_it_without_the_grant(town: Town) -> None:
    async with await town.sign_in(OPERATOR) as operator:
        stop = await operator.stop("project", "shop/checkout", "Looking.")
    async with await town.agent() as agent:
        by_route = await refusal(agent.lift(stop["id"], "Let me."))
        asked = {"type": "stop.lift", "target": {"system": "loopgate", "stop": stop["id"]}}
        by_road = await refusal(agent.propose(asked))

    assert by_route.problem.code == "out_of_scope"
    assert by_road.problem.code in {"denied", "out_of_scope"}
