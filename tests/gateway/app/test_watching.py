"""What a working gateway tells about itself: metrics with bounded labels, traces with the evidence's ids, clean logs."""

import asyncio
import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from prometheus_client import generate_latest

from gateway.adapters import logs
from gateway.adapters.tracing import OtlpTracer
from gateway.app.watched_door import WatchedDoor
from gateway.app.watching import Watch, watched_target
from gateway.core.errors import FactsMissingError, TargetError, TargetRefusedError, TargetUnclearError
from gateway.core.vocabulary import System
from gateway.doors.metrics import (
    DiskUse,
    Meters,
    PolicyInfo,
    StoredFigures,
    WriterQueue,
    exported,
    serve_metrics,
)
from gateway.doors.rest.door import rest_door
from tests.town import Town, proposal

pytestmark = pytest.mark.slow
CANARY = "glpat-" + "x1Y2z3A4b5C6d7E8f9G0"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Kept(SpanExporter):
    """An exporter that keeps what it gets."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []
        self.flush: Callable[[], object] = lambda: None

    def export(self, spans: Any) -> SpanExportResult:
        self.spans.extend(spans)
        return SpanExportResult.SUCCESS


@pytest.fixture
def kept(town: Town) -> Iterator[Kept]:
    """A gateway whose traces are on, and where they go."""
    kept = Kept()
    tracer = OtlpTracer("http://127.0.0.1:9/v1/traces", service="town.test", exporter=kept)
    kept.flush = tracer.close
    town.gateway.watch.tracer = tracer
    yield kept
    tracer.close()


def watched(town: Town, *, access_log: bool = False) -> httpx2.AsyncClient:
    """An HTTP client of the door as a listener serves it."""
    gateway = town.gateway
    app = WatchedDoor(
        rest_door(gateway.neighbours), gateway.watch, new_id=gateway.new_request_id, access_log=access_log
    )
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://gateway.test")


async def post(town: Town, http: httpx2.AsyncClient, body: Any, **headers: str) -> httpx2.Response:
    async with await town.agent() as agent:
        authorization = agent._http.headers["Authorization"]
    return await http.post("/v1/actions", json=body, headers={"Authorization": authorization, **headers})


BRANCH = proposal("branch.create", {"from": "main"}, branch="agent/watched")


async def test_a_trace_leads_from_the_door_to_the_target_with_the_ids_of_the_evidence(
    town: Town, kept: Kept
) -> None:
    async with watched(town) as http:
        answer = await post(town, http, BRANCH, traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
    kept.flush()
    spans = {s.name: s for s in kept.spans}
    document = answer.json()

    assert answer.status_code == 201, answer.text
    assert {s.context.trace_id for s in kept.spans if s.context} == {int(TRACE, 16)}
    assert {"POST door", "ledger.admit", "gitlab.inspect", "policy.decide", "gitlab.perform"} <= set(spans)
    acted = dict(spans["gitlab.perform"].attributes or {})
    assert acted["loopgate.action_id"] == document["action_id"]
    assert acted["loopgate.ruling_id"] == document["ruling"]["id"]
    assert acted["loopgate.trace"] == document["trace"]
    last = [dict(s.attributes or {}) for s in kept.spans if s.name == "ledger.record"][-1]
    assert last["loopgate.leaf_index"] == document["evidence"][-1]
    assert answer.headers["traceparent"].split("-")[1] == TRACE


async def test_the_trace_goes_along_to_the_vendor(town: Town, kept: Kept) -> None:
    assert town.gateway.watch.tracer
    with town.gateway.watch.tracer.span("a test"):
        sent = town.gateway.egress.headers()
    kept.flush()

    assert [span.name for span in kept.spans] == ["a test"]
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[13]", sent["traceparent"])


async def test_without_an_endpoint_there_is_no_tracer_and_no_header(town: Town) -> None:
    async with watched(town) as http:
        answer = await http.get("/healthz", headers={"X-Request-Id": "mine-1"})
        replaced = await http.get("/healthz", headers={"X-Request-Id": "not mine"})

    assert town.gateway.watch.tracer is None
    assert town.gateway.egress.headers() == {}
    assert "traceparent" not in answer.headers
    assert answer.headers["x-request-id"] == "mine-1"
    assert replaced.headers["x-request-id"].startswith("req_")


async def test_the_metrics_tell_decisions_codes_steps_and_what_is_stored(town: Town) -> None:
    async with watched(town) as http:
        await post(town, http, BRANCH)
        await post(town, http, proposal("branch.create", {"from": "main"}, branch="main"))
        await http.get("/v1/actions/act_nobody")
        await http.get("/no/such/route")
    await town.gateway.poller.look()
    await town.gateway.neighbours.probes.all()
    text = generate_latest(registry_of(town)).decode()

    assert 'loopgate_decisions_total{effect="allow",step="start"} 1.0' in text
    assert 'loopgate_decisions_total{effect="deny",step="deny"} 1.0' in text
    assert re.search(r'loopgate_findings_total\{code="[A-Z]+-[0-9]{3}",effect="deny"\} 1\.0', text)
    assert 'loopgate_outcomes_total{outcome="performed"} 1.0' in text
    assert 'loopgate_step_seconds_count{step="policy.decide"} 2.0' in text
    assert (
        'loopgate_http_request_seconds_count{method="GET",route="/v1/actions/{action_id}",status="401"} 1.0'
        in text
    )
    assert 'route="other",status="404"' in text
    assert "act_nobody" not in text
    assert 'loopgate_ready{check="log"} 1.0' in text
    assert "loopgate_stops_in_force 0.0" in text
    assert "loopgate_queue_length 0.0" in text
    assert re.search(r"loopgate_commit_seconds_count [1-9]", text)
    assert re.search(r"loopgate_commit_group_units_count [1-9]", text)
    assert re.search(r"loopgate_poller_last_look_timestamp_seconds 1\.", text)
    assert "loopgate_policy_info{" in text


class Failing:
    """A target whose every call fails in one way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def inspect(self, action: object) -> None:
        del action
        raise self.error

    prepare = perform = reconcile = inspect


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TargetRefusedError("no"), "refused"),
        (TargetUnclearError("?"), "unclear"),
        (FactsMissingError("slow"), "unreadable"),
        (TargetError("odd"), "other"),
    ],
)
async def test_a_target_that_fails_is_counted_by_kind(error: TargetError, kind: str) -> None:
    async def nothing(_: str) -> tuple[int, ...]:
        return ()

    watch = Watch(Meters(), None, nothing)
    target = watched_target(Failing(error), watch, System.GITLAB)

    with pytest.raises(TargetError):
        await target.inspect(None)
    text = generate_latest(watch.meters.registry).decode()
    assert f'loopgate_target_errors_total{{kind="{kind}",system="gitlab"}} 1.0' in text


