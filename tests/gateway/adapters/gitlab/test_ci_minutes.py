"""How long a job usually takes and what the pipelines of an action used, read from the sandbox's history."""

from dataclasses import replace

import pytest

from gateway.adapters.gitlab.ci_minutes import JobTime, JobTimes, median_seconds
from gateway.core.budgets import OpenPipeline, PipelineUse
from gateway.core.errors import FactsMissingError
from gateway.core.vocabulary import ActionType as T
from gateway.sandbox.gitlab.entities import Pipeline
from gateway.sandbox.gitlab.forge import Pace
from gateway.sandbox.gitlab.pipelines import Runner
from gateway.sandbox.switches import Fault
from tests.gateway.adapters.gitlab.acting import done
from tests.gateway.adapters.gitlab.rigs import PROJECT, SandboxClock, World, forge_of
from tests.gateway.adapters.gitlab.running_rigs import BRANCH, ended, pipeline_of, under_way

JOB_S = 10
LATER_S = 1000


@pytest.fixture
def times(world: World) -> JobTimes:
    """Asks the sandbox as the road identity; there, jobs that begin now take a little less than `JOB_S`."""
    world.sandbox.forge.pace = Pace(job=JOB_S - 0.4)
    world.project().jobs.clear()
    forge = forge_of(world.sandbox, world.session, "loopgate-road", world.sandbox.tokens.road)
    return JobTimes(forge, SandboxClock(world.sandbox))


def row(pipeline: int, duration: float | None) -> JobTime:
    return JobTime.model_validate({"duration": duration, "pipeline": {"id": pipeline}})


def test_the_median_is_that_of_the_newest_twenty_pipelines() -> None:
    old = [row(n, 9000) for n in range(1, 30)]
    new = [row(100 + n, 10 * (n + 1)) for n in range(20)]

    assert median_seconds([*old, *new]) == 105
    assert median_seconds([*old, *new[1:]]) == 115


def test_a_pipeline_counts_once_however_many_jobs_it_has_and_those_that_never_ran_say_nothing() -> None:
    rows = [row(1, 10), row(1, 21), row(2, 100), row(2, None), row(3, None)]

    assert median_seconds(rows) == 58
    assert median_seconds([row(1, None)]) is None
    assert median_seconds([]) is None


@pytest.mark.usefixtures("times")
async def test_what_a_job_takes_is_a_fact_of_what_starts_pipelines(world: World) -> None:
    ended(world)
    running = await world.target.inspect(world.act(T.PIPELINE_RUN, {"ref": BRANCH}))
    comment = await world.target.inspect(world.act(T.ISSUE_COMMENT, {"body": "x"}, issue="1"))

    assert running.job_seconds == JOB_S
    assert comment.job_seconds is None


def test_a_project_without_history_is_unknown_and_what_is_known_is_kept_for_a_while(
    world: World, times: JobTimes
) -> None:
    assert times.seconds(PROJECT) is None
    ended(world)
    assert times.seconds(PROJECT) is None
    world.sandbox.clock.advance(600)
    assert times.seconds(PROJECT) == JOB_S


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="status", path=".*/jobs", status=429),
        Fault(kind="status", path=".*/jobs", status=500),
        Fault(kind="garbage", path=".*/jobs"),
    ],
    ids=["too many requests", "an error", "garbage"],
)
def test_a_forge_that_does_not_answer_is_asked_again_by_the_next_action(
    world: World, times: JobTimes, fault: Fault
) -> None:
    ended(world)
    world.sandbox.switches.add(replace(fault))

    assert times.seconds(PROJECT) is None
    assert times.seconds(PROJECT) == JOB_S


def begun(world: World, **noted: str | int) -> OpenPipeline:
    """What an action that starts now has noted."""
    given = {"action_id": "act_1", "project": PROJECT, "started_ms": SandboxClock(world.sandbox).now_ms()}
    return OpenPipeline.model_validate({**given, **noted})


def child_of(world: World, parent: Pipeline) -> Pipeline:
    """A child pipeline, as a trigger job makes it."""
    runner = Runner(world.sandbox.forge)
    made = runner.start(world.project(), parent.ref, parent.sha, parent.user, source="parent_pipeline")
    assert made is not None
    return made


def test_a_commits_pipelines_and_their_children_are_settled_together(world: World, times: JobTimes) -> None:
    under_way(world)
    parent = pipeline_of(world)
    one = begun(world, commit=parent.sha)
    assert times.use_of(one) == PipelineUse(found=1, under_way=True)
    world.sandbox.clock.advance(60)
    assert times.use_of(one) == PipelineUse(found=1, seconds=JOB_S)

    child_of(world, parent)
    assert times.use_of(one) == PipelineUse(found=2, under_way=True)
    world.sandbox.clock.advance(60)
    assert times.use_of(one) == PipelineUse(found=2, seconds=2 * JOB_S)


async def test_an_earlier_run_of_the_same_commit_is_not_counted_again(world: World, times: JobTimes) -> None:
    ended(world)
    world.sandbox.clock.advance(LATER_S)
    one = begun(world, commit=pipeline_of(world).sha)
    assert times.use_of(one) == PipelineUse(found=0)

    await done(world, world.act(T.PIPELINE_RUN, {"ref": BRANCH}))
    world.sandbox.clock.advance(60)
    assert times.use_of(one) == PipelineUse(found=1, seconds=JOB_S)


async def test_a_noted_pipeline_is_the_one_and_only_what_began_since_counts(
    world: World, times: JobTimes
) -> None:
    ended(world, failed=True)
    number = pipeline_of(world).id
    world.sandbox.clock.advance(LATER_S)
    one = begun(world, pipeline=number)
    await done(world, world.act(T.PIPELINE_RETRY, {}, pipeline=number))

    assert times.use_of(one).under_way
    world.sandbox.clock.advance(60)
    assert times.use_of(one) == PipelineUse(found=1, seconds=JOB_S)


def test_a_merge_requests_pipelines_are_found_without_a_commit(world: World, times: JobTimes) -> None:
    under_way(world)
    body = {"source_branch": BRANCH, "target_branch": "main", "title": "Run it"}
    number = world.call("POST", "/merge_requests", **body)["iid"]
    one = begun(world, merge_request=number)
    child_of(world, pipeline_of(world))
    world.sandbox.clock.advance(60)

    assert times.use_of(one) == PipelineUse(found=2, seconds=2 * JOB_S)


def test_what_cannot_be_read_is_not_settled(world: World, times: JobTimes) -> None:
    ended(world)
    world.sandbox.switches.add(Fault(kind="status", path=".*/pipelines", status=429))

    with pytest.raises(FactsMissingError):
        times.use_of(begun(world, commit=pipeline_of(world).sha))
