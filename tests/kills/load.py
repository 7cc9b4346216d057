"""Agents and people at work until the line goes dead, and the memory of everything they were told."""

import asyncio
import random  # noqa: TID251 - seeded, and the seed is printed
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.client.api import ApiError, Client, UnreachableError
from tests.kills.place import Life
from tests.town import OWNER, RELEASE, proposal

DONE = {"performed", "refused", "denied", "stale", "cancelled", "expired", "rejected"}
NOT_RECORDED = {"log_unavailable", "busy"}
LOOKS = 400


@dataclass
class Act:
    """One proposal, the text its effect is counted by, and every answer about it that arrived."""

    key: str
    body: dict[str, Any]
    effect: str
    token: int = 0
    action_id: str = ""
    told: list[str] = field(default_factory=list)

    def hear(self, action_id: str, status: str) -> None:
        """Remember an answer; one key is one action, for ever."""
        assert self.action_id in {"", action_id}, f"{self.key} was {self.action_id} and is now {action_id}"
        self.action_id = action_id
        self.told.append(status)


@dataclass
class Memory:
    """All that was acknowledged, in all lives."""

    acts: dict[str, Act] = field(default_factory=dict)
    votes: set[tuple[str, str]] = field(default_factory=set)
    answers: int = 0

    def act(self, key: str, body: dict[str, Any], effect: str) -> Act:
        return self.acts.setdefault(key, Act(key, body, effect))


class Shift:
    """What one agent does in one life. `after_answer` is called at each answer; whoever kills listens there."""

    def __init__(self, life: Life, agent: Client, memory: Memory, chance: random.Random, name: str) -> None:
        self._life, self._agent, self._memory = life, agent, memory
        self._chance, self._name = chance, name
        self.after_answer: Callable[[], None] = lambda: None

    async def work(self) -> None:
        """Work until the gateway no longer answers."""
        await asyncio.gather(*(self._until_dead(work) for work in self._kinds()))

    async def rest(self, action_id: str) -> str:
        """The state in which an action comes to rest: ended, or what it stays in after many looks."""
        status = ""
        for _ in range(LOOKS):
            status = str((await self._agent.action(action_id))["status"])
            if status == "held":
                status = str((await self._agent.cancel(action_id))["status"])
            if status in DONE:
                break
        return status

    def _kinds(self) -> tuple[Callable[[str], Awaitable[None]], ...]:
        return (self._comment, self._jira_comment, self._commit, self._merge, self._denied, self._cancel)

    async def _until_dead(self, work: Callable[[str], Awaitable[None]]) -> None:
        number = 0
        while True:
            number += 1
            try:
                await work(f"{self._name}-{number}")
            except UnreachableError:
                return

    async def propose(self, key: str, body: dict[str, Any], effect: str) -> dict[str, Any]:
        """Propose under a key, now and then twice; remember what is said."""
        act = self._memory.act(key, body, effect)
        document = await self.ask(act)
        if self._chance.random() < 0.25:
            await self.ask(act)
        return document

    async def ask(self, act: Act) -> dict[str, Any]:
        """What the gateway says of this act under its key, remembered."""
        try:
            document = await self._agent.propose(act.body, key=act.key)
        except ApiError as error:
            document = _refused(error)
        self._memory.answers += 1
        if document["action_id"]:
            act.hear(document["action_id"], document["status"])
        self.after_answer()
        return document

    async def _comment(self, name: str) -> None:
        body = proposal("issue.comment", {"body": f"note {name}"}, issue="1")
        await self.propose(f"note-{name}", body, f"note {name}")

    async def _jira_comment(self, name: str) -> None:
        body = proposal("issue.comment", {"body": f"word {name}"}, jira=True, issue="SHOP-1")
        await self.propose(f"word-{name}", body, f"word {name}")

    async def _denied(self, name: str) -> None:
        body = proposal("branch.create", {"from": "main"}, branch=f"release/{name}")
        await self.propose(f"denied-{name}", body, f"branch release/{name}")

    async def _commit(self, name: str) -> None:
        branch = f"agent/c-{name}"
        created = proposal("branch.create", {"from": "main"}, branch=branch)
        await self.propose(f"branch-{name}", created, f"branch {branch}")
        await self.propose(f"commit-{name}", self._change(branch, f"commit {name}"), f"commit {name}")

    async def _merge(self, name: str) -> None:
        held = await self._held_merge(name)
        for person in (OWNER, RELEASE):
            await self._vote(person, held)
        for _ in range(40):
            if (await self._agent.action(held["action_id"]))["status"] in DONE:
                break

    async def _cancel(self, name: str) -> None:
        held = await self._held_merge(f"x-{name}")
        document = await self._agent.cancel(held["action_id"])
        self._memory.acts[f"merge-x-{name}"].hear(held["action_id"], document["status"])
        self.after_answer()

    async def _held_merge(self, name: str) -> dict[str, Any]:
        branch = f"agent/m-{name}"
        await self._agent.propose(proposal("branch.create", {"from": "main"}, branch=branch))
        change = await self.propose(
            f"change-{name}", self._change(branch, f"change {name}"), f"change {name}"
        )
        opening = {"source": branch, "target": "main", "title": f"Change {name}"}
        opened = await self._agent.propose(proposal("merge_request.open", opening))
        self._life.sandbox.clock.advance(65)
        wanted = {"expected_head": change["result"]["commit"]}
        iid = int(opened["result"]["merge_request"])
        body = proposal("merge_request.merge", wanted, merge_request=iid)
        return await self.propose(f"merge-{name}", body, f"merge {branch}")

    async def _vote(self, person: str, held: dict[str, Any]) -> None:
        ticket = held["ticket"]["id"]
        await self._life.vote(person, ticket, digest=held["ticket"]["question_digest"])
        self._memory.votes.add((ticket, person))
        self._memory.answers += 1
        self.after_answer()

    @staticmethod
    def _change(branch: str, message: str) -> dict[str, Any]:
        path = f"docs/{message.replace(' ', '-')}.md"
        changes = [{"op": "create", "path": path, "content": f"{message}\n"}]
        return proposal("commit.create", {"message": message, "changes": changes}, branch=branch)


def _refused(error: ApiError) -> dict[str, Any]:
    """The action behind a refusal; there is none only when nothing could be recorded."""
    problem = error.problem
    assert problem.code in NOT_RECORDED or problem.action_id, problem
    return {"action_id": problem.action_id, "status": "", **(problem.action or {})}
