"""What OPA itself checks: formatting, types against the policy input's schema, and the allowed builtins."""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.command import run_opa
from gateway.workbench.builtins_refused import instead_of
from gateway.workbench.complaints import Complaint
from gateway.workbench.schema import flattened_schema

_SOURCES = ("gate", "lib", "rules")
_UNDEFINED = re.compile(r"undefined function (?P<name>[\w.]+)")


def formatting(folder: Path) -> Iterator[Complaint]:
    """Files that `opa fmt` would write otherwise."""
    ran = run_opa(opa_binary(), ["fmt", "--list", *_present(folder)], cwd=folder)
    for file in ran.out.split():
        yield Complaint(file=file, line=1, problem="not formatted", remedy=f"run `opa fmt --write {file}`")


def types(folder: Path) -> Iterator[Complaint]:
    """What `opa check --strict` finds, `input` typed by the model of the policy input, builtins by capabilities.json."""
    with tempfile.TemporaryDirectory(prefix="loopgate-schema-") as scratch:
        schema = Path(scratch) / "policy_input.json"
        schema.write_text(json.dumps(flattened_schema()), encoding="utf-8")
        capabilities = (folder / "capabilities.json").resolve()
        options = ["--strict", "--format", "json", "--max-errors", "0", "--schema", str(schema)]
        for sources, limits in (
            (_without_tests(folder), ["--capabilities", str(capabilities)]),
            (_present(folder), []),
        ):
            ran = run_opa(opa_binary(), ["check", *options, *limits, *sources], cwd=folder)
            found = tuple(_complaints(ran.out or ran.err)) if ran.status else ()
            yield from found
            if found:
                return


def _complaints(printed: str) -> Iterator[Complaint]:
    try:
        errors = json.loads(printed).get("errors", [])
    except ValueError:
        errors = [{"message": printed.strip()}]
    for error in errors:
        place = error.get("location") or {}
        message = error.get("message", "")
        yield Complaint(
            file=place.get("file", "."),
            line=place.get("row", 1),
            problem=_problem(message),
            remedy=_remedy(message),
        )


def _problem(message: str) -> str:
    missing = _UNDEFINED.search(message)
    return f"{missing['name']} is not among the builtins of capabilities.json" if missing else message


def _remedy(message: str) -> str:
    missing = _UNDEFINED.search(message)
    if not missing:
        return ""
    return instead_of(missing["name"])


def _present(folder: Path) -> list[str]:
    return [part for part in _SOURCES if (folder / part).is_dir()]


def _without_tests(folder: Path) -> list[str]:
    """The files one by one: tests may use builtins that rules may not."""
    found = (path for part in _SOURCES for path in sorted((folder / part).rglob("*.rego")))
    return [path.relative_to(folder).as_posix() for path in found if not path.name.endswith("_test.rego")]
