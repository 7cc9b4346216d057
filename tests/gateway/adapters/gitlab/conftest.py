"""A fresh sandbox and the real target in front of it, for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.sandbox.server import Sandbox
from tests.fakes.targets import FakeRepository
from tests.gateway.adapters.gitlab.rigs import World, egress_of, target_of


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sandbox(tmp_path / "sandbox") as sandbox, egress_of(sandbox).session() as session:
        yield World(sandbox, target_of(sandbox, session, FakeRepository()), session, tmp_path / "scratch")
