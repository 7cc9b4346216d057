"""Windows of budgets, and what comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.actions import LIFE_CYCLE, ActionState, is_final
from gateway.core.budgets import (
    DAY_MS,
    HOUR_MS,
    Allowance,
    PipelineUse,
    gives_back,
    refunds,
    reserved_at,
    settled_minutes,
    window_end_ms,
    window_key,
)
from gateway.core.principals import Tier
from gateway.core.rulings import Reservation

TIMES = st.integers(min_value=0, max_value=2**45)


def test_windows_have_names_and_ends() -> None:
    now = 3 * HOUR_MS + 5

    assert (window_key("hour", now), window_end_ms("hour", now)) == ("hour:3", 4 * HOUR_MS)
    assert (window_key("day", DAY_MS), window_end_ms("day", DAY_MS)) == ("day:1", 2 * DAY_MS)
    assert (window_key("open", now), window_end_ms("open", now)) == ("open", None)


@given(st.sampled_from(["hour", "day"]), TIMES)
def test_a_window_ends_when_the_next_one_begins(window: str, now_ms: int) -> None:
    end = window_end_ms(window, now_ms)

    assert end is not None
    assert end > now_ms
    assert window_key(window, end - 1) == window_key(window, now_ms)
    assert window_key(window, end) != window_key(window, now_ms)


def test_an_unknown_window_is_an_error_and_not_a_free_budget() -> None:
    with pytest.raises(ValueError, match="use hour, day or open"):
        window_key("week", 0)


@pytest.mark.parametrize("state", list(ActionState))
def test_what_was_not_done_gives_back_and_doubt_keeps(state: ActionState) -> None:
    undone = is_final(state) and state is not ActionState.PERFORMED

    assert gives_back("actions", state) is undone


def test_a_closed_ticket_gives_its_place_back_however_it_ended() -> None:
    keeps = {s for s in LIFE_CYCLE if not gives_back("held_tickets", s)}

    assert keeps == {ActionState.REQUESTED, ActionState.HELD, ActionState.WAITING}
    assert reserved_at("held_tickets") == "held"
    assert reserved_at("actions") == "started"


def test_refunds_are_the_reservations_that_come_back() -> None:
    actions = Reservation(budget="actions", window="hour", amount=1, limit=30)
    held = Reservation(budget="held_tickets", window="open", amount=1, limit=5)

    assert refunds((actions, held), ActionState.PERFORMED) == (held,)
    assert refunds((actions, held), ActionState.DENIED) == (actions, held)
    assert refunds((actions, held), ActionState.HELD) == ()


def test_a_pipeline_is_settled_when_it_is_over_or_never_appeared_or_was_forgotten() -> None:
    none, busy = PipelineUse(found=0), PipelineUse(found=2, under_way=True)

    assert settled_minutes(PipelineUse(found=1, seconds=61), 0, 9) == 2
    assert (settled_minutes(none, HOUR_MS // 5, 9), settled_minutes(none, HOUR_MS, 9)) == (None, 0)
    assert (settled_minutes(busy, HOUR_MS, 9), settled_minutes(None, HOUR_MS, 9)) == (None, None)
    assert (settled_minutes(busy, DAY_MS, 9), settled_minutes(None, DAY_MS, 9)) == (9, 9)


@pytest.mark.parametrize("tier", list(Tier))
def test_an_allowance_is_higher_for_those_above_contributors(tier: Tier) -> None:
    allowance = Allowance(budget="actions", window="hour", low=3, high=9)

    assert allowance.limit(tier) == (9 if tier in {Tier.MAINTAINER, Tier.STEWARD} else 3)
