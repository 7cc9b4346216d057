"""Too much, too large, too deep, too often: answered in bounded time and room, and counted."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.redteam.attacks import Kind, attack
from tests.redteam.siege import ADDRESS, Siege, besieged
from tests.town import AUDITOR, NOTE, OWNER, proposal, refusal

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
K = Kind.FLOOD
BRANCH = proposal("branch.create", {"from": "main"}, branch="agent/flood")
BOUND_S = 30


async def raw(siege: Siege, body: bytes, code: str = "malformed") -> None:
    """A body that no honest client sends; it is counted for the address, as nobody was believed yet."""
    headers = {"Content-Type": "application/json"}
    call = siege.agent._json("POST", "/v1/actions", content=body, headers=headers)
    await siege.turned_away(call, code, source=ADDRESS)


def commit(changes: list[dict[str, Any]]) -> dict[str, Any]:
    return proposal("commit.create", {"message": "Tidy", "changes": changes}, branch="agent/flood")


@attack(K, "fill memory with one body", stopped_by="bodies are cut off at their limit while they arrive")
async def test_a_body_is_too_large(siege: Siege) -> None:
    await raw(siege, b'{"type": "' + b"x" * (9 * 2**20) + b'"}', "too_large")


@attack(K, "overflow the stack of the parser", stopped_by="JSON may nest 64 deep")
async def test_a_body_nests_without_end(siege: Siege) -> None:
    await raw(siege, b'{"a":' * 50_000 + b"1" + b"}" * 50_000)


@attack(
    K,
    "have a number parsed that takes minutes",
    stopped_by="numbers are bounded before they are read as such",
)
async def test_a_body_holds_an_endless_number(siege: Siege) -> None:
    await raw(siege, b'{"type": "issue.comment", "target": {"merge_request": ' + b"9" * 100_000 + b"}}")


@attack(K, "send more values than anybody reads", stopped_by="20,000 values in a request")
async def test_a_request_holds_too_many_values(siege: Siege) -> None:
    body = {**BRANCH, "target": {**BRANCH["target"], "refs": list(range(30_000))}}
    await siege.turned_away(siege.agent.propose(body), "malformed", source="agt_fixer")


@attack(K, "write thousands of files in one commit", stopped_by="a commit takes 1000 changes")
async def test_a_commit_holds_too_many_changes(siege: Siege) -> None:
    changes = [{**NOTE, "path": f"docs/{n}.md"} for n in range(1001)]
    await siege.turned_away(siege.agent.propose(commit(changes)), "malformed", source="agt_fixer")


@attack(
    K,
    "pass a change that nobody can review",
    stopped_by="BLAST-001: nothing is pushed before an owner agrees",
)
async def test_a_change_is_too_large_to_review(siege: Siege) -> None:
    await siege.agent.propose(BRANCH)
    text = "x = 1\n" * 400
    changes = [{**NOTE, "path": f"lib{n % 20}/src/f{n}.js", "content": text} for n in range(300)]
    head = siege.project.repository.head("agent/flood")
    await siege.held_and_refused(commit(changes), "BLAST-001", OWNER)
    assert siege.project.repository.head("agent/flood") == head


@attack(
    K,
    "keep the text rules busy for minutes with one comment",
    stopped_by="every expression runs in linear time",
)
async def test_a_text_is_made_to_be_slow(siege: Siege) -> None:
    text = "\n".join(["/merge " + "[" * 200 + "![" * 200 + "@" * 200 + "#1 " * 100] * 60)[:99_000]
    began = time.monotonic()
    await siege.denied(siege.agent.propose(proposal("issue.comment", {"body": text}, issue="1")), "TEXT-001")
    assert time.monotonic() - began < BOUND_S


@attack(K, "keep the secret detectors busy with half a key", stopped_by="every detector runs in linear time")
async def test_a_secret_never_ends(siege: Siege) -> None:
    text = "-----BEGIN PRIVATE KEY-----" * 1500 + "aws_secret_access_key=" * 1500 + "AKIAIOSFODNN7EXAMPLE"
    began = time.monotonic()
    body = proposal("issue.comment", {"body": text}, jira=True, issue="SHOP-1")
    await siege.denied(siege.agent.propose(body), "SECRET-001")
    assert time.monotonic() - began < BOUND_S


@attack(
    K,
    "fill the log with failed sign-ins",
    stopped_by="one event per source and minute, however many there were",
)
async def test_sign_ins_flood_the_log(siege: Siege) -> None:
    before = siege.last
    async with siege.town.client("lg_" + "E" * 43) as thief:
        errors = [await refusal(thief.me()) for _ in range(300)]
    await siege.counted(before)
    rows = await siege.events("session.denied", before)
    assert {e.problem.code for e in errors} == {"unauthenticated"}
    assert sum(r.leaf["data"]["count"] for r in rows if r.leaf["data"]["code"] == "unauthenticated") == 300
    assert len(rows) <= 3


@attack(
    K,
    "fill the log by probing for names",
    stopped_by="refusals of one agent are one event per code and minute",
)
async def test_probing_floods_the_log(siege: Siege) -> None:
    before = siege.last
    errors = [await refusal(siege.other.actions(project=f"bank/vault{n}")) for n in range(100)]
    assert {e.problem.code for e in errors} == {"out_of_scope"}
    await siege.counted(before)
    rows = await siege.events("session.denied", before)
    assert sum(r.leaf["data"]["count"] for r in rows) == 100
    assert len(rows) <= 3


@attack(K, "read the whole database in one page", stopped_by="pages are bounded")
async def test_a_page_without_end_is_asked_for(siege: Siege) -> None:
    await siege.turned_away(siege.agent.actions(limit=10**6), "malformed", source="agt_fixer")


@attack(K, "keep the exporter busy with a range that is not there", stopped_by="a range must lie in the log")
async def test_a_bundle_without_end_is_asked_for(siege: Siege, tmp_path: Path) -> None:
    async with await siege.town.sign_in(AUDITOR) as auditor:
        call = auditor.bundle(tmp_path / "x.tar", first=0, end=2**50)
        await siege.turned_away(call, "malformed", source=AUDITOR)


@attack(K, "use up its hour and go on", stopped_by="RATE-001 and the budget inside the unit of `started`")
async def test_an_agent_acts_without_pause(siege: Siege) -> None:
    comments = [
        proposal("issue.comment", {"body": f"Note {n}."}, jira=True, issue="SHOP-1") for n in range(45)
    ]
    before = siege.last
    answers = await asyncio.gather(*(siege.other.propose(b) for b in comments), return_exceptions=True)
    done = [a for a in answers if isinstance(a, dict)]
    assert 0 < len(done) <= 30
    assert len(await siege.events("action.performed", before)) == len(done)
    assert len(await siege.events("action.denied", before)) == len(comments) - len(done)
    await siege.denied(siege.other.propose(comments[0]), "RATE-001")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def strict(home_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Siege]:
    """A town whose agents may ask ten times a minute, and rehearse ten times an hour."""
    home, folder = tmp_path_factory.mktemp("strict") / "home", tmp_path_factory.mktemp("strict-town")
    shutil.copytree(home_template, home)
    with (home / "loopgate.toml").open("a") as file:
        file.write("\n[serve]\nproposals_per_minute = 10\ndry_runs_per_hour = 10\n")
    async with besieged(home, folder) as opened:
        yield opened


@attack(
    K,
    "propose faster than anybody can judge",
    stopped_by="a pace per agent; what is over is counted, not recorded one by one",
)
async def test_proposals_flood_the_road(strict: Siege) -> None:
    body = proposal("branch.create", {"from": "main"}, branch="agent/pace")
    before = strict.last
    answers = await asyncio.gather(*(strict.other.propose(body) for _ in range(40)), return_exceptions=True)
    turned = [a for a in answers if getattr(getattr(a, "problem", None), "code", "") == "too_many_requests"]
    assert len(turned) >= 20
    assert (await strict.counted(before))[("agt_loop", "rest", "too_many_requests")] >= 20
    assert len(await strict.events("action.requested", before)) == 40 - len(turned)


@attack(K, "learn the policy by rehearsing without end", stopped_by="dry runs have a budget of their own")
async def test_dry_runs_flood_the_engine(strict: Siege) -> None:
    body = proposal("branch.create", {"from": "main"}, branch="agent/pace")
    for _ in range(10):
        await strict.agent.rehearse(body)
    await strict.turned_away(strict.agent.rehearse(body), "too_many_requests", source="agt_fixer")
