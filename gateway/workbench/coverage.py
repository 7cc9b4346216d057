"""`opa test`: the `_test.rego` files, and which lines of Rego neither they nor the cases reach."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from audit.canonical import canonical_bytes
from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.command import run_opa
from gateway.core.errors import SettingsError
from gateway.core.model import Model
from gateway.workbench.build import build
from gateway.workbench.cases import PlacedCase, cases, patched_data
from gateway.workbench.complaints import Complaint

_SOURCES = ("gate", "lib", "rules")
_WHOLE = 100.0
_PER_TEST = "60s"  # coverage is slow, and a busy machine slower than OPA expects by default
# OPA gives one test 5 s unless told otherwise, which a busy machine with coverage on does not always meet.
_TEST_TIMEOUT = "120s"


class CoverageReport(Model):
    """How many tests ran (the cases count as one), the share of lines reached in permille, and what was wrong."""

    tests: int
    permille: int
    complaints: tuple[Complaint, ...]


def coverage(folder: Path) -> CoverageReport:
    """Run every Rego test and every case under `opa test`; each line of each rule must be reached.

    Raises `SettingsError` when the folder does not build or a test does not compile.
    """
    with tempfile.TemporaryDirectory(prefix="loopgate-coverage-") as scratch:
        stage = Path(scratch) / "stage"
        built = build(folder, Path(scratch) / "out", packed=False)
        _stage(folder, stage, built.data, cases(folder))
        results = _opa_test(stage)
        failed = tuple(_failure(one) for one in results if one.get("fail") or one.get("error"))
        # With a failing test OPA prints no coverage at all.
        measured = {"files": {}} if failed else _opa_test(stage, "--coverage")
    complaints = (*failed, *_unreached(measured))
    return CoverageReport(tests=len(results), permille=_permille(measured), complaints=complaints)


def _stage(folder: Path, stage: Path, data: dict[str, Any], placed: Sequence[PlacedCase]) -> None:
    for part in _SOURCES:
        for source in (folder / part).rglob("*.rego"):
            target = stage / source.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    (stage / "cases_test.rego").write_text(_cases_module(placed), encoding="utf-8")
    inputs = {str(place): _held(one, data) for place, one in enumerate(placed)}
    (stage / "data.json").write_bytes(canonical_bytes({**data, "workbench_cases": inputs}))


def _held(placed: PlacedCase, data: dict[str, Any]) -> dict[str, Any]:
    """A case as the generated test reads it; only the top-level parts of data that the case changes."""
    changed = {path.split(".")[0] for path in placed.case.data}
    patched = patched_data(data, placed.case)
    return {
        "input": placed.document,
        "effect": placed.case.effect,
        "data": {key: patched[key] for key in changed},
    }


def _cases_module(placed: Sequence[PlacedCase]) -> str:
    """One test per case, because the parts of data that a case replaces must be named in the text."""
    tests = "\n".join(_case_test(place, one) for place, one in enumerate(placed))
    return f"package workbench_cases_test\n\n{tests}"


def _case_test(place: int, placed: PlacedCase) -> str:
    case = f'data.workbench_cases["{place}"]'
    parts = sorted({path.split(".")[0] for path in placed.case.data})
    withs = "".join(f" with data.{part} as {case}.data.{part}" for part in parts)
    return (
        f"# {placed.file}:{placed.line}\ntest_case_{place} if {{\n"
        f"\tdata.gate.decision.effect == {case}.effect with input as {case}.input{withs}\n}}\n"
    )


def _opa_test(stage: Path, *options: str) -> Any:
    ran = run_opa(
        opa_binary(), ["test", "-b", ".", "--format", "json", "--timeout", _TEST_TIMEOUT, *options], cwd=stage
    )
    try:
        answer = json.loads(ran.out)
    except ValueError as error:
        raise SettingsError(f"opa test: {(ran.err or ran.out).strip()}") from error
    if isinstance(answer, dict) and "errors" in answer:
        raise SettingsError(f"opa test: {json.dumps(answer['errors'])}")
    return answer


def _failure(result: dict[str, Any]) -> Complaint:
    place = result["location"]
    return Complaint(
        file=place["file"], line=place["row"], problem=f"{result['package']}.{result['name']} fails"
    )


def _unreached(measured: dict[str, Any]) -> Iterator[Complaint]:
    for file, lines in sorted(measured["files"].items()):
        if file.endswith("_test.rego"):
            continue
        for span in lines.get("not_covered", ()):
            yield Complaint(
                file=file,
                line=span["start"]["row"],
                problem=f"no test or case reaches lines {span['start']['row']} to {span['end']['row']}",
                remedy="add a case that does, or remove them",
            )


def _permille(measured: dict[str, Any]) -> int:
    return int(float(measured.get("coverage", 0.0)) * 1000 / _WHOLE)
