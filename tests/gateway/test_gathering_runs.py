"""Gathering for what runs CI, moves tags and removes refs: what is measured, and where it reaches."""

from typing import Any

import pytest

from gateway.core.facts import BranchFacts, DeploymentFacts, JobFacts, PipelineFacts, TagFacts
from gateway.core.vocabulary import ActionType as T
from gateway.gathering import measure_blast
from gateway.ports import Inspection
from tests.fakes.permits import AGENT, action_of
from tests.fakes.targets import FakeTarget
from tests.gateway.gathering_scene import HEAD, PROJECT, REQUEST, Scene, change_by

PIPELINE = PipelineFacts(status="proposed", sha=HEAD, ref="agent/x")
TAG = TagFacts(name="v1", commit="d" * 40, object="e" * 40, to="c" * 40, protected=True, released=False)
JOB = JobFacts(
    id=7,
    name="deploy",
    stage="deploy",
    status="manual",
    manual=True,
    environment="staging",
    ref="main",
    protected=True,
    sha=HEAD,
    pipeline=3,
)
SEEN = Inspection(
    project=PROJECT,
    branch=BranchFacts(name="agent/x", head="b" * 40, protected=False, default=False),
    merge_request=REQUEST,
    pipeline=PIPELINE,
    job=JOB,
    tag=TAG,
    subject={"state": "opened"},
)
PARAMS: dict[T, dict[str, Any]] = {T.TAG_CREATE: {"ref": "main"}, T.PIPELINE_RUN: {"ref": "agent/x"}}


def scene_of(**changes: Any) -> Scene:
    return Scene(target=FakeTarget(seen=SEEN.model_copy(update=changes)))


async def gathered(scene: Scene, kind: T, **aims: Any) -> Any:
    action = action_of(kind, params=PARAMS.get(kind, {}), project="shop/checkout", **aims)
    return action, await scene.gathering.gather(action, None)


@pytest.mark.parametrize(
    ("kind", "aims", "commit"),
    [
        (T.BRANCH_DELETE, {"branch": "agent/x"}, "b" * 40),
        (T.TAG_CREATE, {"tag": "v1"}, "c" * 40),
        (T.TAG_DELETE, {"tag": "v1"}, "d" * 40),
        (T.PIPELINE_RUN, {}, HEAD),
        (T.PIPELINE_RETRY, {"pipeline": 3}, HEAD),
        (T.JOB_PLAY, {"job": 7}, HEAD),
        (T.JOB_RETRY, {"job": 7}, HEAD),
    ],
)
async def test_what_names_a_commit_is_measured_by_what_it_has_over_the_default_branch(
    kind: T, aims: dict[str, Any], commit: str
) -> None:
    scene = scene_of()
    await gathered(scene, kind, **aims)

    assert scene.changes.asked == [("branches", "shop/checkout", commit, "main", AGENT)]


async def test_a_cherry_pick_and_a_rebase_are_measured_their_own_way() -> None:
    scene = scene_of()
    await gathered(scene, T.COMMIT_CHERRY_PICK, branch="agent/x", commit=HEAD)
    await gathered(scene, T.MERGE_REQUEST_REBASE, merge_request=7)

    assert [asked[0] for asked in scene.changes.asked] == ["cherry_pick", "merge_request"]


@pytest.mark.parametrize("kind", [T.TAG_DELETE, T.PIPELINE_RETRY, T.JOB_PLAY, T.BRANCH_DELETE])
async def test_what_could_not_be_read_is_not_measured(kind: T) -> None:
    scene = scene_of(tag=None, pipeline=None, job=None, branch=None)
    _, facts = await gathered(scene, kind)

    assert scene.changes.asked == []
    assert facts.change is None


@pytest.mark.parametrize(
    ("environment", "configured", "reached"),
    [
        ("staging", ("production",), ("staging",)),
        (None, ("production",), ()),
        ("unknown", ("production", "test"), ("production", "test")),
        ("unknown", ("unknown",), ("production",)),
    ],
)
async def test_a_job_reaches_its_environment_or_whatever_it_might_reach(
    environment: str | None, configured: tuple[str, ...], reached: tuple[str, ...]
) -> None:
    scene = scene_of(job=JOB.model_copy(update={"environment": environment}))
    scene.changes.change = change_by(environments=configured)
    action, facts = await gathered(scene, T.JOB_PLAY, job=7)
    blast = measure_blast(action, facts, scene.in_force)

    assert facts.deploys_to == reached
    assert blast is not None


async def test_a_job_that_could_not_be_read_reaches_production_for_all_we_know() -> None:
    _, facts = await gathered(scene_of(job=None), T.JOB_RETRY, job=7)

    assert facts.deploys_to == ("production",)


async def test_a_pipeline_reaches_what_its_branch_and_its_jobs_reach() -> None:
    scene = scene_of(pipeline=PIPELINE.model_copy(update={"ref": "main"}), merge_request=None)
    scene.changes.change = change_by(environments=("test",))
    _, facts = await gathered(scene, T.PIPELINE_RUN)

    assert facts.deploys_to == ("production", "test")


@pytest.mark.parametrize(
    ("kind", "protected", "released", "signs"),
    [
        (T.TAG_CREATE, True, False, ("publish",)),
        (T.TAG_CREATE, False, False, ()),
        (T.TAG_DELETE, True, False, ("release-deleted",)),
        (T.TAG_DELETE, False, True, ("release-deleted",)),
        (T.TAG_DELETE, False, False, ()),
    ],
)
async def test_a_tag_that_others_take_for_a_release_cannot_be_taken_back(
    kind: T, *, protected: bool, released: bool, signs: tuple[str, ...]
) -> None:
    tag = TAG.model_copy(update={"protected": protected, "released": released})
    _, facts = await gathered(scene_of(tag=tag), kind, tag="v1")

    assert facts.change.irreversible == signs


async def test_stopping_an_environment_reaches_it_without_changing_files() -> None:
    deployment = DeploymentFacts(
        environment="production", current_id=2, current_sha=HEAD, to_id=None, to_sha=None
    )
    scene = scene_of(deployment=deployment)
    action, facts = await gathered(scene, T.ENVIRONMENT_STOP, environment="production")
    blast = measure_blast(action, facts, scene.in_force)

    assert scene.changes.asked == []
    assert facts.deploys_to == ("production",)
    assert blast is not None
    assert (blast.files, blast.environment) == (0, "production")


async def test_what_would_be_overwritten_is_part_of_the_facts() -> None:
    _, facts = await gathered(scene_of(), T.MERGE_REQUEST_CLOSE, merge_request=7)

    assert facts.subject == {"state": "opened"}
    assert facts.change is None
