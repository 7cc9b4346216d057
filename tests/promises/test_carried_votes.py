"""Votes that outlive a rebase: a whole gateway, the sandbox's real rebase, real git; with the policy's word and without."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.client.api import Client
from tests.town import (
    OWNER,
    RELEASE,
    Opened,
    Town,
    commit_on,
    held_merge,
    open_merge_request,
    open_town,
    proposal,
    template_home,
)

pytestmark = pytest.mark.slow
MAYA = {"name": "Maya", "email": "maya@shop.test"}


@pytest.fixture(scope="module")
def carrying_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose policy keeps votes over a clean rebase."""
    return template_home(tmp_path_factory.mktemp("carrying"), carry_over_clean_rebase=True)


@pytest.fixture
async def carrying(carrying_template: Path, tmp_path: Path) -> AsyncIterator[Town]:
    """A town under that policy."""
    async with open_town(carrying_template, tmp_path) as opened:
        yield opened


async def approved_then_rebased(town: Town, agent: Client, path: str) -> tuple[str, Opened]:
    """People approve a merge while main moves and the gateway rebases; the stale ticket and the request at its new head."""
    opened = await open_merge_request(agent, path=path)
    held = await held_merge(agent, opened)
    ticket = held["ticket"]["id"]
    await town.vote(OWNER, ticket)
    town.commit_by_hand("main", MAYA)
    rebase = proposal("merge_request.rebase", {}, merge_request=opened.iid)
    done = await agent.propose(rebase)
    done = await town.settle(agent, done["action_id"])
    assert done["status"] == "performed", done
    await town.vote(RELEASE, ticket)
    assert (await town.settle(agent, held["action_id"]))["status"] == "stale"
    return ticket, Opened(opened.iid, done["result"]["head"], opened.branch)


async def carried(town: Town) -> list[Any]:
    rows = await town.gateway.store.archive.events(
        subject=None, event_type="approval.carried", after=None, limit=9
    )
    return list(rows)


async def test_a_clean_rebase_by_the_gateway_keeps_the_votes(carrying: Town) -> None:
    async with await carrying.agent() as agent:
        _, opened = await approved_then_rebased(carrying, agent, "docs/note.md")
        again = await held_merge(agent, opened)
        done = await carrying.settle(agent, again["action_id"])

    assert done["status"] == "performed", done
    assert len(await carried(carrying)) == 1


async def test_without_the_policys_word_people_are_asked_again(town: Town) -> None:
    async with await town.agent() as agent:
        ticket, opened = await approved_then_rebased(town, agent, "docs/note.md")
        again = await held_merge(agent, opened)

    assert again["status"] == "held"
    assert again["ticket"]["predecessor"] == ticket
    assert again["ticket"]["votes"] == []
    assert await carried(town) == []


async def test_more_work_after_the_rebase_is_not_what_people_approved(carrying: Town) -> None:
    async with await carrying.agent() as agent:
        ticket, opened = await approved_then_rebased(carrying, agent, "docs/note.md")
        opened.head = await commit_on(agent, opened.branch, path="docs/more.md")
        again = await held_merge(agent, opened)

    assert again["status"] == "held"
    assert again["ticket"]["predecessor"] == ticket
    assert again["ticket"]["votes"] == []
    assert await carried(carrying) == []
