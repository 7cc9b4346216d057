"""Blast radius: the expected order, and that more of anything never scores less."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.core.blast_radius import (
    MAX_DEPTH,
    BlastRadius,
    Dependant,
    dependants_of,
    measure,
    scored,
)
from gateway.core.blast_weights import Weights
from gateway.core.catalogue import Catalogue, Service
from tests.gateway.core.making import change, changed

WORLD = yaml.safe_load((Path(__file__).parent / "data" / "blast.yaml").read_text(encoding="utf-8"))
CATALOGUE = Catalogue.model_validate(WORLD["catalogue"])
NAMES = [s.name for s in CATALOGUE.services]
ENVIRONMENTS = ["none", "dev", "test", "staging", "production"]


def measured(
    files: dict[str, int], *, environment: str = "none", concurrent: int = 0, weights: Any = None, **more: Any
) -> BlastRadius:
    """The blast radius of a change of those files (path to lines) in the world's project."""
    return measure(
        change(*(changed(path, lines) for path, lines in files.items()), **more),
        project="shop/platform",
        environment=environment,
        concurrent=concurrent,
        catalogue=CATALOGUE,
        weights=WORLD["weights"] if weights is None else weights,
    )


def of_world(entry: dict[str, Any]) -> BlastRadius:
    """The blast radius of one of the world's changes."""
    return measured(
        entry["files"],
        environment=entry.get("environment", "none"),
        concurrent=entry.get("concurrent", 0),
        irreversible=tuple(entry.get("irreversible", ())),
    )


def test_the_scores_come_in_the_expected_order() -> None:
    scores = [of_world(entry).score for entry in WORLD["changes"]]

    assert scores == sorted(scores)
    assert len(set(scores)) == len(scores)


@pytest.mark.parametrize("entry", WORLD["changes"], ids=lambda e: e["name"])
def test_each_score_is_about_the_expected_one(entry: dict[str, Any]) -> None:
    assert abs(of_world(entry).score - entry["about"]) <= 4


def test_the_formula_is_the_one_written_down() -> None:
    vector = measured({"auth/token.py": 9}, environment="staging", concurrent=2)

    # By hand from policy.md: one service of tier 0; dependants checkout, payments, mobile, admin (tier 1, depth 1),
    # storefront, orders, reports (tiers 2, 1, 3, depth 2).
    weight = 4 * 0.85 + 0.5 * (0.7 + 0.85 + 0.575)
    factors = [
        0.35 * (1 - 2.718281828459045 ** (-1 / 3)),
        0.45 * (1 - 2.718281828459045 ** (-weight / 4)),
        0.35,
        0.5 * 0.4,
    ]
    reach = 1.0
    for factor in factors:
        reach *= 1 - factor
    reach = 1 - reach
    lines, files, more = (
        0.45 * 2.302585093 / 7.601402335,
        0.35 * 0.693147181 / 4.615120517,
        0.3 * (1 - 2.718281828 ** (-2 / 4)),
    )
    churn = 1 - (1 - lines) * (1 - files) * (1 - more)
    assert vector.score == int(100 * (reach + (1 - reach) * 0.35 * churn)) + 1
    assert vector.tier == 0
    assert vector.services == ("shared-auth",)


def test_a_change_that_touches_nothing_scores_nothing() -> None:
    vector = measured({})

    assert vector == BlastRadius()


def test_the_vector_is_counted_from_the_change() -> None:
    vector = measured({"leaf/a/x": 10, "leaf/b/y": 10, "scratch/z": 0}, concurrent=3, environment="test")

    assert (vector.files, vector.lines, vector.dirs, vector.concurrent) == (3, 20, 3, 3)
    assert vector.entropy_permille == 1000
    assert vector.unmapped == ("scratch/z",)
    assert measured({"leaf/x": 90, "leaf/y": 10}).entropy_permille == 469
    assert measured({"leaf/x": 90}).entropy_permille == 0


def test_both_names_of_a_renamed_file_count() -> None:
    moved = change(changed("leaf/new.py", previous_path="auth/old.py"))

    vector = measure(
        moved, project="shop/platform", environment="none", concurrent=0, catalogue=CATALOGUE, weights={}
    )

    assert vector.services == ("leaf", "shared-auth")
    assert (vector.files, vector.dirs) == (1, 2)


def test_paths_belong_to_services_of_their_own_project_only() -> None:
    other = measure(
        change(changed("auth/x")),
        project="shop/orders",
        environment="none",
        concurrent=0,
        catalogue=CATALOGUE,
        weights={},
    )

    assert other.services == ("orders",)


def test_dependants_are_followed_by_depth_over_both_kinds_of_edge() -> None:
    found = {d.service: d.depth for d in dependants_of(("shared-auth",), CATALOGUE)}

    assert found == {
        "admin": 1,
        "checkout": 1,
        "mobile": 1,
        "payments": 1,
        "orders": 2,
        "reports": 2,
        "storefront": 2,
    }
    assert dependants_of(("leaf",), CATALOGUE) == ()


def test_circles_end_and_long_chains_are_cut() -> None:
    ring = Catalogue(
        services=tuple(
            Service(name=f"s{n}", project="p/p", depends_on=(f"s{(n - 1) % 20}",)) for n in range(20)
        )
    )

    found = dependants_of(("s0",), ring)

    assert [d.depth for d in found] == list(range(1, MAX_DEPTH + 1))
    two = Catalogue(
        services=(
            Service(name="a", project="p/p", depends_on=("a", "b")),
            Service(name="b", project="p/p", depends_on=("a",)),
        )
    )
    assert dependants_of(("a",), two) == (Dependant(service="b", depth=1),)


