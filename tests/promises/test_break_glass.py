"""Break-glass from the outside: one opens, another confirms, a third reviews; agents have no part in it."""

import pytest

from gateway.client.api import Client
from tests.town import OPERATOR, OWNER, RELEASE, Town, refusal

pytestmark = pytest.mark.slow
WANTED = {
    "scope": "project",
    "value": "Shop/Checkout",
    "ticket": "INC-7",
    "reason": "The shop is down.",
    "minutes": 30,
}
SECOND = "prn_operator_two"


async def opened(operator: Client) -> str:
    return str((await operator.open_break_glass(WANTED))["id"])


async def test_the_whole_life_of_a_break_glass(town: Town) -> None:
    async with await town.sign_in(OPERATOR) as operator:
        glass = await opened(operator)
        own = await refusal(operator.confirm_break_glass(glass))
    async with await town.sign_in(OWNER) as owner:
        confirmed = await owner.confirm_break_glass(glass)
        ended = await owner.close_break_glass(glass)
        confirming = await refusal(owner.review_break_glass(glass, {"justified": True, "finding": "Mine."}))
    async with await town.sign_in(RELEASE) as reviewer:
        review = {"justified": True, "finding": "It was right."}
        reviewed = await reviewer.review_break_glass(glass, review)
        listed = await reviewer.break_glass()

    assert (confirmed["stands"], confirmed["value"]) == ("in_force", "shop/checkout")
    assert confirmed["expires_ms"] - confirmed["confirmed_ms"] == 30 * 60_000
    assert (ended["stands"], reviewed["stands"]) == ("ended", "reviewed")
    assert (own.problem.code, confirming.problem.code) == ("self_approval", "self_approval")
    assert [(g["id"], g["overdue"]) for g in listed["items"]] == [(glass, False)]


async def test_an_overdue_review_is_shown_and_blocks_the_next(town: Town) -> None:
    async with await town.sign_in(OPERATOR) as operator:
        glass = await opened(operator)
    async with await town.sign_in(OWNER) as owner:
        await owner.confirm_break_glass(glass)
    green = await town.gateway.examine()
    town.clock.advance(25 * 3600)
    await town.gateway.poller.look()
    ready, doctor = await town.gateway.all(), await town.gateway.examine()
    async with await town.sign_in(OPERATOR) as operator:
        blocked = await refusal(operator.open_break_glass(WANTED))

    assert green["reviews"].ok
    assert ready["reviews"].ok
    assert glass in ready["reviews"].detail
    assert not doctor["reviews"].ok
    assert blocked.problem.code == "review_overdue"


async def test_agents_and_whole_worlds_are_refused(town: Town) -> None:
    async with await town.agent() as agent:
        by_agent = await refusal(agent.open_break_glass(WANTED))
    async with await town.sign_in(OPERATOR) as operator:
        everything = await refusal(operator.open_break_glass({**WANTED, "scope": "everything", "value": ""}))
        too_long = await refusal(operator.open_break_glass({**WANTED, "minutes": 61}))
        lifting = await refusal(
            operator.open_break_glass({**WANTED, "scope": "action_type", "value": "stop.lift"})
        )
        secret = {**WANTED, "reason": "Use glpat-" + "x1Y2z3A4b5C6d7E8f9G0"}
        leaking = await refusal(operator.open_break_glass(secret))
        unknown = await refusal(operator.close_break_glass("bgl_1"))

    assert by_agent.problem.code == "out_of_scope"
    refused = (everything, too_long, lifting, leaking)
    assert {e.problem.code for e in refused} == {"malformed"}
    assert unknown.problem.status == 404
