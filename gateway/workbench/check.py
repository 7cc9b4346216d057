"""`loopgate policy check`: everything that can be said of a policy folder without judging anything."""

from collections.abc import Iterable
from pathlib import Path

from gateway.adapters.opa.binary import opa_binary
from gateway.core.errors import SettingsError
from gateway.workbench.annotations import annotated, inspected
from gateway.workbench.cases import cases
from gateway.workbench.complaints import Complaint
from gateway.workbench.conventions import forbidden_calls, metadata, ownership, rule_folders
from gateway.workbench.data_files import policy_data
from gateway.workbench.fact_paths import fact_paths
from gateway.workbench.fail_open import all_findings
from gateway.workbench.opa_checks import formatting, types
from gateway.workbench.regal import regal
from gateway.workbench.syntax import modules


def check(folder: Path) -> tuple[Complaint, ...]:
    """Every complaint about the policy folder, by file and line; empty when there is nothing to say.

    What keeps other checks from running (Rego that does not parse, data of the wrong form) is a complaint too.
    """
    try:
        loaded = modules(folder)
        blocks = annotated(inspected(opa_binary(), folder))
    except SettingsError as error:
        return (Complaint(file=".", line=1, problem=error.detail, remedy="mend this first"),)
    found = (
        *formatting(folder),
        *types(folder),
        *ownership(loaded),
        *rule_folders(folder, loaded),
        *metadata((block for block in blocks if not block.file.endswith("_test.rego")), loaded),
        *forbidden_calls(loaded),
        *all_findings(loaded),
        *fact_paths(loaded),
        *_data_complaints(folder),
        *regal(folder),
    )
    return _sorted(found)


def _data_complaints(folder: Path) -> Iterable[Complaint]:
    for read in (policy_data, cases):
        try:
            read(folder)
        except SettingsError as error:
            yield Complaint(file="data" if read is policy_data else "cases", line=1, problem=error.detail)


def _sorted(found: Iterable[Complaint]) -> tuple[Complaint, ...]:
    return tuple(sorted(set(found), key=lambda one: (one.file, one.line, one.problem)))
