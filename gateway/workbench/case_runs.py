"""Running every case through both engines and comparing what they say, byte for byte."""

import tarfile
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from audit.canonical import canonical_bytes
from gateway.adapters.opa.answers import decision_bytes
from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.built import BuiltPolicy
from gateway.adapters.opa.engine import EngineFailureError, Evaluator
from gateway.adapters.opa.process import opa_server
from gateway.adapters.opa.server import ServerEvaluator
from gateway.adapters.opa.wasm import WasmEvaluator
from gateway.core.digests import input_bytes
from gateway.core.model import Model
from gateway.workbench.build import build
from gateway.workbench.cases import PlacedCase, cases, patched_data
from gateway.workbench.complaints import Complaint
from gateway.workbench.verdict_checks import differences, unbalanced

_SECONDS = 5.0


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
    """The raw answer to every case by OPA servers: one for the policy as built, one per changed data document."""
    answers: dict[int, Any] = {}
    for data, places in _by_data(built, placed).items():
        async with _serving(built, data) as evaluator:
            for place in places:
                answers[place] = await _answer(evaluator, placed[place])
    return [answers[place] for place in range(len(placed))]


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


def _by_data(built: BuiltPolicy, placed: Sequence[PlacedCase]) -> dict[bytes, list[int]]:
    groups: dict[bytes, list[int]] = {}
    for place, one in enumerate(placed):
        data = canonical_bytes(patched_data(built.data, one.case)) if one.case.data else built.data_json
        groups.setdefault(data, []).append(place)
    return groups


@asynccontextmanager
async def _serving(built: BuiltPolicy, data: bytes) -> AsyncIterator[ServerEvaluator]:
    with tempfile.TemporaryDirectory(prefix="loopgate-serve-") as scratch:
        bundle = (
            built.rego_bundle if data == built.data_json else _with_other_data(built, data, Path(scratch))
        )
        async with opa_server(opa_binary(), bundle) as server:
            evaluator = ServerEvaluator(server.address, digest=built.digest, timeout_seconds=_SECONDS)
            try:
                yield evaluator
            finally:
                await evaluator.close()


def _with_other_data(built: BuiltPolicy, data: bytes, scratch: Path) -> Path:
    """The Rego bundle unpacked, with another data.json; OPA serves a folder as it serves the archive."""
    with tarfile.open(built.rego_bundle) as bundle:
        for member in bundle.getmembers():
            content = bundle.extractfile(member)
            place = scratch / member.name.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.read() if content else b"")
    (scratch / "data.json").write_bytes(data)
    return scratch


def _told(answer: Any) -> str:
    return answer if isinstance(answer, str) else decision_bytes(answer).decode()
