"""`policy check`: each thing wrong is named with file, line and what to write instead."""

from pathlib import Path

import pytest

from gateway.workbench.check import check
from tests.gateway.workbench.test_build import RULE
from tests.gateway.workbench.trees import FAULTY_GATE, shipped_copy, tree

TEST = "package rules.demo.rule_test\n\nimport data.rules.demo.rule\n\ntest_silent if rule.findings == set() with input as {}\n"


def complaints(folder: Path) -> list[str]:
    return [str(complaint) for complaint in check(folder)]


def demo(tmp_path: Path, rule: str = RULE, **files: str) -> Path:
    """A folder with one rule that has nothing wrong with it, but for what the test changes."""
    name = "rules/demo/rule"
    own = {f"{name}/rule.rego": rule, f"{name}/rule_test.rego": TEST, f"{name}/cases.yaml": "[]\n"}
    gate = "package gate\n\ndecision := {}\n"
    return tree(
        tmp_path,
        {"gate/gate.rego": gate, **own, **{key.replace("__", "/"): text for key, text in files.items()}},
    )


def test_a_rule_as_it_should_be_has_nothing_wrong(tmp_path: Path) -> None:
    assert complaints(demo(tmp_path)) == []


BODY = RULE.replace("\nfindings", "\nimport data.lib.facts\n\nfindings")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            RULE.replace(" if false", "  if false"),
            "rule.rego:1: not formatted; run `opa fmt --write rules/demo/rule/rule.rego`",
        ),
        (RULE.replace("if false", "if input.action.typo"), "rule.rego:13: undefined ref: input.action.typo"),
        (
            RULE.replace("if false", 'if sprintf("%d", [1]) == "1"'),
            "rule.rego:13: sprintf is not among the builtins of capabilities.json; put values into the finding's facts",
        ),
        (
            RULE.replace("if false", "if time.now_ns() == 3"),
            "time.now_ns is not among the builtins of capabilities.json; use facts.now_ms",
        ),
        (
            RULE.replace("rules.demo.rule", "gate.grants"),
            "package gate.grants does not belong in this folder; write package rules.demo.rule",
        ),
        (
            RULE.replace("rules.demo.rule", "rules.other.rule"),
            "package rules.other.rule does not belong in this folder",
        ),
        (RULE.replace("findings contains {", "findings := {"), "findings must be a set"),
        (RULE.replace("#   retry: never\n", ""), "METADATA custom.retry: Field required"),
        (
            RULE.replace("severity: low", "severity: huge"),
            "severity huge is not one of critical, high, low, medium",
        ),
        (RULE.replace("Nothing to do.", '""'), "METADATA has no remediation"),
        (RULE.replace("#   controls: [CC8.1]\n", ""), "METADATA names no controls"),
        (RULE.replace("#   code: DEMO-001\n", ""), "the package has no METADATA with custom.code"),
        (RULE.replace("code: DEMO-001", "code: OUT_OF_SCOPE"), "code OUT_OF_SCOPE is taken"),
        (RULE.replace("if false", 'if print("x")'), "print"),
        (
            BODY.replace("if false", 'if facts.at(["diff", "pahts"]) == 3'),
            "the policy input has no diff.pahts; known there: additions, base, deletions",
        ),
        (
            BODY.replace("if false", 'if facts.present("dif")'),
            "the policy input has no dif; known there: action",
        ),
        (
            BODY.replace("if false", 'if facts.at(["agent", "status"]) == "asleep"'),
            "agent.status is never “asleep”; it is one of active, suspended",
        ),
        (
            RULE.replace("if false", 'if not startswith(input.action.type, "a")'),
            "can be undefined (`input.action.type`)",
        ),
    ],
)
def test_what_is_wrong_with_a_rule_is_named(tmp_path: Path, rule: str, expected: str) -> None:
    found = complaints(demo(tmp_path, rule))
    assert any(expected in complaint for complaint in found), found
    assert all(complaint.startswith("rules/demo/rule/rule") for complaint in found)


@pytest.mark.parametrize("name", ["rule_test.rego", "cases.yaml"])
def test_a_rule_comes_with_its_test_and_its_cases(tmp_path: Path, name: str) -> None:
    folder = demo(tmp_path)
    (folder / "rules/demo/rule" / name).unlink()
    assert complaints(folder) == [f"rules/demo/rule/rule.rego:1: the rule's folder has no {name}; add it"]


def test_a_team_cannot_add_to_the_gate_or_to_another_team(tmp_path: Path) -> None:
    folder = demo(tmp_path)
    (folder / "rules/demo/rule/more.rego").write_text("package gate\n\ndecision := 7\n", encoding="utf-8")
    assert any("package gate does not belong" in complaint for complaint in complaints(folder))


@pytest.mark.slow
def test_two_rules_cannot_have_one_code(tmp_path: Path) -> None:
    folder = shipped_copy(tmp_path)
    rule = folder / "rules/blast/files/files.rego"
    rule.write_text(
        rule.read_text(encoding="utf-8").replace("code: BLAST-001", "code: BLAST-003"), encoding="utf-8"
    )
    assert any("code BLAST-003 is taken" in complaint for complaint in complaints(folder))


def test_rego_that_does_not_parse_is_a_complaint(tmp_path: Path) -> None:
    folder = demo(tmp_path, RULE.replace("if false", "if"))
    (complaint,) = complaints(folder)
    assert "rule.rego:14" in complaint
    assert "mend this first" in complaint


def test_data_and_cases_of_the_wrong_form_are_complaints(tmp_path: Path) -> None:
    folder = demo(tmp_path)
    (folder / "data/modes.yaml").write_text("modes: {XX-001: {mode: maybe}}\n", encoding="utf-8")
    (folder / "rules/demo/rule/cases.yaml").write_text(
        "- {name: a, base: gone, effect: deny, codes: []}\n", encoding="utf-8"
    )
    found = complaints(folder)
    assert any("modes.XX-001.mode" in complaint for complaint in found)
    assert any("cases.yaml:1: there is no bases/gone.yaml" in complaint for complaint in found)


def test_the_faulty_gate_of_these_tests_is_full_of_complaints(tmp_path: Path) -> None:
    folder = tree(tmp_path, {"gate/gate.rego": FAULTY_GATE})
    assert any("is read directly" in complaint for complaint in complaints(folder))
