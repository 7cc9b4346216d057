"""What judging may cost: time with many rules and paths, a rule that never ends, and memory over many decisions."""

import os
import resource
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.opa.answers import POLICY_UNAVAILABLE
from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.built import BuiltPolicy
from gateway.adapters.opa.engine import Engine, EngineFailureError
from gateway.adapters.opa.process import opa_server
from gateway.adapters.opa.server import ServerPolicy
from gateway.adapters.opa.wasm import WasmEvaluator, WasmPolicy
from gateway.core.rulings import Effect
from gateway.workbench.build import build
from gateway.workbench.cases import bases
from tests.bench.machine import resident_bytes
from tests.bench.policies import commit_of, library_of
from tests.gateway.workbench.trees import SHIPPED, shipped_copy

MOST_CPU_MS = 150
EVALUATIONS = 20_000
BOTTOMLESS = b'{"action": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
MORE_BYTES = 24 * 1024 * 1024
LOOP = """package rules.many.endless

import data.lib.facts

_digits := [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]

_many := [n | some a in _digits; some b in _digits; n := a + b]

findings contains {"code": "MANY-001", "effect": "warn", "facts": {}} if {
	facts.at(["branch", "name"]) == "agent/endless"
	count([1 | some a in _many; some b in _many; some c in _many; some d in _many; a + b + c + d == 37]) > 0
}
"""


def cpu_ms() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return 1000 * (used.ru_utime + used.ru_stime)


@pytest.mark.slow
def test_three_hundred_rules_and_five_thousand_paths_are_judged_in_150_ms_of_processor_time(
    tmp_path: Path,
) -> None:
    """The shipped rules and as many more as make three hundred; the best of several runs, for the machine is shared."""
    built = build(library_of(300, tmp_path, path_rules=0), tmp_path / "out")
    evaluator = WasmEvaluator(built.wasm_path.read_bytes(), built.data, pool=1, timeout_seconds=60)
    times, commit = [], commit_of(5000)
    for _ in range(5):
        began = cpu_ms()
        answer = evaluator.evaluate_now(commit)
        times.append(cpu_ms() - began)
    evaluator.close_now()

    assert len(built.cards) >= 300
    assert len({entry["code"] for entry in answer["warnings"]}) > 80
    assert answer["missing"] == []
    assert min(times) < MOST_CPU_MS


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> BuiltPolicy:
    """The library with a rule that never ends, for one name of a branch."""
    folder = tmp_path_factory.mktemp("endless")
    policies = shipped_copy(folder)
    home = policies / "rules" / "many" / "endless"
    home.mkdir(parents=True)
    shipped = (SHIPPED / "rules" / "blast" / "files" / "files.rego").read_text(encoding="utf-8")
    card = shipped.split("package ")[0].replace("BLAST-001", "MANY-001")
    (home / "endless.rego").write_text(card + LOOP, encoding="utf-8")
    return build(policies, folder / "out")


async def stopped(policy: Engine) -> None:
    """An endless rule denies, and the engine judges the next action."""
    commit = bases(SHIPPED)["commit"]
    endless: dict[str, Any] = {**commit, "branch": {**commit["branch"], "name": "agent/endless"}}
    assert (await policy.self_test()).ok

    (finding,) = (await policy.decide(endless)).findings
    assert (finding.code, finding.effect) == (POLICY_UNAVAILABLE, Effect.DENY)
    assert not policy.readiness().ok

    after = await policy.decide(commit)
    assert POLICY_UNAVAILABLE not in {one.code for one in after.findings}
    assert policy.readiness().ok


async def test_a_rule_that_loops_is_stopped_in_the_process_and_denies(endless: BuiltPolicy) -> None:
    policy = WasmPolicy.load(endless, timeout_seconds=1.0)
    try:
        await stopped(policy)
    finally:
        await policy.close()


async def test_a_rule_that_loops_is_stopped_at_the_server_and_denies(endless: BuiltPolicy) -> None:
    async with opa_server(opa_binary(), endless.rego_bundle) as running:
        policy = ServerPolicy.connect(endless, running.address, timeout_seconds=2.0)
        try:
            await stopped(policy)
        finally:
            await policy.close()


@pytest.mark.slow
async def test_twenty_thousand_evaluations_leak_nothing(tmp_path: Path) -> None:
    """Of actions of every kind, and of inputs the guest cannot read, which cost it its instance each time."""
    built = build(SHIPPED, tmp_path)
    evaluator = WasmEvaluator(built.wasm_path.read_bytes(), built.data, pool=1, timeout_seconds=30)
    documents = [one for name, one in sorted(bases(SHIPPED).items()) if name.startswith("issue")]
    before = 0
    for number in range(EVALUATIONS):
        evaluator.evaluate_now(documents[number % len(documents)])
        if number % 200 == 0:
            with pytest.raises(EngineFailureError):
                await evaluator.evaluate(BOTTOMLESS)
        if number == EVALUATIONS // 10:
            before = resident_bytes(os.getpid())
    grown = resident_bytes(os.getpid()) - before
    await evaluator.close()

    assert grown < MORE_BYTES
