"""Rollback, by the earlier job or by a revert."""

import pytest

from gateway.core.actions import Action
from gateway.core.errors import TargetRefusedError, TargetUnclearError
from gateway.core.vocabulary import ActionType as T
from gateway.sandbox.switches import Fault
from tests.fakes.permits import permit_for, record_of
from tests.gateway.adapters.gitlab.acting import done, prepared, sent
from tests.gateway.adapters.gitlab.rigs import (
    API,
    World,
)


def rollback_of(world: World, method: str) -> Action:
    return world.act(T.DEPLOYMENT_ROLLBACK, {"to": "1", "method": method}, environment="production")


async def test_a_redeploy_retries_the_earlier_job_as_the_merge_identity(world: World) -> None:
    writes = sent(world)
    result = (await done(world, rollback_of(world, "redeploy"))).result
    newest = world.project().deployments[max(world.project().deployments)]

    assert (newest.sha, newest.user.username) == (world.project().deployments[1].sha, "loopgate-merge")
    assert (result["job"], result["commit"]) == (newest.job_id, newest.sha)
    assert [token for _, token, _ in writes] == [world.sandbox.tokens.merge]


async def test_a_redeploy_by_a_person_is_not_ours(world: World) -> None:
    action = rollback_of(world, "redeploy")
    _, preparation = await prepared(world, action)
    world.call("POST", f"/jobs/{preparation.before['job']}/retry")

    assert (await world.target.reconcile(record_of(action, preparation))).happened is False


async def test_a_rollback_by_revert_is_a_merge_request_that_undoes_what_runs(world: World) -> None:
    result = (await done(world, rollback_of(world, "revert"))).result
    request = world.project().merge_requests[result["merge_request"]]
    repository = world.project().repository
    older = world.project().deployments[1].sha

    assert (request.source_branch, request.target_branch) == (result["branch"], "main")
    assert request.author.username == "loopgate-road"
    assert repository.diff(older, result["commit"]) == ()
    assert repository.head("main") == world.project().deployments[2].sha


async def test_a_rollback_branch_without_its_merge_request_is_for_a_person_to_look_at(world: World) -> None:
    action = rollback_of(world, "revert")
    permit, preparation = await prepared(world, action)
    world.sandbox.switches.add(
        Fault("status", status=403, system="gitlab", method="POST", path=f"{API}/merge_requests")
    )
    with pytest.raises(TargetUnclearError, match="pushed but has no merge request"):
        await world.target.perform(permit, preparation)
    found = await world.target.reconcile(record_of(action, preparation))

    assert found.happened is None
    assert "without its merge request" in found.reason


async def test_a_deployment_without_a_job_cannot_be_redeployed(world: World) -> None:
    action = rollback_of(world, "redeploy")
    seen = await world.target.inspect(action)
    assert seen.deployment is not None
    jobless = tuple(e.model_copy(update={"job_id": None}) for e in seen.deployment.history)
    deployment = seen.deployment.model_copy(update={"history": jobless})
    with pytest.raises(TargetRefusedError, match="no job"):
        await world.target.prepare(permit_for(action, seen.model_copy(update={"deployment": deployment})))
