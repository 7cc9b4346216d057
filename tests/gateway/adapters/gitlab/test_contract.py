"""The GitLab target keeps the targets' contract for every action type it performs."""

import pytest

from gateway.core.vocabulary import SPECS, System
from tests.gateway.adapters.gitlab.rigs import API_RIGS, GIT_RIGS, World
from tests.gateway.adapters.target_contract import (
    CHECKS,
    Check,
    a_write_that_came_too_fast_is_refused_and_worth_repeating,
    every_check,
)

# Git tells a 429 in the middle of a push only as an end without a report, which is unclear, not refused.
_BY_GIT = [c for c in CHECKS if c is not a_write_that_came_too_fast_is_refused_and_worth_repeating]


@every_check
@pytest.mark.parametrize("kind", API_RIGS)
async def test_gitlab_keeps_the_contract(world: World, kind: str, check: Check) -> None:
    await check(API_RIGS[kind](world))


@pytest.mark.parametrize("check", _BY_GIT, ids=lambda c: c.__name__)
@pytest.mark.parametrize("kind", GIT_RIGS)
async def test_gitlab_keeps_the_contract_through_git(world: World, kind: str, check: Check) -> None:
    await check(GIT_RIGS[kind](world))


async def test_gitlab_performs_what_the_vocabulary_calls_supported(world: World) -> None:
    supported = {kind for kind, spec in SPECS.items() if System.GITLAB in spec.supported}

    assert world.target.types == supported
    assert {name.split()[0] for name in (*API_RIGS, *GIT_RIGS)} == {kind.value for kind in supported}
