"""The typed client: every method once, through the door without a socket; and answers that are none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.client.api import ApiError, Client, UnreachableError
from gateway.client.vote_keys import public_half
from gateway.core.errors import MalformedError
from tests.town import AUDITOR, OPERATOR, OWNER, ROOT, Town, held_merge, open_merge_request, proposal, refusal

Answer = Callable[[httpx2.Request], httpx2.Response]
REPORT = ROOT / "gateway/cli/demonstration/data/trivy-npm.json"
BRANCH = proposal("branch.create", {"from": "main"}, branch="agent/client")


def answering(answer: Answer) -> Client:
    return Client("http://gateway.test", "lg_x", transport=httpx2.MockTransport(answer))


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.slow
async def test_an_agent_proposes_rehearses_reads_and_cancels(town: Town) -> None:
    async with await town.agent() as agent:
        rehearsed = await agent.rehearse(BRANCH)
        done = await agent.propose(BRANCH, key="once", wait_s=10)
        held = await held_merge(agent, await open_merge_request(agent))
        read = await agent.action(held["action_id"])
        page = await agent.actions(status=["held"], project="shop/checkout")
        cancelled = await agent.cancel(held["action_id"])
        me, rules, items = await agent.me(), await agent.rules(), await agent.work_items()

    assert rehearsed["effect"] in {"allow", "warn"}
    assert (done["status"], read["status"], cancelled["status"]) == ("performed", "held", "cancelled")
    assert [a["action_id"] for a in page["items"]] == [held["action_id"]]
    assert me["id"] == "agt_fixer"
    assert "GATE-001" in {r["code"] for r in rules["rules"]}
    assert items["items"] == []


@pytest.mark.slow
async def test_people_read_tickets_and_vote(town: Town) -> None:
    async with await town.agent() as agent:
        ticket = (await held_merge(agent, await open_merge_request(agent)))["ticket"]["id"]
    async with await town.sign_in(OWNER) as owner:
        listed = await owner.tickets(mine=True)
        page = await owner.ticket_page(ticket)
        digest = (await owner.ticket(ticket))["question_digest"]
        stale = await refusal(
            owner.vote(ticket, {"answer": "approve", "question_digest": "0" * 64, "reason": "x"})
        )
        voted = await owner.vote(
            ticket, {"answer": "reject", "question_digest": digest, "reason": "Not now."}
        )

    assert [t["id"] for t in listed["items"]] == [ticket]
    assert page.startswith("<!doctype html>")
    assert stale.problem.code == "stale_question"
    assert voted["state"] == "rejected"


@pytest.mark.slow
async def test_operators_invite_issue_stop_and_lift(town: Town) -> None:
    async with await town.sign_in(OPERATOR) as operator, town.client() as anonymous:
        code = await operator.invite("prn_sre", name="Somebody", email="somebody@example.com")
        registered = await anonymous.register_key(code, public_half(Ed25519PrivateKey.generate()))
        token = await operator.issue_token("agt_fixer", {"projects": ["shop/*"]})
        stop = await operator.stop("project", "shop/checkout", "Trying it.")
        in_force = await operator.stops()
        lifting = await operator.lift(stop["id"], "It was a trial.")

    assert registered["person"] == "prn_sre"
    assert token["secret"].startswith("lg_")
    assert [s["id"] for s in in_force["items"]] == [stop["id"]]
    assert (lifting["type"], lifting["status"]) == ("stop.lift", "held")


@pytest.mark.slow
async def test_auditors_read_events_keys_checkpoint_and_bundle(town: Town, tmp_path: Path) -> None:
    async with await town.sign_in(AUDITOR) as auditor:
        events = await auditor.events(limit=2)
        keys, checkpoint = await auditor.keys(), await auditor.checkpoint()
        size = await auditor.bundle(tmp_path / "evidence.tar", first=0)
        ready = await auditor.ready()

    assert [e["index"] for e in events["items"]] == [0, 1]
    assert keys["vkey"].startswith("town.test/log+")
    assert checkpoint.startswith("town.test/log\n")
    assert (tmp_path / "evidence.tar").stat().st_size == size > 0
    assert ready["status"] == "ready"


@pytest.mark.slow
async def test_a_report_is_imported(town: Town) -> None:
    async with await town.sign_in(OPERATOR) as operator:
        made = await operator.import_trivy(REPORT.read_bytes(), project="shop/checkout", tracker="SHOP")

    assert len(made["items"]) == 1


@pytest.mark.parametrize("text", ["", "<html>", "[]", "3", "null", '"x"'])
@pytest.mark.parametrize("status", [200, 404, 502])
async def test_what_is_no_answer_of_a_gateway_is_said_so(text: str, status: int) -> None:
    async with answering(lambda _: httpx2.Response(status, text=text)) as client:
        error = await refusal(client.me())

    assert error.problem.code == "unreadable"
    assert error.problem.status == status
    assert "--url" in error.problem.detail


async def test_a_problem_with_members_of_a_later_version_is_understood() -> None:
    body = {"status": 403, "code": "denied", "detail": "No.", "later": 1, "findings": []}
    async with answering(lambda _: httpx2.Response(403, json=body)) as client:
        error = await refusal(client.me())

    assert (error.problem.code, str(error)) == ("denied", "No.")


@pytest.mark.parametrize("name", ["../stops", "a/b", "?mine=true", "#x", "%2e%2e", "ü", "a\nb"])
async def test_an_id_is_one_part_of_a_path(name: str) -> None:
    asked: list[bytes] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.raw_path)
        return httpx2.Response(200, json={})

    async with answering(answer) as client:
        await client.ticket(name)

    assert asked[0].startswith(b"/v1/tickets/")
    assert asked[0].count(b"/") == 3
    assert b"?" not in asked[0]


@pytest.mark.parametrize("body", [{"a": float("nan")}, {"a": "\ud800"}])
async def test_what_cannot_be_sent_is_malformed(body: dict[str, Any]) -> None:
    async with answering(lambda _: httpx2.Response(200, json={})) as client:
        with pytest.raises(MalformedError, match="cannot be sent"):
            await client.propose(body)


@pytest.mark.parametrize("token", ["lg_é", "two words", "line\nbreak"])
def test_a_token_that_cannot_be_one_is_malformed(token: str) -> None:
    with pytest.raises(MalformedError, match="copy it again"):
        Client("http://gateway.test", token)


async def test_silence_is_unreachable_also_in_the_middle_of_a_bundle(tmp_path: Path) -> None:
    def silent(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    into = tmp_path / "evidence.tar"
    into.write_text("older")
    async with answering(silent) as client:
        with pytest.raises(UnreachableError, match="loopgate serve"):
            await client.me()
        with pytest.raises(UnreachableError):
            await client.bundle(into)

    assert into.read_text() == "older"
    assert names(tmp_path) == ["evidence.tar"]


async def test_a_refused_bundle_leaves_no_file(tmp_path: Path) -> None:
    body = {"status": 403, "code": "out_of_scope", "detail": "For auditors."}
    async with answering(lambda _: httpx2.Response(403, text=json.dumps(body))) as client:
        with pytest.raises(ApiError, match="For auditors"):
            await client.bundle(tmp_path / "evidence.tar")

    assert names(tmp_path) == []
