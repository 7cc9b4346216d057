"""SIGKILL at random points under load: nothing acknowledged is lost, nothing happens twice, the evidence verifies."""

import os
import random  # noqa: TID251 - seeded, and the seed is printed
from pathlib import Path

import pytest

from tests.kills.campaign import campaign, on_postgresql, on_sqlite, shares
from tests.postgres import Cluster

SEED = int(os.environ.get("KILL_SEED") or random.randrange(2**32))


def test_the_kills_are_shared_out_among_homes_of_a_bounded_age() -> None:
    assert shares(80) == [80]
    assert shares(501) == [167, 167, 167]
    assert sum(shares(1800)) == 1800


def counts(fast: int, full: int) -> pytest.MarkDecorator:
    """The bounded loop of every run, and the long one of `FULL=1`."""
    few, many = (
        pytest.param(n, marks=mark) for n, mark in ((fast, pytest.mark.slow), (full, pytest.mark.soak))
    )
    return pytest.mark.parametrize("kills", [few, many])


@counts(80, 1800)
async def test_kills_lose_nothing_and_repeat_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kills: int
) -> None:
    with capsys.disabled():
        counted = await campaign(on_sqlite, tmp_path, kills, SEED, "SQLite")

    assert counted.kills == kills


@counts(20, 200)
async def test_kills_on_postgresql_lose_nothing_and_repeat_nothing(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str], kills: int
) -> None:
    with capsys.disabled():
        counted = await campaign(on_postgresql(cluster), tmp_path, kills, SEED, "PostgreSQL")

    assert counted.kills == kills
