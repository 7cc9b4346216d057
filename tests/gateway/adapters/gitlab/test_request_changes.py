"""Merge requests that are changed, closed or rebased without being merged."""

import pytest

from gateway.core.errors import TargetRefusedError, TargetUnclearError
from gateway.core.vocabulary import ActionType as T
from gateway.sandbox.switches import Fault
from tests.fakes.permits import AGENT, record_of
from tests.gateway.adapters.gitlab.acting import done, prepared
from tests.gateway.adapters.gitlab.change_rigs import advance_main
from tests.gateway.adapters.gitlab.rigs import API, World, open_request


async def test_a_new_description_keeps_the_mark_of_the_agent_that_opened_it(world: World) -> None:
    world.branch_with_change("agent/new")
    opening = {"source": "agent/new", "target": "main", "title": "T", "description": "Old"}
    iid = (await done(world, world.act(T.MERGE_REQUEST_OPEN, opening))).result["merge_request"]
    update = world.act(T.MERGE_REQUEST_UPDATE, {"description": "New"}, merge_request=iid)
    await done(world, update.model_copy(update={"id": "act_2"}))
    request = world.project().merge_requests[iid]
    seen = await world.target.inspect(world.act(T.MERGE_REQUEST_CLOSE, {}, merge_request=iid))

    assert request.description.startswith("New\n\n<!-- lg-")
    assert seen.merge_request is not None
    assert seen.merge_request.author == AGENT


async def test_a_merge_request_can_be_made_ready_and_aimed_elsewhere(world: World) -> None:
    iid = open_request(world, title="Draft: T")
    world.branch_with_change("agent/other", "src/other.js")
    params = {"draft": False, "target": "agent/other"}
    await done(world, world.act(T.MERGE_REQUEST_UPDATE, params, merge_request=iid))
    request = world.project().merge_requests[iid]

    assert (request.title, request.target_branch) == ("T", "agent/other")


async def test_what_is_closed_or_so_already_is_refused(world: World) -> None:
    iid = open_request(world)
    for kind, params in ((T.MERGE_REQUEST_REOPEN, {}), (T.MERGE_REQUEST_UPDATE, {"title": "Add a file"})):
        with pytest.raises(TargetRefusedError, match="already"):
            await prepared(world, world.act(kind, params, merge_request=iid))
    world.call("PUT", f"/merge_requests/{iid}", state_event="close")
    with pytest.raises(TargetRefusedError, match="closed"):
        await prepared(world, world.act(T.MERGE_REQUEST_REBASE, {}, merge_request=iid))


async def test_a_rebase_waits_for_gitlab_and_tells_both_heads(world: World) -> None:
    iid = open_request(world)
    before, main = world.project().merge_requests[iid].sha, advance_main(world)
    result = (await done(world, world.act(T.MERGE_REQUEST_REBASE, {}, merge_request=iid))).result
    after = world.project().repository.head("agent/new") or ""

    assert (result["head_before"], result["head"]) == (before, after)
    assert world.project().repository.is_ancestor(main, after)


async def test_a_rebase_that_changes_nothing_is_refused(world: World) -> None:
    iid = open_request(world)
    with pytest.raises(TargetRefusedError, match="nothing to rebase"):
        await done(world, world.act(T.MERGE_REQUEST_REBASE, {}, merge_request=iid))


async def test_a_rebase_under_way_proves_nothing_and_no_second_one_begins(world: World) -> None:
    iid = open_request(world)
    action = world.act(T.MERGE_REQUEST_REBASE, {}, merge_request=iid)
    permit, preparation = await prepared(world, action)
    world.project().merge_requests[iid].rebase_looks = 10**6

    assert (await world.target.reconcile(record_of(action, preparation))).happened is None
    with pytest.raises(TargetRefusedError, match="409"):
        await world.target.perform(permit, preparation)


async def test_a_push_by_somebody_else_is_not_our_rebase(world: World) -> None:
    iid = open_request(world)
    advance_main(world)
    action = world.act(T.MERGE_REQUEST_REBASE, {}, merge_request=iid)
    _, preparation = await prepared(world, action)
    repository = world.project().repository
    old = repository.head("agent/new") or ""
    world.call("PUT", f"/merge_requests/{iid}/rebase")
    world.sandbox.clock.advance(60)
    found = await world.target.reconcile(record_of(action, preparation))

    assert repository.head("agent/new") != old
    assert found.happened is None


async def test_an_answer_lost_while_gitlab_rebases_leaves_it_unclear(world: World) -> None:
    iid = open_request(world)
    advance_main(world)
    permit, preparation = await prepared(world, world.act(T.MERGE_REQUEST_REBASE, {}, merge_request=iid))
    world.sandbox.switches.add(
        Fault("status", system="gitlab", method="GET", path=f"{API}/merge_requests/{iid}")
    )
    with pytest.raises(TargetUnclearError, match="was begun"):
        await world.target.perform(permit, preparation)
