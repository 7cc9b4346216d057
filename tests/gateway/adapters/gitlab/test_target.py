"""The GitLab target as a whole: what it does not perform, what stands in its way, when it is ready."""

import pytest

from gateway.adapters.egress import Egress
from gateway.adapters.gitlab.forge import Forge
from gateway.adapters.gitlab.target import GitLabTarget
from gateway.core.errors import SettingsError, TargetRefusedError
from gateway.core.vocabulary import ActionType as T
from gateway.core.vocabulary import System
from gateway.ports import Inspection
from tests.fakes.permits import permit_for
from tests.fakes.targets import FakeRepository
from tests.gateway.adapters.gitlab.acting import prepared
from tests.gateway.adapters.gitlab.rigs import (
    PEOPLE,
    SandboxClock,
    World,
    forge_of,
    marker_of,
)


async def test_an_action_type_it_does_not_know_is_refused(world: World) -> None:
    action = world.act(T.BRANCH_PUSH, {}, refs=("refs/heads/agent/x",))
    with pytest.raises(TargetRefusedError, match=r"branch\.push"):
        await world.target.prepare(permit_for(action, Inspection()))


async def test_a_server_that_is_not_there_was_sent_nothing(world: World) -> None:
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue="1")
    permit, preparation = await prepared(world, action)
    world.sandbox.stop()
    with pytest.raises(TargetRefusedError, match="nothing was sent") as refused:
        await world.target.perform(permit, preparation)

    assert refused.value.retryable


async def test_a_credential_that_is_gone_refuses_the_write(world: World) -> None:
    def gone() -> str:
        raise SettingsError("gitlab.road: the environment variable TOKEN is not set.")

    clock = SandboxClock(world.sandbox)
    road = Forge(world.sandbox.gitlab_url, "loopgate-road", gone, world.session, clock)
    target = GitLabTarget(road, road, FakeRepository(), clock=clock, marker=marker_of, people=PEOPLE.get)
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue="1")
    permit, preparation = await prepared(world, action)
    with pytest.raises(TargetRefusedError, match="TOKEN is not set"):
        await target.perform(permit, preparation)


async def test_the_target_is_ready_when_both_identities_are_who_they_should_be(world: World) -> None:
    assert (await world.target.readiness()).ok

    tokens, clock = world.sandbox.tokens, SandboxClock(world.sandbox)
    road = forge_of(world.sandbox, world.session, "loopgate-road", tokens.road)
    for username, token, words in (
        ("loopgate-merge", tokens.road, "belongs to loopgate-road"),
        ("loopgate-merge", "no-such-token", "401"),
    ):
        merge = forge_of(world.sandbox, world.session, username, token)
        target = GitLabTarget(road, merge, FakeRepository(), clock=clock, marker=marker_of, people=PEOPLE.get)
        ready = await target.readiness()

        assert not ready.ok
        assert words in ready.detail


async def test_a_project_under_another_name_is_to_be_mended(world: World) -> None:
    action = world.act(T.ISSUE_CREATE, {"title": "t"})
    by_number = action.target.model_copy(update={"project": "1"})
    seen = await world.target.inspect(action.model_copy(update={"target": by_number}))

    assert [(m.path, m.retry) for m in seen.missing] == [
        ("project", "fix_and_retry"),
        ("similar", "fix_and_retry"),
    ]
    assert "shop/checkout" in seen.missing[0].reason


async def test_an_address_that_egress_refuses_is_told_with_the_setting_to_change(world: World) -> None:
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue="1")
    permit, preparation = await prepared(world, action)
    with Egress().session() as closed:
        road = forge_of(world.sandbox, closed, "loopgate-road", world.sandbox.tokens.road)
        clock = SandboxClock(world.sandbox)
        target = GitLabTarget(road, road, FakeRepository(), clock=clock, marker=marker_of, people=PEOPLE.get)
        seen = await target.inspect(action)
        with pytest.raises(TargetRefusedError, match=r"egress\.loopback"):
            await target.perform(permit, preparation)

    assert "egress.loopback" in seen.missing[0].reason


async def test_params_of_another_type_are_refused(world: World) -> None:
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue="1")
    _, preparation = await prepared(world, action)
    mixed = action.model_copy(update={"type": T.ISSUE_CREATE})
    with pytest.raises(TargetRefusedError, match=r"issue\.create has no such params"):
        await world.target.perform(permit_for(mixed, Inspection()), preparation)


async def test_it_is_gitlab(world: World) -> None:
    assert world.target.system is System.GITLAB
