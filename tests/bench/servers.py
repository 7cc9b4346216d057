"""The servers that are compared, each a process of its own: `python -m tests.bench.servers KIND FOLDER`.

A server prints one line of JSON about itself when it listens, and one about its work when it is told to stop.
"""

import asyncio
import json
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import uvicorn
from fastapi import FastAPI

from gateway.adapters.git.authorship import Authorship
from gateway.adapters.git.bounds import Bounds
from gateway.adapters.git.changes import GitChanges, ProjectShape
from gateway.adapters.git.content_scan import core_scanners
from gateway.adapters.git.inspection import Inspector
from gateway.adapters.git.mirrors import Mirrors, Snapshot
from gateway.adapters.git.proposals import Proposals
from gateway.adapters.git.remotes import UnsafeLocalForge
from gateway.adapters.git.runner import Git
from gateway.app import Gateway, open_gateway
from gateway.carrier import Carrier
from gateway.core.actions import Request
from gateway.core.normalise import normalise
from gateway.core.principals import Door, Principal, Scope
from gateway.core.vocabulary import System
from gateway.ports import Changes
from gateway.sandbox.server import Sandbox
from gateway.serving import Listener
from gateway.settings import load_settings
from tests.bench.scene import AGENT, SEEN, commit_of_thirty
from tests.bench.stopwatch import Stopwatch
from tests.fakes.targets import FakeTarget
from tests.town import PROJECT

SCOPE = Scope(projects=("shop/*", "jira:SHOP"), action_types=("*",))


class KnownMirrors(Mirrors):
    """Mirrors of a forge whose answer about its refs is in memory, as the vendors' other answers are."""

    known: Snapshot

    async def upstream(self, project: str) -> Snapshot:
        """The refs of the forge's repository."""
        assert project == PROJECT
        return self.known


async def serve_gateway(folder: Path) -> None:
    """The whole gateway. GitLab answers from memory: what is left is our own work. Jira is the sandbox's, if there is one."""
    settings = load_settings(folder / "home")
    watch = Stopwatch()
    async with open_gateway(settings) as gateway, measuring(folder) as changes:
        gateway.targets[System.GITLAB] = FakeTarget(System.GITLAB, seen=SEEN)
        _compose(gateway, changes, watch)
        serve = settings.serve.model_copy(update={"port": 0, "proposals_per_minute": 0})
        async with Listener(gateway, serve) as listener:
            known = [a.id for a in gateway.policy.in_force.roster.agents if a.id.startswith("agt_worker_")]
            # The writer commits in groups: a thousand tokens are made in a few.
            tokens = await asyncio.gather(*(_token(gateway, name) for name in (AGENT, *known)))
            document = await _document(gateway)
            await announce(listener.url, token=tokens[0], tokens=tokens[1:], document=document, parts=watch)


async def _token(gateway: Gateway, agent: str) -> str:
    made = await gateway.store.credentials.issue(agent, SCOPE, door="rest", lifetime_s=7200, by="bench")
    return made.secret


@asynccontextmanager
async def measuring(folder: Path) -> AsyncIterator[GitChanges]:
    """Changes measured by real git in a mirror of the scene's repository."""
    git = Git(Bounds())
    mirrors = KnownMirrors(git, UnsafeLocalForge(str(folder)), folder / "mirrors")
    head = (folder / "head").read_text(encoding="ascii")
    mirrors.known = Snapshot({"refs/heads/main": head}, "main")
    inspector = Inspector(git, Authorship("bench.test"), core_scanners())

    async def shape(_: str) -> ProjectShape:
        return ProjectShape(protected=("main",))

    try:
        yield GitChanges(mirrors, inspector, Proposals(git, inspector), shape)
    finally:
        await mirrors.close()


def _compose(gateway: Gateway, changes: GitChanges, watch: Stopwatch) -> None:
    """Put the measuring and a stopwatch around each port into the road."""
    given = gateway.neighbours
    judge = given.road.judge
    targets = {s: watch.around("target", t, "inspect", "perform") for s, t in gateway.targets.items()}
    gathering = replace(
        judge.gathering, changes=watch.around("git", cast("Changes", changes), "of_commit"), targets=targets
    )
    policy = watch.around("policy", judge.policy, "decide")
    road = replace(
        given.road,
        judge=replace(judge, gathering=gathering, policy=policy),
        ledger=watch.around("ledger", given.road.ledger, "admit", "record"),
        targets=targets,
    )
    gateway.neighbours = replace(given, road=road, carrier=Carrier(road))


async def _document(gateway: Gateway) -> dict[str, Any]:
    """The policy input of the commit, as the gateway's own engine gets it: the other engine gets the same."""
    principal = Principal(id=AGENT, roles=(), owner="prn_developer", scope=SCOPE, door=Door.REST).model_copy(
        update={"roles": ("agent",)}
    )
    action = normalise(
        Request(**commit_of_thirty()),
        principal,
        action_id="act_bench",
        trace="trc_bench",
        now_ms=gateway.clock.now_ms(),
    )
    judgement = await gateway.neighbours.road.judge.judge(action, None)
    codes = {finding.code for finding in judgement.ruling.findings}
    assert judgement.ruling.effect == "deny", judgement.ruling
    assert "BLAST-005" in codes, codes
    assert judgement.document["diff"]["paths_total"] >= len(commit_of_thirty()["params"]["changes"])
    return dict(judgement.document)


async def serve_echo(_: Path) -> None:
    """FastAPI answering with what it was sent."""
    app = FastAPI()

    @app.post("/")
    async def echo(body: dict[str, Any]) -> dict[str, Any]:
        return body

    await _serve(app)


async def serve_durable_echo(folder: Path) -> None:
    """FastAPI answering with what it was sent once that is on the disk: one SQLite FULL commit per request."""
    app = FastAPI()
    connection = sqlite3.connect(folder / "echo.db", isolation_level=None)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE kept (body TEXT)"):
        connection.execute(statement)

    @app.post("/")
    async def echo(body: dict[str, Any]) -> dict[str, Any]:
        connection.execute("INSERT INTO kept VALUES (?)", (json.dumps(body),))
        return body

    await _serve(app)
    connection.close()


async def serve_vendors(folder: Path) -> None:
    """The sandbox's Jira, as another machine would be."""
    with Sandbox(folder / "sandbox", auto=True) as sandbox:
        known = sandbox.tokens
        await announce(sandbox.jira_url, email=known.jira_email, token=known.jira)


async def _serve(app: FastAPI) -> None:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", access_log=False))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells of its start by this attribute alone
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    await announce(f"http://127.0.0.1:{port}")
    server.should_exit = True
    await serving


async def announce(url: str, *, parts: Stopwatch | None = None, **more: Any) -> None:
    """Say where it listens, serve until told to stop, then say how long the parts took."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    if parts:
        loop.add_signal_handler(signal.SIGUSR1, lambda: _say(parts.told()))
    _say({"url": url, **more})
    await stop.wait()


def _say(words: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


KINDS = {
    "gateway": serve_gateway,
    "echo": serve_echo,
    "durable_echo": serve_durable_echo,
    "vendors": serve_vendors,
}

if __name__ == "__main__":
    asyncio.run(KINDS[sys.argv[1]](Path(sys.argv[2])))
