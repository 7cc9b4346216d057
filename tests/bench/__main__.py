"""`make bench`: speed side by side in one run. Ratios against the bare thing; nothing here passes or fails on time.

LOOPGATE_BENCH_SECONDS is how long each row is measured, LOOPGATE_BENCH_DIR where the databases are (a real disk).
"""

import base64
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import urlopen

from rich.console import Console
from rich.table import Table

from gateway.adapters.opa.binary import opa_binary
from tests.bench import policies
from tests.bench.client import Load, Measured
from tests.bench.machine import cpu_seconds, file_system, fsync_ms
from tests.bench.scene import comment, commit_of_thirty, make_home, make_repository
from tests.town import ROOT

SECONDS = float(os.environ.get("LOOPGATE_BENCH_SECONDS", "6"))
CLIENTS = (1, 16)
OPA_CORE = 0
_DECISION = "/v1/data/gate/decision"
console = Console(width=118)


class Row(NamedTuple):
    """One line of the table. `cores` is CPU time of the server per second, `client` that of the client per answer."""

    what: str
    clients: int
    measured: Measured
    cores: float


class Server(NamedTuple):
    """A running server: its process, and what it said of itself."""

    process: subprocess.Popen[bytes]
    said: dict[str, Any]

    def parts(self) -> dict[str, tuple[int, float]]:
        """How long its parts took since it was asked last."""
        self.process.send_signal(signal.SIGUSR1)
        assert self.process.stdout is not None
        told: dict[str, tuple[int, float]] = json.loads(self.process.stdout.readline())
        return told


