"""The policy engine is killed, stalls, or answers nonsense. The engine is a real OPA server behind a wire we can cut."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.process import OpaServer, opa_server
from gateway.settings import load_settings
from gateway.workbench.build import build
from tests.failures.scene import Scene, Stage, fault

_ALLOW_FROM_NOBODY = b'{"result": {"effect": "allow", "findings": [], "grants": []}}'


class Wire:
    """A connection to an engine: passes bytes on, or `stall`s, or answers each request with `garbage`."""

    def __init__(self, port: int) -> None:
        self.port, self.mode = port, "pass"
        self._open: set[asyncio.Task[None]] = set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while request := await _request(reader):
                    writer.write(await self._answered(request))
                    await writer.drain()
        finally:
            writer.close()

    async def _answered(self, request: bytes) -> bytes:
        if self.mode == "stall":
            await asyncio.Event().wait()
        if self.mode == "garbage":
            return _reply(_ALLOW_FROM_NOBODY)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()

    async def cut(self) -> None:
        """End every connection."""
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    length = int(lengths[0].split(b":")[1]) if lengths else 0
    return head + await reader.readexactly(length)


def _reply(body: bytes) -> bytes:
    kind = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
    return kind + str(len(body)).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def served(stage: Stage) -> AsyncIterator[tuple[Scene, Wire, OpaServer]]:
    """A gateway whose policy is judged by an OPA server at the end of a wire."""
    folder = load_settings(stage.town.home).policy.folder
    built = await asyncio.to_thread(build, folder, stage.town.home.parent / "bundle")
    async with opa_server(opa_binary(), built.rego_bundle) as opa:
        wire = Wire(opa.address.port)
        front = await asyncio.start_server(wire.answer, "127.0.0.1", 0)
        port = front.sockets[0].getsockname()[1]
        stage.configure("policy", engine='"server"', server_url=f'"http://127.0.0.1:{port}"')
        try:
            async with stage.open() as scene:
                yield scene, wire, opa
        finally:
            front.close()
            await wire.cut()
            await front.wait_closed()


@fault("engine-killed")
async def killed(stage: Stage) -> None:
    async with served(stage) as (scene, wire, opa):
        await opa.stop()
        await scene.suffer()
        async with opa_server(opa_binary(), stage.town.home.parent / "bundle" / opa._bundle.name) as again:
            wire.port = again.address.port
            await scene.recover()


@fault("engine-slow")
async def slow(stage: Stage) -> None:
    async with served(stage) as (scene, wire, _):
        wire.mode = "stall"
        await scene.suffer()
        wire.mode = "pass"
        await scene.recover()


@fault("engine-wrong")
async def wrong(stage: Stage) -> None:
    async with served(stage) as (scene, wire, _):
        wire.mode = "garbage"
        await scene.suffer()
        wire.mode = "pass"
        await scene.recover()
