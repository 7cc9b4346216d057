"""While people think, the world moves: the merge request, the project, the roster, the policy, the token, the clock."""

import shutil
from pathlib import Path
from typing import Any

import yaml

from gateway.sandbox.gitlab.entities import Role
from gateway.settings import load_settings
from tests.failures.scene import Scene, Stage, fault
from tests.town import OPERATOR, OWNER, PROJECT, RELEASE, commit_on, proposal

_DAY_S = 86_400


def merged(scene: Scene) -> bool:
    return scene.merge_request.state == "merged"


async def ask_again(scene: Scene, held: dict[str, Any]) -> dict[str, Any]:
    """What the agent hears about it under the same key."""
    return await scene.suffer(held["body"], key="merge")


@fault("request-closed")
async def closed(stage: Stage) -> None:
    async with stage.open() as scene:
        held = await scene.held()
        scene.merge_request.state = "closed"
        await scene.approved_then(held)
        assert not merged(scene)
        scene.merge_request.state = "opened"
        await scene.settle(held["action_id"])
        assert not merged(scene)


@fault("request-retargeted")
async def retargeted(stage: Stage) -> None:
    async with stage.open() as scene:
        held = await scene.held()
        await scene.agent.propose(proposal("branch.create", {"from": "main"}, branch="agent/other"))
        scene.merge_request.target_branch = "agent/other"
        await scene.approved_then(held)
        assert not merged(scene)
        scene.merge_request.target_branch = "main"
        await scene.settle(held["action_id"])
        assert not merged(scene)


@fault("request-pushed")
async def pushed(stage: Stage) -> None:
    async with stage.open() as scene:
        held = await scene.held()
        await commit_on(scene.agent, "agent/note", path="docs/more.md")
        await scene.approved_then(held)
        assert not merged(scene)
        await scene.settle(held["action_id"])


@fault("request-force-pushed")
async def force_pushed(stage: Stage) -> None:
    async with stage.open() as scene:
        held = await scene.held()
        main = scene.project.repository.branches()["main"]
        scene.project.repository.run("update-ref", "refs/heads/agent/note", main)
        scene.merge_request.sha = main
        scene.project.repository.run(
            "update-ref", f"refs/merge-requests/{scene.merge_request.iid}/head", main
        )
        await scene.approved_then(held)
        assert not merged(scene)
        await scene.settle(held["action_id"])


@fault("project-renamed")
async def renamed(stage: Stage) -> None:
    async with stage.open() as scene:
        held = await scene.held()
        project = scene.project
        project.path, project.former_paths = "till", [PROJECT]
        await scene.approved_then(held)
        assert not merged(scene)
        project.path, project.former_paths = "checkout", []
        await scene.settle(held["action_id"])
        assert merged(scene)


@fault("project-transferred")
async def transferred(stage: Stage) -> None:
    """Into a group where our identities are not members: to them it is gone."""
    async with stage.open() as scene:
        held = await scene.held()
        project, members = scene.project, dict(scene.project.members)
        project.namespace = "elsewhere"
        project.members = {}
        await scene.approved_then(held)
        assert not merged(scene)
        project.namespace, project.members = "shop", members
        await scene.settle(held["action_id"])
        assert merged(scene)


@fault("project-archived")
async def archived(stage: Stage) -> None:
    async with stage.open() as scene:
        held = await scene.held()
        scene.project.archived = True
        await scene.approved_then(held)
        assert not merged(scene)
        scene.project.archived = False
        await scene.settle(held["action_id"])
        assert merged(scene)


@fault("identity-demoted")
async def demoted(stage: Stage) -> None:
    """The merge identity may merge no more; GitLab says so only when it is asked to."""
    async with stage.open() as scene:
        held = await scene.held()
        merge = next(u for u in scene.sandbox.forge.users.values() if u.username == "loopgate-merge")
        scene.project.members[merge.id] = Role.REPORTER
        await scene.approved_then(held)
        assert not merged(scene)
        scene.project.members[merge.id] = Role.MAINTAINER
        await scene.settle(held["action_id"])


@fault("token-revoked")
async def revoked(stage: Stage) -> None:
    """What was proposed under a good token and approved by people goes on; the token itself opens nothing more."""
    async with stage.open() as scene:
        held = await scene.held()
        async with await scene.town.sign_in(OPERATOR) as operator:
            await operator._json("DELETE", f"/v1/tokens/{scene.token_id}")
        document = await ask_again(scene, held)
        assert "action_id" not in document
        await scene.approve(held)
        await scene.town.look(5)
        async with await scene.town.agent() as again:
            scene.agent = again
            await scene.settle(held["action_id"])
        assert merged(scene)


