from collections.abc import Iterator

import pytest

from tests.audit.world import World, bundle_of, in_memory, told_story


@pytest.fixture
def world() -> Iterator[World]:
    """An empty database."""
    made = in_memory()
    yield made
    made.close()


@pytest.fixture
def log_world(world: World) -> World:
    """A database with an opened log."""
    world.create()
    return world


@pytest.fixture(scope="session")
def told() -> Iterator[World]:
    """A log with a story in it; tests only read it."""
    made = in_memory()
    told_story(made)
    yield made
    made.close()


@pytest.fixture(scope="session")
def whole(told: World) -> bytes:
    """The bundle of the whole story."""
    return bundle_of(told)


@pytest.fixture(scope="session")
def later(told: World) -> bytes:
    """The bundle from the first checkpoint on, with every kind of member."""
    return bundle_of(told, 5, policies={"d" * 64: b"a policy bundle"})
