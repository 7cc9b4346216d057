"""A disk that fills up is told of before it is full."""

import logging
from pathlib import Path

import pytest

from gateway.adapters.disk import Disk

MANY = 1_000_000_000


def disk(*used: int, tmp_path: Path) -> Disk:
    """One folder a share, in hundredths; a tenth more is kept back for the system's own users."""
    folders = [tmp_path / f"folder{number}" for number in range(len(used))]
    shares = dict(zip(folders, used, strict=True))
    return Disk(
        *folders, usage=lambda folder: (110 * MANY, shares[folder] * MANY, (100 - shares[folder]) * MANY)
    )


def test_a_disk_with_room_says_nothing(tmp_path: Path) -> None:
    assert disk(89, tmp_path=tmp_path).readiness().detail == ""


def test_from_nine_tenths_on_it_warns_and_stays_ready(tmp_path: Path) -> None:
    told = disk(10, 95, tmp_path=tmp_path).readiness()

    assert told.ok
    assert "folder1 is 95% full" in told.detail
    assert "make room" in told.detail


def test_the_log_line_comes_once_until_there_is_room_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    watched = disk(95, tmp_path=tmp_path)
    full, empty = watched.usage, disk(5, tmp_path=tmp_path).usage
    for usage in (full, full, empty, full):
        watched.usage = usage
        watched.readiness()

    assert len(caplog.records) == 2


def test_the_fullest_counts_and_one_that_is_gone_does_not(tmp_path: Path) -> None:
    assert disk(10, 70, 30, tmp_path=tmp_path).used_share() == pytest.approx(0.7)
    assert Disk(tmp_path / "gone").used_share() == 0.0
    assert Disk(tmp_path / "gone").readiness().ok
