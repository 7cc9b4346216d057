"""A fresh sandbox and the real Jira target in front of it, for every test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.sandbox.server import Sandbox
from tests.gateway.adapters.gitlab.rigs import egress_of
from tests.gateway.adapters.jira.rigs import World, contract_kept, target_of


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    with Sandbox(tmp_path / "sandbox") as sandbox:
        async with egress_of(sandbox).async_client(
            base_url=sandbox.jira_url, event_hooks={"request": [contract_kept]}
        ) as http:
            yield World(sandbox, target_of(sandbox, http), http)
