"""The GitLab target keeps the targets' contract for every action type it performs."""

import pytest

from tests.gateway.adapters.gitlab.rigs import API_RIGS, World
from tests.gateway.adapters.target_contract import Check, every_check


@every_check
@pytest.mark.parametrize("kind", API_RIGS)
async def test_gitlab_keeps_the_contract(world: World, kind: str, check: Check) -> None:
    await check(API_RIGS[kind](world))
