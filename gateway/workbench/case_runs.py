"""Running every case through both engines and comparing what they say, byte for byte."""

import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audit.canonical import canonical_bytes
from gateway.adapters.opa.answers import decision_bytes
from gateway.adapters.opa.built import BuiltPolicy
from gateway.adapters.opa.engine import EngineFailureError, Evaluator
from gateway.adapters.opa.wasm import WasmEvaluator
from gateway.core.digests import input_bytes
from gateway.core.model import Model
from gateway.workbench.asked import Questions, asked
from gateway.workbench.build import build
from gateway.workbench.cases import PlacedCase, cases, patched_data
from gateway.workbench.cases_in_rego import given, held
from gateway.workbench.complaints import Complaint
from gateway.workbench.verdict_checks import differences, unbalanced

_SECONDS = 5.0
_ASKED = "workbench_asked"
_SIGNATURES = ".signatures.json"


class CaseReport(Model):
    """How many cases ran, on which engines, and what was wrong."""

    cases: int
    engines: tuple[str, ...]
    complaints: tuple[Complaint, ...]


async def run_cases(folder: Path, *, server: bool = True) -> CaseReport:
    """Judge every case of `folder`, in the process and, unless told otherwise, by an OPA server as well.

    Raises `SettingsError` when the folder does not build or a case is not one.
    """
    with tempfile.TemporaryDirectory(prefix="loopgate-cases-") as scratch:
        built, placed = build(folder, Path(scratch), packed=False), cases(folder)
        answers = await wasm_answers(built, placed)
        complaints = [
            one for case, answer in zip(placed, answers, strict=True) for one in differences(case, answer)
        ]
        if server:
            others = await server_answers(built, placed)
            complaints += [
                Complaint(
                    file=case.file,
                    line=case.line,
                    problem=f"“{case.case.name}”: the engines differ: WASM {_told(ours)}, OPA {_told(theirs)}",
                    remedy="keep to what both engines do alike (docs/reference/policy-engines.md)",
                )
                for case, ours, theirs in zip(placed, answers, others, strict=True)
                if _told(ours) != _told(theirs)
            ]
    complaints += unbalanced(list(zip(placed, answers, strict=True)), built.data["registry"])
    return CaseReport(
        cases=len(placed),
        engines=("opa-wasm", "opa-server") if server else ("opa-wasm",),
        complaints=tuple(complaints),
    )


async def wasm_answers(built: BuiltPolicy, placed: Sequence[PlacedCase]) -> list[Any]:
    """The raw answer to every case by the engine in this process; the failure's words where there is none."""
    evaluator = WasmEvaluator(built.wasm_path.read_bytes(), built.data, pool=1, timeout_seconds=_SECONDS)
    try:
        return [await _with_data(evaluator, built, case) for case in placed]
    finally:
        await evaluator.close()


async def server_answers(built: BuiltPolicy, placed: Sequence[PlacedCase]) -> list[Any]:
    """The raw answer to every case by an OPA server; what a case changes in data is replaced for that case alone."""
    with tempfile.TemporaryDirectory(prefix="loopgate-serve-") as scratch:
        _stage(built, placed, Path(scratch))
        async with asked(Path(scratch)) as ask:
            return [await _asked_about(ask, place) for place in range(len(placed))]


async def _asked_about(ask: Questions, place: int) -> Any:
    try:
        return await ask(_ASKED, f"case_{place}")
    except EngineFailureError as error:
        return f"no answer ({error.reason})"


def _stage(built: BuiltPolicy, placed: Sequence[PlacedCase], stage: Path) -> None:
    """The Rego bundle unpacked, and beside it a rule for each case; OPA serves a folder as it serves the archive."""
    with tarfile.open(built.rego_bundle) as bundle:
        for member in bundle.getmembers():
            content = bundle.extractfile(member)
            if content and member.name.lstrip("/") != _SIGNATURES:
                place = stage / member.name.lstrip("/")
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content.read())
    data = built.data
    cases_held = {str(place): held(one, data) for place, one in enumerate(placed)}
    (stage / "data.json").write_bytes(canonical_bytes({**data, "workbench_cases": cases_held}))
    rules = (
        f"case_{place} := answer if answer := data.gate.decision{given(place, one)}\n"
        for place, one in enumerate(placed)
    )
    (stage / f"{_ASKED}.rego").write_text(f"package {_ASKED}\n\n" + "\n".join(rules), encoding="utf-8")


async def _with_data(evaluator: WasmEvaluator, built: BuiltPolicy, placed: PlacedCase) -> Any:
    if placed.case.data:
        evaluator.replace_data(patched_data(built.data, placed.case))
    try:
        return await _answer(evaluator, placed)
    finally:
        if placed.case.data:
            evaluator.replace_data(built.data)


async def _answer(evaluator: Evaluator, placed: PlacedCase) -> Any:
    try:
        return await evaluator.evaluate(input_bytes(placed.document))
    except EngineFailureError as error:
        return f"no answer ({error.reason})"


def _told(answer: Any) -> str:
    return answer if isinstance(answer, str) else decision_bytes(answer).decode()
