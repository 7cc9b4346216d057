"""`/metrics` for Prometheus, on a port of its own: counts of what is stored, read at each scrape."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from gateway.core.listings import Figures


class StoredFigures:
    """Turns the store's counts into Prometheus metrics."""

    def __init__(self, figures: Callable[[], Figures]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """The metrics as they stand now."""
        now = self._figures()
        actions = GaugeMetricFamily(
            "loopgate_actions", "Actions by type and state.", labels=("type", "state")
        )
        for kind, state, count in now.actions:
            actions.add_metric((kind, state), count)
        tickets = GaugeMetricFamily("loopgate_tickets", "Tickets by state.", labels=("state",))
        for state, count in now.tickets:
            tickets.add_metric((state,), count)
        events = GaugeMetricFamily("loopgate_log_events", "Events in the log.", value=now.events)
        yield from (actions, tickets, events)


def serve_metrics(port: int, figures: Callable[[], Figures]) -> Callable[[], None]:
    """Serve them on loopback; call what is returned to stop."""
    registry = CollectorRegistry()
    registry.register(StoredFigures(figures))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    server, thread = start_http_server(port, addr="127.0.0.1", registry=registry)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop
