"""Merge requests: opened for an agent, merged at exactly the head that was judged, by the other identity."""

from typing import Any

import pytest

from gateway.core.actions import Action
from gateway.core.errors import TargetRefusedError
from gateway.core.vocabulary import ActionType as T
from tests.fakes.permits import AGENT, permit_for, record_of
from tests.gateway.adapters.gitlab.acting import done, prepared, sent
from tests.gateway.adapters.gitlab.rigs import (
    World,
    open_request,
)


def merge_of(world: World, iid: int, **more: Any) -> Action:
    head = world.project().merge_requests[iid].sha
    return world.act(T.MERGE_REQUEST_MERGE, {"expected_head": head, **more}, merge_request=iid)


async def test_a_merge_is_made_by_the_merge_identity_at_the_head_that_was_judged(world: World) -> None:
    iid = open_request(world)
    world.sandbox.clock.advance(120)
    writes = sent(world)
    result = (await done(world, merge_of(world, iid))).result
    request = world.project().merge_requests[iid]

    assert request.merged_by is not None
    assert request.merged_by.username == "loopgate-merge"
    assert result["commit"] == request.merge_commit_sha == world.project().repository.head("main")
    assert result["head"] == request.sha
    assert writes[0][1] == world.sandbox.tokens.merge
    assert f'"sha": "{request.sha}"' in str(writes[0][2])


async def test_a_merge_is_never_left_to_the_forge(world: World) -> None:
    iid = open_request(world)
    world.sandbox.clock.advance(120)
    writes = sent(world)
    await done(world, merge_of(world, iid, when_ready=True))

    assert len(writes) == 1
    assert "auto_merge" not in str(writes)
    assert "merge_when" not in str(writes)


async def test_a_merge_can_squash_and_remove_the_branch(world: World) -> None:
    iid = open_request(world)
    world.sandbox.clock.advance(120)
    await done(world, merge_of(world, iid, squash=True, remove_source_branch=True))

    assert world.project().merge_requests[iid].squash_commit_sha
    assert world.project().repository.head("agent/new") is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"target_branch": "agent/other"}, "into agent/other by now"),
        ({"squash": True}, "would squash"),
        ({"remove_source_branch": True}, "would remove the source branch"),
    ],
)
async def test_a_merge_request_that_would_merge_otherwise_than_it_was_judged_is_not_merged(
    world: World, change: dict[str, Any], told: str
) -> None:
    """Retargeted after the ruling, or with flags of its own that a `false` of ours does not undo."""
    iid = open_request(world)
    world.branch_with_change("agent/other", path="src/other.js")
    world.sandbox.clock.advance(120)
    action = merge_of(world, iid)
    permit = permit_for(action, await world.target.inspect(action))
    world.call("PUT", f"/merge_requests/{iid}", **change)

    with pytest.raises(TargetRefusedError, match=told):
        await world.target.prepare(permit)


async def test_a_merge_notes_where_the_target_branch_was(world: World) -> None:
    iid = open_request(world)
    main = world.project().repository.head("main")
    _, preparation = await prepared(world, merge_of(world, iid))

    assert preparation.before["target_head"] == main
    assert preparation.before["head"] == world.project().merge_requests[iid].sha


async def test_a_head_that_moved_after_the_ruling_is_refused_as_stale(world: World) -> None:
    iid = open_request(world)
    world.sandbox.clock.advance(120)
    permit, preparation = await prepared(world, merge_of(world, iid))
    world.push_more("agent/new")
    world.sandbox.clock.advance(120)
    with pytest.raises(TargetRefusedError, match="SHA does not match") as refused:
        await world.target.perform(permit, preparation)

    assert refused.value.code == "stale"
    assert world.project().merge_requests[iid].state == "opened"


async def test_a_merge_before_the_pipeline_is_green_is_refused_in_gitlabs_words(world: World) -> None:
    iid = open_request(world)
    permit, preparation = await prepared(world, merge_of(world, iid))
    with pytest.raises(TargetRefusedError, match="405"):
        await world.target.perform(permit, preparation)

    assert world.project().merge_requests[iid].state == "opened"


async def test_a_merge_that_a_person_made_is_not_ours(world: World) -> None:
    iid = open_request(world)
    world.sandbox.clock.advance(120)
    action = merge_of(world, iid)
    _, preparation = await prepared(world, action)
    world.call("PUT", f"/merge_requests/{iid}/merge", sha=world.project().merge_requests[iid].sha)
    found = await world.target.reconcile(record_of(action, preparation))

    assert found.happened is False
    assert "maya" in found.reason


async def test_a_merge_at_another_head_proves_nothing(world: World) -> None:
    iid = open_request(world)
    world.sandbox.clock.advance(120)
    action = merge_of(world, iid)
    permit, preparation = await prepared(world, action)
    await world.target.perform(permit, preparation)
    other = action.model_copy(update={"params": action.params.model_copy(update={"expected_head": "f" * 40})})
    found = await world.target.reconcile(record_of(other, preparation))

    assert found.happened is None


async def test_a_merge_under_way_proves_nothing(world: World) -> None:
    iid = open_request(world)
    action = merge_of(world, iid)
    _, preparation = await prepared(world, action)
    world.project().merge_requests[iid].state = "locked"

    assert (await world.target.reconcile(record_of(action, preparation))).happened is None


async def test_a_merge_request_is_opened_as_a_draft_with_its_labels(world: World) -> None:
    world.branch_with_change("agent/new")
    params = {"source": "agent/new", "target": "main", "title": "T", "draft": True, "labels": ("a",)}
    result = (await done(world, world.act(T.MERGE_REQUEST_OPEN, params))).result
    request = world.project().merge_requests[result["merge_request"]]

    assert (request.title, request.labels, request.draft) == ("Draft: T", ["a"], True)
    assert result["head"] == request.sha
    assert f"lg-by {AGENT} " in request.description
