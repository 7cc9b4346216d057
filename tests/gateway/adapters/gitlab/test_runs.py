"""Pipelines, jobs, tags and environments: whose rights they get, what is refused, what proves nothing."""

from typing import Any

import pytest

from gateway.core.errors import TargetRefusedError
from gateway.core.vocabulary import ActionType as T
from tests.fakes.permits import record_of
from tests.gateway.adapters.gitlab.acting import done, prepared, sent
from tests.gateway.adapters.gitlab.change_rigs import tag_main
from tests.gateway.adapters.gitlab.rigs import World
from tests.gateway.adapters.gitlab.running_rigs import BRANCH, ended, job_of, pipeline_of, under_way


async def test_ci_of_an_agents_branch_never_runs_with_a_maintainers_rights(world: World) -> None:
    ended(world)
    writes = sent(world)
    await done(world, world.act(T.PIPELINE_RUN, {"ref": BRANCH}))
    await done(world, world.act(T.PIPELINE_RUN, {"ref": "main"}))

    assert [token for _, token, _ in writes] == [world.sandbox.tokens.road, world.sandbox.tokens.merge]


async def test_one_pipeline_of_ours_is_under_way_per_branch(world: World) -> None:
    ended(world)
    await done(world, world.act(T.PIPELINE_RUN, {"ref": BRANCH}))
    with pytest.raises(TargetRefusedError, match="still under way") as refused:
        await prepared(world, world.act(T.PIPELINE_RUN, {"ref": BRANCH}))

    assert refused.value.retryable


async def test_two_pipelines_since_the_start_are_for_a_person_to_look_at(world: World) -> None:
    ended(world)
    action = world.act(T.PIPELINE_RUN, {"ref": BRANCH})
    permit, preparation = await prepared(world, action)
    await world.target.perform(permit, preparation)
    await world.target.perform(permit, preparation)

    assert (await world.target.reconcile(record_of(action, preparation))).happened is None


async def test_a_job_tells_where_it_deploys_to_and_on_what(world: World) -> None:
    deploy = [j for j in world.project().jobs.values() if j.name == "deploy"][-1]
    seen = await world.target.inspect(world.act(T.JOB_RETRY, {}, job=deploy.id))

    assert seen.job is not None
    assert (seen.job.environment, seen.job.ref, seen.job.protected) == ("production", "main", True)
    assert seen.subject["environment"] == "production"


async def test_the_names_of_variables_are_facts_and_their_values_are_not(world: World) -> None:
    ended(world)
    params = {"ref": BRANCH, "variables": ({"key": "SUITE", "value": "not-for-rules"},)}
    seen = await world.target.inspect(world.act(T.PIPELINE_RUN, params))

    assert seen.pipeline is not None
    assert seen.pipeline.variables == ("SUITE",)
    assert "not-for-rules" not in seen.model_dump_json()


@pytest.mark.parametrize("kind", [T.PIPELINE_CANCEL, T.PIPELINE_RETRY, T.JOB_CANCEL])
async def test_what_has_ended_well_is_neither_stopped_nor_retried(world: World, kind: T) -> None:
    world.branch_with_change("agent/plain")
    world.sandbox.clock.advance(120)
    pipeline = [p for p in world.project().pipelines.values() if p.ref == "agent/plain"][-1]
    aims: dict[str, Any] = {"job": pipeline.job_ids[0]} if kind is T.JOB_CANCEL else {"pipeline": pipeline.id}
    with pytest.raises(TargetRefusedError):
        await prepared(world, world.act(kind, {}, **aims))


async def test_a_job_that_runs_is_not_played_or_retried(world: World) -> None:
    under_way(world)
    for kind in (T.JOB_PLAY, T.JOB_RETRY):
        with pytest.raises(TargetRefusedError, match="created"):
            await prepared(world, world.act(kind, {}, job=job_of(world, "test").id))


async def test_a_job_that_somebody_else_played_is_not_ours(world: World) -> None:
    ended(world)
    action = world.act(T.JOB_PLAY, {}, job=job_of(world, "extra").id)
    _, preparation = await prepared(world, action)
    world.call("POST", f"/jobs/{action.target.job}/play")
    found = await world.target.reconcile(record_of(action, preparation))

    assert found.happened is False
    assert "maya" in found.reason


async def test_a_retry_that_somebody_else_made_is_not_ours(world: World) -> None:
    ended(world, failed=True)
    action = world.act(T.PIPELINE_RETRY, {}, pipeline=pipeline_of(world).id)
    _, preparation = await prepared(world, action)
    world.call("POST", f"/pipelines/{action.target.pipeline}/retry")

    assert (await world.target.reconcile(record_of(action, preparation))).happened is False


async def test_a_branch_that_somebody_else_removed_proves_nothing(world: World) -> None:
    head = world.branch_with_change("agent/new")
    action = world.act(T.BRANCH_DELETE, {}, branch="agent/new")
    _, preparation = await prepared(world, action)
    world.project().repository.delete("refs/heads/agent/new")
    found = await world.target.reconcile(record_of(action, preparation))

    assert preparation.before["object"] == head
    assert found.happened is None


async def test_a_protected_tag_is_left_to_the_forge_unless_its_commit_was_merged(world: World) -> None:
    world.project().protected_tags.append("v*")
    action = world.act(T.TAG_CREATE, {"ref": "main"}, tag="v1")
    seen = await world.target.inspect(action)
    with pytest.raises(TargetRefusedError):
        await done(world, action)

    assert seen.tag is not None
    assert seen.tag.protected
    assert world.project().repository.resolve("refs/tags/v1") is None


async def test_a_tag_that_is_there_or_is_not_is_refused(world: World) -> None:
    tag_main(world)
    with pytest.raises(TargetRefusedError, match="there already"):
        await prepared(world, world.act(T.TAG_CREATE, {"ref": "main"}, tag="v1"))
    with pytest.raises(TargetRefusedError, match="no tag"):
        await prepared(world, world.act(T.TAG_DELETE, {}, tag="v2"))


async def test_an_environment_notes_what_ran_there_and_is_not_stopped_twice(world: World) -> None:
    action = world.act(T.ENVIRONMENT_STOP, {}, environment="production")
    permit, preparation = await prepared(world, action)
    await world.target.perform(permit, preparation)

    assert preparation.before["deployment"] == max(world.project().deployments)
    assert preparation.before["identity"] == "merge"
    with pytest.raises(TargetRefusedError, match="not running"):
        await prepared(world, action)
