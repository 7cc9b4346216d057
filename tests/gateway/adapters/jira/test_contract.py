"""The Jira target keeps the targets' contract for every action type it performs."""

import pytest

from gateway.core.vocabulary import SPECS, System
from tests.gateway.adapters.jira.rigs import RIGS, World
from tests.gateway.adapters.target_contract import Check, every_check


@every_check
@pytest.mark.parametrize("kind", RIGS)
async def test_jira_keeps_the_contract(world: World, kind: str, check: Check) -> None:
    await check(RIGS[kind](world))


async def test_jira_performs_what_the_vocabulary_calls_supported(world: World) -> None:
    supported = {kind for kind, spec in SPECS.items() if System.JIRA in spec.supported}

    assert world.target.types == supported
    assert set(RIGS) == {kind.value for kind in supported}
