"""Where the killing happens: vendors that outlive every gateway and count what reaches them, and a home."""

import asyncio
import json
import os
import shutil
import signal
import ssl
import sys
import threading
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import yaml
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.client.api import Client
from gateway.sandbox.server import Sandbox
from gateway.settings import load_settings
from tests.town import ROOT, Town, _connect

_WRITES = {"POST", "PUT", "DELETE"}
_ROOMY = {"low": 100_000_000, "high": 100_000_000}
GAP_S = 310
"""What passes between two lives: longer than any vendor's settle time."""


class Vendors(Sandbox):
    """The sandbox, which knows what is under way and calls `on_write` at each write that arrives."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.on_write: Callable[[], None] = lambda: None
        self._under_way = 0
        self._quiet = threading.Condition()

    def _guarded(self, app: ASGIApp, system: str) -> ASGIApp:
        inner = super()._guarded(app, system)

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            self._change(1)
            try:
                if scope["type"] == "http" and scope["method"] in _WRITES:
                    self.on_write()
                await inner(scope, receive, send)
            finally:
                self._change(-1)

        return counted

    def _change(self, by: int) -> None:
        with self._quiet:
            self._under_way += by
            self._quiet.notify_all()

    def wait_until_quiet(self) -> None:
        """Return when every request has been answered or given up."""
        with self._quiet:
            assert self._quiet.wait_for(lambda: self._under_way == 0, timeout=30)

    def effects(self) -> Counter[str]:
        """How often each text stands at the vendors: comments, commit subjects, merged titles."""
        counted: Counter[str] = Counter()
        with self.clock.lock:
            project = self.forge.projects[1]
            notes = [note.body for issue in project.issues.values() for note in issue.notes]
            comments = [_words(c.body) for issue in self.site.issues.values() for c in issue.comments]
            merged = [
                f"merge {m.source_branch}" for m in project.merge_requests.values() if m.state == "merged"
            ]
        log = project.repository.run("log", "--all", "--format=%s").decode().splitlines()
        counted.update(text.split("\n")[0].strip() for text in (*notes, *comments))
        counted.update(merged)
        counted.update(log)
        counted.update(f"branch {name}" for name in project.repository.branches())
        return counted


def _words(document: Any) -> str:
    """The first text of an ADF document."""
    if isinstance(document, dict):
        if document.get("type") == "text":
            return str(document["text"])
        return next((w for part in document.get("content", ()) if (w := _words(part))), "")
    return ""


class Life(Town):
    """The town as its people see it: over HTTP, at whichever address the gateway of the moment listens."""

    def __init__(self, home: Path, sandbox: Sandbox) -> None:
        super().__init__(home, sandbox)
        self.url = ""
        # Nothing here speaks TLS: reading the machine's certificates for each client would cost more than the rest.
        self._trusts_nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def client(self, token: str | None = None) -> Client:
        return Client(self.url, token, httpx2.AsyncHTTPTransport(verify=self._trusts_nobody))


class Nursery:
    """The preloaded parent, and the child it serves with at the moment."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.pid = 0

    async def bear(self, order: dict[str, Any]) -> str | None:
        """Fork a child for this order; its address, or None when it died before it listened."""
        assert self._process.stdin is not None
        self._process.stdin.write((json.dumps(order) + "\n").encode())
        told = await self.hear()
        self.pid = told.get("pid", 0)
        url: str | None = told.get("url")
        return url

    def kill(self) -> None:
        """SIGKILL, from whichever thread; once."""
        pid, self.pid = self.pid, 0
        if pid:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    async def funeral(self) -> None:
        """Wait until the child and everything it started are gone."""
        assert (await self.hear()) == {"gone": True}
        self.pid = 0

    async def hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 60)
        told: dict[str, Any] = json.loads(line or b'{"died": true}')
        return told


@asynccontextmanager
async def nursery(policies: Path, folder: Path) -> AsyncIterator[Nursery]:
    """A nursery that has loaded these policies."""
    command = (sys.executable, "-m", "tests.kills.nursery", str(policies), str(folder))
    with (folder.parent / "nursery.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=log, start_new_session=True
        )
        made = Nursery(process)
        try:
            assert await made.hear() == {"ready": True}
            yield made
        finally:
            made.kill()
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()


def roomy_home(template: Path, folder: Path, sandbox: Sandbox) -> tuple[Path, Path]:
    """A home whose policy has room for thousands of actions, and that policy."""
    home, policies = folder / "home", folder / "policies"
    shutil.copytree(template, home)
    shutil.copytree(load_settings(template).policy.folder, policies)
    for name in ("params", "grants"):
        path = policies / f"data/{name}.yaml"
        path.write_text(yaml.safe_dump(_roomy(yaml.safe_load(path.read_text()))))
    _connect(home, folder, sandbox)
    settings = home / "loopgate.toml"
    kept = [line for line in settings.read_text().splitlines() if not line.startswith("folder")]
    text = "\n".join(kept).replace("[policy]", f'[policy]\nfolder = "{policies}"')
    settings.write_text(f"{text}\n[serve]\npoll_s = 0.05\n")
    return home, policies


def _roomy(data: Any) -> Any:
    """The same data with every limit of a rate far away."""
    if isinstance(data, list):
        return [_roomy(each) for each in data]
    if not isinstance(data, dict):
        return data
    return {
        name: _ROOMY
        if name in {"limit", "hour", "day", "open"} and isinstance(value, dict)
        else _roomy(value)
        for name, value in data.items()
    }
