"""Fixtures shared by the whole suite."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.postgres import Cluster, running_cluster
from tests.town import Town, open_town, template_home


@pytest.fixture(scope="session")
def home_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder made once by `init`."""
    return template_home(tmp_path_factory.mktemp("template"))


@pytest.fixture
async def town(home_template: Path, tmp_path: Path) -> AsyncIterator[Town]:
    """A whole gateway with people, agents and the sandbox's vendors."""
    async with open_town(home_template, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server for every test of this process; skips where none is installed."""
    with running_cluster() as running:
        yield running
