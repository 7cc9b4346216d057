"""What stands around the doors: the request's id, its trace, its time, and a line for it in the log."""

import logging
import re
from collections.abc import Callable
from contextlib import nullcontext
from time import perf_counter
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.adapters import logs
from gateway.adapters.tracing import TRACEPARENT
from gateway.app.watching import Watch
from gateway.core.secret_detectors import find

log = logging.getLogger("loopgate.access")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class WatchedDoor:
    """ASGI middleware. A well-formed `X-Request-Id` is kept, any other is replaced; the answer names it."""

    def __init__(self, app: ASGIApp, watch: Watch, *, new_id: Callable[[], str], access_log: bool) -> None:
        self._app, self._watch, self._new_id, self._access_log = app, watch, new_id, access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = dict(scope["headers"])
        request_id = _request_id(asked) or self._new_id()
        logs.unbind_all()
        logs.bind(request_id=request_id)
        seen = _Seen(send, {"x-request-id": request_id})
        began = perf_counter()
        try:
            with self._span(scope, asked) as span:
                if self._watch.tracer:
                    seen.headers |= self._watch.tracer.headers()
                await self._app(scope, receive, seen.send)
                if span is not None:
                    span.tell(request_id=request_id, route=_route(scope), status=seen.status)
        finally:
            self._tell(scope, seen.status, perf_counter() - began)

    def _span(self, scope: Scope, asked: dict[bytes, bytes]) -> Any:
        tracer = self._watch.tracer
        if tracer is None:
            return nullcontext()
        parent = asked.get(TRACEPARENT.encode(), b"").decode("latin-1")
        return tracer.span(f"{_method(scope)} door", {TRACEPARENT: parent} if parent else None, server=True)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        method, route = _method(scope), _route(scope)
        self._watch.meters.requests.labels(method, route, str(status)).observe(seconds)
        if self._access_log:
            told = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
            log.info("request", extra=told)


class _Seen:
    """An answer on its way out: its status, and the headers added to it."""

    def __init__(self, send: Send, headers: dict[str, str]) -> None:
        self._send, self.headers, self.status = send, headers, 500

    async def send(self, message: Message) -> None:
        """Pass one message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            added = [(name.encode(), value.encode("latin-1")) for name, value in self.headers.items()]
            message = {**message, "headers": [*message["headers"], *added]}
        await self._send(message)


def _request_id(asked: dict[bytes, bytes]) -> str | None:
    given = asked.get(b"x-request-id", b"").decode("latin-1")
    return given if _REQUEST_ID.fullmatch(given) and not find(given) else None


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"


def _route(scope: Scope) -> str:
    """The route as it is declared, so that no id becomes a label."""
    return getattr(scope.get("route"), "path", "other")
