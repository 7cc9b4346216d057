"""A parent that has loaded everything: `python -m tests.kills.nursery POLICIES FOLDER`.

For each line it reads it forks a child that serves one home, so that a process to kill costs milliseconds. The child
says where it listens; when it is dead the parent waits for whatever it left running (a git that still pushes), then
says so. Children are real: own event loop, own database connections, own threads.
"""

import asyncio
import contextlib
import ctypes
import gc
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.adapters.clock import SystemClock
from gateway.adapters.opa.engine import Engine
from gateway.adapters.opa.wasm import WasmPolicy
from gateway.app import choosing, open_gateway, opening
from gateway.serving import Listener
from gateway.settings import load_settings
from gateway.workbench.build import build

_LATE = (
    "anyio._backends._asyncio",
    "gitlab.v4.objects",
    "httpcore2",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite",
    "truststore",
    "uvicorn.lifespan.off",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)
"""What a gateway imports when it first needs it; the children find it loaded."""

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER (prctl(2)): orphans of a child become ours


class LateClock:
    """The machine's time and what has been let pass between two lives."""

    def __init__(self, ahead_ms: int) -> None:
        self._ahead_ms, self._machine = ahead_ms, SystemClock()

    def now_ms(self) -> int:
        return self._machine.now_ms() + self._ahead_ms


def fatal(step: str, nth: int) -> Callable[[str], None]:
    """A hook of the writer that ends the process after a phase of the nth transaction."""
    left = [nth]

    def passed(name: str) -> None:
        if name == step:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return passed


def load(policies: Path, folder: Path) -> None:
    """Build and load the policy once; the children open with what is in memory."""
    built = build(policies, folder)
    engine: Engine = WasmPolicy.load(built)
    choosing.build = lambda *_: built  # type: ignore[attr-defined]  # what `choosing` imported
    opening.engine_of = lambda *_: engine  # type: ignore[attr-defined]  # what `opening` imported
    for name in _LATE:
        importlib.import_module(name)
    # The children's collector then passes over what they share with us.
    gc.collect()
    gc.freeze()


def serve(order: dict[str, Any]) -> None:
    """Live in the child until killed."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    asyncio.run(_serve(order))


async def _serve(order: dict[str, Any]) -> None:
    settings = load_settings(Path(order["home"]))
    serving = settings.serve.model_copy(update={"port": 0, "proposals_per_minute": 0})
    clock, activate = LateClock(order["ahead_ms"]), order.get("activate", False)
    async with open_gateway(settings, clock, activate=activate) as gateway:
        if order.get("step"):
            gateway.store.writer._after = fatal(order["step"], order["nth"])
        async with Listener(gateway, serving) as listener:
            say({"url": listener.url, "pid": os.getpid()})
            stopping = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
            await stopping.wait()


def say(document: dict[str, Any]) -> None:
    os.write(1, (json.dumps(document) + "\n").encode())


def bury() -> None:
    """Wait until no child and no orphan of a child is left."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


def main(policies: Path, folder: Path) -> None:
    """Fork one child per order until there are no more."""
    ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0)
    load(policies, folder)
    say({"ready": True})
    for line in sys.stdin:
        if os.fork() == 0:
            try:
                serve(json.loads(line))
            finally:
                os._exit(1)
        bury()
        say({"gone": True})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
