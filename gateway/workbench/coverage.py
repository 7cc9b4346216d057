"""`opa test`: the `_test.rego` files, and which lines of Rego neither they nor the cases reach."""

import json
import re
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
from gateway.workbench.cases import PlacedCase, cases
from gateway.workbench.cases_in_rego import given, held
from gateway.workbench.complaints import Complaint

_SOURCES = ("gate", "lib", "rules")
_WHOLE = 100.0
_TEST = re.compile(r"^(test_\w+)", re.MULTILINE)
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
        measured = _opa_test(stage, "--coverage")
        # With a failing test OPA prints no coverage at all, and does not say which it was.
        failed = () if "files" in measured else tuple(_failures(_opa_test(stage)))
        tests = _count_tests(stage)
    if failed:
        return CoverageReport(tests=tests, permille=0, complaints=failed)
    return CoverageReport(tests=tests, permille=_permille(measured), complaints=tuple(_unreached(measured)))


def _stage(folder: Path, stage: Path, data: dict[str, Any], placed: Sequence[PlacedCase]) -> None:
    for part in _SOURCES:
        for source in (folder / part).rglob("*.rego"):
            target = stage / source.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    (stage / "cases_test.rego").write_text(_cases_module(placed), encoding="utf-8")
    inputs = {str(place): held(one, data) for place, one in enumerate(placed)}
    (stage / "data.json").write_bytes(canonical_bytes({**data, "workbench_cases": inputs}))


def _cases_module(placed: Sequence[PlacedCase]) -> str:
    """One test per case, because the parts of data that a case replaces must be named in the text."""
    tests = "\n".join(_case_test(place, one) for place, one in enumerate(placed))
    return f"package workbench_cases_test\n\n{tests}"


def _case_test(place: int, placed: PlacedCase) -> str:
    """A rule's own case reaches that rule; the gate's cases, and those about modes and exceptions, reach the gate."""
    case, rule = placed.case, placed.file.split("/")
    beyond = {path.split(".")[0] for path in case.data} - {"params"}
    if rule[0] != "rules" or beyond or case.waived or case.shadow:
        asked = f'data.gate.decision.effect == data.workbench_cases["{place}"].effect'
    else:
        asked = f"is_set(data.{'.'.join(rule[:-1])}.findings)"
    return f"# {placed.file}:{placed.line}\ntest_case_{place} if {{\n\t{asked}{given(place, placed)}\n}}\n"


def _count_tests(stage: Path) -> int:
    """How many tests there are, each case being one."""
    texts = (path.read_text("utf-8") for path in stage.rglob("*_test.rego"))
    return sum(len(set(_TEST.findall(text))) for text in texts)


def _opa_test(stage: Path, *options: str) -> Any:
    ran = run_opa(
        opa_binary(), ["test", "-b", ".", "--format", "json", "--timeout", _TEST_TIMEOUT, *options], cwd=stage
    )
    if ran.status and "--coverage" in options:
        return {}
    try:
        answer = json.loads(ran.out)
    except ValueError as error:
        raise SettingsError(f"opa test: {(ran.err or ran.out).strip()}") from error
    if isinstance(answer, dict) and "errors" in answer:
        raise SettingsError(f"opa test: {json.dumps(answer['errors'])}")
    return answer


def _failures(results: Any) -> Iterator[Complaint]:
    for one in results:
        if one.get("fail") or one.get("error"):
            place, name = one["location"], f"{one['package']}.{one['name']}"
            yield Complaint(file=place["file"], line=place["row"], problem=f"{name} fails")


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
