"""What every target promises, whatever vendor is behind it. Each check is run for every performed action type.

A rig is one action type on one target in a fresh world: the fake's, or the sandbox's.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

import pytest

from audit.canonical import canonical_bytes
from gateway.core.actions import Action
from gateway.core.errors import TargetRefusedError, TargetUnclearError
from gateway.core.permits import Permit
from gateway.core.steps import Preparation
from gateway.ports import Inspection, Target
from tests.fakes.permits import permit_for, record_of

WORDS = {
    "lose_reply",
    "lose_request",
    "refuse",
    "rate_limit_write",
    "rate_limit_read",
    "garbage_write",
    "garbage_read",
}


class Rig(Protocol):
    """One action type on one target."""

    @property
    def target(self) -> Target:
        """The target under test."""
        ...

    @property
    def action(self) -> Action:
        """The action, aimed at something that exists."""
        ...

    @property
    def refusal(self) -> str:
        """Words of the vendor's that a refusal must carry."""
        ...

    def effects(self) -> int:
        """How many times the action's effect is in the world."""
        ...

    def settle(self) -> None:
        """Let the settle time pass: before it, `happened=False` proves nothing (a vendor's search lags)."""
        ...

    def switch(self, fault: str) -> None:
        """Make one thing go wrong, one of `WORDS`, for the next request of its kind."""
        ...


async def _permit(rig: Rig) -> tuple[Permit, Preparation]:
    seen = await rig.target.inspect(rig.action)
    assert seen.missing == ()
    permit = permit_for(rig.action, seen)
    return permit, await rig.target.prepare(permit)


async def inspecting_and_preparing_change_nothing(rig: Rig) -> None:
    _, preparation = await _permit(rig)

    assert rig.effects() == 0
    assert canonical_bytes(preparation.model_dump(mode="json"))


async def a_permit_is_performed_once_and_the_result_is_plain_json(rig: Rig) -> None:
    permit, preparation = await _permit(rig)
    done = await rig.target.perform(permit, preparation)

    assert rig.effects() == 1
    assert canonical_bytes(done.result)
    assert done.result


async def what_was_performed_is_found_again(rig: Rig) -> None:
    permit, preparation = await _permit(rig)
    done = await rig.target.perform(permit, preparation)
    rig.settle()
    found = await rig.target.reconcile(record_of(rig.action, preparation))

    assert found.happened is True
    assert found.performance is not None
    shared = found.performance.result.keys() & done.result.keys() - {"link"}
    assert {k: found.performance.result[k] for k in shared} == {k: done.result[k] for k in shared}
    assert shared


async def a_lost_reply_is_unclear_and_later_found(rig: Rig) -> None:
    permit, preparation = await _permit(rig)
    rig.switch("lose_reply")
    with pytest.raises(TargetUnclearError):
        await rig.target.perform(permit, preparation)
    rig.settle()
    found = await rig.target.reconcile(record_of(rig.action, preparation))

    assert rig.effects() == 1
    assert found.happened is True


async def a_lost_request_is_unclear_and_later_known_not_to_have_happened(rig: Rig) -> None:
    permit, preparation = await _permit(rig)
    rig.switch("lose_request")
    with pytest.raises(TargetUnclearError):
        await rig.target.perform(permit, preparation)
    rig.settle()
    found = await rig.target.reconcile(record_of(rig.action, preparation))

    assert rig.effects() == 0
    assert found.happened is False
    assert found.reason


async def a_refusal_is_passed_on_in_the_targets_own_words(rig: Rig) -> None:
    permit, preparation = await _permit(rig)
    rig.switch("refuse")
    with pytest.raises(TargetRefusedError) as refused:
        await rig.target.perform(permit, preparation)

    assert rig.effects() == 0
    assert rig.refusal in refused.value.detail
    assert refused.value.retryable is False


async def a_write_that_came_too_fast_is_refused_and_worth_repeating(rig: Rig) -> None:
    permit, preparation = await _permit(rig)
    rig.switch("rate_limit_write")
    with pytest.raises(TargetRefusedError) as refused:
        await rig.target.perform(permit, preparation)

    assert rig.effects() == 0
    assert refused.value.retryable is True


async def a_read_that_came_too_fast_is_a_missing_fact_that_says_when(rig: Rig) -> None:
    rig.switch("rate_limit_read")
    seen = await rig.target.inspect(rig.action)

    assert seen.missing
    assert all(m.retry == "wait_until" and m.until_ms is not None for m in seen.missing)


async def an_answer_nobody_can_read_is_a_missing_fact(rig: Rig) -> None:
    rig.switch("garbage_read")
    seen: Inspection = await rig.target.inspect(rig.action)

    assert seen.missing
    assert all(m.reason for m in seen.missing)


async def an_answer_nobody_can_read_leaves_a_write_unclear(rig: Rig) -> None:
    permit, preparation = await _permit(rig)
    rig.switch("garbage_write")
    with pytest.raises(TargetUnclearError):
        await rig.target.perform(permit, preparation)
    rig.settle()
    found = await rig.target.reconcile(record_of(rig.action, preparation))

    assert found.happened is False


Check = Callable[[Rig], Awaitable[None]]
CHECKS: tuple[Check, ...] = (
    inspecting_and_preparing_change_nothing,
    a_permit_is_performed_once_and_the_result_is_plain_json,
    what_was_performed_is_found_again,
    a_lost_reply_is_unclear_and_later_found,
    a_lost_request_is_unclear_and_later_known_not_to_have_happened,
    a_refusal_is_passed_on_in_the_targets_own_words,
    a_write_that_came_too_fast_is_refused_and_worth_repeating,
    a_read_that_came_too_fast_is_a_missing_fact_that_says_when,
    an_answer_nobody_can_read_is_a_missing_fact,
    an_answer_nobody_can_read_leaves_a_write_unclear,
)
every_check = pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
