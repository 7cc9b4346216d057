"""A fresh store for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.adapters.store.store import Store
from tests.gateway.adapters.store.subjects import Fake, Real, Subject
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


@pytest.fixture(params=["real", "memory"])
def subject(request: pytest.FixtureRequest, world: World) -> Iterator[Subject]:
    """Each ledger in turn."""
    if request.param == "memory":
        yield Fake.over(world)
        return
    with world.store() as store:
        yield Real(world, store)
