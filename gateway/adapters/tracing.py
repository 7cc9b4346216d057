"""OpenTelemetry traces over OTLP, when an endpoint is named; without one nothing of OpenTelemetry is even imported.

Spans carry the ids of the evidence, so that whoever looks at a slow request finds the action, its ruling, its ticket
and its leaf in the log. They carry no text of anybody: no parameters, no intent, no names.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

TRACEPARENT = "traceparent"
"""W3C Trace Context, section 3.2."""


class Span(Protocol):
    """A piece of work under way."""

    def tell(self, **ids: str | int | None) -> None:
        """Add ids of evidence; None is left out."""
        ...


class Tracer(Protocol):
    """Opens spans, each below the one that is open in this task."""

    def span(self, name: str, parent: Mapping[str, str] | None = None, *, server: bool = False) -> Any:
        """A context manager that gives a `Span`; `parent` are the headers of the request that asked."""
        ...

    def headers(self) -> dict[str, str]:
        """The `traceparent` of the open span, to send along; empty when there is none."""
        ...

    def close(self) -> None:
        """Send what is left."""
        ...


class OtlpTracer:
    """Spans that go to an OTLP/HTTP collector in batches, from a thread of their own."""

    def __init__(self, endpoint: str, *, service: str, exporter: "SpanExporter | None" = None) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        resource = Resource.create({"service.name": "loopgate", "service.namespace": service})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter(endpoint)))
        self._tracer = self._provider.get_tracer("loopgate")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(
        self, name: str, parent: Mapping[str, str] | None = None, *, server: bool = False
    ) -> Iterator["_OtlpSpan"]:
        """One span. An error is named by its class only: its words may be a vendor's or an agent's."""
        from opentelemetry.trace import SpanKind, Status, StatusCode

        context = self._propagator.extract(dict(parent)) if parent else None
        kind = SpanKind.SERVER if server else SpanKind.INTERNAL
        with self._tracer.start_as_current_span(
            name, context=context, kind=kind, record_exception=False, set_status_on_exception=False
        ) as opened:
            try:
                yield _OtlpSpan(opened)
            except BaseException as error:
                opened.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    def headers(self) -> dict[str, str]:
        """The `traceparent` of the open span."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier

    def close(self) -> None:
        """Send what is left and stop the thread."""
        self._provider.shutdown()


class _OtlpSpan:
    """A span of the SDK under our words."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def tell(self, **ids: str | int | None) -> None:
        """Add ids of evidence as `loopgate.<name>`."""
        for name, value in ids.items():
            if value is not None:
                self._inner.set_attribute(f"loopgate.{name}", value)
