"""A fresh store for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.adapters.store.store import Store
from tests.gateway.adapters.store.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A world whose store exists and is not open."""
    made = World(tmp_path)
    made.create()
    return made


@pytest.fixture
def store(world: World) -> Iterator[Store]:
    """The world's store, open."""
    with world.store() as opened:
        yield opened
