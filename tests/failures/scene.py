"""A whole gateway to which something is done, and a careful witness of what it then says, records and shows."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.cli import main as command_line
from gateway.cli.terminal import Exit
from gateway.client.api import ApiError, Client, Problem
from gateway.sandbox.gitlab.entities import MergeRequest, Project
from gateway.sandbox.server import Sandbox
from tests.failures.table import Row
from tests.town import (
    OPERATOR,
    OWNER,
    PROJECT,
    RELEASE,
    Town,
    built_town,
    held_merge,
    open_merge_request,
    proposal,
)

ALWAYS = {"action.requested", "action.judged"}
BRANCH = proposal("branch.create", {"from": "main"}, branch="agent/x")
_UNDER_WAY = {"held", "waiting", "requested", "approved", "started"}
_LOOKS = 30
_A_WINDOW_S = 65


@dataclass
class Seen:
    """What happened while a fault lasted and after it; compared with the page, column by column."""

    answer: str = ""
    exit: int = -1
    events: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    recovery: str = ""

    def as_row(self, name: str) -> Row:
        """In the form of the page."""
        return Row(name, self.answer, self.exit, self.events, self.checks, self.recovery)


@dataclass
class Scene:
    """One open gateway, one agent, one fault."""

    town: Town
    agent: Client
    token: str
    seen: Seen
    capsys: pytest.CaptureFixture[str]
    last: dict[str, Any] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    token_id: str = ""

    @property
    def sandbox(self) -> Sandbox:
        return self.town.sandbox

    @property
    def project(self) -> Project:
        return self.town.sandbox.forge.projects[1]

    @property
    def merge_request(self) -> MergeRequest:
        return self.project.merge_requests[1]

    async def suffer(
        self, body: dict[str, Any] = BRANCH, *, key: str | None = None, probe: bool = True
    ) -> dict[str, Any]:
        """Propose while the fault lasts; remember answer, exit code, events and readiness."""
        document = await self.post(body, key=key)
        await self.witness(probe=probe)
        return document

    async def witness(self, *, probe: bool = True) -> None:
        """Remember what was answered last, the events of its action, and what readiness says now."""
        status, document = self.last["status"], self.last["document"]
        self.seen.answer = f"{status} {document.get('code') or document['status']}"
        self.seen.exit = self._exit_of(status, document)
        action_id = document.get("action_id")
        self.seen.events = await self.events(action_id) if action_id else ()
        if probe:
            self.seen.checks = await self.unwell()

    async def post(self, body: dict[str, Any], *, key: str | None = None) -> dict[str, Any]:
        """Propose; whatever comes back must be a document with a sentence that says what to do."""
        headers = {"Authorization": f"Bearer {self.token}", **({"Idempotency-Key": key} if key else {})}
        answer = await self.send("POST", "/v1/actions", json=body, headers=headers)
        document: dict[str, Any] = answer.json()
        assert "Traceback" not in answer.text
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert re.search(r"[A-Z].*[.:]", document["detail"]), document
            if answer.status_code == 503:
                assert int(answer.headers["Retry-After"]) > 0
        self.last = {"status": answer.status_code, "document": document}
        return document

    async def send(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """One request through the door as it stands now."""
        transport = self.town._transport
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://gateway.test", timeout=60
        ) as http:
            return await http.request(method, path, **more)

    async def events(self, action_id: str) -> tuple[str, ...]:
        """What was recorded about an action since its mark, without what every proposal has."""
        rows = await self.town.gateway.store.archive.events(
            subject=action_id, event_type=None, after=None, limit=100
        )
        since = self.marks.get(action_id, -1)
        return tuple(row.type for row in rows if row.index > since and row.type not in ALWAYS)

    async def mark(self, action_id: str) -> None:
        """From here on events of this action are the fault's."""
        rows = await self.town.gateway.store.archive.events(
            subject=action_id, event_type=None, after=None, limit=100
        )
        self.marks[action_id] = rows[-1].index

    async def unwell(self) -> tuple[str, ...]:
        """The checks of /readyz that are red, or green with something to say."""
        answer = await self.send("GET", "/readyz")
        checks: dict[str, dict[str, Any]] = answer.json()["checks"]
        red = tuple(name for name, check in checks.items() if not check["ok"])
        assert (answer.status_code == 503) == bool(red)
        return red or tuple(name for name, check in checks.items() if check["detail"])

    async def recover(self, body: dict[str, Any] = BRANCH, *, key: str | None = None) -> None:
        """With the fault gone: readiness is green by itself, and the work is done after all."""
        assert await self.unwell() == ()
        document = await self.post(body, key=key)
        self.seen.recovery = document["status"] if self.last["status"] < 400 else document["code"]

    async def settle(self, action_id: str, *, seconds: float = 5, looks: int = _LOOKS) -> None:
        """With the fault gone, let time pass until the action rests."""
        for _ in range(looks):
            self.seen.recovery = (await self.agent.action(action_id))["status"]
            if self.seen.recovery not in {*_UNDER_WAY, "in_doubt"} - {"held"}:
                break
            await self.town.look(seconds)
        assert await self.unwell() == ()

    async def held(self) -> dict[str, Any]:
        """A merge that waits for two people, proposed under the key `merge`."""
        opened = await open_merge_request(self.agent)
        self.sandbox.clock.advance(_A_WINDOW_S)
        body = proposal("merge_request.merge", {"expected_head": opened.head}, merge_request=opened.iid)
        document = await self.post(body, key="merge")
        assert document["status"] == "held", document
        self.last["body"] = body
        await self.mark(document["action_id"])
        return {**document, "body": body, "head": opened.head}

    async def approve(self, held: dict[str, Any]) -> None:
        """Both people say yes."""
        await self.town.vote(OWNER, held["ticket"]["id"])
        await self.town.vote(RELEASE, held["ticket"]["id"])
        await self.town.gateway.neighbours.carrier.finish()

    async def approved_then(self, held: dict[str, Any]) -> dict[str, Any]:
        """Both agree, the poller looks, and the agent asks under the same key what became of it."""
        await self.approve(held)
        await self.town.look(5)
        return await self.suffer(held["body"], key="merge")

    def _exit_of(self, status: int, document: dict[str, Any]) -> int:
        """What `loopgate act` would end with, and that it says a sentence."""
        if status < 400:
            return int(Exit.HELD if document["status"] in _UNDER_WAY else Exit.DONE)
        known = {k: v for k, v in document.items() if k in Problem.model_fields}
        code = command_line._refused(ApiError(Problem(**known)), as_json=False)
        said = self.capsys.readouterr().err
        assert said.startswith("error: ")
        assert "Traceback" not in said
        return code


