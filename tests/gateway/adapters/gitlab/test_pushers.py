"""Who brought commits to a branch, whatever names stand in them."""

from gateway.core.vocabulary import ActionType as T
from gateway.ports import Inspection
from gateway.sandbox.git.repository import ZERO
from gateway.sandbox.gitlab.entities import PushEvent
from gateway.sandbox.switches import Fault
from tests.gateway.adapters.gitlab.rigs import API, PEOPLE, World, open_request

BRANCH = "agent/new"


def pushed(world: World, by: str, *, branch: str = BRANCH, created: bool = False) -> None:
    """That account moves a branch, as GitLab tells it."""
    forge, project = world.sandbox.forge, world.project()
    user = forge.user_named(by)
    head = project.repository.head("main")
    assert user is not None
    assert head is not None
    before = ZERO if created else head
    project.events.append(
        PushEvent(forge.number("event"), user, forge.clock.now(), "branch", branch, before, head)
    )


async def inspected(world: World, iid: int) -> Inspection:
    params = {"expected_head": "a" * 40}
    return await world.target.inspect(world.act(T.MERGE_REQUEST_MERGE, params, merge_request=iid))


async def test_who_pushed_to_the_branch_is_one_of_its_makers(world: World) -> None:
    iid = open_request(world, BRANCH)
    alone = await inspected(world, iid)
    pushed(world, "maya")

    assert alone.authors == ()
    assert (await inspected(world, iid)).authors == (PEOPLE["maya"],)


async def test_pushes_elsewhere_by_nobody_known_or_before_the_branch_was_made_again_say_nothing(
    world: World,
) -> None:
    iid = open_request(world, BRANCH)
    pushed(world, "maya", branch="agent/other")
    pushed(world, "outsider")
    pushed(world, "maya")
    pushed(world, "loopgate-road", created=True)

    assert (await inspected(world, iid)).authors == ()


async def test_a_list_of_pushes_that_cannot_be_read_is_a_missing_fact(world: World) -> None:
    iid = open_request(world, BRANCH)
    world.sandbox.switches.add(Fault(kind="status", path=f"{API}/events", status=500))
    seen = await inspected(world, iid)

    assert [fact.path for fact in seen.missing] == ["authors"]