def own_policies(stage: Stage) -> Path:
    """A copy of the policies that this test may change."""
    folder = stage.town.home.parent / "own-policies"
    shutil.copytree(load_settings(stage.town.home).policy.folder, folder)
    stage.forget("folder")
    stage.configure("policy", folder=f'"{folder}"')
    return folder


def change(folder: Path, name: str, edit: Any) -> None:
    path = folder / "data" / f"{name}.yaml"
    document = yaml.safe_load(path.read_text())
    edit(document)
    path.write_text(yaml.safe_dump(document))


@fault("approver-removed")
async def approver_removed(stage: Stage) -> None:
    folder = own_policies(stage)
    kept = (folder / "data/people.yaml").read_text()
    async with stage.open() as scene:
        held = await scene.held()
        await scene.town.vote(OWNER, held["ticket"]["id"])
        # GitLab is away, so the second vote cannot act before the restart.
        scene.sandbox.switches.add(_away())
        await scene.town.vote(RELEASE, held["ticket"]["id"])
        await scene.town.gateway.neighbours.carrier.finish()
    scene.sandbox.switches.reset()
    change(folder, "people", lambda d: _without(d, RELEASE))
    async with stage.open(scene.token) as second:
        second.marks = scene.marks
        await second.town.look(5)
        await ask_again(second, held)
        assert not merged(second)
    (folder / "data/people.yaml").write_text(kept)
    async with stage.open(scene.token) as third:
        document = await third.agent.action(held["action_id"])
        await third.approve({"ticket": document["ticket"]})
        await third.settle(held["action_id"])
        assert merged(third)


@fault("earlier-policy")
async def earlier_policy(stage: Stage) -> None:
    """Another bundle, the same question: the votes at hand still count, and both digests are recorded."""
    folder = own_policies(stage)
    async with stage.open() as scene:
        held = await scene.held()
        await scene.town.vote(OWNER, held["ticket"]["id"])
        before = scene.town.gateway.policy.in_force.version.digest
    change(folder, "freezes", lambda d: d.update(ticket_ttl_ms=d["ticket_ttl_ms"] // 2))
    async with stage.open(scene.token) as second:
        second.marks = scene.marks
        assert second.town.gateway.policy.in_force.version.digest != before
        await second.town.vote(RELEASE, held["ticket"]["id"])
        await second.town.look(5)
        await ask_again(second, held)
        assert merged(second)
        await second.settle(held["action_id"])


@fault("stricter-policy")
async def stricter_policy(stage: Stage) -> None:
    """Another bundle that asks otherwise: the votes answered another question, so people are asked anew."""
    folder = own_policies(stage)
    async with stage.open() as scene:
        held = await scene.held()
        await scene.town.vote(OWNER, held["ticket"]["id"])
    change(folder, "params", _stricter)
    async with stage.open(scene.token) as second:
        second.marks = scene.marks
        await second.town.vote(RELEASE, held["ticket"]["id"])
        await second.town.look(5)
        await ask_again(second, held)
        assert not merged(second)
        again = await second.agent.propose(held["body"])
        assert again["ticket"]["predecessor"] == held["ticket"]["id"]
        second.seen.recovery = again["status"]


@fault("clock-back")
async def clock_back(stage: Stage) -> None:
    async with stage.open() as scene:
        held = await scene.held()
        scene.town.clock.advance(-3600)
        await scene.approved_then(held)
        assert not merged(scene)
        assert await scene.events("clock") == ("clock.skewed",)
        scene.town.clock.advance(3600)
        await scene.settle(held["action_id"])
        assert merged(scene)


@fault("clock-forward")
async def clock_forward(stage: Stage) -> None:
    """A day ahead: what was granted for hours is over. Back again: red until the time of the last record is reached."""
    async with stage.open() as scene:
        held = await scene.held()
        scene.town.clock.advance(_DAY_S * 60)
        await scene.town.gateway.poller.look()
        await ask_again(scene, held)
        scene.town.clock.advance(-_DAY_S * 60)
        assert await scene.unwell() == ("clock",)
        scene.town.clock.advance(_DAY_S * 60)
        scene.seen.events = await scene.events(held["action_id"])
        async with await scene.town.agent() as again:
            scene.token = again._http.headers["Authorization"].removeprefix("Bearer ")
            await scene.recover()
        assert not merged(scene)


def _away() -> Any:
    from gateway.sandbox.switches import Fault

    return Fault("refuse_connection", system="gitlab", times=10_000)


def _without(document: Any, person: str) -> None:
    document["people"] = [p for p in document["people"] if p["id"] != person]


def _stricter(document: Any) -> None:
    document["params"]["BLAST-001"]["files"] = {"low": 0, "high": 0}
