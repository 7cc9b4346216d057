"""`make bench`: speed side by side in one run. Ratios against the bare thing; nothing here passes or fails on time."""

import asyncio
import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

import httpx2
from rich.console import Console
from rich.progress import track
from rich.table import Table

from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.process import opa_server
from gateway.adapters.opa.wasm import WasmPolicy
from gateway.workbench.build import build
from gateway.workbench.cases import bases
from tests.town import ROOT, template_home

SECONDS = 4.0
CLIENTS = (1, 16)
PROPOSAL = {
    "type": "issue.comment",
    "target": {"system": "jira", "project": "SHOP", "issue": "SHOP-1"},
    "params": {"body": "The upgrade works."},
}
Call = Callable[[], Awaitable[None]]


class Measured(NamedTuple):
    """Calls a second, and how long one took, in milliseconds."""

    what: str
    clients: int
    rate: float
    p50: float
    p99: float


async def measure(what: str, clients: int, call: Call) -> Measured:
    """Call as fast as `clients` callers can, for `SECONDS`, after a short warm-up."""
    for _ in range(20):
        await call()
    times: list[float] = []
    until = time.perf_counter() + SECONDS

    async def caller() -> None:
        while (began := time.perf_counter()) < until:
            await call()
            times.append((time.perf_counter() - began) * 1000)

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(clients)))
    took = time.perf_counter() - began
    cuts = quantiles(times, n=100)
    return Measured(what, clients, len(times) / took, cuts[49], cuts[98])


@contextlib.contextmanager
def process(*arguments: str) -> Iterator[dict[str, Any]]:
    """A server process; what it says of itself."""
    command = [sys.executable, "-m", "tests.bench.servers", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as running:
        assert running.stdout is not None
        try:
            yield json.loads(running.stdout.readline())
        finally:
            running.terminate()


def posting(http: httpx2.AsyncClient, path: str, body: dict[str, Any], expected: int) -> Call:
    """A call that posts a body and insists on the answer's status."""

    async def call() -> None:
        answer = await http.post(path, json=body)
        assert answer.status_code == expected, answer.text

    return call


async def run(folder: Path) -> list[Measured]:
    """Every row, one after the other, so that nothing competes."""
    built = build(ROOT / "policies", folder / "policy")
    document = bases(ROOT / "policies")["merge"]
    rows: list[Measured] = []
    plan: list[tuple[str, Callable[[], Any]]] = []

    async def wasm() -> None:
        policy = WasmPolicy.load(built)

        async def call() -> None:
            await policy.decide(document)

        rows.extend([await measure("decision, WASM in the process", n, call) for n in CLIENTS])
        await policy.close()

    async def server() -> None:
        async with opa_server(opa_binary(), built.rego_bundle) as opa, httpx2.AsyncClient() as http:
            url = f"http://{opa.address.host}:{opa.address.port}/v1/data/gate/decision"
            call = posting(http, url, {"input": document}, 200)
            rows.extend([await measure("decision, bare OPA server", n, call) for n in CLIENTS])

    async def echo() -> None:
        with process("echo") as where:
            async with httpx2.AsyncClient(base_url=where["url"]) as http:
                call = posting(http, "/", PROPOSAL, 200)
                rows.extend([await measure("plain FastAPI echo", n, call) for n in CLIENTS])

    async def loopgate() -> None:
        with process("gateway", str(folder)) as where:
            headers = {"Authorization": f"Bearer {where['token']}"}
            async with httpx2.AsyncClient(base_url=where["url"], headers=headers, timeout=60) as http:
                dry = posting(http, "/v1/rulings", PROPOSAL, 200)
                rows.extend([await measure("Loopgate, dry run", n, dry) for n in CLIENTS])
                denied = posting(http, "/v1/actions", {**PROPOSAL, "params": {"body": "/close"}}, 403)
                rows.extend(
                    [await measure("Loopgate, action denied (3 signed events)", n, denied) for n in CLIENTS]
                )

    plan = [("echo", echo), ("OPA server", server), ("WASM", wasm), ("Loopgate", loopgate)]
    for _, part in track(plan, description="Measuring …", console=Console(stderr=True)):
        await part()
    return rows


def shown(rows: list[Measured]) -> Table:
    """The rows, each with its ratio to the plain echo with as many clients."""
    table = Table(title=f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for column in ("what", "clients", "per second", "p50 ms", "p99 ms", "of echo"):
        table.add_column(column, justify="left" if column == "what" else "right")
    echo = {r.clients: r.rate for r in rows if r.what == "plain FastAPI echo"}
    for row in rows:
        share = f"{row.rate / echo[row.clients]:.2f}"
        table.add_row(
            row.what, str(row.clients), f"{row.rate:,.0f}", f"{row.p50:.2f}", f"{row.p99:.2f}", share
        )
    return table


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="loopgate-bench-") as scratch:
        folder = Path(scratch)
        template_home(folder)
        rows = asyncio.run(run(folder))
    Console(width=110).print(shown(rows))


if __name__ == "__main__":
    main()
