"""Cases: what they say, how they differ from their base, and what the runner reports."""

from pathlib import Path

import pytest

from gateway.core.errors import SettingsError
from gateway.workbench.build import build
from gateway.workbench.case_runs import run_cases, server_answers, wasm_answers
from gateway.workbench.cases import cases
from gateway.workbench.coverage import coverage
from gateway.workbench.verdict_checks import differences
from tests.gateway.workbench.trees import SHIPPED, shipped_copy

FILE = "rules/blast/files/cases.yaml"


def written(tmp_path: Path, text: str) -> Path:
    """The shipped library with other cases for one rule."""
    folder = shipped_copy(tmp_path)
    (folder / FILE).write_text(text, encoding="utf-8")
    return folder


def documents(folder: Path) -> list[dict[str, object]]:
    return [one.document for one in cases(folder) if one.file == FILE]


def test_a_case_is_its_base_with_what_differs(tmp_path: Path) -> None:
    text = "- {name: a, base: commit, set: {diff.files_changed: 45}, remove: [diff.base], effect: deny, codes: []}\n"
    (document,) = documents(written(tmp_path, text))
    diff = document["diff"]
    assert isinstance(diff, dict)
    assert diff["files_changed"] == 45
    assert "base" not in diff


def test_a_list_takes_its_total_along_unless_the_case_sets_it(tmp_path: Path) -> None:
    text = (
        "- {name: a, base: commit, set: {diff.paths: [a, b, c]}, effect: deny, codes: []}\n"
        "- {name: b, base: commit, set: {diff.paths: [a, b, c], diff.paths_total: 9}, effect: deny, codes: []}\n"
        "- {name: c, base: commit, set: {text.closes.+: SHOP-1}, effect: deny, codes: []}\n"
    )
    one, two, three = documents(written(tmp_path, text))
    assert one["diff"]["paths_total"] == 3  # type: ignore[index]
    assert two["diff"]["paths_total"] == 9  # type: ignore[index]
    assert three["text"]["total"] == 1  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {name: a, base: commit, effect: perhaps, codes: []}\n", f"{FILE}:1: effect"),
        ("- {name: a, base: commit, effect: deny}\n", f"{FILE}:1: codes"),
        ("[]\n---\n", "but found another document"),
        ("a: b\n", f"{FILE}:1: a cases file is a list"),
        (
            "# why\n- {name: a, base: gone, effect: deny, codes: []}\n",
            f"{FILE}:2: there is no bases/gone.yaml",
        ),
        (
            "- {name: a, base: commit, set: {diff.x.y: 1}, effect: deny, codes: []}\n",
            "no such place in base commit",
        ),
        (
            "- {name: a, base: commit, remove: [diff.x], effect: deny, codes: []}\n",
            "no such place in base commit",
        ),
    ],
)
def test_a_case_that_is_none_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message.replace("[", r"\[")):
        cases(written(tmp_path, text))


def test_a_base_that_is_no_policy_input_is_named(tmp_path: Path) -> None:
    folder = shipped_copy(tmp_path)
    base = folder / "bases" / "commit.yaml"
    base.write_text(
        base.read_text(encoding="utf-8").replace("files_changed: ", "files_changd: "), encoding="utf-8"
    )
    with pytest.raises(SettingsError, match=r"commit\.yaml: diff\.files_chang"):
        cases(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("effect: allow, codes: [BLAST-001]", "the effect is require_approval, expected allow"),
        ("effect: require_approval, codes: []", "findings are ['BLAST-001'], expected []"),
        (
            "effect: require_approval, codes: [BLAST-001], facts: {BLAST-001: {files: 44}}",
            "expected at least {'files': 44}",
        ),
        (
            "effect: require_approval, codes: [BLAST-001], facts: {BLAST-001: {path: 44}}",
            "expected at least {'path': 44}",
        ),
        (
            "effect: require_approval, codes: [BLAST-001], shadow: [BLAST-001]",
            "shadow are [], expected ['BLAST-001']",
        ),
        ("effect: require_approval, codes: [BLAST-001], waived: [BLAST-001]", "waived are []"),
        ("effect: require_approval, codes: [BLAST-001], warnings: [BLAST-001]", "warnings are []"),
    ],
)
async def test_a_case_that_does_not_hold_says_how(tmp_path: Path, line: str, problem: str) -> None:
    text = f"- {{name: a, base: commit, set: {{diff.files_changed: 45}}, {line}}}\n"
    folder = written(tmp_path, text)
    placed = [one for one in cases(folder) if one.file == FILE]
    answers = await wasm_answers(build(folder, tmp_path / "out"), placed)
    found = [
        str(complaint)
        for one, answer in zip(placed, answers, strict=True)
        for complaint in differences(one, answer)
    ]
    assert any(problem in complaint for complaint in found), found
    assert all(complaint.startswith(f"{FILE}:1: “a”") for complaint in found)


