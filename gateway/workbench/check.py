"""`loopgate policy check`: everything that can be said of a policy folder without judging anything."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from gateway.adapters.opa.binary import opa_binary
from gateway.core.errors import SettingsError
from gateway.workbench.annotations import annotated, inspected
from gateway.workbench.build import stage_rego
from gateway.workbench.cases import cases
from gateway.workbench.complaints import Complaint
from gateway.workbench.conventions import forbidden_calls, metadata, ownership, rule_folders
from gateway.workbench.data_files import policy_data
from gateway.workbench.differential_lint import engine_differences
from gateway.workbench.fact_paths import fact_paths
from gateway.workbench.fail_open import all_findings
from gateway.workbench.finding_forms import closed_to_teams, finding_forms
from gateway.workbench.opa_checks import formatting, types
from gateway.workbench.regal import regal
from gateway.workbench.syntax import Module, modules


def check(folder: Path) -> tuple[Complaint, ...]:
    """Every complaint about the policy folder, by file and line; empty when there is nothing to say.

    What keeps other checks from running (Rego that does not parse, data of the wrong form) is a complaint too.
    """
    try:
        loaded = modules(folder)
    except SettingsError as error:
        return (_unreadable(error),)
    found = (
        *formatting(folder),
        *types(folder),
        *ownership(loaded),
        *rule_folders(folder, loaded),
        *_metadata_complaints(folder, loaded),
        *forbidden_calls(loaded),
        *closed_to_teams(loaded),
        *all_findings(loaded),
        *engine_differences(loaded),
        *fact_paths(loaded),
        *_data_complaints(folder),
        *regal(folder),
    )
    return _sorted(found)


def _metadata_complaints(folder: Path, loaded: tuple[Module, ...]) -> Iterable[Complaint]:
    with tempfile.TemporaryDirectory(prefix="loopgate-check-") as scratch:
        try:
            stage_rego(folder, Path(scratch))
            blocks = annotated(inspected(opa_binary(), Path(scratch)))
        except SettingsError:
            return  # what does not compile is already a complaint of `types`
    yield from metadata(blocks, loaded)
    named = {
        block.package: frozenset(str(b.custom["code"]) for b in blocks if b.package == block.package)
        for block in blocks
    }
    yield from finding_forms(loaded, named)


def _unreadable(error: SettingsError) -> Complaint:
    """A module that does not parse: nothing else can be said before it does."""
    file, _, rest = error.detail.partition(":")
    line, _, problem = rest.partition(": ")
    return Complaint(file=file, line=int(line), problem=problem, remedy="mend this first")


def _data_complaints(folder: Path) -> Iterable[Complaint]:
    for read in (policy_data, cases):
        try:
            read(folder)
        except SettingsError as error:
            yield Complaint(file="data" if read is policy_data else "cases", line=1, problem=error.detail)


def _sorted(found: Iterable[Complaint]) -> tuple[Complaint, ...]:
    return tuple(sorted(set(found), key=lambda one: (one.file, one.line, one.problem)))
