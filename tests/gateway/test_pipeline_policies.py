"""A policy that changes while an action is judged: the ruling is of one policy, and a start is of the one in force."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.actions import Request
from gateway.core.outcomes import Denied, Performed
from tests.world import DIGEST, HEAD, World, denies

OTHERS = ("b" * 64, "c" * 64)


async def judged_by(world: World) -> str:
    """The digest in the ruling on a merge."""
    target = {"system": "gitlab", "project": "shop/checkout", "merge_request": 7}
    request = Request(type="merge_request.merge", target=target, params={"expected_head": HEAD})
    judgement = await world.road.preview(request, world.principal)
    return judgement.ruling.policy.digest


async def test_a_policy_that_is_swapped_while_it_judges_judges_again() -> None:
    world = World()
    world.policy.swaps = [OTHERS[0]]

    assert await judged_by(world) == OTHERS[0]
    assert len(world.policy.documents) == 2


async def test_what_it_allows_then_starts_under_the_new_one() -> None:
    world = World()
    world.policy.swaps = [OTHERS[0]]
    world.ledger.policy = OTHERS[0]

    assert isinstance(await world.propose(), Performed)
    assert len(world.policy.documents) == 2


async def test_there_and_back_is_a_change_as_well() -> None:
    """The digest reads the same afterwards, and what decided in between was another policy."""
    world = World()
    world.policy.swaps = [OTHERS[0], DIGEST]

    assert await judged_by(world) == DIGEST
    assert len(world.policy.documents) == 3


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([DIGEST, *OTHERS]), max_size=5), st.booleans())
async def test_every_ruling_names_the_one_policy_that_was_in_force_all_the_while(
    swaps: list[str],
    allowed: bool,  # noqa: FBT001 - hypothesis draws it
) -> None:
    world = World()
    world.policy.swaps = list(swaps)
    world.ledger.policy = last = swaps[-1] if swaps else DIGEST
    if not allowed:
        world.policy.says = (denies("PATH-001"),)

    assert await judged_by(world) == last
    assert len(world.policy.documents) == len(swaps) + 1
    assert isinstance(await world.propose(), Performed if allowed else Denied)
