"""Both engines, asked the same: no input may be answered differently."""

import os
import random  # noqa: TID251 - seeded, and the seed is in the name of each input
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.opa.built import BuiltPolicy
from gateway.core.policy_input import PolicyInput
from gateway.workbench.build import build
from gateway.workbench.cases import bases, cases
from gateway.workbench.differential import Comparison, Difference, compare, told_differences
from gateway.workbench.differential_inputs import Inputs
from gateway.workbench.mutations_in_inputs import mutants
from tests.gateway.workbench.trees import SHIPPED, tree

SEED = int(os.environ.get("LOOPGATE_SEED", "20261122"))
MANY = int(os.environ.get("LOOPGATE_DIFFERENTIAL", "10000"))
LEAST_CODES = 40


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuiltPolicy:
    return build(SHIPPED, tmp_path_factory.mktemp("differential"))


def drawn(count: int, seed: int = SEED) -> Iterator[tuple[str, dict[str, Any]]]:
    return Inputs(bases(SHIPPED), random.Random(seed)).drawn(count)


def mutated(stride: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Mutations of every case that is judged under the data as built, every so many-th."""
    every = (
        (f"{one.file}:{one.line}: {name}", mutant)
        for one in cases(SHIPPED)
        if not one.case.data
        for name, mutant in mutants(one.document)
    )
    return islice(every, 0, None, stride)


def equal(found: Comparison) -> bool:
    """Whether nothing differs; the first differences are printed for whoever has to look."""
    print(*told_differences(found.differences), sep="\n")  # noqa: T201
    return found.differences == ()


async def test_sixty_drawn_inputs_are_judged_alike(built: BuiltPolicy) -> None:
    found = await compare(built, drawn(60))

    assert equal(found)
    assert found.judged + found.refused == 60
    assert found.judged > 40


@pytest.mark.slow
async def test_two_thousand_drawn_inputs_are_judged_alike_and_reach_most_rules(built: BuiltPolicy) -> None:
    found = await compare(built, drawn(2000))

    assert equal(found)
    assert found.judged > 1500
    assert found.refused > 50
    assert found.unanswered < found.judged / 20
    assert {"allow", "deny", "require_approval"} <= found.seen.keys()
    assert len(found.seen) - 3 > LEAST_CODES


@pytest.mark.soak
async def test_ten_thousand_drawn_inputs_are_judged_alike(built: BuiltPolicy) -> None:
    found = await compare(built, drawn(MANY, SEED + 1))

    assert equal(found)
    assert found.judged > MANY * 3 // 4


@pytest.mark.soak
async def test_every_mutation_is_judged_alike(built: BuiltPolicy) -> None:
    """All of them: hours. LOOPGATE_MUTATION_STRIDE takes every so many-th."""
    found = await compare(built, mutated(int(os.environ.get("LOOPGATE_MUTATION_STRIDE", "1"))))

    assert equal(found)
    assert found.judged > 1000


async def test_what_the_engines_answer_differently_is_told(tmp_path: Path) -> None:
    """The comparison can fail: a gate that lists a set's elements unsorted."""
    gate = """package gate

decision := {"effect": "deny", "findings": [], "waived": [], "shadow": [], "warnings": [], "grants": [], "missing": []
	, "reserve": [word | some word in {word | some word in input.words}]}
"""
    folder = tree(tmp_path / "policy", {"gate/gate.rego": gate})
    found = await compare(
        build(folder, tmp_path / "out"), [("few", {"words": ["a"]}), ("many", {"words": [*"zyxwvutsr"]})]
    )

    assert [one.name for one in found.differences] == ["many"]
    (line,) = told_differences(found.differences)
    assert line.startswith("many: WASM …")


async def test_an_input_without_a_canonical_form_reaches_no_engine(built: BuiltPolicy) -> None:
    found = await compare(built, [("a fraction", {"x": 0.5}), ("a surrogate", {"x": "\ud800"})])

    assert (found.judged, found.refused, found.differences) == (0, 2, ())


@pytest.mark.slow
def test_the_same_chance_draws_the_same_inputs() -> None:
    assert list(drawn(12)) == list(drawn(12))
    assert list(drawn(12)) != list(drawn(12, SEED + 7))


def test_undamaged_inputs_are_policy_inputs_with_totals_that_agree() -> None:
    whole = [(name, document) for name, document in drawn(60) if "," not in name]

    assert len(whole) == 30
    for _, document in whole:
        read = PolicyInput.model_validate(document)
        assert read.approvals_total == len(read.approvals)


def test_damage_of_every_kind_is_done() -> None:
    done = {word for name, _ in drawn(150) for part in name.split(", ")[1:] for word in part.split()[:1]}

    assert done == {"delete", "retype", "enlarge", "double", "disorder"}


def test_a_long_difference_is_told_from_where_it_begins() -> None:
    (line,) = told_differences([Difference(name="n", ours="x" * 100 + "a", theirs="x" * 100 + "b")])

    assert line == f"n: WASM …{'x' * 40}a, OPA …{'x' * 40}b"
