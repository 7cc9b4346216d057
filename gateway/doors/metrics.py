"""`/metrics` for Prometheus, on a port of its own: counts of what is stored, and how long each step takes.

Every label comes from a small closed set: action types, states, codes, routes as they are declared, systems. Nothing
an agent writes ever becomes a label.
"""

import re
from collections.abc import Callable, Iterator
from typing import cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from gateway.core.listings import Figures
from gateway.core.rulings import PolicyVersion

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_UNITS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_CODE = re.compile(r"[A-Z]{2,12}-[0-9]{3}|[A-Z][A-Z_]{2,30}")
_MOST_CODES = 300


class Meters:
    """What is measured while the gateway works. One registry a gateway, so that two in a process never mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._codes: set[str] = set()
        self.decisions = self._counter("decisions", "Rulings by what followed and effect.", "step", "effect")
        self.findings = self._counter("findings", "Findings of rulings by code.", "code", "effect")
        self.outcomes = self._counter("outcomes", "How acts ended.", "outcome")
        self.target_errors = self._counter(
            "target_errors", "Calls of GitLab or Jira that failed, by kind.", "system", "kind"
        )
        self.taken_up = self._counter("poller_taken_up", "Actions the poller took up.")
        self.steps = self._histogram("step_seconds", "How long each step of the road takes.", "step")
        self.requests = self._histogram(
            "http_request_seconds", "How long requests take, by route.", "method", "route", "status"
        )
        self.commit_seconds = self._histogram(
            "commit_seconds", "How long a commit takes; nearly all of it is the disk's fsync."
        )
        self.group_units = self._histogram(
            "commit_group_units", "Units that share one commit.", buckets=_UNITS
        )
        self.polled = self._gauge("poller_last_look_timestamp_seconds", "When the poller looked last.")
        self.ready = self._gauge("ready", "Readiness by check as last asked: 1 is green.", "check")

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"loopgate_{name}", meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"loopgate_{name}", meaning, labels, registry=self.registry)

    def _histogram(
        self, name: str, meaning: str, *labels: str, buckets: tuple[float, ...] = _SECONDS
    ) -> Histogram:
        return Histogram(f"loopgate_{name}", meaning, labels, registry=self.registry, buckets=buckets)

    def code(self, code: str) -> str:
        """The code as a label: what has not the form of one, and what comes after 300 others, is `other`."""
        if code in self._codes:
            return code
        if len(self._codes) < _MOST_CODES and _CODE.fullmatch(code):
            self._codes.add(code)
            return code
        return "other"


class StoredFigures(Collector):
    """Turns the store's counts into Prometheus metrics, read at each scrape."""

    def __init__(self, figures: Callable[[], Figures], now_ms: Callable[[], int] | None = None) -> None:
        self._figures, self._now_ms = figures, now_ms

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
        budgets = GaugeMetricFamily(
            "loopgate_budget_reserved", "What all agents hold of a budget.", labels=("budget",)
        )
        for budget, held in now.budgets:
            budgets.add_metric((budget,), held)
        yield from (actions, tickets, budgets, *_plain(now))
        if self._now_ms is not None and now.checkpoint_ms is not None:
            age_s = max(0, self._now_ms() - now.checkpoint_ms) / 1000
            yield GaugeMetricFamily(
                "loopgate_checkpoint_age_seconds", "Since the newest signed checkpoint.", value=age_s
            )


def _plain(now: Figures) -> Iterator[Metric]:
    single = (
        ("loopgate_log_events", "Events in the log.", now.events),
        ("loopgate_in_doubt", "Acts of which nobody knows yet whether they happened.", now.in_doubt),
        ("loopgate_stops_in_force", "Emergency stops in force.", now.stops),
        ("loopgate_break_glass_in_force", "Break-glass in force.", now.break_glass),
        ("loopgate_break_glass_unreviewed", "Break-glass that ended without a review yet.", now.unreviewed),
        ("loopgate_notices_waiting", "Notices that people have not been sent yet.", now.notices),
    )
    for name, meaning, value in single:
        yield GaugeMetricFamily(name, meaning, value=value)


class WriterQueue(Collector):
    """How many units wait for the writer, read at each scrape."""

    def __init__(self, waiting: Callable[[], int]) -> None:
        self._waiting = waiting

    def collect(self) -> Iterator[Metric]:
        """The length of the queue now."""
        yield GaugeMetricFamily(
            "loopgate_queue_length", "Units that wait for the writer.", value=self._waiting()
        )


class DiskUse(Collector):
    """How full the fullest disk under the gateway is, read at each scrape."""

    def __init__(self, used_share: Callable[[], float]) -> None:
        self._used_share = used_share

    def collect(self) -> Iterator[Metric]:
        """The share in use now, 0 to 1."""
        yield GaugeMetricFamily(
            "loopgate_disk_used_ratio", "Share of the fullest disk in use, 0 to 1.", value=self._used_share()
        )


class PolicyInfo(Collector):
    """Which policy judges, as a constant with labels; a change of the digest is a deployment."""

    def __init__(self, version: Callable[[], PolicyVersion]) -> None:
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """One sample, labelled with the digest and the revision in force."""
        info = GaugeMetricFamily(
            "loopgate_policy_info", "The policy in force.", labels=("digest", "revision")
        )
        version = self._version()
        info.add_metric((version.digest, version.revision), 1)
        yield info


def exported(meters: Meters, *collectors: Collector) -> CollectorRegistry:
    """A registry that shows what is measured, what these collectors count, and the process's own figures."""
    registry = CollectorRegistry()
    for collector in (cast("Collector", meters.registry), *collectors):
        registry.register(collector)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


def serve_metrics(port: int, registry: CollectorRegistry, *, host: str = "127.0.0.1") -> Callable[[], None]:
    """Serve a registry; call what is returned to stop."""
    server, thread = start_http_server(port, addr=host, registry=registry)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop
