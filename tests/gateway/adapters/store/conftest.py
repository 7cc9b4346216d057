"""A fresh store for every test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.adapters.store.store import Store
from tests.gateway.adapters.store.subjects import Fake, Real, Subject
from tests.gateway.adapters.store.world import World
from tests.postgres import Cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A world on each database in turn, whose store exists and is not open."""
    with made_world(request, tmp_path, request.param) as made:
        yield made


@contextmanager
def made_world(request: pytest.FixtureRequest, folder: Path, database: str) -> Iterator[World]:
    """A world on one kind of database, which is gone afterwards."""
    cluster: Cluster | None = request.getfixturevalue("cluster") if database == "postgresql" else None
    made = World(folder, cluster=cluster)
    made.create()
    try:
        yield made
    finally:
        if cluster:
            cluster.drop(made.name)


@pytest.fixture
def store(world: World) -> Iterator[Store]:
    """The world's store, open."""
    with world.store() as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql", "memory"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    """Each ledger in turn."""
    if request.param == "memory":
        yield Fake.over(World(tmp_path))
        return
    with made_world(request, tmp_path, request.param) as world, world.store() as store:
        yield Real(world, store)
