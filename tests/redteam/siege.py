"""A town under attack: what an attack ends in, and what is left of it in the log."""

import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from gateway.client.api import ApiError, Client
from gateway.core.listings import EventRow
from gateway.sandbox.gitlab.entities import Project
from tests.town import PROJECT, Town, open_town, refusal

REFUSED = ["action.requested", "action.judged", "action.denied"]
ADDRESS = "127.0.0.1"


class Siege:
    """A town with two agents: `agent` may do much, `other` holds grants for issues only."""

    def __init__(self, town: Town, agent: Client, other: Client) -> None:
        self.town, self.agent, self.other = town, agent, other

    @property
    def project(self) -> Project:
        found = self.town.sandbox.forge.project_at(PROJECT)
        assert found is not None
        return found

    async def events(self, kind: str, after: int | None = None) -> list[EventRow]:
        """The events of a type, in log order."""
        archive = self.town.gateway.store.archive
        return list(await archive.events(subject=None, event_type=kind, after=after, limit=500))

    async def story(self, action_id: str) -> list[str]:
        """The types of the events about an action, in log order."""
        archive = self.town.gateway.store.archive
        rows = await archive.events(subject=action_id, event_type=None, after=None, limit=100)
        return [row.type for row in rows]

    @property
    def last(self) -> int:
        """The index of the newest event."""
        return self.town.gateway.store.writer.log_size - 1

    async def denied(self, call: Awaitable[dict[str, Any]], *codes: str) -> ApiError:
        """The proposal is judged and denied with these codes; the log says so, and that nothing was started."""
        error = await refusal(call)
        found = {finding["code"] for finding in error.problem.findings if finding["effect"] == "deny"}
        assert error.problem.status == 403, (error.problem.code, error.problem.detail)
        assert set(codes) <= found, (found, error.problem.detail)
        action_id = str(error.problem.action_id)
        assert await self.story(action_id) == REFUSED
        rows = await self.town.gateway.store.archive.events(
            subject=action_id, event_type="action.judged", after=None, limit=1
        )
        assert all(code in json.dumps(rows[0].leaf) for code in codes)
        return error

    async def turned_away(
        self, call: Awaitable[Any], code: str, *, source: str, door: str = "rest"
    ) -> ApiError:
        """The door refuses before anything is recorded of an action; the count of it names the source and the code."""
        before = self.last
        error = await refusal(call)
        assert error.problem.code == code, (error.problem.code, error.problem.detail)
        counted = await self.counted(before)
        assert (source, door, code) in counted, counted
        assert not await self.events("action.started", before)
        return error

    async def counted(self, after: int) -> dict[tuple[str, str, str], int]:
        """What was refused at the doors since a place in the log, by source, door and code."""
        self.town.clock.advance(61)
        await self.town.gateway.store.sessions.flush(self.town.clock.now_ms())
        rows = await self.events("session.denied", after)
        return {
            (row.disclosures["source"], row.leaf["data"]["door"], row.leaf["data"]["code"]): row.leaf["data"][
                "count"
            ]
            for row in rows
        }

    async def held_and_refused(self, body: dict[str, Any], code: str, person: str) -> dict[str, Any]:
        """The action waits for a person, who says no; it ends there, on record, and nothing was started."""
        held = await self.agent.propose(body)
        assert held["status"] == "held", held
        assert code in {f["code"] for f in held["ruling"]["findings"]}
        await self.town.vote(person, held["ticket"]["id"], "reject")
        after = await self.agent.action(held["action_id"])
        assert after["status"] == "rejected"
        story = await self.story(held["action_id"])
        assert "action.held" in story
        assert "action.started" not in story
        assert [r.subject for r in await self.events("approval.rejected")].count(held["ticket"]["id"]) == 1
        return after

    async def send(self, method: str, path: str, *, token: str | None = None, **more: Any) -> httpx2.Response:
        """A raw request, for what no honest client would send."""
        client = self.town.client(token) if token else self.agent
        return await client._request(method, path, **more)


@asynccontextmanager
async def besieged(template: Path, folder: Path) -> AsyncIterator[Siege]:
    """A town with its two agents, open."""
    async with (
        open_town(template, folder) as town,
        await town.agent() as agent,
        await town.agent("agt_loop") as other,
    ):
        yield Siege(town, agent, other)
