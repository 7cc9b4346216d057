"""Damage to `policies/data` does not loosen anything: it is refused when the policy is built, or it is stricter.

Every place of the data is deleted, emptied, retyped and given a stranger for a neighbour. That a freeze ends, a glob is
dropped from a list or a limit is raised is no damage: these are choices, made by people, reviewed and recorded.
"""

import copy
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic import ValidationError

from gateway.adapters.opa.built import BuiltPolicy
from gateway.adapters.opa.engine import EngineFailureError
from gateway.adapters.opa.wasm import WasmEvaluator
from gateway.core.digests import input_bytes
from gateway.core.errors import SettingsError
from gateway.core.vocabulary import SPECS, ActionType
from gateway.workbench.build import build
from gateway.workbench.cases import PlacedCase, cases
from gateway.workbench.contract_floor import floor
from gateway.workbench.data_files import plain_yaml, policy_data
from gateway.workbench.data_models import PolicyData
from gateway.workbench.mutations_in_inputs import looser

POLICIES = Path(__file__).parents[2] / "policies"
RETYPED: tuple[Any, ...] = (None, True, -1, "x", [], {}, ["x"], {"x": 1})
# An empty list here is a choice its rule offers, not damage: a house may forbid no extension.
CHOICES = {("params", "PATH-007", "forbidden")}
# What the gateway's own Python reads, to measure facts or to know people; no rule sees it, and no case could tell.
UNSEEN_BY_RULES = {
    "weights",
    "people",
    "agents",
    "catalogue",
    "ticket_ttl_ms",
    "carry_over_clean_rebase",
    "time_zone",
}
Place = tuple[str | int, ...]


class Damage(NamedTuple):
    """One thing done to the data."""

    place: Place
    what: str
    data: dict[str, Any]

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.place))}: {self.what}"


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    if at:
        yield at
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, below in entries:
        yield from places(below, (*at, key))


def found(data: Any, at: Place) -> Any:
    for key in at:
        data = data[key]
    return data


def damaged(data: dict[str, Any]) -> Iterator[Damage]:
    for at in places(data):
        here = found(data, at)
        if isinstance(at[-1], str):
            without = copy.deepcopy(data)
            found(without, at[:-1]).pop(at[-1])
            yield Damage(at, "deleted", without)
        if isinstance(here, dict):
            beside = copy.deepcopy(data)
            found(beside, at)["unheard_of"] = 1
            yield Damage(at, "with a stranger", beside)
        for value in RETYPED:
            if (type(value) is type(here) and value) or value == here or at in CHOICES:
                continue
            other = copy.deepcopy(data)
            found(other, at[:-1])[at[-1]] = value
            yield Damage(at, f"= {value!r}", other)


@pytest.fixture(scope="module")
def shipped() -> dict[str, Any]:
    """The content of all files of policies/data."""
    return {k: v for path in sorted((POLICIES / "data").glob("*.yaml")) for k, v in plain_yaml(path).items()}


@pytest.fixture(scope="module")
def surviving(shipped: dict[str, Any]) -> list[Damage]:
    """The damage that builds all the same and changes what rules see."""
    plain, kept = PolicyData.model_validate(shipped).model_dump(mode="json"), []
    for one in damaged(shipped):
        try:
            data = PolicyData.model_validate(one.data).model_dump(mode="json")
        except ValidationError:
            continue
        if data != plain and one.place[0] not in UNSEEN_BY_RULES:
            kept.append(one._replace(data=data))
    return kept


def concerned(damage: Damage, placed: tuple[PlacedCase, ...]) -> tuple[PlacedCase, ...]:
    """The cases this damage could loosen: a parameter those of its rule, a contract those of its type."""
    strict = [one for one in placed if one.case.effect != "allow" and not one.case.data]
    if damage.place[0] == "params" and len(damage.place) > 1:
        return tuple(one for one in strict if damage.place[1] in one.case.codes)
    if damage.place[:2] == ("contract", "needs") and len(damage.place) > 2:
        return tuple(one for one in strict if one.document["action"].get("type") == damage.place[2])
    return tuple(strict)


def with_damage(built: BuiltPolicy, damage: Damage) -> dict[str, Any]:
    """The data document as `policy build` would write it."""
    contract = {**built.data["contract"], **damage.data["contract"]}
    return {**built.data, **damage.data, "contract": contract}


async def answer(evaluator: WasmEvaluator, one: PlacedCase) -> dict[str, Any]:
    """What the gate answers; no answer is a denial."""
    try:
        return dict(await evaluator.evaluate(input_bytes(one.document)))
    except EngineFailureError:
        return {"effect": "deny", "findings": []}


@pytest.mark.slow
async def test_damage_that_builds_loosens_no_case(
    surviving: list[Damage], tmp_path_factory: pytest.TempPathFactory
) -> None:
    built, placed = build(POLICIES, tmp_path_factory.mktemp("built")), cases(POLICIES)
    evaluator = WasmEvaluator(built.wasm_path.read_bytes(), built.data, pool=1, timeout_seconds=5.0)
    plain = {(one.file, one.line): await answer(evaluator, one) for one in placed}
    looked, loosened = 0, []
    for damage in surviving:
        evaluator.replace_data(with_damage(built, damage))
        for one in concerned(damage, placed):
            looked += 1
            if looser(plain[one.file, one.line], await answer(evaluator, one)):
                loosened.append(f"{damage} loosens {one.file}:{one.line}")
    await evaluator.close()

    assert loosened == []
    assert looked > len(surviving)


@pytest.mark.slow
def test_most_damage_does_not_build(shipped: dict[str, Any], surviving: list[Damage]) -> None:
    done = Counter(one.place[0] for one in damaged(shipped))
    left = Counter(one.place[0] for one in surviving)

    assert done["params"] > 1000
    assert left["params"] * 5 < done["params"]
    assert left["grants"] <= len(shipped["grants"])


def test_a_contract_that_asks_for_less_does_not_build(shipped: dict[str, Any]) -> None:
    for kind in map(ActionType, shipped["contract"]["needs"]):
        for group in floor(kind):
            less = copy.deepcopy(shipped)
            less["contract"]["needs"][kind.value].remove(group)
            with pytest.raises(
                ValidationError, match=f"leaves out what rules look at: {kind.value}: {group}"
            ):
                PolicyData.model_validate(less)


def test_the_floor_asks_for_what_an_action_aims_at_and_changes() -> None:
    assert floor(ActionType.ISSUE_CREATE) == frozenset()
    assert floor(ActionType.ISSUE_CLOSE) == {"issue"}
    assert floor(ActionType.ENVIRONMENT_STOP) == {"deployment", "blast"}
    assert floor(ActionType.MERGE_REQUEST_MERGE) >= {
        "merge_request",
        "pipeline",
        "diff",
        "commits",
        "ci",
        "blast",
    }
    assert all(floor(kind) for kind, spec in SPECS.items() if spec.supported and "project" in spec.aims[1:])


def test_true_is_no_weight(shipped: dict[str, Any]) -> None:
    light = copy.deepcopy(shipped)
    light["weights"]["floor_irreversible"] = True
    with pytest.raises(ValidationError, match="floor_irreversible"):
        PolicyData.model_validate(light)


def test_a_code_that_stands_twice_does_not_build(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "params.yaml").write_text("params:\n  RATE-002: {open: 1}\n  RATE-002: {open: 9}\n")
    with pytest.raises(SettingsError, match="stands twice"):
        policy_data(tmp_path)
