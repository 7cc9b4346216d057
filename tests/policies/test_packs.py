"""The starter packs set limits, not rules: each builds, and the stricter is never the looser one."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.opa.built import BuiltPolicy
from gateway.core.errors import SettingsError
from gateway.core.principals import Person
from gateway.workbench.build import build
from gateway.workbench.case_runs import run_cases, wasm_answers
from gateway.workbench.cases import PlacedCase, cases
from gateway.workbench.data_files import plain_yaml, policy_data
from gateway.workbench.data_models import PolicyData
from gateway.workbench.mutations_in_inputs import looser
from gateway.workbench.packs import advice, own_checkout, pack_of, packs

POLICIES = Path(__file__).parents[2] / "policies"
LOOSEST_FIRST = ("solo", "team", "regulated")


def with_pack(folder: Path, pack: str) -> Path:
    own_checkout(POLICIES, folder / "policies", pack)
    return folder / "policies"


@pytest.fixture(scope="module")
def placed() -> tuple[PlacedCase, ...]:
    """The cases that are judged with the data as it is."""
    return tuple(one for one in cases(POLICIES) if not one.case.data)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, BuiltPolicy]:
    folders = {pack: tmp_path_factory.mktemp(pack) for pack in LOOSEST_FIRST}
    return {pack: build(with_pack(folder, pack), folder / "out") for pack, folder in folders.items()}


def codes(answer: dict[str, Any]) -> set[str]:
    return {finding["code"] for finding in answer["findings"]}


def test_these_are_the_packs_and_each_says_what_it_is_for() -> None:
    assert packs(POLICIES) == tuple(sorted(LOOSEST_FIRST))
    for pack in LOOSEST_FIRST:
        file = POLICIES / "packs" / f"{pack}.yaml"
        assert pack_of(plain_yaml(file), file).about


@pytest.mark.slow
async def test_a_case_that_depends_on_no_limit_is_answered_as_ever(
    built: dict[str, BuiltPolicy], placed: tuple[PlacedCase, ...]
) -> None:
    """What answers otherwise under a pack does so for rules whose limits the pack sets, and for no other reason."""
    for pack, policy in built.items():
        file = POLICIES / "packs" / f"{pack}.yaml"
        chosen = pack_of(plain_yaml(file), file)
        limited = {*chosen.params, *(("GATE-001",) if chosen.grants else ())}
        for one, answer in zip(placed, await wasm_answers(policy, placed), strict=True):
            assert codes(answer) ^ set(one.case.codes) <= limited, (pack, one.file, one.case.name)


@pytest.mark.slow
async def test_the_stricter_pack_is_never_the_looser_one(
    built: dict[str, BuiltPolicy], placed: tuple[PlacedCase, ...]
) -> None:
    judged = [await wasm_answers(built[pack], placed) for pack in LOOSEST_FIRST]
    stricter = 0
    for one, *by_pack in zip(placed, *judged, strict=True):
        for loose, strict in pairwise(by_pack):
            assert not looser(loose, strict), (one.file, one.case.name)
            assert codes(loose) <= codes(strict), (one.file, one.case.name)
            stricter += loose["effect"] != strict["effect"]

    assert stricter


@pytest.mark.slow
async def test_cases_are_written_for_the_limits_of_the_folder_and_pass_whatever_pack_is_chosen(
    tmp_path: Path,
) -> None:
    report = await run_cases(with_pack(tmp_path, "regulated"), server=False)

    assert report.complaints == ()


@pytest.mark.parametrize("pack", LOOSEST_FIRST)
def test_early_advice_and_real_budgets_stay_equal(tmp_path: Path, pack: str) -> None:
    data = policy_data(with_pack(tmp_path, pack))
    drawn = {(b.budget, b.window): b.limit.model_dump() for b in data.budgets}

    assert data.pack == pack
    assert drawn["actions", "hour"] == data.params["RATE-001"]["hour"]
    assert drawn["actions", "day"] == data.params["RATE-001"]["day"]
    assert drawn["open_merge_requests", "open"] == data.params["RATE-002"]["open"]


def test_what_a_pack_does_not_name_stays(tmp_path: Path) -> None:
    plain, packed = policy_data(POLICIES), policy_data(with_pack(tmp_path, "regulated"))

    assert packed.params["PATH-001"] == plain.params["PATH-001"]
    assert packed.params["PATH-008"]["path_length"] == plain.params["PATH-008"]["path_length"]
    assert packed.params["BLAST-001"] == {"files": {"low": 10, "high": 25}}
    assert packed.grants["contributor-basics"] == plain.grants["contributor-basics"]
    assert [tier.value for tier in packed.grants["releases"].tiers] == ["steward"]
    assert packed.ticket_ttl_ms < plain.ticket_ttl_ms
    assert (packed.people, packed.catalogue, packed.contract) == (
        plain.people,
        plain.catalogue,
        plain.contract,
    )


@pytest.mark.slow
def test_the_digest_tells_packs_apart(built: dict[str, BuiltPolicy]) -> None:
    assert len({policy.digest for policy in built.values()}) == len(LOOSEST_FIRST)


def test_a_pack_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="regulated, solo, team"):
        own_checkout(POLICIES, tmp_path / "policies", "enterprise")
    folder = with_pack(tmp_path, "team")
    (folder / "data" / "pack.yaml").write_text("pack: enterprise\n")
    with pytest.raises(SettingsError, match=r"packs/enterprise\.yaml; there are: regulated, solo, team"):
        policy_data(folder)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("about: x\nrules: []\n", "rules"),
        ("about: x\nlimits: {actions: {hour: {low: -1, high: 2}}}\n", "limits.actions.hour.low"),
        ("about: x\nlimits: {acts: {hour: {low: 1, high: 2}}}\n", "has 0 such budgets"),
        ("about: x\ngrants: {everything: [steward]}\n", "has no such grant"),
        ("about: x\nparams: {BLAST-001: {flies: 1}}\n", "BLAST-001"),
        ("params: {}\n", "about"),
    ],
)
def test_a_pack_of_the_wrong_form_does_not_build(tmp_path: Path, content: str, told: str) -> None:
    folder = with_pack(tmp_path, "team")
    (folder / "packs" / "team.yaml").write_text(content)

    with pytest.raises(SettingsError, match=told):
        policy_data(folder)


def test_a_pack_can_put_a_rule_into_shadow(tmp_path: Path) -> None:
    folder = with_pack(tmp_path, "team")
    (folder / "packs" / "team.yaml").write_text("about: x\nmodes: {TIME-002: {mode: shadow}}\n")

    assert policy_data(folder).modes["TIME-002"].mode == "shadow"


def test_one_person_is_told_to_find_a_second_and_two_are_not() -> None:
    data = policy_data(POLICIES)
    (owner, other) = (Person(id=name, approves_as=("service-owner",)) for name in ("prn_developer", "prn_b"))
    alone: PolicyData = data.model_copy(update={"people": (owner,)})

    assert "second person" in advice(alone)[0]
    assert advice(data.model_copy(update={"people": (owner, other)})) == ()
    assert advice(data.model_copy(update={"people": (other,)})) == ()
    assert advice(data) == ()