@pytest.mark.slow
async def test_a_rule_that_never_fires_in_any_case_is_reported(tmp_path: Path) -> None:
    folder = written(tmp_path, "[]\n")
    for other in [*folder.rglob("cases.yaml")]:
        text = other.read_text(encoding="utf-8")
        other.write_text("[]\n" if "BLAST-001" in text else text, encoding="utf-8")
    report = await run_cases(folder, server=False)
    assert "rules/blast/files/cases.yaml:1: no case makes BLAST-001 fire; add one" in map(
        str, report.complaints
    )


@pytest.mark.slow
async def test_engines_that_differ_are_reported_with_both_answers(tmp_path: Path) -> None:
    folder = shipped_copy(tmp_path)
    rule = folder / "rules" / "blast" / "files" / "files.rego"
    # OPA's `**` matches a line break, WASM's does not: the one difference that every house must know of.
    different = 'not facts.within(files, limit)\n\tglob.match("a**", ["/"], "a\\nb")'
    rule.write_text(
        rule.read_text(encoding="utf-8").replace("not facts.within(files, limit)", different),
        encoding="utf-8",
    )
    assert different in rule.read_text(encoding="utf-8")
    report = await run_cases(folder)
    assert any("the engines differ" in complaint.problem for complaint in report.complaints)


async def test_data_of_a_case_is_gone_with_the_case(tmp_path: Path) -> None:
    (shadowed,) = (
        one for one in cases(SHIPPED) if one.case.name == "a shadow rule is shown and changes nothing"
    )
    plain = shadowed.model_copy(update={"case": shadowed.case.model_copy(update={"data": {}})})
    answers = await wasm_answers(build(SHIPPED, tmp_path), [plain, shadowed, plain])
    assert [answer["effect"] for answer in answers] == ["require_approval", "allow", "require_approval"]


@pytest.mark.slow
def test_a_line_that_nothing_reaches_is_named(tmp_path: Path) -> None:
    folder = shipped_copy(tmp_path)
    gate = folder / "gate" / "gate.rego"
    gate.write_text(
        gate.read_text(encoding="utf-8") + '\n_unused if input.version == "never"\n', encoding="utf-8"
    )
    last = len(gate.read_text(encoding="utf-8").splitlines())
    assert any(
        (one.file, one.line) == ("gate/gate.rego", last) and "no test or case reaches" in one.problem
        for one in coverage(folder).complaints
    )


@pytest.mark.slow
def test_a_test_that_fails_is_named(tmp_path: Path) -> None:
    folder = shipped_copy(tmp_path)
    test = folder / "gate" / "gate_test.rego"
    test.write_text(test.read_text(encoding="utf-8") + "\ntest_never if 1 == 2\n", encoding="utf-8")
    (complaint,) = coverage(folder).complaints
    assert complaint.file == "gate/gate_test.rego"
    assert "test_never fails" in complaint.problem


async def test_a_server_gives_an_answer_for_every_case_in_its_place(tmp_path: Path) -> None:
    built = build(SHIPPED, tmp_path)
    placed = [one for one in cases(SHIPPED) if one.file == "gate/cases.yaml"][::6]
    assert [answer["effect"] for answer in await server_answers(built, placed)] == [
        one.case.effect for one in placed
    ]
