"""The sandbox as a whole: both vendors, seeded, served on 127.0.0.1 from one background thread."""

import asyncio
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import anyio
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway.sandbox.asgi import DROP, Faulty, answering
from gateway.sandbox.clock import Clock
from gateway.sandbox.control import Control, mark_bad
from gateway.sandbox.gitlab.app import gitlab_app
from gateway.sandbox.gitlab.forge import Forge, Pace
from gateway.sandbox.gitlab.workings import workings_of
from gateway.sandbox.jira.app import jira_app
from gateway.sandbox.jira.site import Site
from gateway.sandbox.link import link_commits
from gateway.sandbox.seed import Tokens, seed_forge
from gateway.sandbox.seed_jira import seed_site
from gateway.sandbox.switches import Switches

_TICK = 0.05


def wall_clock() -> datetime:
    """What the clocks of the vendors' machines show."""
    return datetime.now(UTC)  # noqa: TID251  the stand-in for other machines, which have clocks of their own


class Server(uvicorn.Server):
    """uvicorn's server, which says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as usual, then say so."""
        await super().startup(sockets)
        self.ready.set()


class DroppableProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which also lets an app cut its connection."""

    def handle_events(self) -> None:
        """Hand the cut to every request, beside what ASGI defines."""
        super().handle_events()
        if self.scope is not None:
            self.scope["extensions"] = {DROP: {"abort": self.transport.abort}}


@dataclass(frozen=True)
class Ports:
    """Where to listen; 0 lets the system choose."""

    gitlab: int = 0
    jira: int = 0


class Sandbox:
    """A GitLab and a Jira with the demo world in them.

    `folder` will hold the bare repositories and must not hold a sandbox yet. `wall` gives the time the vendors show;
    background work waits for `clock.advance` unless `auto` lets it follow the real time.
    """

    def __init__(
        self,
        folder: Path,
        *,
        ports: Ports | None = None,
        wall: Callable[[], datetime] = wall_clock,
        auto: bool = False,
        pace: Pace | None = None,
    ) -> None:
        self.tokens = Tokens()
        self.switches = Switches()
        self.clock = Clock(wall)
        self.forge = Forge(folder, self.clock, self.switches, pace or (Pace(0.2, 0.6) if auto else Pace()))
        self.site = Site(self.clock, self.switches)
        self._workings = workings_of(self.forge)
        self._ports = ports or Ports()
        self._auto = auto
        self._servers: list[Server] = []
        self._thread: threading.Thread | None = None

    @property
    def gitlab_url(self) -> str:
        """`http://127.0.0.1:<port>`: the API is under `/api/v4`, git under `/<group>/<project>.git`."""
        return self.forge.url

    @property
    def jira_url(self) -> str:
        """`http://127.0.0.1:<port>`: the API is under `/rest/api/3`."""
        return self.site.url

    def mark_bad(self, project: str, deployment: int) -> None:
        """Let a finished deployment turn out to have failed."""
        mark_bad(self.forge, project, deployment)

    def seed(self) -> None:
        """Build the demo world."""
        seed_forge(self.forge, self._workings, self.tokens)
        seed_site(self.site, self.tokens)
        link_commits(self.forge, self.site, self.switches)

    def start(self) -> None:
        """Seed and serve; returns once both ports answer.

        ValueError when the folder holds something; OSError when a port is taken.
        """
        if self.forge.folder.exists() and any(self.forge.folder.iterdir()):
            raise ValueError(f"{self.forge.folder} is not empty; give an empty or new folder")
        gitlab_socket, jira_socket = _listen(self._ports.gitlab), _listen(self._ports.jira)
        self.forge.url, self.site.url = _address(gitlab_socket), _address(jira_socket)
        self.seed()
        self._servers = [
            _server(self._guarded(gitlab_app(self.forge, self._workings), "gitlab")),
            _server(self._guarded(jira_app(self.site), "jira")),
        ]
        sockets = (gitlab_socket, jira_socket)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(sockets)), daemon=True)
        self._thread.start()
        for server in self._servers:
            server.ready.wait()

    def _guarded(self, app: ASGIApp, system: str) -> ASGIApp:
        faulty = Faulty(app, system, self.switches)
        control = answering(Control(self.clock, self.switches, self.forge))

        async def switchboard(scope: Scope, receive: Receive, send: Send) -> None:
            await (control if scope["path"].startswith("/_sandbox/") else faulty)(scope, receive, send)

        return switchboard

    async def _serve(self, sockets: tuple[socket.socket, ...]) -> None:
        serving = [
            asyncio.create_task(server.serve(sockets=[where]))
            for server, where in zip(self._servers, sockets, strict=True)
        ]
        ticking = asyncio.create_task(self._tick()) if self._auto else None
        await asyncio.gather(*serving)
        if ticking:
            ticking.cancel()

    async def _tick(self) -> None:
        """Let background work follow the real time."""
        loop = asyncio.get_running_loop()
        before = loop.time()
        while True:
            await asyncio.sleep(_TICK)
            now = loop.time()
            await anyio.to_thread.run_sync(self.clock.tick, now - before)
            before = now

    def stop(self) -> None:
        """Stop serving and wait until everything is closed."""
        for server in self._servers:
            server.should_exit = True
        if self._thread:
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await anyio.to_thread.run_sync(self.start)
        return self

    async def __aexit__(self, *_: object) -> None:
        await anyio.to_thread.run_sync(self.stop)


def _listen(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


def _address(bound: socket.socket) -> str:
    host, port = bound.getsockname()
    return f"http://{host}:{port}"


def _server(app: ASGIApp) -> Server:
    config = uvicorn.Config(
        app, http=DroppableProtocol, ws="none", lifespan="off", log_config=None, access_log=False,
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    return Server(config)
