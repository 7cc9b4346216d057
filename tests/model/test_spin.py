"""The model of the road is right in every state, and wrong as soon as one guard is taken out."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.model import spin

pytestmark = pytest.mark.slow
IN_CI = os.environ.get("LOOPGATE_REQUIRE_SPIN") == "1"
needs_spin = pytest.mark.skipif(
    not (spin.is_installed() or IN_CI), reason="spin or gcc is not installed; .ci/run installs spin"
)


@needs_spin
@pytest.mark.parametrize("claim", spin.properties())
def test_no_history_breaks_a_property_of_the_model(
    claim: str, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    answer = spin.check(claim, tmp_path)

    tell(f"{claim}: {answer.states:,} states, {answer.errors} errors")
    assert answer.errors == 0
    assert answer.states > 1_000_000


@needs_spin
@pytest.mark.parametrize("guard", spin.guards())
def test_the_model_is_found_wrong_without_a_guard(guard: str, tmp_path: Path) -> None:
    assert spin.check("always", tmp_path, without=guard).errors == 1


def test_the_model_has_guards_and_properties_to_check() -> None:
    assert len(spin.guards()) == 10
    assert spin.properties() == ["always", "spent_stays_spent", "ends_or_is_listed"]
