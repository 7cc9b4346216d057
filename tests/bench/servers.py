"""The servers that are compared, each a process of its own: `python -m tests.bench.servers echo|gateway FOLDER`."""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from gateway.app import open_gateway
from gateway.core.facts import IssueFacts, ProjectFacts
from gateway.core.principals import Scope
from gateway.core.vocabulary import System
from gateway.ports import Inspection
from gateway.serving import Listener
from gateway.settings import load_settings
from tests.fakes.targets import FakeTarget

SEEN = Inspection(
    project=ProjectFacts(id="10000", path="SHOP"),
    issue=IssueFacts(key="SHOP-1", status="To Do", transitions=("Done",), project="SHOP"),
)


async def serve_gateway(folder: Path) -> None:
    """The whole gateway but for the vendor, which answers from memory: what is left is our own work."""
    settings = load_settings(folder / "home")
    async with open_gateway(settings) as gateway:
        gateway.targets[System.JIRA] = FakeTarget(System.JIRA, seen=SEEN)
        serve = settings.serve.model_copy(update={"port": 0})
        async with Listener(gateway, serve) as listener:
            scope = Scope(projects=("jira:SHOP",), action_types=("*",))
            made = await gateway.store.credentials.issue(
                "agt_fixer", scope, door="rest", lifetime_s=3600, by="bench"
            )
            await announce(listener.url, token=made.secret)


async def serve_echo() -> None:
    """FastAPI answering with what it was sent."""
    app = FastAPI()

    @app.post("/")
    async def echo(body: dict[str, Any]) -> dict[str, Any]:
        return body

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", access_log=False))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells of its start by this attribute alone
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    await announce(f"http://127.0.0.1:{port}")
    server.should_exit = True
    await serving


async def announce(url: str, **more: str) -> None:
    """Say where it listens, then serve until told to stop."""
    sys.stdout.write(json.dumps({"url": url, **more}) + "\n")
    sys.stdout.flush()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve_echo() if sys.argv[1] == "echo" else serve_gateway(Path(sys.argv[2])))
