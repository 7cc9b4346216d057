"""`policy new`: what it writes passes at once, and it overwrites nothing."""

from pathlib import Path

import pytest

from gateway.core.errors import SettingsError
from gateway.workbench.case_runs import run_cases
from gateway.workbench.check import check
from gateway.workbench.coverage import coverage
from gateway.workbench.mutations import Plan, mutate
from gateway.workbench.new_rule import new_rule, next_code
from tests.gateway.workbench.trees import shipped_copy


@pytest.mark.slow
async def test_a_new_rule_passes_check_and_test_and_mutate_at_once(tmp_path: Path) -> None:
    folder = shipped_copy(tmp_path)
    made = new_rule(folder, "quality/size", "Size: what it is")

    assert made.code == "QUALITY-001"
    assert check(folder) == ()
    assert (await run_cases(folder)).complaints == ()
    assert coverage(folder).complaints == ()
    report = mutate(folder, Plan(rules=("rules/quality/size",)), lambda _: None)
    assert report.holds
    assert report.inputs.judged > 100


def test_a_team_keeps_its_letters_and_gets_its_next_number(tmp_path: Path) -> None:
    folder = shipped_copy(tmp_path)
    first = next_code(folder, "quality")
    made = new_rule(folder, "quality/size")

    assert (first, made.code, next_code(folder, "quality")) == ("QUALITY-001", "QUALITY-001", "QUALITY-002")
    assert next_code(folder, "blast").startswith("BLAST-")


@pytest.mark.parametrize(
    "name",
    [
        "size",
        "a/b/c",
        "../x",
        "Quality/size",
        "quality/with",
        "quality/size_test",
        "quality/",
        "gate/x",
        "q/x",
    ],
)
def test_a_name_that_cannot_be_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    folder = shipped_copy(tmp_path)
    before = sorted(folder.rglob("*"))

    with pytest.raises(SettingsError):
        new_rule(folder, name)
    assert sorted(folder.rglob("*")) == before


def test_a_rule_that_exists_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is there already"):
        new_rule(shipped_copy(tmp_path), "blast/files")


@pytest.mark.parametrize("title", ["", "  ", "a\x07b", "x" * 81])
def test_a_title_is_one_short_line(tmp_path: Path, title: str) -> None:
    with pytest.raises(SettingsError, match="a title is one line"):
        new_rule(shipped_copy(tmp_path), "quality/size", title)


def test_a_folder_that_is_no_policy_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no policy folder"):
        new_rule(tmp_path, "quality/size")
