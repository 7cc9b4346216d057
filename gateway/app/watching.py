"""Watching the road from its ports: every call of a neighbour is timed, and is a span where traces are on.

The road itself knows nothing of it: it is handed proxies that answer exactly as the neighbours they stand before.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from time import perf_counter
from typing import Any, TypeVar, cast

from gateway.adapters import logs
from gateway.adapters.tracing import OtlpTracer, Span, Tracer
from gateway.core.actions import Action
from gateway.core.errors import FactsMissingError, TargetError, TargetRefusedError, TargetUnclearError
from gateway.core.outcomes import Outcome
from gateway.core.permits import Permit
from gateway.core.rulings import Ruling
from gateway.core.steps import Finish
from gateway.core.vocabulary import System
from gateway.doors.metrics import Meters
from gateway.ports import ActionRecord, Readiness
from gateway.settings import Settings

P = TypeVar("P")
Ids = dict[str, str | int | None]
Evidence = Callable[[str], Awaitable[tuple[int, ...]]]
_KINDS = {TargetRefusedError: "refused", TargetUnclearError: "unclear", FactsMissingError: "unreadable"}


class Watch:
    """What watches: meters always, a tracer where the settings name an endpoint."""

    def __init__(self, meters: Meters, tracer: Tracer | None, evidence: Evidence) -> None:
        self.meters, self.tracer, self._evidence = meters, tracer, evidence

    def trace_headers(self) -> dict[str, str]:
        """The trace to send along with a call of a vendor; empty where traces are off."""
        return self.tracer.headers() if self.tracer else {}

    def timed(self, name: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """The call, timed under a name, in a span that names the evidence it is about."""
        observe = self.meters.steps.labels(name).observe

        async def watched(*given: Any, **named: Any) -> Any:
            began = perf_counter()
            try:
                if self.tracer is None:
                    return await call(*given, **named)
                with self.tracer.span(name) as span:
                    span.tell(**ids_of(given))
                    answer = await call(*given, **named)
                    await self._tell_answer(span, answer)
                    return answer
            finally:
                observe(perf_counter() - began)

        return watched

    async def _tell_answer(self, span: Span, answer: Any) -> None:
        if isinstance(answer, Outcome):
            leaves = await self._evidence(answer.action_id)
            span.tell(
                action_id=answer.action_id,
                ruling_id=answer.ruling_id,
                ticket_id=answer.ticket_id,
                leaf_index=leaves[-1] if leaves else None,
            )


class _Proxy:
    """A neighbour whose named calls are watched; everything else is its own."""

    def __init__(self, port: object, calls: Mapping[str, Callable[..., Any]]) -> None:
        self._port = port
        self.__dict__.update(calls)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


def watched_port(port: P, watch: Watch, prefix: str, *names: str) -> P:
    """The port with these calls timed as `<prefix>.<name>`."""
    calls = {name: watch.timed(f"{prefix}.{name}", getattr(port, name)) for name in names}
    return cast("P", _Proxy(port, calls))


def watched_changes(changes: P, watch: Watch) -> P:
    """The changes, each way of measuring one timed."""
    names = (name for name in dir(changes) if name.startswith("of_"))
    return watched_port(changes, watch, "changes", *names)


def tracer_for(settings: Settings, stack: AsyncExitStack) -> Tracer | None:
    """A tracer where the settings name an endpoint; it sends what is left when the stack is closed."""
    endpoint = settings.observability.otlp_endpoint
    if not endpoint:
        return None
    tracer = OtlpTracer(endpoint, service=settings.origin)
    stack.callback(tracer.close)
    return tracer


def watched_ledger(ledger: P, watch: Watch, now_s: Callable[[], float]) -> P:
    """The ledger, with rulings, outcomes and the poller's looks counted."""
    whole: Any = ledger
    admit = watch.timed("ledger.admit", whole.admit)
    record = watch.timed("ledger.record", whole.record)
    claim = watch.timed("ledger.claim_due", whole.claim_due)

    async def admitted(action: Action) -> Any:
        logs.bind(action_id=action.id, trace=action.trace)
        return await admit(action)

    async def recorded(step: Any) -> Any:
        answer = await record(step)
        if isinstance(answer, Outcome):
            _count(step, watch.meters)
        return answer

    async def claimed(**given: Any) -> Any:
        found = await claim(**given)
        watch.meters.polled.set(now_s())
        watch.meters.taken_up.inc(len(found))
        return found

    return cast("P", _Proxy(ledger, {"admit": admitted, "record": recorded, "claim_due": claimed}))


