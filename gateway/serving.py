"""Listening: the doors over HTTP, the poller beside them, metrics on a port of their own."""

import asyncio
import gc
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Self

import uvicorn
from prometheus_client import CollectorRegistry

from gateway.app import Gateway
from gateway.app.watched_door import WatchedDoor
from gateway.doors.metrics import DiskUse, PolicyInfo, StoredFigures, WriterQueue, exported, serve_metrics
from gateway.doors.rest.door import rest_door
from gateway.settings import ServeSettings

_YOUNG_OBJECTS = 50_000


class Listener:
    """Serves a gateway while the context is entered; on the way out it stops taking requests and finishes."""

    def __init__(self, gateway: Gateway, settings: ServeSettings) -> None:
        self._gateway, self._settings = gateway, settings
        self._socket = _listen(settings.host, settings.port)
        config = uvicorn.Config(
            WatchedDoor(
                rest_door(gateway.neighbours),
                gateway.watch,
                new_id=gateway.new_request_id,
                access_log=gateway.settings.observability.access_log,
            ),
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
        )
        self._server = _Server(config)
        self._tasks: list[asyncio.Task[None]] = []
        self._thresholds = gc.get_threshold()
        self._stop_metrics: Callable[[], None] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{host}:{port}"

    @property
    def metrics_url(self) -> str:
        """Where /metrics is, or an empty string when it is off."""
        return (
            f"http://{self._settings.metrics_host}:{self._settings.metrics_port}/metrics"
            if self._settings.metrics_port
            else ""
        )

    async def __aenter__(self) -> Self:
        _settle_memory()
        serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        self._tasks = [serving, asyncio.create_task(self._gateway.poller.run())]
        self._tasks.append(asyncio.create_task(self._gateway.teller.run()))
        self._tasks.append(asyncio.create_task(self._gateway.follower.run()))
        while not self._server.started and not serving.done():  # noqa: ASYNC110 - uvicorn tells of its start only so
            await asyncio.sleep(0.01)
        if self._settings.metrics_port:
            self._stop_metrics = serve_metrics(
                self._settings.metrics_port, self._registry(), host=self._settings.metrics_host
            )
        return self

    def _registry(self) -> CollectorRegistry:
        gateway = self._gateway
        store = gateway.store
        return exported(
            gateway.watch.meters,
            StoredFigures(store.figures, gateway.clock.now_ms),
            WriterQueue(lambda: store.writer.waiting),
            DiskUse(gateway.disk.used_share),
            PolicyInfo(lambda: gateway.policy.in_force.version),
        )

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._gateway.poller.stop()
        self._gateway.teller.stop()
        self._gateway.follower.stop()
        if self._stop_metrics:
            await asyncio.to_thread(self._stop_metrics)
        await asyncio.gather(*self._tasks)
        gc.set_threshold(*self._thresholds)
        gc.unfreeze()


def _settle_memory() -> None:
    """Let the collector pass over what was loaded at the start and stays: it would walk through it again and again.

    A request makes some ten thousand objects that go by themselves; the collector looks for the few that do not.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 50)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the command decides what a signal means."""

    def install_signal_handlers(self) -> None:
        return


def _listen(host: str, port: int) -> socket.socket:
    # The protocol is named so that asyncio recognises TCP and turns Nagle's algorithm off: 40 ms an answer otherwise.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    return listening
