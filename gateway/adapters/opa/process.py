"""An OPA server of our own: for tests, for comparing engines, for one machine that wants one."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from opa_client.errors import ConnectionsError
from opa_client.opa_async import AsyncOpaClient

from gateway.adapters.opa.server import ServerAddress
from gateway.core.errors import SettingsError

_READY_SECONDS = 15.0
_POLL_SECONDS = 0.05
_TRIES = 3
_QUOTED_BYTES = 400


class OpaServer:
    """One `opa run --server` on a loopback port, serving one bundle."""

    def __init__(self, opa: Path, bundle: Path, *, port: int = 0) -> None:
        self._opa = opa
        self._bundle = bundle
        self._wanted_port = port
        self._port = 0
        self._process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> ServerAddress:
        """Where it listens; the port is known once it has started."""
        return ServerAddress(host="127.0.0.1", port=self._port)

    async def start(self) -> None:
        """Start and wait until the bundle is active.

        Raises `SettingsError` with OPA's own words when it does not come up.
        """
        for left in reversed(range(_TRIES)):
            try:
                await self._start_once()
            except SettingsError:
                await self.stop()
                # Another process may have taken the free port between our asking for it and OPA's.
                if left == 0 or self._wanted_port:
                    raise
            else:
                return

    async def stop(self) -> None:
        """Kill the process, as a crash would, and wait until it is gone."""
        if self._process and self._process.returncode is None:
            self._process.kill()
        if self._process:
            await self._process.communicate()
        self._process = None

    async def _start_once(self) -> None:
        self._port = self._wanted_port or _free_port()
        # Strict builtin errors stay off: WASM has no such mode, and with it the server answers 500 where WASM denies.
        self._process = await asyncio.create_subprocess_exec(
            str(self._opa),
            "run",
            "--server",
            "--addr",
            f"127.0.0.1:{self._port}",
            "--disable-telemetry",
            "--log-level",
            "error",
            "-b",
            str(self._bundle),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        await self._wait_until_ready(self._process)

    async def _wait_until_ready(self, process: asyncio.subprocess.Process) -> None:
        async with AsyncOpaClient(host="127.0.0.1", port=self._port, retries=0) as client:
            ready = asyncio.ensure_future(
                client.wait_for_ready(_READY_SECONDS, _POLL_SECONDS, {"bundles": "true"})
            )
            gone = asyncio.ensure_future(process.wait())
            await asyncio.wait({ready, gone}, return_when=asyncio.FIRST_COMPLETED)
            gone.cancel()
            if not ready.done():
                ready.cancel()
                await asyncio.gather(ready, gone, return_exceptions=True)
                raise SettingsError(f"the OPA server ended at once: {await _last_words(process)}")
        try:
            ready.result()
        except ConnectionsError as error:
            raise SettingsError(f"the OPA server was not ready after {_READY_SECONDS:.0f} s") from error


@asynccontextmanager
async def opa_server(opa: Path, bundle: Path) -> AsyncIterator[OpaServer]:
    """An OPA server for the length of a block."""
    server = OpaServer(opa, bundle)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def _last_words(process: asyncio.subprocess.Process) -> str:
    _, complaint = await process.communicate()
    return complaint.decode("utf-8", "replace").strip()[-_QUOTED_BYTES:] or "it said nothing"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
