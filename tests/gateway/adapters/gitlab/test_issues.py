"""Issues and comments on GitLab, and how they are recognised afterwards."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.adapters.gitlab.forge import Forge
from gateway.adapters.gitlab.target import GitLabTarget
from gateway.core.errors import TargetRefusedError
from gateway.core.vocabulary import ActionType as T
from gateway.sandbox.switches import Fault
from tests.fakes.permits import record_of
from tests.fakes.targets import FakeRepository
from tests.gateway.adapters.gitlab.acting import done, prepared
from tests.gateway.adapters.gitlab.rigs import (
    API,
    PEOPLE,
    SandboxClock,
    World,
    marker_of,
)


async def test_an_issue_is_opened_by_the_road_identity_with_labels_and_mark(world: World) -> None:
    params = {
        "title": "T",
        "description": "D",
        "labels": ("a", "b"),
        "priority": "High",
        "issue_type": "Incident",
    }
    result = (await done(world, world.act(T.ISSUE_CREATE, params))).result
    issue = world.project().issues[int(result["issue"])]

    assert issue.author.username == "loopgate-road"
    assert sorted(issue.labels) == ["a", "b", "priority::high"]
    assert issue.description == f"D\n\n<!-- {marker_of('act_1')} -->"


async def test_a_comment_or_issue_with_another_actions_mark_is_not_ours(world: World) -> None:
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue="1")
    await done(world, action.model_copy(update={"id": "act_other"}))
    _, preparation = await prepared(world, action)

    assert (await world.target.reconcile(record_of(action, preparation))).happened is False


async def test_a_mark_that_a_person_copied_is_not_ours(world: World) -> None:
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue="1")
    _, preparation = await prepared(world, action)
    world.call("POST", "/issues/1/notes", body=f"<!-- {preparation.marker} -->")

    assert (await world.target.reconcile(record_of(action, preparation))).happened is False


async def test_two_matches_are_for_a_person_to_look_at(world: World) -> None:
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue="1")
    permit, preparation = await prepared(world, action)
    await world.target.perform(permit, preparation)
    await world.target.perform(permit, preparation)
    found = await world.target.reconcile(record_of(action, preparation))

    assert found.happened is None
    assert "2 comments" in found.reason


async def test_what_cannot_be_read_proves_nothing(world: World) -> None:
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue="1")
    _, preparation = await prepared(world, action)
    world.sandbox.switches.add(Fault("status", status=500, system="gitlab", path=f"{API}/issues/1/notes"))
    found = await world.target.reconcile(record_of(action, preparation))
    nothing = await world.target.reconcile(
        record_of(action, preparation).model_copy(update={"preparation": None})
    )

    assert found.happened is None
    assert nothing.happened is None


async def test_a_moved_issue_gets_the_link_as_a_comment(world: World) -> None:
    params = {"to": "Closed", "link": "https://gitlab.test/x", "link_title": "The [fix]"}
    result = (await done(world, world.act(T.ISSUE_TRANSITION, params, issue="1"))).result
    issue = world.project().issues[1]

    assert (result["status"], result["link"]) == ("closed", "https://gitlab.test/x")
    assert issue.notes[-1].body.startswith("[The (fix)](<https://gitlab.test/x>)")


async def test_a_link_that_fails_is_told_and_the_move_stands(world: World) -> None:
    params = {"to": "closed", "link": "https://gitlab.test/x"}
    action = world.act(T.ISSUE_TRANSITION, params, issue="1")
    world.sandbox.switches.add(
        Fault("status", status=403, system="gitlab", method="POST", path=f"{API}/issues/1/notes")
    )
    result = (await done(world, action)).result

    assert result["status"] == "closed"
    assert "403" in result["link_failed"]


@pytest.mark.parametrize(("to", "words"), [("opened", "already"), ("Done", "opened or closed")])
async def test_an_issue_goes_only_where_gitlab_has_a_way(world: World, to: str, words: str) -> None:
    action = world.act(T.ISSUE_TRANSITION, {"to": to}, issue="1")
    with pytest.raises(TargetRefusedError, match=words):
        await prepared(world, action)


async def test_an_issue_that_a_person_closed_was_not_closed_by_us(world: World) -> None:
    action = world.act(T.ISSUE_TRANSITION, {"to": "closed"}, issue="1")
    _, preparation = await prepared(world, action)
    world.call("PUT", "/issues/1", state_event="close")
    found = await world.target.reconcile(record_of(action, preparation))

    assert found.happened is not True


async def test_a_reopened_issue_is_recognised_in_its_history(world: World) -> None:
    world.call("PUT", "/issues/1", state_event="close")
    action = world.act(T.ISSUE_TRANSITION, {"to": "opened"}, issue="1")
    permit, preparation = await prepared(world, action)
    await world.target.perform(permit, preparation)
    at = world.sandbox.clock.now()

    class Remembering(Forge):
        """The sandbox keeps no state events; this is what GitLab tells."""

        def list(self, path: str, kind: Any, **query: Any) -> Any:
            if not path.endswith("/resource_state_events"):
                return super().list(path, kind, **query)
            return tuple(
                kind.model_validate({"state": state, "user": {"username": who}, "created_at": at})
                for state, who in (("closed", "maya"), ("reopened", self.by))
            )

        by = "loopgate-road"

    tokens, clock = world.sandbox.tokens, SandboxClock(world.sandbox)
    road = Remembering(world.sandbox.gitlab_url, "loopgate-road", lambda: tokens.road, world.session, clock)
    target = GitLabTarget(road, road, FakeRepository(), clock=clock, marker=marker_of, people=PEOPLE.get)
    ours = await target.reconcile(record_of(action, preparation))
    road.by = "maya"
    hers = await target.reconcile(record_of(action, preparation))

    assert world.project().issues[1].state == "opened"
    assert (ours.happened, hers.happened) == (True, False)


async def test_a_mark_is_found_behind_a_page_of_later_comments(world: World) -> None:
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue="1")
    permit, preparation = await prepared(world, action)
    done_once = await world.target.perform(permit, preparation)
    notes = world.project().issues[1].notes
    notes += [replace(notes[-1], id=notes[-1].id + n, body="later") for n in range(1, 206)]
    found = await world.target.reconcile(record_of(action, preparation))

    assert found.performance == done_once
