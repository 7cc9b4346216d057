"""Votes that outlive a rebase: a whole gateway, the sandbox's real rebase, real git; with the policy's word and without."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from audit.note import parse_vkey
from audit.verify import verify_bundle
from gateway.client.api import Client
from tests.town import (
    AUDITOR,
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


async def voted_then_rebased(town: Town, agent: Client, path: str) -> tuple[str, Opened]:
    """One of two says yes, main moves, the gateway rebases; the stale ticket and the request at its new head."""
    opened = await open_merge_request(agent, path=path)
    held = await held_merge(agent, opened)
    ticket = held["ticket"]["id"]
    await town.vote(OWNER, ticket)
    town.commit_by_hand("main", MAYA)
    rebase = proposal("merge_request.rebase", {}, merge_request=opened.iid)
    done = await agent.propose(rebase)
    done = await town.settle(agent, done["action_id"])
    assert done["status"] == "performed", done
    assert (await agent.action(held["action_id"]))["status"] == "stale"
    return ticket, Opened(opened.iid, done["result"]["head"], opened.branch)


async def carried(town: Town) -> list[Any]:
    rows = await town.gateway.store.archive.events(
        subject=None, event_type="approval.carried", after=None, limit=9
    )
    return list(rows)


async def test_a_clean_rebase_by_the_gateway_keeps_the_votes_and_only_the_others_are_asked(
    carrying: Town, tmp_path: Path
) -> None:
    async with await carrying.agent() as agent:
        _, opened = await voted_then_rebased(carrying, agent, "docs/note.md")
        again = await held_merge(agent, opened)
        await carrying.vote(RELEASE, again["ticket"]["id"])
        done = await carrying.settle(agent, again["action_id"])
    async with await carrying.sign_in(AUDITOR) as auditor:
        await auditor.bundle(tmp_path / "bundle.zip")
        keys = await auditor.keys()
    verdict = verify_bundle((tmp_path / "bundle.zip").read_bytes(), [parse_vkey(keys["vkey"])])

    assert [vote["voter"] for vote in again["ticket"]["votes"]] == [OWNER]
    assert done["status"] == "performed", done
    assert (verdict.ok, verdict.first_problem) == (True, None)
    assert len(await carried(carrying)) == 1


async def test_without_the_policys_word_people_are_asked_again(town: Town) -> None:
    async with await town.agent() as agent:
        ticket, opened = await voted_then_rebased(town, agent, "docs/note.md")
        again = await held_merge(agent, opened)

    assert again["status"] == "held"
    assert again["ticket"]["predecessor"] == ticket
    assert again["ticket"]["votes"] == []
    assert await carried(town) == []


async def test_more_work_after_the_rebase_is_not_what_people_approved(carrying: Town) -> None:
    async with await carrying.agent() as agent:
        ticket, opened = await voted_then_rebased(carrying, agent, "docs/note.md")
        opened.head = await commit_on(agent, opened.branch, path="docs/more.md")
        again = await held_merge(agent, opened)

    assert again["status"] == "held"
    assert again["ticket"]["predecessor"] == ticket
    assert again["ticket"]["votes"] == []
    assert await carried(carrying) == []
