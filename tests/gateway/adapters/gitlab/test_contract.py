"""The GitLab target keeps the targets' contract for every action type it performs."""

import pytest

from gateway.core.errors import TargetUnclearError
from gateway.core.vocabulary import SPECS, System
from gateway.reconciling import look_again
from tests.fakes.permits import permit_for, record_of
from tests.gateway.adapters.gitlab.change_rigs import CHANGE_RIGS, REF_RIGS
from tests.gateway.adapters.gitlab.rigs import API_RIGS, GIT_RIGS, SandboxClock, World
from tests.gateway.adapters.gitlab.running_rigs import RUNNING_RIGS
from tests.gateway.adapters.target_contract import (
    CHECKS,
    Check,
    a_write_that_came_too_fast_is_refused_and_worth_repeating,
    every_check,
)

# Git tells a 429 in the middle of a push only as an end without a report, which is unclear, not refused.
_BY_GIT = [c for c in CHECKS if c is not a_write_that_came_too_fast_is_refused_and_worth_repeating]
BY_API = {**API_RIGS, **CHANGE_RIGS, **RUNNING_RIGS}
BY_GIT = {**GIT_RIGS, **REF_RIGS}
EVERY = {**BY_API, **BY_GIT}


@every_check
@pytest.mark.parametrize("kind", BY_API)
async def test_gitlab_keeps_the_contract(world: World, kind: str, check: Check) -> None:
    await check(BY_API[kind](world))


@pytest.mark.parametrize("check", _BY_GIT, ids=lambda c: c.__name__)
@pytest.mark.parametrize("kind", BY_GIT)
async def test_gitlab_keeps_the_contract_through_git(world: World, kind: str, check: Check) -> None:
    await check(BY_GIT[kind](world))


@pytest.mark.parametrize("kind", EVERY)
async def test_an_effect_that_comes_late_is_found_late(world: World, kind: str) -> None:
    """The request hangs on its way: nothing is concluded before it settles, and then the effect is found."""
    rig, clock = EVERY[kind](world), SandboxClock(world.sandbox)
    permit = permit_for(rig.action, await rig.target.inspect(rig.action))
    preparation = await rig.target.prepare(permit)
    record = record_of(rig.action, preparation)
    rig.switch("lose_request")
    with pytest.raises(TargetUnclearError):
        await rig.target.perform(permit, preparation)
    at_first = await look_again(record, rig.target, clock)
    await rig.target.perform(permit, preparation)
    rig.settle()
    at_last = await look_again(record, rig.target, clock)

    assert at_first is None
    assert rig.effects() == 1
    assert at_last is not None
    assert (at_last.outcome, at_last.reconciled) == ("performed", True)


async def test_gitlab_performs_what_the_vocabulary_calls_supported(world: World) -> None:
    supported = {kind for kind, spec in SPECS.items() if System.GITLAB in spec.supported}

    assert world.target.types == supported
    assert {name.split()[0] for name in EVERY} == {kind.value for kind in supported}
