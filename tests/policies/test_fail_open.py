"""Classic ways to let an action through by mistake: each is caught, and the file says by whom and at which line.

`check` sees it in the syntax tree. Where only the author knows what is meant, the gate's contract of facts denies when
the fact is missing, or `mutate` shows that no case would notice.
"""

import copy
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.opa.wasm import WasmEvaluator
from gateway.workbench.build import build
from gateway.workbench.cases import bases
from gateway.workbench.check import check
from gateway.workbench.complaints import Complaint
from gateway.workbench.mutations import MutationReport, Plan, mutate
from tests.policies.fail_open_cases import POLICIES, Mistake, file_of, library_with, mistakes

pytestmark = pytest.mark.slow

CHECKED, DENIED, MUTATED = mistakes("check"), mistakes("contract"), mistakes("mutate")
NAMES = [one.name for one in mistakes()]
Answers = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> tuple[Complaint, ...]:
    return check(library_with(tmp_path_factory.mktemp("mistakes"), mistakes(), corrected=False))


@pytest.fixture(scope="module")
def complaints_of_corrected(tmp_path_factory: pytest.TempPathFactory) -> tuple[Complaint, ...]:
    return check(library_with(tmp_path_factory.mktemp("corrected"), mistakes(), corrected=True))


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return _answers(tmp_path_factory.mktemp("answers"), corrected=False)


@pytest.fixture(scope="module")
def answers_of_corrected(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return _answers(tmp_path_factory.mktemp("answers-corrected"), corrected=True)


@pytest.fixture(scope="module")
def mutated(tmp_path_factory: pytest.TempPathFactory) -> MutationReport:
    return _mutated(tmp_path_factory.mktemp("mutated"), corrected=False)


@pytest.fixture(scope="module")
def mutated_corrected(tmp_path_factory: pytest.TempPathFactory) -> MutationReport:
    return _mutated(tmp_path_factory.mktemp("mutated-corrected"), corrected=True)


def _answers(folder: Path, *, corrected: bool) -> Answers:
    """What the gate answers when each mistake's fact is lost."""
    built = build(library_with(folder, DENIED, corrected=corrected), folder / "built", packed=False)
    evaluator = WasmEvaluator(built.wasm_path.read_bytes(), built.data, pool=1, timeout_seconds=5)
    found = {one.name: evaluator.evaluate_now(_without(one)) for one in DENIED}
    evaluator.close_now()
    return found


def _without(one: Mistake) -> dict[str, Any]:
    document = copy.deepcopy(bases(POLICIES)[one.base])
    *above, last = one.loses.split(".")
    holder = document
    for part in above:
        holder = holder[part]
    holder.pop(last)
    return document


def _mutated(folder: Path, *, corrected: bool) -> MutationReport:
    policies = library_with(folder, MUTATED, corrected=corrected)
    rules = tuple(f"rules/demo/{one.name}" for one in MUTATED)
    return mutate(policies, Plan(rules=rules, retypings=0), lambda _: None)


def test_there_are_forty_and_each_of_the_three_catches_some() -> None:
    counted = Counter(one.by for one in mistakes())
    assert sum(counted.values()) >= 40
    assert set(counted) == {"check", "contract", "mutate"}
    assert min(counted.values()) >= 5


@pytest.mark.parametrize("mistake", CHECKED, ids=lambda one: one.name)
def test_check_names_the_mistake_at_its_line(mistake: Mistake, complaints: tuple[Complaint, ...]) -> None:
    own = [one for one in complaints if one.file == file_of(mistake)]
    found = [one for one in own if mistake.says in one.problem and one.line == mistake.line]
    assert found, [str(one) for one in own]
    assert all(one.remedy for one in found)


@pytest.mark.parametrize("mistake", [*DENIED, *MUTATED], ids=lambda one: one.name)
def test_what_check_cannot_know_it_leaves_alone(mistake: Mistake, complaints: tuple[Complaint, ...]) -> None:
    """So that the two below show that the others catch it, not the lint."""
    assert [str(one) for one in complaints if one.file == file_of(mistake)] == []


@pytest.mark.parametrize("mistake", DENIED, ids=lambda one: one.name)
def test_the_contract_denies_where_the_rule_says_nothing(mistake: Mistake, answers: Answers) -> None:
    codes = {finding["code"] for finding in answers[mistake.name]["findings"]}
    assert mistake.code not in codes
    assert mistake.says in codes
    assert answers[mistake.name]["effect"] == "deny"


@pytest.mark.parametrize("mistake", DENIED, ids=lambda one: one.name)
def test_the_corrected_rule_speaks_for_itself(mistake: Mistake, answers_of_corrected: Answers) -> None:
    assert mistake.code in {finding["code"] for finding in answers_of_corrected[mistake.name]["findings"]}


@pytest.mark.parametrize("mistake", MUTATED, ids=lambda one: one.name)
def test_mutate_shows_what_no_case_notices(mistake: Mistake, mutated: MutationReport) -> None:
    survived = {
        (one.row, one.operator)
        for score in mutated.rules
        for one in score.survivors
        if one.file == file_of(mistake)
    }
    loosened = {one.mutation for one in mutated.inputs.loosened if f"/{mistake.name}/" in one.file}
    assert (mistake.line, mistake.says) in survived or mistake.says in loosened


@pytest.mark.parametrize("mistake", MUTATED, ids=lambda one: one.name)
def test_mutate_is_content_with_the_corrected_form(
    mistake: Mistake, mutated_corrected: MutationReport
) -> None:
    (score,) = (one for one in mutated_corrected.rules if one.rule.endswith(f"/{mistake.name}"))
    assert score.enough, [str(one) for one in score.survivors]
    assert not [one for one in mutated_corrected.inputs.loosened if f"/{mistake.name}/" in one.file]


@pytest.mark.parametrize("name", NAMES)
def test_the_corrected_form_passes(name: str, complaints_of_corrected: tuple[Complaint, ...]) -> None:
    assert [str(one) for one in complaints_of_corrected if f"/{name}/" in one.file] == []
