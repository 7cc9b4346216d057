"""SIGKILL at random points under load: nothing acknowledged is lost, nothing happens twice, the evidence verifies."""

import os
import random  # noqa: TID251 - seeded, and the seed is printed
from pathlib import Path

import pytest

from tests.kills.loop import kill_many

SEED = int(os.environ.get("KILL_SEED") or random.randrange(2**32))


@pytest.mark.slow
async def test_a_hundred_kills_lose_nothing_and_repeat_nothing(home_template: Path, tmp_path: Path) -> None:
    counted = await kill_many(home_template, tmp_path, int(os.environ.get("KILLS", "100")), SEED)

    assert counted.kills >= 100


@pytest.mark.soak
async def test_two_thousand_kills_lose_nothing_and_repeat_nothing(
    home_template: Path, tmp_path: Path
) -> None:
    counted = await kill_many(home_template, tmp_path, int(os.environ.get("KILLS", "2000")), SEED)

    assert counted.kills >= 2000
