"""The guest by itself: it ends in time, keeps its memory to itself, and one failure leaves nothing behind."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.opa.built import BuiltPolicy
from gateway.adapters.opa.engine import EngineFailureError
from gateway.adapters.opa.guest import Guest, GuestError, Program
from gateway.adapters.opa.wasm import WasmEvaluator, WasmPolicy
from gateway.core.errors import SettingsError


@pytest.fixture
def evaluator(faulty: BuiltPolicy) -> Any:
    made = WasmEvaluator(faulty.wasm_path.read_bytes(), faulty.data, pool=1, timeout_seconds=0.3)
    yield made
    made.close_now()


def test_an_evaluation_that_never_ends_is_ended(evaluator: WasmEvaluator) -> None:
    with pytest.raises(EngineFailureError):
        evaluator.evaluate_now({"fault": "slow"})
    assert evaluator.evaluate_now({"fault": "none"})["effect"] == "allow"


def test_answers_stay_the_same_however_often_the_heap_is_used_again(evaluator: WasmEvaluator) -> None:
    first = json.dumps(evaluator.evaluate_now({"fault": "none"}))
    for n in range(300):
        evaluator.evaluate_now({"fault": "none", "x": ["y" * n] * 50})
    assert json.dumps(evaluator.evaluate_now({"fault": "none"})) == first


def test_other_data_counts_from_then_on(evaluator: WasmEvaluator, faulty: BuiltPolicy) -> None:
    before = evaluator.evaluate_now({"fault": "none"})
    evaluator.replace_data({**faulty.data, "unused": {"more": list(range(5000))}})
    assert evaluator.evaluate_now({"fault": "none"}) == before


def test_an_input_that_is_too_large_never_reaches_the_guest(faulty: BuiltPolicy) -> None:
    program = Program(faulty.wasm_path.read_bytes())
    guest = Guest(program, b"{}", timeout_s=1)
    with pytest.raises(GuestError, match="over"):
        guest.evaluate(b" " * (4 * 1024 * 1024 + 1))
    guest.close()
    program.close()


def test_wasm_that_is_no_policy_is_refused(faulty: BuiltPolicy, tmp_path: Path) -> None:
    empty = tmp_path / "policy.wasm"
    empty.write_bytes(b"\0asm\1\0\0\0")
    with pytest.raises(SettingsError, match="does not load"):
        WasmPolicy.load(faulty.model_copy(update={"wasm_path": empty}))
