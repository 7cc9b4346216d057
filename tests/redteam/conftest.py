"""One town per file of attacks."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.redteam.siege import Siege, besieged


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def siege(home_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Siege]:
    """A town shared by the attacks of a file."""
    async with besieged(home_template, tmp_path_factory.mktemp("siege")) as opened:
        yield opened