class Stage:
    """What a scenario is given: a gateway that is not open yet, so that its settings can be changed."""

    def __init__(self, town: Town, capsys: pytest.CaptureFixture[str], seen: Seen) -> None:
        self.town, self.capsys, self.seen = town, capsys, seen

    def configure(self, section: str, **values: str) -> None:
        """Put settings (TOML literals) into a section of the home's file."""
        path = self.town.home / "loopgate.toml"
        text, header = path.read_text(), f"[{section}]\n"
        lines = "".join(f"{name} = {value}\n" for name, value in values.items())
        path.write_text(
            text.replace(header, header + lines) if header in text else f"{text}\n{header}{lines}"
        )

    def forget(self, line: str) -> None:
        """Take one line out of the home's settings."""
        path = self.town.home / "loopgate.toml"
        path.write_text(
            "".join(f"{kept}\n" for kept in path.read_text().splitlines() if not kept.startswith(line))
        )

    @asynccontextmanager
    async def open(self, token: str = "") -> AsyncIterator[Scene]:
        """Open the gateway; with a token of before when it is opened again."""
        async with self.town.open():
            issued = {"secret": token, "id": ""} if token else await self._issued()
            async with self.town.client(issued["secret"]) as agent:
                scene = Scene(self.town, agent, issued["secret"], self.seen, self.capsys)
                scene.token_id = issued["id"]
                yield scene

    async def _issued(self) -> dict[str, Any]:
        async with await self.town.sign_in(OPERATOR) as operator:
            request = {"projects": ["shop/*", "jira:SHOP"]}
            return await operator.issue_token("agt_fixer", request)


Scenario = Callable[[Stage], Awaitable[None]]
SCENARIOS: dict[str, Scenario] = {}


def fault(name: str) -> Callable[[Scenario], Scenario]:
    """Register the scenario of one row."""

    def registered(scenario: Scenario) -> Scenario:
        assert name not in SCENARIOS
        SCENARIOS[name] = scenario
        return scenario

    return registered


@contextmanager
def stage_on(template: Path, folder: Path, capsys: pytest.CaptureFixture[str], seen: Seen) -> Iterator[Stage]:
    """A stage on a copy of the template home."""
    with built_town(template, folder) as town:
        yield Stage(town, capsys, seen)


__all__ = ["BRANCH", "PROJECT", "Scene", "Stage", "fault", "held_merge"]
