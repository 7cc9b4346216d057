"""The ASGI edge shared by both vendors: reads requests, applies the failure switches, writes replies."""

from collections.abc import Callable
from http import HTTPStatus

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.sandbox.switches import Fault, Switches
from gateway.sandbox.wire import Asked, Reply, read_query, split_path

DROP = "loopgate.sandbox.drop"


async def read_request(request: Request) -> Asked:
    """The whole request, with path segments told apart before they are decoded."""
    raw = request.scope.get("raw_path") or request.scope["path"].encode()
    raw_path = raw.partition(b"?")[0]
    return Asked(
        method=request.method,
        segments=split_path(raw_path),
        query=read_query(request.scope["query_string"].decode("ascii", "replace")),
        headers={name.lower(): value for name, value in request.headers.items()},
        content=await request.body(),
        origin=f"{request.url.scheme}://{request.headers.get('host', 'localhost')}",
        raw_path=raw_path.decode("ascii", "replace"),
    )


async def send_reply(reply: Reply, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer."""
    body = b"" if scope["method"] == "HEAD" else reply.body()
    kind = None if reply.status == HTTPStatus.NO_CONTENT else reply.media_type
    response = Response(body, status_code=reply.status, headers=dict(reply.headers), media_type=kind)
    await response(scope, receive, send)


def answering(answer: Callable[[Asked], Reply]) -> ASGIApp:
    """An ASGI app around a plain function, which runs in a worker thread."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            asked = await read_request(Request(scope, receive))
        except ClientDisconnect:
            return
        reply = await anyio.to_thread.run_sync(answer, asked)
        await send_reply(reply, scope, receive, send)

    return app


class Faulty:
    """Wraps an app so that the switches can spoil its requests."""

    def __init__(self, app: ASGIApp, system: str, switches: Switches) -> None:
        self._app = app
        self._system = system
        self._switches = switches

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, spoiled or not."""
        if scope["type"] != "http":
            return
        fault = None
        if not scope["path"].startswith("/_sandbox/"):
            fault = self._switches.take(self._system, scope["method"], scope["path"])
        if fault is None:
            await self._app(scope, receive, send)
        else:
            await self._spoil(fault, scope, receive, send)

    async def _spoil(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        match fault.kind:
            case "lose_reply":
                await self._app(scope, receive, _nowhere)
                drop(scope)
            case "refuse_connection":
                drop(scope)
            case "delay":
                await anyio.sleep(fault.seconds)
                await self._app(scope, receive, send)
            case "garbage":
                garbled = Reply(200, content=b"<html>\xff\x00 not what you asked for", media_type="text/html")
                await send_reply(garbled, scope, receive, send)
            case "status":
                await send_reply(self._refusal(fault), scope, receive, send)

    def _refusal(self, fault: Fault) -> Reply:
        sentence = f"{fault.status} sandbox fault"
        document = (
            {"errorMessages": [sentence], "errors": {}} if self._system == "jira" else {"message": sentence}
        )
        return Reply(fault.status, document, fault.headers)


async def _nowhere(_: Message) -> None:
    """Where a lost reply goes."""


def drop(scope: Scope) -> None:
    """Cut the connection without an answer."""
    scope["extensions"][DROP]["abort"]()
