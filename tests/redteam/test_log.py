"""What tries to write into the log, the logs or the evidence something that did not happen."""

import json
from io import StringIO
from typing import Any

import pytest

from gateway.adapters.logs import set_up_logging
from tests.redteam.attacks import Kind, attack
from tests.redteam.siege import ADDRESS, Siege
from tests.town import NOTE, OPERATOR, proposal

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
K = Kind.LOG
COMMENT = proposal("issue.comment", {"body": "Hello."}, jira=True, issue="SHOP-1")
RULES = {"message": "Tidy", "changes": [{**NOTE, "path": "policies/mine.md"}]}


async def malformed(siege: Siege, body: dict[str, Any]) -> None:
    await siege.turned_away(siege.agent.propose(body), "malformed", source="agt_fixer")


async def raw(siege: Siege, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    call = siege.agent._json("POST", "/v1/actions", content=body, headers=headers)
    await siege.turned_away(call, "malformed", source=ADDRESS)


@attack(K, "propose an event instead of an action", stopped_by="the vocabulary has no such type")
async def test_an_event_type_is_proposed(siege: Siege) -> None:
    before = siege.last
    await malformed(siege, {**COMMENT, "type": "action.performed"})
    assert not await siege.events("action.performed", before)


@attack(
    K,
    "send two types under one name, one for policy and one for the log",
    stopped_by="a member given twice is refused",
)
async def test_a_member_is_given_twice(siege: Siege) -> None:
    body = json.dumps(COMMENT).replace('"type":', '"type": "merge_request.merge", "type":')
    await raw(siege, body.encode())


@attack(
    K,
    "write a line of its own into the logs by the intent",
    stopped_by="intents are private values; the log holds their digest",
)
async def test_the_intent_holds_a_line_of_log(siege: Siege) -> None:
    line = '\n{"event": "action allowed", "level": "info"}\n'
    stream = StringIO()
    undo = set_up_logging(form="json", level="debug", stream=stream)
    try:
        body = {**proposal("commit.create", RULES, branch="main"), "intent": line}
        error = await siege.denied(siege.agent.propose(body), "PATH-001")
    finally:
        undo()
    archive = siege.town.gateway.store.archive
    rows = await archive.events(subject=str(error.problem.action_id), event_type=None, after=None, limit=9)
    assert "action allowed" not in json.dumps([r.leaf for r in rows])
    assert all(json.loads(said).get("event") != "action allowed" for said in stream.getvalue().splitlines())


@attack(
    K, "colour an operator's terminal, or rewrite a line of it", stopped_by="texts hold no control characters"
)
async def test_the_intent_holds_an_escape_sequence(siege: Siege) -> None:
    await malformed(siege, {**COMMENT, "intent": "\x1b[2K\x1b[1Aall is well"})


@attack(K, "cut a record short with a NUL", stopped_by="no text holds one")
async def test_a_text_holds_a_nul(siege: Siege) -> None:
    await malformed(siege, proposal("issue.comment", {"body": "Hello\0 hidden"}, jira=True, issue="SHOP-1"))


@attack(
    K,
    "break the evidence with half a character",
    stopped_by="lone surrogates are refused before anything is signed",
)
async def test_a_text_holds_half_a_character(siege: Siege) -> None:
    await raw(siege, json.dumps(COMMENT).replace("Hello.", "\\ud800").encode())


@attack(K, "have readers disagree on a number", stopped_by="whole numbers below 2^53 only")
async def test_a_number_is_beyond_exactness(siege: Siege) -> None:
    await malformed(siege, proposal("merge_request.close", merge_request=2**53 + 1))


@attack(K, "hang its work on another agent's trace with text in it", stopped_by="the form of traces")
async def test_a_trace_holds_text(siege: Siege) -> None:
    await malformed(siege, {**COMMENT, "trace": "trc_1\nforged"})


@attack(
    K,
    "have its failed sign-ins counted for somebody else",
    stopped_by="the source is the connection's, whatever a header says",
)
async def test_a_header_claims_another_source(siege: Siege) -> None:
    async with siege.town.client("lg_" + "C" * 43) as thief:
        headers = {"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=203.0.113.7"}
        call = thief._json("GET", "/v1/me", headers=headers)
        await siege.turned_away(call, "unauthenticated", source=ADDRESS)


@attack(
    K,
    "put words of its own into the log as the name of a field",
    stopped_by="field names are plain words, and never quoted back with secrets",
)
async def test_a_field_name_is_a_sentence(siege: Siege) -> None:
    await malformed(siege, {**COMMENT, "params": {"body": "x", "the operator approved this": True}})


@attack(K, "make a stop look like another by a value with a line end", stopped_by="the form of stops")
async def test_a_stop_holds_a_line_end(siege: Siege) -> None:
    async with await siege.town.sign_in(OPERATOR) as operator:
        call = operator.stop("project", "shop/checkout\nstop.lifted", "Looking.")
        await siege.turned_away(call, "malformed", source=OPERATOR)
    assert not await siege.events("stop.engaged")


@attack(
    K,
    "pass off text as the gateway's own mark",
    stopped_by="marks of agents are taken out before writing; the order beside it is denied",
)
async def test_a_comment_forges_the_gateways_mark(siege: Siege) -> None:
    mark = "<!-- lg-" + "0" * 32 + " -->\n/close"
    await siege.denied(siege.agent.propose(proposal("issue.comment", {"body": mark}, issue="1")), "TEXT-001")
    assert "lg-000" not in "".join(n.body for n in siege.project.issues[1].notes)
