"""A fresh sandbox, with the real target and the real git plumbing in front of it, for every test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.sandbox.server import Sandbox
from tests.gateway.adapters.gitlab.plumbing import mirrors_of, repository_of
from tests.gateway.adapters.gitlab.rigs import World, contract_kept, egress_of, target_of


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    with Sandbox(tmp_path / "sandbox") as sandbox, egress_of(sandbox).session() as session:
        session.hooks["response"].append(contract_kept)
        mirrors = mirrors_of(sandbox, tmp_path / "mirrors")
        yield World(
            sandbox,
            target_of(sandbox, session, repository_of(sandbox, mirrors)),
            session,
            tmp_path / "scratch",
        )
        await mirrors.close()
