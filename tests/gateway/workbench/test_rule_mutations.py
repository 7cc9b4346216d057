"""Mistakes planted in rules: where, what they read like, and who must notice."""

from pathlib import Path

import pytest

from gateway.core.errors import SettingsError
from gateway.workbench.mutations import Plan, Survivor, mutants_of, mutate, rules_of
from gateway.workbench.mutations_explained import explanations
from gateway.workbench.mutations_in_rules import OPERATORS, RuleMutant
from tests.gateway.workbench.trees import SHIPPED, shipped_copy


def planted(rule: str, operator: str) -> list[RuleMutant]:
    return [one for one in mutants_of(SHIPPED, rule) if one.operator == operator]


def test_every_operator_finds_a_place_in_the_library() -> None:
    rules = (
        "rules/blast/files",
        "rules/flow/branch",
        "rules/rate/actions",
        "rules/break/glass",
        "rules/deploy/rollback",
    )
    found = {one.operator for rule in rules for one in mutants_of(SHIPPED, rule)}
    assert set(OPERATORS) - found <= {"swap < and <="}
    assert len(found) >= len(OPERATORS) - 1


def test_a_mutant_differs_from_the_module_at_its_line_only() -> None:
    text = (SHIPPED / "rules/blast/files/files.rego").read_text("utf-8")
    (mutant,) = planted("rules/blast/files", "negate a condition")[:1]
    changed = [
        number
        for number, (a, b) in enumerate(zip(text.splitlines(), mutant.text.splitlines(), strict=True), 1)
        if a != b
    ]
    assert changed == [mutant.row]
    assert mutant.becomes == f"not {mutant.was}" or mutant.was == f"not {mutant.becomes}"


def test_a_rule_is_named_by_code_or_by_team_and_name() -> None:
    assert rules_of(SHIPPED, "BLAST-001") == rules_of(SHIPPED, "blast/files") == ("rules/blast/files",)
    assert len(rules_of(SHIPPED, None)) > 30
    with pytest.raises(SettingsError, match="no rule NO-001"):
        rules_of(SHIPPED, "NO-001")


@pytest.mark.slow
def test_what_no_case_notices_survives_until_it_is_explained(tmp_path: Path) -> None:
    folder = shipped_copy(tmp_path)
    home = folder / "rules/blast/files"
    (home / "files_test.rego").write_text("package rules.blast.files_test\n\ntest_none if 1 == 1\n", "utf-8")
    (home / "cases.yaml").write_text("[]\n", "utf-8")
    plan = Plan(rules=("rules/blast/files",), inputs=False)
    (score,) = mutate(folder, plan, lambda _: None).rules
    assert not score.enough
    assert score.noticed == 0

    entries = "".join(_explained(one) for one in score.survivors)
    (home / "survivors.yaml").write_text(entries, "utf-8")
    report = mutate(folder, plan, lambda _: None)
    assert report.holds
    assert report.rules[0].explained == score.judged


@pytest.mark.slow
def test_an_explanation_of_nothing_is_a_complaint(tmp_path: Path) -> None:
    folder = shipped_copy(tmp_path)
    entry = "- {operator: negate a condition, within: findings, was: gone, becomes: not gone, reason: old}\n"
    (folder / "rules/blast/files/survivors.yaml").write_text(entry, "utf-8")
    (score,) = mutate(folder, Plan(rules=("rules/blast/files",), inputs=False), lambda _: None).rules
    assert ["no mutant survives" in one.problem for one in score.complaints] == [True]
    assert not score.enough


def test_an_explanation_without_a_reason_is_refused(tmp_path: Path) -> None:
    folder = shipped_copy(tmp_path)
    entry = "- {operator: x, within: x, was: x, becomes: y, reason: ''}\n"
    (folder / "rules/blast/files/survivors.yaml").write_text(entry, "utf-8")
    with pytest.raises(SettingsError, match=r"survivors\.yaml:1: reason"):
        explanations(folder, "rules/blast/files")


@pytest.mark.slow
def test_the_same_seed_chooses_the_same_mutants() -> None:
    plan = Plan(rules=("rules/flow/branch",), inputs=False, most=6)
    one, two = (mutate(SHIPPED, plan, lambda _: None).rules[0] for _ in range(2))
    assert one == two
    assert one.judged + one.not_rego == 6
    assert one.left_out > 50


def _explained(one: Survivor) -> str:
    fields = {
        "operator": one.operator,
        "within": one.within,
        "was": one.was,
        "becomes": one.becomes,
        "reason": "none",
    }
    return (
        "- {"
        + ", ".join(f"{key}: '{value.replace(chr(39), chr(39) * 2)}'" for key, value in fields.items())
        + "}\n"
    )
