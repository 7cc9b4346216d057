"""What Jira tells of the open issues that a new one is like."""

from gateway.core.duplicates import MOST_READ
from gateway.core.vocabulary import ActionType as T
from gateway.sandbox.jira.site import DONE
from gateway.sandbox.switches import Fault
from tests.gateway.adapters.jira.rigs import API, KEY, World


async def test_the_open_issues_are_compared_word_for_word(world: World) -> None:
    another = world.another()
    seen = await world.target.inspect(world.act(T.ISSUE_CREATE, {"title": "another!"}))

    assert seen.missing == ()
    assert seen.similar is not None
    assert [(c.key, c.similarity, c.state) for c in seen.similar.candidates] == [(another.key, 1000, "To Do")]
    assert (seen.similar.looked, seen.similar.bounded) == (2, False)


async def test_what_is_done_is_no_duplicate(world: World) -> None:
    issue = world.issue()
    issue.status = DONE
    world.sandbox.site.reindex(issue)
    seen = await world.target.inspect(world.act(T.ISSUE_CREATE, {"title": issue.summary}))

    assert seen.similar is not None
    assert (seen.similar.candidates, seen.similar.looked) == ((), 0)


async def test_only_the_newest_are_read_and_that_is_told(world: World) -> None:
    oldest = world.issue().summary
    for _ in range(MOST_READ):
        world.another()
    seen = await world.target.inspect(world.act(T.ISSUE_CREATE, {"title": oldest}))

    assert seen.similar is not None
    assert (seen.similar.looked, seen.similar.bounded) == (MOST_READ, True)
    assert KEY not in [c.key for c in seen.similar.candidates]


async def test_a_search_that_fails_is_missing(world: World) -> None:
    world.sandbox.switches.add(Fault("status", status=502, system="jira", path=f"{API}/search/jql"))
    seen = await world.target.inspect(world.act(T.ISSUE_CREATE, {"title": "t"}))

    assert seen.project is not None
    assert seen.similar is None
    assert [(m.path, m.retry) for m in seen.missing] == [("similar", "wait_until")]