def registry_of(town: Town) -> Any:
    gateway = town.gateway
    return exported(
        gateway.watch.meters,
        StoredFigures(gateway.store.figures, gateway.clock.now_ms),
        WriterQueue(lambda: gateway.store.writer.waiting),
        DiskUse(gateway.disk.used_share),
        PolicyInfo(lambda: gateway.policy.in_force.version),
    )


def test_what_has_not_the_form_of_a_code_is_other_and_there_are_never_many() -> None:
    meters = Meters()

    assert meters.code("BLAST-001") == "BLAST-001"
    assert meters.code("whatever an agent writes") == "other"
    kept = {meters.code(f"CODE-{n:03d}") for n in range(1000)}
    assert len(kept) == 300
    assert meters.code("BLAST-001") == "BLAST-001"


async def test_logs_are_json_lines_with_request_and_action_and_no_secret(town: Town) -> None:
    stream = io.StringIO()
    undo = logs.set_up_logging(form="json", level="info", stream=stream)
    try:
        async with watched(town, access_log=True) as http:
            answer = await post(town, http, BRANCH, **{"X-Request-Id": "req-1"})
            logging.getLogger("uvicorn.error").warning("a client sent %s", CANARY)
            try:
                int(f"broken by {CANARY}")
            except ValueError:
                logging.getLogger("gateway").exception("it broke", extra={"nested": {"deep": [CANARY]}})
    finally:
        undo()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    request = next(line for line in lines if line["event"] == "request")

    assert CANARY not in stream.getvalue()
    assert "{redacted:" in stream.getvalue()
    assert (request["request_id"], request["status"]) == ("req-1", answer.status_code)
    assert (request["method"], request["route"]) == ("POST", "/v1/actions")
    assert {"time", "level", "logger"} <= set(request)
    assert any("ValueError" in line.get("exception", "") for line in lines)


def test_text_logs_are_for_eyes_and_just_as_clean() -> None:
    stream = io.StringIO()
    undo = logs.set_up_logging(form="text", level="warning", stream=stream)
    try:
        logging.getLogger("gateway").warning("token %s", CANARY)
        logging.getLogger("gateway").info("not told")
    finally:
        undo()

    assert CANARY not in stream.getvalue()
    assert "not told" not in stream.getvalue()
    assert "redacted" in stream.getvalue()


async def test_what_is_bound_belongs_to_the_task_that_bound_it() -> None:
    stream = io.StringIO()
    undo = logs.set_up_logging(form="json", level="info", stream=stream)

    async def work(name: str) -> None:
        logs.bind(request_id=name)
        await asyncio.sleep(0)
        logging.getLogger("gateway").info("worked")

    try:
        await asyncio.gather(*(asyncio.create_task(work(n)) for n in ("one", "two")))
    finally:
        undo()

    assert sorted(json.loads(line)["request_id"] for line in stream.getvalue().splitlines()) == ["one", "two"]


async def test_a_scrape_is_answered_on_a_port_of_its_own(town: Town, free_tcp_port: int) -> None:
    stop = serve_metrics(free_tcp_port, registry_of(town))
    try:
        text = await asyncio.to_thread(lambda: httpx2.get(f"http://127.0.0.1:{free_tcp_port}/metrics").text)
    finally:
        stop()

    assert "loopgate_log_events" in text
    assert "process_resident_memory_bytes" in text
