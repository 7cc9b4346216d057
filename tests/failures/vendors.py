"""GitLab and Jira are away, slow, confused, overloaded, or know our credential no more."""

import dataclasses

from gateway.sandbox.switches import Fault
from tests.failures.scene import BRANCH, Scene, Stage, fault
from tests.town import PROJECT, proposal

ISSUE = proposal("issue.create", {"title": "Once"})
_MANY = 10_000


def spoil(scene: Scene, fault: Fault) -> None:
    scene.sandbox.switches.add(fault)


async def mend_and_recover(scene: Scene) -> None:
    scene.sandbox.switches.reset()
    await scene.recover()


def issues(scene: Scene) -> int:
    return sum(issue.title == "Once" for issue in scene.project.issues.values())


@fault("target-down")
async def down(stage: Stage) -> None:
    async with stage.open() as scene:
        spoil(scene, Fault("refuse_connection", system="gitlab", times=_MANY))
        await scene.suffer()
        await mend_and_recover(scene)


@fault("target-slow")
async def slow(stage: Stage) -> None:
    stage.configure("egress", timeout_s="1")
    async with stage.open() as scene:
        spoil(scene, Fault("delay", system="gitlab", path="/api/.*", seconds=4, times=_MANY))
        await scene.suffer()
        await mend_and_recover(scene)


@fault("target-garbage")
async def garbage(stage: Stage) -> None:
    async with stage.open() as scene:
        spoil(scene, Fault("garbage", system="gitlab", path="/api/.*", times=_MANY))
        await scene.suffer()
        await mend_and_recover(scene)


@fault("target-429")
async def slow_down(stage: Stage) -> None:
    async with stage.open() as scene:
        too_many = Fault("status", system="gitlab", status=429, headers={"Retry-After": "30"}, times=_MANY)
        spoil(scene, too_many)
        document = await scene.suffer()
        assert document["retry"]["kind"] == "wait_until"
        assert document["retry"]["wait_until_ms"] > scene.town.clock.now_ms() + 20_000
        await mend_and_recover(scene)


@fault("target-429-acting")
async def slow_down_acting(stage: Stage) -> None:
    async with stage.open() as scene:
        spoil(scene, Fault("status", system="gitlab", method="POST", path="/api/.*/issues", status=429))
        await scene.suffer(ISSUE)
        await scene.recover(ISSUE)
        assert issues(scene) == 1


@fault("target-5xx-inspect")
async def broken_inspect(stage: Stage) -> None:
    async with stage.open() as scene:
        spoil(scene, Fault("status", system="gitlab", path="/api/v4/projects/.*", status=502, times=_MANY))
        await scene.suffer()
        await mend_and_recover(scene)


@fault("target-5xx-perform")
async def broken_perform(stage: Stage) -> None:
    async with stage.open() as scene:
        spoil(scene, Fault("status", system="gitlab", method="POST", path="/api/.*/issues", status=500))
        document = await scene.suffer(ISSUE)
        await scene.settle(document["action_id"], seconds=65)
        assert issues(scene) == 0


@fault("target-reply-lost")
async def reply_lost(stage: Stage) -> None:
    async with stage.open() as scene:
        spoil(scene, Fault("lose_reply", system="gitlab", method="POST", path="/api/.*/issues"))
        document = await scene.suffer(ISSUE)
        await scene.settle(document["action_id"], seconds=65)
        assert issues(scene) == 1


@fault("credential-expired")
async def expired(stage: Stage) -> None:
    async with stage.open() as scene:
        forge = scene.sandbox.forge
        token = forge.tokens.pop(scene.sandbox.tokens.road)
        await scene.suffer()
        forge.tokens[token.value] = token
        await scene.recover()


@fault("credential-weak")
async def weak(stage: Stage) -> None:
    async with stage.open() as scene:
        forge, name = scene.sandbox.forge, scene.sandbox.tokens.road
        token = forge.tokens[name]
        forge.tokens[name] = dataclasses.replace(token, scopes=("read_api", "read_repository"))
        await scene.suffer(ISSUE)
        forge.tokens[name] = token
        await scene.recover(ISSUE)
        assert issues(scene) == 1


@fault("credential-renewed")
async def renewed(stage: Stage) -> None:
    """The old token dies, a new one lies in the file: SIGHUP is enough."""
    async with stage.open() as scene:
        forge = scene.sandbox.forge
        token = forge.tokens.pop(scene.sandbox.tokens.road)
        await scene.suffer()
        forge.tokens["renewed-road-token"] = dataclasses.replace(token, value="renewed-road-token")
        (stage.town.home.parent / "road").write_text("renewed-road-token")
        scene.town.gateway.reload_secrets()
        await scene.recover()


@fault("git-unreachable")
async def git_unreachable(stage: Stage) -> None:
    """The API answers, the repository does not."""
    async with stage.open() as scene:
        spoil(scene, Fault("status", system="gitlab", path=f"/{PROJECT}.git/.*", status=503, times=_MANY))
        await scene.suffer(BRANCH)
        await mend_and_recover(scene)
