"""The decisions of a real gateway, read back from its home, from its evidence, and over HTTP, and judged again."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gateway.app.history import rulings_in_home
from gateway.client.api import ApiError, Client
from gateway.core.errors import SettingsError
from gateway.core.principals import Scope
from gateway.core.recorded import RecordedRuling, RulingFilter
from gateway.core.rulings import Effect
from gateway.workbench.replay import judging, replay
from gateway.workbench.replay_evidence import rulings_in_bundle, vkeys
from tests.town import AUDITOR, NOTE, OWNER, RELEASE, Town, held_merge, open_merge_request, proposal, refusal

pytestmark = pytest.mark.slow
ALL = RulingFilter()
AUTHOR = "prn_platform"


async def live(town: Town) -> str:
    """A day in town: allowed, asked, waiting, denied, refused by the gateway itself; the id of the merge."""
    async with await town.agent() as agent:
        opened = await open_merge_request(agent)
        merge = await held_merge(agent, opened)
        ticket = merge["ticket"]["id"]
        for person in (OWNER, RELEASE):
            await town.vote(person, ticket)
        await town.settle(agent, merge["action_id"])
        many = [{**NOTE, "path": f"docs/{n}.md"} for n in range(25)]
        await agent.propose(proposal("branch.create", {"from": "main"}, branch="agent/many"))
        for kind, params, aim in (
            ("commit.create", {"message": "Many", "changes": many}, {"branch": "agent/many"}),
            ("branch.delete", {}, {"branch": "main"}),
            ("merge_request.merge", {"expected_head": opened.head}, {"merge_request": opened.iid}),
        ):
            with suppress(ApiError):
                await agent.propose(proposal(kind, params, **aim))
        await agent.propose(proposal("issue.create", {"title": "A note"}, jira=True))
    return str(merge["action_id"])


async def pages(client: Client, **wanted: Any) -> list[RecordedRuling]:
    found: list[RecordedRuling] = []
    page: dict[str, Any] = {"after": None}
    while True:
        page = await client.rulings(**wanted, after=page["after"], limit=3)
        found += [RecordedRuling.model_validate(one) for one in page["items"]]
        if page["after"] is None:
            return found


async def exported(town: Town, folder: Path) -> Path:
    bundle = folder / "town.evidence.tar"
    async with await town.sign_in(AUDITOR) as auditor:
        await auditor.bundle(bundle)
    return bundle


async def test_the_same_policy_flips_nothing_of_a_real_history_from_any_source(
    town: Town, tmp_path: Path
) -> None:
    merge = await live(town)
    stored = list(rulings_in_home(town.home, ALL))
    bundle = await exported(town, tmp_path)
    pin = (town.home / "log.vkey").read_text()
    told = list(rulings_in_bundle(bundle, ALL, vkeys([pin.strip()])))
    async with await town.sign_in(AUTHOR) as author:
        fetched = await pages(author)
        of_merge = await pages(author, action=merge)

    assert {r.effect for r in stored} == {Effect.ALLOW, Effect.REQUIRE_APPROVAL, Effect.DENY}
    assert fetched == stored
    assert [r.id for r in told] == [r.id for r in stored]
    assert [r.document for r in told] == [r.document for r in stored]
    assert [(r.effect, r.clauses, r.grants, r.agent, r.place) for r in told] == [
        (r.effect, r.clauses, r.grants, r.agent, r.place) for r in stored
    ]
    assert len(of_merge) > 1
    assert {r.action_id for r in of_merge} == {merge}
    async with judging(town.settings.policy.folder) as judge:
        for history in (stored, told, fetched):
            done = await replay(history, judge)
            assert (done.flips, done.unreplayable, done.reworded) == ((), (), 0)
            assert done.same == len(stored)


async def test_a_period_is_kept_to_its_milliseconds_everywhere(town: Town, tmp_path: Path) -> None:
    async with await town.agent() as agent:
        for title in ("One", "Two", "Three"):
            await agent.propose(proposal("issue.create", {"title": title}, jira=True))
            town.clock.advance(7200)
    first, second, third = rulings_in_home(town.home, ALL)
    middle = RulingFilter(since_ms=second.judged_ms, until_ms=third.judged_ms)

    assert list(rulings_in_home(town.home, middle)) == [second]
    assert list(rulings_in_home(town.home, RulingFilter(since_ms=second.judged_ms + 1))) == [third]
    assert list(rulings_in_home(town.home, RulingFilter(until_ms=second.judged_ms))) == [first]
    async with await town.sign_in(AUDITOR) as auditor:
        assert await pages(auditor, since_ms=middle.since_ms, until_ms=middle.until_ms) == [second]
    bundle = await exported(town, tmp_path)
    around = RulingFilter(since_ms=second.judged_ms - 1000, until_ms=second.judged_ms + 1000)
    assert [r.id for r in rulings_in_bundle(bundle, around)] == [second.id]


async def test_a_token_of_one_project_reads_the_rulings_of_that_project_only(town: Town) -> None:
    async with await town.agent() as agent:
        await agent.propose(proposal("issue.create", {"title": "In Jira"}, jira=True))
        await agent.propose(proposal("branch.create", {"from": "main"}, branch="agent/note"))
        refused = await refusal(agent.rulings())
    issue = town.gateway.store.credentials.issue
    narrow = await issue(AUTHOR, Scope(projects=("jira:SHOP",)), door="rest", lifetime_s=60, by="test")
    async with town.client(narrow.secret) as author:
        seen = await pages(author)

    assert refused.problem.status == 403
    assert [r.place for r in seen] == ["jira:SHOP"]


async def test_a_bundle_that_was_tampered_with_is_not_judged_by(town: Town, tmp_path: Path) -> None:
    async with await town.agent() as agent:
        await agent.propose(proposal("issue.create", {"title": "One"}, jira=True))
    bundle = await exported(town, tmp_path)
    pin = vkeys([str(town.home / "log.vkey")])
    other = tmp_path / "other.evidence.tar"
    other.write_bytes(bundle.read_bytes().replace(b'"counts"', b'"countz"'))
    torn = tmp_path / "torn.evidence.tar"
    torn.write_bytes(bundle.read_bytes()[:5000])

    assert list(rulings_in_bundle(bundle, ALL, pin))
    with pytest.raises(SettingsError, match="does not verify"):
        list(rulings_in_bundle(other, ALL, pin))
    with pytest.raises(SettingsError, match="is no evidence bundle"):
        list(rulings_in_bundle(torn, ALL))


def test_a_folder_without_a_gateway_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="holds no gateway"):
        list(rulings_in_home(tmp_path, ALL))


def test_a_key_that_is_none_is_told() -> None:
    with pytest.raises(SettingsError, match="no verifier key"):
        vkeys(["nonsense+1+2"])
