"""Time only moves when it is told to, and background work happens in order."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.sandbox.clock import Clock

START = datetime(2026, 9, 1, tzinfo=UTC)


def clock() -> Clock:
    return Clock(lambda: START)


def test_advancing_moves_the_time_and_does_what_is_due() -> None:
    subject, story = clock(), list[str]()
    subject.after(5, lambda: story.append("five"))
    subject.after(2, lambda: story.append(f"two at {subject.now() - START}"))

    subject.advance(4)

    assert story == ["two at 0:00:02"]
    assert subject.now() == START + timedelta(seconds=4)


def test_work_that_starts_work_sees_it_done_in_the_same_stretch() -> None:
    subject, story = clock(), list[str]()
    subject.after(1, lambda: subject.after(1, lambda: story.append("second")))

    subject.advance(2)

    assert story == ["second"]


def test_a_tick_does_the_work_but_leaves_the_time_to_the_wall_clock() -> None:
    subject, story = clock(), list[str]()
    subject.after(1, lambda: story.append("done"))

    subject.tick(1)

    assert story == ["done"]
    assert subject.now() == START


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="only moves forward"):
        clock().advance(-1)
