"""Asking too often over the REST door: 429, when to come back, nothing recorded but one event that counts."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.core.principals import Scope
from gateway.doors.rest.door import rest_door
from tests.town import Town, open_town, proposal

pytestmark = pytest.mark.slow
COMMENT = proposal("issue.comment", {"body": "Hello."}, jira=True, issue="SHOP-1")


@pytest.fixture
async def town(home_template: Path, tmp_path: Path) -> AsyncIterator[Town]:
    """A town whose agents may propose twice a minute and rehearse once an hour."""
    home = tmp_path / "template"
    shutil.copytree(home_template, home)
    with (home / "loopgate.toml").open("a") as file:
        file.write("\n[serve]\nproposals_per_minute = 2\ndry_runs_per_hour = 1\n")
    (tmp_path / "town").mkdir()
    async with open_town(home, tmp_path / "town") as opened:
        yield opened


async def answers(town: Town, path: str, times: int) -> list[httpx2.Response]:
    """What the door says to an agent that sends the same body so often."""
    scope = Scope(projects=("jira:SHOP",), action_types=("*",))
    issue = town.gateway.store.credentials.issue
    token = await issue("agt_fixer", scope, door="rest", lifetime_s=3600, by="test")
    transport = httpx2.ASGITransport(app=rest_door(town.gateway.neighbours), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {token.secret}"}
    async with httpx2.AsyncClient(
        base_url="http://gateway.test", headers=headers, transport=transport
    ) as http:
        return [await http.post(path, json=COMMENT) for _ in range(times)]


async def events(town: Town, kind: str) -> list[Any]:
    return list(await town.gateway.store.archive.events(subject=None, event_type=kind, after=None, limit=99))


async def test_proposals_over_the_limit_are_answered_with_when_to_come_back(town: Town) -> None:
    said = await answers(town, "/v1/actions", 6)
    requested = await events(town, "action.requested")
    town.clock.advance(61)
    await town.gateway.store.sessions.flush(town.clock.now_ms())
    (counted,) = await events(town, "session.denied")

    assert [a.status_code for a in said] == [201, 201, 429, 429, 429, 429]
    assert {a.json()["code"] for a in said[2:]} == {"too_many_requests"}
    assert all(1 <= int(a.headers["Retry-After"]) <= 60 for a in said[2:])
    assert len(requested) == 2
    assert counted.leaf["data"]["code"] == "too_many_requests"
    assert counted.leaf["data"]["count"] == 4
    assert [a.status_code for a in await answers(town, "/v1/actions", 1)] == [201]


async def test_dry_runs_have_an_hour_of_their_own(town: Town) -> None:
    said = await answers(town, "/v1/rulings", 2)

    assert [a.status_code for a in said] == [200, 429]
    assert said[1].json()["code"] == "too_many_requests"
    assert 1 <= int(said[1].headers["Retry-After"]) <= 3600
    assert [a.status_code for a in await answers(town, "/v1/actions", 1)] == [201]