@pytest.mark.parametrize(
    ("vector", "least"),
    [
        (BlastRadius(truncated=True), 100),
        (BlastRadius(irreversible=("sql-drop",)), 60),
        (BlastRadius(irreversible=("sql-drop",), environment="production"), 85),
        (BlastRadius(irreversible=("sql-drop",), environment="somewhere"), 85),
        (BlastRadius(irreversible=("sql-drop",), environment="staging"), 60),
        (BlastRadius(unmapped=("x",)), 40),
    ],
)
def test_some_things_are_never_small(vector: BlastRadius, least: int) -> None:
    assert scored(vector, CATALOGUE, Weights()).score >= least


def test_an_environment_nobody_named_is_as_grave_as_production() -> None:
    assert (
        measured({"leaf/x": 1}, environment="moon").score
        == measured({"leaf/x": 1}, environment="production").score
    )
    assert Weights(environments={}).environment_factor("dev") == 1


@pytest.mark.parametrize(
    ("score", "level"),
    [
        (0, "low"),
        (29, "low"),
        (30, "medium"),
        (54, "medium"),
        (55, "high"),
        (79, "high"),
        (80, "critical"),
        (100, "critical"),
    ],
)
def test_levels_begin_at_their_scores(score: int, level: str) -> None:
    weights = Weights(floor_truncated=score)

    assert scored(BlastRadius(truncated=True), CATALOGUE, weights).level == level


def test_the_three_largest_drivers_are_named_by_share() -> None:
    drivers = measured({"auth/token.py": 1}, environment="production").drivers

    assert [d.name for d in drivers] == ["environment", "tier", "dependants"]
    assert sum(d.permille for d in drivers) <= 1000
    assert list(drivers) == sorted(drivers, key=lambda d: -d.permille)
    assert measured({"docs/x": 1}).drivers[0].name == "files"


SERVICES = st.lists(st.sampled_from(NAMES), unique=True, max_size=5).map(lambda names: tuple(sorted(names)))
DEPENDANTS = st.lists(
    st.builds(Dependant, service=st.sampled_from(NAMES), depth=st.integers(1, MAX_DEPTH)), max_size=5
).map(tuple)
VECTORS = st.builds(
    BlastRadius,
    files=st.integers(0, 3000),
    lines=st.integers(0, 100_000),
    dirs=st.integers(0, 200),
    services=SERVICES,
    unmapped=st.sampled_from([(), ("a",), ("a", "b")]),
    dependants=DEPENDANTS,
    tier=st.integers(0, 3),
    environment=st.sampled_from(ENVIRONMENTS),
    irreversible=st.sampled_from([(), ("a",), ("a", "b")]),
    concurrent=st.integers(0, 50),
    truncated=st.booleans(),
)
WORSE: dict[str, Any] = {
    "files": lambda v: v.files + 1,
    "lines": lambda v: v.lines + 7,
    "dirs": lambda v: v.dirs + 1,
    "services": lambda v: (*v.services, "another"),
    "unmapped": lambda v: (*v.unmapped, "z"),
    "dependants": lambda v: (*v.dependants, Dependant(service="reports", depth=3)),
    "tier": lambda v: max(0, v.tier - 1),
    "environment": lambda v: ENVIRONMENTS[min(4, ENVIRONMENTS.index(v.environment) + 1)],
    "irreversible": lambda v: (*v.irreversible, "z"),
    "concurrent": lambda v: v.concurrent + 1,
    "truncated": lambda _v: True,
}


@pytest.mark.parametrize("name", sorted(WORSE))
@given(VECTORS)
def test_more_of_any_input_never_scores_less(name: str, vector: BlastRadius) -> None:
    worse = vector.model_copy(update={name: WORSE[name](vector)})

    now, then = scored(vector, CATALOGUE, Weights()), scored(worse, CATALOGUE, Weights())

    assert 0 <= now.score <= then.score <= 100


def test_every_scored_member_of_the_vector_is_tried() -> None:
    reported = {"entropy_permille", "score", "level", "drivers"}

    assert WORSE.keys() == BlastRadius.model_fields.keys() - reported


@given(VECTORS)
def test_drivers_are_at_most_three_and_at_most_the_whole(vector: BlastRadius) -> None:
    drivers = scored(vector, CATALOGUE, Weights()).drivers

    assert len(drivers) <= 3
    assert all(d.permille > 0 for d in drivers)
    assert sum(d.permille for d in drivers) <= 1001  # three roundings


@given(VECTORS)
def test_churn_alone_takes_at_most_its_share(vector: BlastRadius) -> None:
    alone = BlastRadius(
        files=vector.files, lines=vector.lines, dirs=vector.dirs, concurrent=vector.concurrent
    )

    assert scored(alone, CATALOGUE, Weights()).score <= 35


@pytest.mark.parametrize(
    "weights",
    [
        {"services": 991},
        {"services": -1},
        {"services": 1.5},
        {"tiers": [100, 200, 300, 400]},
        {"tiers": [1000]},
        {"level_medium": 60},
        {"floor_irreversible": 90},
        {"inert": ["a[b]"]},
        {"unheard_of": 1},
        {"lines_top": 0},
    ],
)
def test_weights_that_make_no_sense_are_refused(weights: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Weights.model_validate(weights)


def test_weights_are_data() -> None:
    assert measured({"leaf/x": 1}, weights={"tier": 0}).score < measured({"leaf/x": 1}, weights={}).score
