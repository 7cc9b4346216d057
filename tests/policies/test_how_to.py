"""The rule that docs/how-to/write-a-rule.md writes is a rule: it checks, runs on both engines, and is covered."""

import re
import shutil
from pathlib import Path

import pytest

from gateway.workbench.case_runs import run_cases
from gateway.workbench.check import check
from gateway.workbench.coverage import coverage

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def library_with_the_rule(folder: Path) -> Path:
    """A copy of the shipped library with the how-to's rule, test, cases and limit in place."""
    text = (ROOT / "docs" / "how-to" / "write-a-rule.md").read_text(encoding="utf-8")
    blocks = _BLOCK.findall(text)
    (rule, _, test), (limit, cases, _) = ([t for kind, t in blocks if kind == k] for k in ("rego", "yaml"))
    policies = folder / "policies"
    shutil.copytree(ROOT / "policies", policies)
    home = policies / "rules" / "blast" / "folders"
    home.mkdir()
    for name, content in (("folders.rego", rule), ("folders_test.rego", test), ("cases.yaml", cases)):
        (home / name).write_text(content, encoding="utf-8")
    params = policies / "data" / "params.yaml"
    added = limit.split("params:\n")[1]
    params.write_text(params.read_text(encoding="utf-8") + added, encoding="utf-8")
    return policies


@pytest.mark.slow
async def test_the_rule_of_the_how_to_is_complete(tmp_path: Path) -> None:
    policies = library_with_the_rule(tmp_path)

    assert check(policies) == ()
    assert (await run_cases(policies)).complaints == ()
    assert coverage(policies).complaints == ()


@pytest.mark.slow
def test_a_how_to_rule_that_is_read_directly_would_be_refused(tmp_path: Path) -> None:
    policies = library_with_the_rule(tmp_path)
    rule = policies / "rules" / "blast" / "folders" / "folders.rego"
    careless = rule.read_text(encoding="utf-8").replace(
        "not facts.within(folders, limit)", "not input.blast.dirs <= limit"
    )
    rule.write_text(careless, encoding="utf-8")

    assert any(complaint.file.endswith("folders.rego") for complaint in check(policies))
