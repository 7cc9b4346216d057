"""Judging every mutation of every case's input: none may get an easier verdict than the input as it was."""

import hashlib
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gateway.adapters.opa.built import BuiltPolicy
from gateway.adapters.opa.engine import EngineFailureError
from gateway.adapters.opa.wasm import WasmEvaluator
from gateway.core.model import Model
from gateway.workbench.cases import PlacedCase, patched_data
from gateway.workbench.mutations_in_inputs import DELETED, ONE_OF_EACH, looser, mutants

_SECONDS = 5.0
_THREADS = 2
_UNANSWERED: dict[str, Any] = {"effect": "deny", "findings": []}


class Choice(Model):
    """Which mutations of a case are judged: every deletion, and at most `most` retypings, chosen by `seed`."""

    seed: int
    most: int | None = None


class Loosening(Model):
    """A mutation of a case's input that got an easier verdict: where the case stands, and what was done."""

    file: str
    line: int
    case: str
    mutation: str
    before: str
    after: str

    def __str__(self) -> str:
        """`file:line: “case”: mutation turns deny into allow`."""
        return (
            f"{self.file}:{self.line}: “{self.case}”: {self.mutation} turns {self.before} into {self.after}"
        )


class InputReport(Model):
    """How many mutated inputs were judged, and which of them loosened."""

    judged: int = 0
    loosened: tuple[Loosening, ...] = ()


def input_report(
    built: BuiltPolicy,
    placed: Sequence[PlacedCase],
    told: Callable[[str], None],
    choice: Choice,
) -> InputReport:
    """Judge the mutations of every case that could be loosened, on two threads; `told` hears of each case."""
    strict = [one for one in placed if one.case.effect != "allow"]
    idle: queue.SimpleQueue[WasmEvaluator] = queue.SimpleQueue()
    for _ in range(_THREADS):
        idle.put(WasmEvaluator(built.wasm_path.read_bytes(), built.data, pool=1, timeout_seconds=_SECONDS))

    def one_case(one: PlacedCase) -> InputReport:
        evaluator = idle.get()
        try:
            return _of_case(evaluator, built, one, choice)
        finally:
            idle.put(evaluator)
            told(one.file)

    with ThreadPoolExecutor(_THREADS, thread_name_prefix="mutations") as pool:
        reports = list(pool.map(one_case, strict))
    while not idle.empty():
        idle.get().close_now()
    return InputReport(
        judged=sum(one.judged for one in reports),
        loosened=tuple(found for one in reports for found in one.loosened),
    )


def _of_case(evaluator: WasmEvaluator, built: BuiltPolicy, placed: PlacedCase, choice: Choice) -> InputReport:
    evaluator.replace_data(patched_data(built.data, placed.case))
    before = _answered(evaluator, placed.document)
    judged, found = 0, []
    for mutation, mutant in _chosen(placed, choice):
        judged += 1
        after = _answered(evaluator, mutant)
        if looser(before, after):
            found.append(_loosening(placed, mutation, before, after))
    return InputReport(judged=judged, loosened=tuple(found))


def _chosen(placed: PlacedCase, choice: Choice) -> Iterator[tuple[str, dict[str, Any]]]:
    every = list(mutants(placed.document, ONE_OF_EACH))
    yield from (one for one in every if one[0].startswith(DELETED))
    retyped = [one for one in every if not one[0].startswith(DELETED)]
    if choice.most is None:
        yield from retyped
        return
    mark = f"{choice.seed}:{placed.case.name}:"
    retyped.sort(key=lambda one: hashlib.sha256(f"{mark}{one[0]}".encode()).digest())
    yield from retyped[: choice.most]


def _answered(evaluator: WasmEvaluator, document: dict[str, Any]) -> dict[str, Any]:
    """The engine's answer; where there is none the gateway denies."""
    try:
        answer: dict[str, Any] = evaluator.evaluate_now(document)
    except EngineFailureError:
        return _UNANSWERED
    return answer


def _loosening(placed: PlacedCase, mutation: str, before: dict[str, Any], after: dict[str, Any]) -> Loosening:
    return Loosening(
        file=placed.file,
        line=placed.line,
        case=placed.case.name,
        mutation=mutation,
        before=before["effect"],
        after=after["effect"] if after["effect"] != before["effect"] else "a smaller question",
    )
