"""Judging with more and more rules, and with many paths: both engines on the same inputs, by processor time.

`python -m tests.bench.policies` prints the tables; `make bench` runs it too. Rules are added to a copy of the library; each is one that
authors would write: a limit, a list of globs, a word that must stand in a title. A third of them fire.
"""

import asyncio
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.built import BuiltPolicy
from gateway.adapters.opa.process import OpaServer, opa_server
from gateway.adapters.opa.server import ServerEvaluator
from gateway.adapters.opa.wasm import WasmEvaluator
from gateway.core.digests import input_bytes
from gateway.workbench.build import build
from gateway.workbench.cases import bases
from tests.bench.machine import cpu_seconds

LIBRARY = Path(__file__).parents[2] / "policies"
SECONDS = float(os.environ.get("LOOPGATE_BENCH_SECONDS", "6"))
RULES = (30, 100, 300)
PATHS = 5000
_KINDS = 3

_HEAD = """# METADATA
# title: Made for measuring, {number}
# description: One of many rules.
# custom:
#   code: MANY-{number:03}
#   severity: low
#   remediation: None is needed.
#   retry: needs_approval
#   binding: state
#   bound_facts: []
#   assurance: signed
#   chainable: true
#   waivable: true
#   controls: [CM-3]
#   owner: platform
package rules.many.rule{number:03}

import data.lib.changes
import data.lib.facts
import data.lib.names

"""
_LIMIT = """findings contains {{"code": "MANY-{number:03}", "effect": "warn", "facts": {{"files": files, "limit": limit}}}} if {{
	changes.written
	files := facts.at(["diff", "files_changed"])
	limit := facts.limit("MANY-{number:03}", "files")
	not facts.within(files, limit)
}}
"""
_GLOBS = """findings contains {{
	"code": "MANY-{number:03}",
	"effect": "require_approval",
	"facts": {{"paths": paths}},
	"clauses": [{{"count": 1, "any_of_roles": ["platform"], "assurance": "signed"}}],
}} if {{
	changes.measured
	touched := {{path |
		some path in facts.listed(["diff", "paths"])
		names.may_match(path, facts.words("MANY-{number:03}", "globs"))
	}}
	not _untouched(touched)
	paths := sort(touched)
}}

_untouched(touched) if {{
	touched == set()
	is_array(facts.at(["diff", "paths"]))
}}
"""
_WORD = """findings contains {{"code": "MANY-{number:03}", "effect": "warn", "facts": {{"branch": branch}}}} if {{
	facts.present("branch")
	branch := facts.at(["branch", "name"])
	not _named(branch)
}}

_named(branch) if {{
	is_string(branch)
	some prefix in facts.words("MANY-{number:03}", "prefixes")
	startswith(branch, prefix)
}}
"""


@dataclass(frozen=True, slots=True)
class Costs:
    """What judging one input takes, in milliseconds: wall time (middle) and processor time (mean)."""

    wall_ms: float
    cpu_ms: float

    @property
    def rate(self) -> float:
        """Decisions a second, one after the other."""
        return 1000 / self.wall_ms


def library_of(rules: int, folder: Path, *, path_rules: int | None = None) -> Path:
    """A copy of the library with as many rules added as are missing to `rules`; at most `path_rules` of them look at every path."""
    policies = Path(shutil.copytree(LIBRARY, folder / f"policies{rules}"))
    shipped = len([path for path in (policies / "rules").glob("*/*") if path.is_dir()])
    file = policies / "data" / "params.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    made = 0
    for number in range(max(0, rules - shipped)):
        kind = number % _KINDS
        if kind == 1 and path_rules is not None and made >= path_rules:
            kind = 0
        made += kind == 1
        home = policies / "rules" / "many" / f"rule{number:03}"
        home.mkdir(parents=True)
        text = _HEAD + (_LIMIT, _GLOBS, _WORD)[kind]
        (home / f"rule{number:03}.rego").write_text(text.format(number=number), encoding="utf-8")
        document["params"][f"MANY-{number:03}"] = (
            {"files": 5 if number % 2 else 5000},
            {"globs": [f"{{team{number}/**,**/*.kind{number},config/part{number}-*.yaml}}"]},
            {"prefixes": ["agent/", f"team{number}/"]},
        )[kind]
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return policies


def commit_of(paths: int) -> dict[str, Any]:
    """The base of a commit with so many paths, under the names of many services."""
    document = bases(LIBRARY)["commit"]
    names = sorted(f"services/part{place % 60}/src/module{place}/file{place}.py" for place in range(paths))
    document["diff"] |= {"paths": names, "paths_total": paths, "files_changed": paths, "additions": paths}
    return document


async def measured(
    ask: Callable[[bytes], Awaitable[Any]], document: dict[str, Any], seconds: float, pid: int | None
) -> Costs:
    """The same input again and again, one after the other. With `pid`, that process's time counts too."""
    given = input_bytes(document)
    await ask(given)
    times: list[float] = []
    began, cpu = time.perf_counter(), _cpu(pid)
    while len(times) < 3 or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        await ask(given)
        times.append(time.perf_counter() - start)
    return Costs(wall_ms=1000 * median(times), cpu_ms=1000 * (_cpu(pid) - cpu) / len(times))


async def both(built: BuiltPolicy, document: dict[str, Any], seconds: float) -> tuple[Costs, Costs]:
    """The engine in this process and an OPA server, one after the other; the server's with the time of its client."""
    wasm = WasmEvaluator(built.wasm_path.read_bytes(), built.data, pool=1, timeout_seconds=30)
    try:
        ours = await measured(wasm.evaluate, document, seconds, None)
    finally:
        await wasm.close()
    async with opa_server(opa_binary(), built.rego_bundle) as running:
        server = ServerEvaluator(running.address, digest=built.digest, timeout_seconds=30)
        try:
            return ours, await measured(server.evaluate, document, seconds, pid_of(running))
        finally:
            await server.close()


def pid_of(server: OpaServer) -> int:
    """The process of a running server."""
    assert server._process is not None
    return server._process.pid


def table_of(folder: Path, seconds: float) -> Table:
    """Decisions a second with more and more rules, side by side; and with 5,000 paths, which no added rule goes through."""
    table = Table(title="Judging: WASM in the process, OPA server with its round trip")
    for column in (
        *("rules", "paths", "WASM a second", "ms", "CPU ms", "OPA a second", "ms", "CPU ms"),
        *("ms, WASM / OPA", "CPU, WASM / OPA"),
    ):
        table.add_column(column, justify="right")
    for rules, paths in (*((count, 30) for count in RULES), (RULES[-1], PATHS)):
        place = folder / f"{rules}-{paths}"
        library = library_of(rules, place, path_rules=0 if paths == PATHS else None)
        built = build(library, place / "out")
        ours, theirs = asyncio.run(both(built, commit_of(paths), seconds))
        table.add_row(
            str(len(built.cards)),
            f"{paths:,}",
            *(f"{ours.rate:,.0f}", f"{ours.wall_ms:.2f}", f"{ours.cpu_ms:.2f}"),
            *(f"{theirs.rate:,.0f}", f"{theirs.wall_ms:.2f}", f"{theirs.cpu_ms:.2f}"),
            *(f"{ours.wall_ms / theirs.wall_ms:.2f}", f"{ours.cpu_ms / theirs.cpu_ms:.2f}"),
        )
    return table


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="loopgate-bench-policies-") as scratch:
        Console(width=118).print(table_of(Path(scratch), SECONDS))


def _cpu(pid: int | None) -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime + (cpu_seconds(pid) if pid else 0.0)


if __name__ == "__main__":
    main()
