"""Rigs of the types that start, retry and stop what CI runs on GitLab."""

from collections.abc import Callable
from typing import Any

from gateway.core.vocabulary import ActionType as T
from gateway.sandbox.gitlab.entities import Job, Pipeline, Project
from tests.gateway.adapters.gitlab.change_rigs import rig
from tests.gateway.adapters.gitlab.rigs import API, SandboxRig, World

BRANCH = "agent/run"
CI = """\
stages: [test]
test: {script: [true]}
extra: {script: [true], when: manual}
"""


def pipeline_of(world: World) -> Pipeline:
    """The newest pipeline of the branch."""
    return [p for p in world.project().pipelines.values() if p.ref == BRANCH][-1]


def job_of(world: World, name: str) -> Job:
    """The newest job of that name in the branch's newest pipeline."""
    project = world.project()
    return [j for j in project.jobs_of(pipeline_of(world)) if j.name == name][-1]


def under_way(world: World) -> None:
    """A branch whose pipeline has just begun."""
    world.branch_with_change(BRANCH, ".gitlab-ci.yml", content=CI)


def ended(world: World, *, failed: bool = False) -> None:
    """A branch whose pipeline has ended."""
    if failed:
        world.sandbox.switches.fail_next_pipeline("test")
    under_way(world)
    world.sandbox.clock.advance(120)


def _named(name: str, world: World) -> Callable[[Project], int]:
    number = pipeline_of(world).id
    return lambda p: sum(1 for j in p.jobs_of(p.pipelines[number]) if j.name == name) - 1


def _pipeline_run(world: World) -> SandboxRig:
    ended(world)
    params = {"ref": BRANCH, "variables": ({"key": "SUITE", "value": "all"},)}
    return rig(
        world,
        T.PIPELINE_RUN,
        params,
        ("POST", f"{API}/pipeline"),
        lambda p: sum(1 for each in p.pipelines.values() if each.source == "api"),
    )


def _on_pipeline(world: World, kind: T, verb: str, count: Callable[[Project], int]) -> SandboxRig:
    number = pipeline_of(world).id
    return rig(world, kind, {}, ("POST", f"{API}/pipelines/{number}/{verb}"), count, pipeline=number)


def _pipeline_retry(world: World) -> SandboxRig:
    ended(world, failed=True)
    return _on_pipeline(world, T.PIPELINE_RETRY, "retry", _named("test", world))


def _pipeline_cancel(world: World) -> SandboxRig:
    under_way(world)
    number = pipeline_of(world).id
    return _on_pipeline(
        world, T.PIPELINE_CANCEL, "cancel", lambda p: int(p.pipelines[number].status == "canceled")
    )


def _on_job(world: World, kind: T, name: str, verb: str, count: Callable[[Project], int]) -> SandboxRig:
    number = job_of(world, name).id
    write = ("POST", f"{API}/jobs/{number}/{verb}")
    return rig(world, kind, {}, write, count, job=number)


def _job_play(world: World) -> SandboxRig:
    ended(world)
    number = job_of(world, "extra").id
    return _on_job(world, T.JOB_PLAY, "extra", "play", lambda p: int(p.jobs[number].status != "manual"))


def _job_retry(world: World) -> SandboxRig:
    ended(world)
    return _on_job(world, T.JOB_RETRY, "test", "retry", _named("test", world))


def _job_cancel(world: World) -> SandboxRig:
    under_way(world)
    number = job_of(world, "test").id
    return _on_job(world, T.JOB_CANCEL, "test", "cancel", lambda p: int(p.jobs[number].status == "canceled"))


def _environment_stop(world: World) -> SandboxRig:
    number = next(e.id for e in world.project().environments.values() if e.name == "production")
    stopped: Callable[[Project], int] = lambda p: int(p.environments[number].state == "stopped")  # noqa: E731 - a count in a table
    write = ("POST", f"{API}/environments/{number}/stop")
    aims: dict[str, Any] = {"environment": "production"}
    return rig(world, T.ENVIRONMENT_STOP, {}, write, stopped, **aims)


RUNNING_RIGS: dict[str, Callable[[World], SandboxRig]] = {
    "pipeline.run": _pipeline_run,
    "pipeline.retry": _pipeline_retry,
    "pipeline.cancel": _pipeline_cancel,
    "job.play": _job_play,
    "job.retry": _job_retry,
    "job.cancel": _job_cancel,
    "environment.stop": _environment_stop,
}
