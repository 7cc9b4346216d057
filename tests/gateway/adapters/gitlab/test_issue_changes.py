"""Issues on GitLab whose fields, links and files change: what is overwritten, refused, and proved."""

import base64
from typing import Any

import pytest

from gateway.core.errors import TargetRefusedError
from gateway.core.vocabulary import ActionType as T
from tests.fakes.permits import record_of
from tests.gateway.adapters.gitlab.acting import done, prepared
from tests.gateway.adapters.gitlab.rigs import World


async def test_only_the_fields_given_are_overwritten_and_their_old_values_are_asked_about(
    world: World,
) -> None:
    world.call("PUT", "/issues/1", labels="a,priority::low", title="Old")
    action = world.act(T.ISSUE_UPDATE, {"priority": "High"}, issue="1")
    seen = await world.target.inspect(action)
    await done(world, action)
    issue = world.project().issues[1]

    assert seen.issue is not None
    assert seen.issue.current == {"priority": "low"}
    assert sorted(issue.labels) == ["a", "priority::high"]
    assert issue.title == "Old"


async def test_an_update_that_changes_nothing_is_refused(world: World) -> None:
    world.call("PUT", "/issues/1", title="Same")
    with pytest.raises(TargetRefusedError, match="like that already"):
        await prepared(world, world.act(T.ISSUE_UPDATE, {"title": "Same"}, issue="1"))


async def test_the_same_change_by_somebody_else_proves_nothing(world: World) -> None:
    action = world.act(T.ISSUE_UPDATE, {"title": "New"}, issue="1")
    _, preparation = await prepared(world, action)
    world.call("PUT", "/issues/1", title="New")

    assert (await world.target.reconcile(record_of(action, preparation))).happened is None


async def test_an_issue_is_taken_from_everybody(world: World) -> None:
    world.call("PUT", "/issues/1", assignee_ids=[1])
    await done(world, world.act(T.ISSUE_ASSIGN, {"unassign": True}, issue="1"))

    assert world.project().issues[1].assignees == []


@pytest.mark.parametrize(
    ("kind", "params", "told"),
    [
        (T.ISSUE_ASSIGN, {"assignee": "nobody"}, "0 members"),
        (T.ISSUE_ASSIGN, {"unassign": True}, "assigned like that"),
        (T.ISSUE_CLOSE, {"resolution": "Done"}, "no resolution"),
        (T.ISSUE_REOPEN, {}, "opened already"),
        (T.ISSUE_LINK, {"issue": "2", "kind": "duplicates"}, "no link that says"),
    ],
)
async def test_what_gitlab_has_not_is_refused_before_anything_is_sent(
    world: World, kind: T, params: dict[str, Any], told: str
) -> None:
    with pytest.raises(TargetRefusedError, match=told):
        await prepared(world, world.act(kind, params, issue="1"))


async def test_a_link_that_somebody_else_made_proves_nothing(world: World) -> None:
    world.call("POST", "/issues", title="Two")
    action = world.act(T.ISSUE_LINK, {"issue": "2"}, issue="1")
    _, preparation = await prepared(world, action)
    world.call("POST", "/issues/1/links", target_project_id="shop/checkout", target_issue_iid="2")
    found = await world.target.reconcile(record_of(action, preparation))

    assert found.happened is None
    with pytest.raises(TargetRefusedError, match="linked already"):
        await prepared(world, action)


async def test_a_file_is_uploaded_and_shown_by_a_marked_comment(world: World) -> None:
    content = base64.b64encode(b"\x00a log\n").decode()
    params = {"filename": "log.txt", "content_base64": content}
    await done(world, world.act(T.ISSUE_ATTACH, params, issue="1"))
    note = world.project().issues[1].notes[-1]

    assert list(world.project().uploads.values()) == [b"\x00a log\n"]
    assert note.body.startswith("[log.txt](/uploads/")
    assert "<!-- lg-" in note.body
