"""What GitLab tells of the open issues that a new one is like."""

from gateway.core.vocabulary import ActionType as T
from gateway.sandbox.switches import Fault
from tests.gateway.adapters.gitlab.rigs import API, World


async def test_the_open_issues_are_compared_word_for_word(world: World) -> None:
    title = world.project().issues[1].title
    seen = await world.target.inspect(world.act(T.ISSUE_CREATE, {"title": title.upper()}))

    assert seen.missing == ()
    assert seen.similar is not None
    best = seen.similar.candidates[0]
    assert (best.key, best.similarity, best.state) == ("1", 1000, "opened")
    assert (seen.similar.looked, seen.similar.bounded) == (len(world.project().issues), False)


async def test_what_is_closed_is_no_duplicate(world: World) -> None:
    title = world.project().issues[1].title
    for issue in world.project().issues:
        world.call("PUT", f"/issues/{issue}", state_event="close")
    seen = await world.target.inspect(world.act(T.ISSUE_CREATE, {"title": title}))

    assert seen.similar is not None
    assert (seen.similar.candidates, seen.similar.looked) == ((), 0)


async def test_a_list_that_cannot_be_read_is_missing(world: World) -> None:
    world.sandbox.switches.add(Fault("status", status=502, system="gitlab", path=f"{API}/issues"))
    seen = await world.target.inspect(world.act(T.ISSUE_CREATE, {"title": "t"}))

    assert seen.project is not None
    assert seen.similar is None
    assert [(m.path, m.retry) for m in seen.missing] == [("similar", "wait_until")]


async def test_a_comment_is_compared_with_nothing(world: World) -> None:
    seen = await world.target.inspect(world.act(T.ISSUE_COMMENT, {"body": "b"}, issue="1"))

    assert seen.similar is None