def watched_target(target: P, watch: Watch, system: System) -> P:
    """A target, with the ways it failed counted."""
    names = ("inspect", "prepare", "perform", "reconcile")
    calls = {name: _counting(target, name, watch, system) for name in names}
    return cast("P", _Proxy(target, calls))


def _counting(target: object, name: str, watch: Watch, system: System) -> Callable[..., Awaitable[Any]]:
    call = watch.timed(f"{system.value}.{name}", getattr(target, name))

    async def counted(subject: Any, *more: Any) -> Any:
        logs.bind(**{k: str(v) for k, v in ids_of((subject,)).items() if k == "action_id"})
        try:
            return await call(subject, *more)
        except TargetError as error:
            kind = next((word for known, word in _KINDS.items() if isinstance(error, known)), "other")
            watch.meters.target_errors.labels(system.value, kind).inc()
            raise

    return counted


def watched_probes(probes: P, watch: Watch) -> P:
    """What readiness asks, with the answers kept for the metrics."""
    whole: Any = probes

    async def asked() -> dict[str, Readiness]:
        answers: dict[str, Readiness] = await whole.all()
        for name, readiness in answers.items():
            watch.meters.ready.labels(name).set(int(readiness.ok))
        return answers

    return cast("P", _Proxy(probes, {"all": asked}))


class CommitTimes:
    """Hears of the writer's phases: how many units share a commit, and how long the commit takes."""

    def __init__(self, meters: Meters) -> None:
        self._meters, self._units, self._began = meters, 0, 0.0

    def after(self, phase: str) -> None:
        """Called by the writer's thread with the name of each phase that has ended."""
        match phase:
            case "begun":
                self._units = 0
            case "unit":
                self._units += 1
            case "appended":
                self._began = perf_counter()
            case "committed":
                self._meters.commit_seconds.observe(perf_counter() - self._began)
                self._meters.group_units.observe(self._units)


def ids_of(given: tuple[Any, ...]) -> Ids:
    """The ids of evidence that the arguments of a call name."""
    ids: Ids = {}
    for one in given:
        ids |= _ids(one)
    return ids


def _ids(one: Any) -> Ids:
    match one:
        case Action():
            return {"action_id": one.id, "trace": one.trace}
        case Permit():
            return {**_ids(one.action), "ruling_id": one.ruling_id, "ticket_id": one.ticket_id}
        case ActionRecord():
            return {**_ids(one.action), "ruling_id": one.ruling_id, "ticket_id": one.ticket_id}
        case Finish():
            return {"action_id": one.action_id}
        case Mapping() if isinstance(one.get("action"), Mapping):
            return {"action_id": one["action"].get("id")}
    judgement = getattr(one, "judgement", None)
    return {**_ids(judgement.action), "ruling_id": judgement.ruling.id} if judgement else {}


def _count(step: Any, meters: Meters) -> None:
    if isinstance(step, Finish):
        meters.outcomes.labels(step.outcome).inc()
        return
    ruling: Ruling = step.judgement.ruling
    meters.decisions.labels(type(step).__name__.lower(), ruling.effect.value).inc()
    for finding in ruling.findings:
        meters.findings.labels(meters.code(finding.code), finding.effect.value).inc()
