"""Signed policies, built once for all tests of this folder, and a gateway that believes their key."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.gateway.app.shipping import NO_BRANCHES, Shipped, edit, ship, trust
from tests.town import Town, built_town


@pytest.fixture(scope="session")
def same(tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    """The shipped library, signed: the digest every gateway of these tests begins with."""
    return ship(tmp_path_factory.mktemp("same"))


@pytest.fixture(scope="session")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    """The same, and nobody makes branches."""
    return ship(tmp_path_factory.mktemp("strict"), NO_BRANCHES)


@pytest.fixture(scope="session")
def third(tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    """Another one, which asks the same questions."""
    return ship(
        tmp_path_factory.mktemp("third"), edit("data/params.yaml", "hour: {low: 30", "hour: {low: 29")
    )


@pytest.fixture
async def trusting(home_template: Path, tmp_path: Path) -> AsyncIterator[Town]:
    """A gateway whose settings name the key of these policies."""
    async with AsyncExitStack() as stack:
        town = stack.enter_context(built_town(home_template, tmp_path))
        trust(town)
        yield await stack.enter_async_context(town.open())


@pytest.fixture
async def sealed(trusting: Town, same: Shipped) -> Town:
    """A gateway on which the policy changes by approval only."""
    async with await trusting.sign_in("prn_platform") as author:
        await author.upload_policy(same.release.wasm, same.release.rego)
    async with await trusting.sign_in("prn_operator") as operator:
        await operator.seal_policies()
    return trusting