@contextlib.contextmanager
def serving(kind: str, folder: Path) -> Iterator[Server]:
    """One of `tests.bench.servers`, for the length of a block."""
    command = [sys.executable, "-m", "tests.bench.servers", kind, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield Server(process, json.loads(process.stdout.readline()))
        finally:
            process.terminate()


@contextlib.contextmanager
def serving_opa(bundle: Path) -> Iterator[Server]:
    """A bare OPA server on one core, with the library's Rego bundle."""
    address = "127.0.0.1:18181"
    command = [str(opa_binary()), "run", "--server", "--addr", address, "--skip-version-check"]
    options = ["--log-level", "error", "-b", str(bundle)]
    with subprocess.Popen(
        [*command, *options], stderr=subprocess.DEVNULL, env={**os.environ, "GOMAXPROCS": "1"}
    ) as process:
        os.sched_setaffinity(process.pid, {OPA_CORE})
        try:
            _wait_for(address)
            yield Server(process, {"url": f"http://{address}"})
        finally:
            process.kill()


def posted(url: str, body: dict[str, Any], token: str | None = None) -> bytes:
    """A POST of that body as it goes over the wire."""
    parts, content = urlsplit(url), json.dumps(body).encode()
    head = [
        f"POST {parts.path or '/'} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        *([f"Authorization: {token}"] if token else []),
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content


def measured(what: str, server: Server, url: str, request: bytes, status: int, clients: int) -> Row:
    """One row: the client process against a server."""
    before = cpu_seconds(server.process.pid)
    found = loaded(url, [request], status, clients, SECONDS)
    return Row(what, clients, found, (cpu_seconds(server.process.pid) - before) / found.seconds)


def loaded(
    url: str, requests: list[bytes], status: int, clients: int, seconds: float, **more: Any
) -> Measured:
    """Let the client process run for so long; `more` are further fields of a `Load`."""
    parts = urlsplit(url)
    load = Load(
        host=parts.hostname or "",
        port=parts.port or 0,
        requests=[base64.b64encode(request).decode() for request in requests],
        status=status,
        connections=clients,
        seconds=seconds,
        **more,
    )
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench.client"],
        input=json.dumps(asdict(load)).encode(),
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    if ran.returncode:
        raise SystemExit(f"{url}: {ran.stderr.decode()}")
    return Measured(**json.loads(ran.stdout))


def rows_of_denials(folder: Path) -> tuple[list[Row], dict[int, dict[str, tuple[int, float]]]]:
    """The denial that went through everything, the same decision by OPA, and FastAPI with one commit a request."""
    proposal = commit_of_thirty()
    rows, parts = [], {}
    with serving("gateway", folder) as gateway:
        url, document = gateway.said["url"] + "/v1/actions", gateway.said["document"]
        token = f"Bearer {gateway.said['token']}"
        for clients in CLIENTS:
            gateway.parts()
            rows.append(
                measured(
                    "Loopgate: commit.create denied",
                    gateway,
                    url,
                    posted(url, proposal, token),
                    403,
                    clients,
                )
            )
            parts[clients] = gateway.parts()
    without = {**document, "diff": {**document["diff"], "paths": [], "paths_total": 0}}
    with serving_opa(folder / "home" / "policy" / "rego.tar.gz") as opa:
        url = opa.said["url"] + _DECISION
        for what, given in (("OPA: the same decision", document), ("OPA: without the paths", without)):
            request = posted(url, {"input": given})
            rows += [measured(what, opa, url, request, 200, n) for n in CLIENTS]
    for kind, what in (("durable_echo", "FastAPI and one SQLite FULL commit"), ("echo", "FastAPI alone")):
        with serving(kind, folder) as server:
            url = server.said["url"]
            rows += [measured(what, server, url, posted(url, proposal), 200, n) for n in CLIENTS]
    return rows, parts


def rows_of_comments(folder: Path) -> tuple[list[Row], dict[str, tuple[int, float]]]:
    """An allowed comment through the gateway, and the same call made directly."""
    with serving("vendors", folder) as vendors:
        url = vendors.said["url"]
        _connect(folder, vendors.said)
        pair = base64.b64encode(f"{vendors.said['email']}:{vendors.said['token']}".encode()).decode()
        direct = url + "/rest/api/3/issue/SHOP-1/comment"
        paragraph = {"type": "paragraph", "content": [{"type": "text", "text": "The upgrade works."}]}
        body = {"body": {"type": "doc", "version": 1, "content": [paragraph]}}
        rows = [
            measured(
                "Jira: a comment, directly", vendors, direct, posted(direct, body, f"Basic {pair}"), 201, 1
            )
        ]
        with serving("gateway", folder) as gateway:
            url, token = gateway.said["url"] + "/v1/actions", f"Bearer {gateway.said['token']}"
            gateway.parts()
            request = posted(url, comment(), token)
            rows.append(measured("Loopgate: issue.comment performed", gateway, url, request, 201, 1))
            return rows, gateway.parts()


def shown(title: str, rows: list[Row]) -> Table:
    """The rows as a table."""
    table = Table(title=title)
    for column in ("what", "clients", "per second", "p50 ms", "p99 ms", "cores", "client ms"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for what, clients, found, cores in rows:
        table.add_row(
            what,
            str(clients),
            f"{found.rate:,.0f}",
            f"{found.p50:.2f}",
            f"{found.p99:.2f}",
            f"{cores:.2f}",
            f"{found.client_ms:.2f}",
        )
    return table


def ratios(rows: list[Row]) -> Table:
    """What must hold, and what does."""
    by = {(r.what.split(":")[0] + ("'" if "without" in r.what else ""), r.clients): r.measured for r in rows}
    table = Table(title="Loopgate in proportion")
    for column in ("to", "measure", "wanted", "is"):
        table.add_column(column, justify="right" if column == "is" else "left")
    for name, what, rate in (("OPA'", "OPA without the paths", 1.3), ("OPA", "OPA with 30 paths", 1.2)):
        table.add_row(what, "requests a second, 16 clients", f"≥ {rate}", _times(by, name, 16, "rate"))
        table.add_row(what, "p99, 16 clients", "≤ 1.0", _times(by, name, 16, "p99"))
        table.add_row(what, "p50, 1 client", "≤ 1.5", _times(by, name, 1, "p50"))
    durable = "FastAPI and one SQLite FULL commit"
    table.add_row(durable, "requests a second, 16 clients", "≥ 0.6", _times(by, durable, 16, "rate"))
    return table


def _times(by: dict[tuple[str, int], Measured], name: str, clients: int, measure: str) -> str:
    ours, theirs = by["Loopgate", clients], by[name, clients]
    return f"{getattr(ours, measure) / getattr(theirs, measure):.2f}"


def shown_parts(title: str, parts: dict[str, tuple[int, float]], whole: float, answers: int) -> Table:
    """How long the parts of one answer took, as the road saw them."""
    table = Table(title=title)
    for column in ("part", "calls an answer", "ms a call", "ms an answer"):
        table.add_column(column, justify="left" if column == "part" else "right")
    spent = 0.0
    for name, (calls, ms) in parts.items():
        spent += ms * calls / answers
        table.add_row(name, f"{calls / answers:.1f}", f"{ms:.2f}", f"{ms * calls / answers:.2f}")
    table.add_row("everything else (p50)", "", "", f"{whole - spent:.2f}")
    return table


def main() -> None:
    """Measure and print."""
    where = os.environ.get("LOOPGATE_BENCH_DIR")
    with tempfile.TemporaryDirectory(prefix="loopgate-bench-", dir=where) as scratch:
        folder = Path(scratch)
        make_home(folder)
        _, head = make_repository(folder)
        (folder / "head").write_text(head, encoding="ascii")
        console.print(
            f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
            f"{file_system(folder)}, 4 KiB durable in {fsync_ms(folder):.2f} ms; OPA on core {OPA_CORE} alone"
        )
        denials, parts = rows_of_denials(folder)
        console.print(shown("A denial that went through everything", denials))
        console.print(ratios(denials))
        for row in denials[: len(CLIENTS)]:
            title = f"Parts of a denial, {row.clients} clients"
            console.print(shown_parts(title, parts[row.clients], row.measured.p50, row.measured.count))
        comments, parts_of_one = rows_of_comments(folder)
        console.print(shown("An allowed comment", comments))
        whole = comments[-1].measured
        console.print(shown_parts("Parts of a comment", parts_of_one, whole.p50, whole.count))
        console.print(policies.table_of(folder, SECONDS))


def _connect(folder: Path, said: dict[str, Any]) -> None:
    secret = folder / "jira"
    secret.touch(mode=0o600)
    secret.write_text(said["token"], encoding="utf-8")
    host = said["url"].removeprefix("http://")
    with (folder / "home" / "loopgate.toml").open("a", encoding="utf-8") as file:
        file.write(
            f'\n[jira]\nurl = "{said["url"]}"\nemail = "{said["email"]}"\ntoken = {{ file = "{secret}" }}\n'
            f'[egress]\nloopback = ["{host}"]\n'
        )


def _wait_for(address: str) -> None:
    pause = threading.Event()
    for _ in range(100):
        with contextlib.suppress(OSError), urlopen(f"http://{address}/health?bundles=true", timeout=1):
            return
        pause.wait(0.1)
    raise SystemExit("OPA did not start.")


if __name__ == "__main__":
    main()
