"""A merge request that is not what the merge names any more."""

import pytest

from gateway.core.outcomes import Denied
from tests.gateway.test_pipeline import codes
from tests.world import World, asks, seen


@pytest.fixture
def world() -> World:
    return World()


async def test_a_head_that_is_not_the_named_one_is_denied_with_what_to_do(world: World) -> None:
    world.gitlab.seen = seen("b" * 40)
    outcome = await world.propose()

    assert isinstance(outcome, Denied)
    assert "STATE_MOVED" in await codes(world, outcome)


@pytest.mark.parametrize("state", ["closed", "merged"])
async def test_a_merge_request_that_is_over_is_not_asked_about(world: World, state: str) -> None:
    now = seen()
    assert now.merge_request is not None
    over = now.merge_request.model_copy(update={"state": state})
    world.gitlab.seen = now.model_copy(update={"merge_request": over})
    world.policy.says = (asks(n=1),)

    outcome = await world.propose()

    assert isinstance(outcome, Denied)
    assert "MERGE_REQUEST_OVER" in await codes(world, outcome)
