"""Promise 8: no removed or retyped fact can loosen a verdict."""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.opa.answers import decision_bytes
from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.built import BuiltPolicy
from gateway.adapters.opa.process import opa_server
from gateway.adapters.opa.server import ServerEvaluator
from gateway.adapters.opa.wasm import WasmEvaluator
from gateway.workbench.build import build
from gateway.workbench.cases import PlacedCase, cases, patched_data
from gateway.workbench.mutations_in_inputs import DELETED, looser, mutants
from tests.gateway.workbench.trees import SHIPPED, shipped_copy

QUICK_STRIDE = 389
SLOW_STRIDE = 11
SERVER_STRIDE = 809
PARTS = 8


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuiltPolicy:
    return build(SHIPPED, tmp_path_factory.mktemp("mutations"))


def strict_cases() -> list[PlacedCase]:
    """The cases that can be loosened at all."""
    return [one for one in cases(SHIPPED) if one.case.effect != "allow"]


def loosened(
    built: BuiltPolicy, placed: Sequence[PlacedCase], stride: int, *, all_deletions: bool = False
) -> tuple[int, list[str]]:
    """How many mutants were judged, and those whose verdict was looser than the case's.

    Every `stride`-th is judged, and with `all_deletions` whatever deletes.
    """
    evaluator = WasmEvaluator(built.wasm_path.read_bytes(), built.data, pool=1, timeout_seconds=5)
    judged, found = 0, []
    for place, one in enumerate(placed):
        evaluator.replace_data(patched_data(built.data, one.case))
        before = evaluator.evaluate_now(one.document)
        for number, (name, mutant) in enumerate(mutants(one.document)):
            if number % stride != place % stride and not (all_deletions and name.startswith(DELETED)):
                continue
            judged += 1
            if looser(before, evaluator.evaluate_now(mutant)):
                found.append(f"{one.file}:{one.line} “{one.case.name}”: {name}")
    evaluator.close_now()
    return judged, found


def test_no_deleted_or_retyped_fact_loosens_a_verdict_sampled(built: BuiltPolicy) -> None:
    judged, found = loosened(built, strict_cases(), QUICK_STRIDE)
    assert found == []
    assert judged > 1000


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_no_deleted_fact_loosens_a_verdict_nor_one_in_eleven_retyped(built: BuiltPolicy, part: int) -> None:
    """All strict cases times all their fields, in parts that can run side by side."""
    judged, found = loosened(built, strict_cases()[part::PARTS], SLOW_STRIDE, all_deletions=True)
    assert found == []
    assert judged > 5_000


@pytest.mark.soak
@pytest.mark.parametrize("part", range(PARTS))
def test_no_deleted_or_retyped_fact_loosens_a_verdict(built: BuiltPolicy, part: int) -> None:
    """The same with every retyping: about half a million mutants."""
    judged, found = loosened(built, strict_cases()[part::PARTS], 1)
    assert found == []
    assert judged > 20_000


@pytest.mark.slow
async def test_mutants_are_judged_alike_by_the_server(built: BuiltPolicy) -> None:
    """Sampled over the cases that use the data as built; the server is asked over HTTP each time."""
    wasm = WasmEvaluator(built.wasm_path.read_bytes(), built.data, pool=1, timeout_seconds=5)
    judged = 0
    async with opa_server(opa_binary(), built.rego_bundle) as running:
        server = ServerEvaluator(running.address, digest=built.digest, timeout_seconds=5)
        for mutant in sampled(SERVER_STRIDE):
            answer = await server.evaluate(json.dumps(mutant).encode())
            assert decision_bytes(answer) == decision_bytes(wasm.evaluate_now(mutant))
            judged += 1
        await server.close()
    await wasm.close()
    assert judged > 400


def sampled(stride: int) -> Iterator[dict[str, Any]]:
    every = (mutant for one in cases(SHIPPED) if not one.case.data for _, mutant in mutants(one.document))
    return islice(every, 0, None, stride)


def test_the_measure_of_looseness_can_tell() -> None:
    clause = {"count": 2, "any_of_roles": ["sre"], "assurance": "signed"}
    asks = {"effect": "require_approval", "findings": [{"code": "A", "clauses": [clause]}]}
    asks_less = {
        "effect": "require_approval",
        "findings": [{"code": "A", "clauses": [{**clause, "count": 1}]}],
    }
    denies: dict[str, Any] = {"effect": "deny", "findings": []}
    allows: dict[str, Any] = {"effect": "allow", "findings": []}
    assert looser(denies, asks)
    assert looser(denies, allows)
    assert looser(asks, allows)
    assert looser(asks, asks_less)
    assert not looser(asks_less, denies)
    assert not looser(asks, asks)


def test_mutants_of_a_small_document_are_every_deletion_and_retyping() -> None:
    names = [name for name, _ in mutants({"version": 1, "authors": ["a"]})]
    assert "delete version" in names
    assert "version := '1'" not in names
    assert "version := None" in names
    assert "delete authors.0" in names
    assert "authors := {}" in names
    assert "version := 0" not in names


@pytest.mark.slow
def test_a_rule_without_its_contract_is_caught_by_this_property(tmp_path: Path) -> None:
    """The property can fail: with a rule that trusts a fact to be there, a deletion loosens."""
    folder = shipped_copy(tmp_path)
    contract = folder / "gate" / "contract.rego"
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace("\tnot _typed(field, value)\n", "\tfalse\n"), encoding="utf-8")
    rule = folder / "rules" / "blast" / "files" / "files.rego"
    rule.write_text(
        rule.read_text(encoding="utf-8").replace("not facts.within(files, limit)", "files > limit"),
        encoding="utf-8",
    )
    weakened = build(folder, tmp_path / "out")
    first = next(one for one in strict_cases() if one.file == "rules/blast/files/cases.yaml")
    _, found = loosened(weakened, [first], 1)
    assert any("delete diff.files_changed" in one for one in found)
