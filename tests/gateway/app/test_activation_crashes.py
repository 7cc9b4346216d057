"""The process dies between every two steps of an activation: the old policy is in force or the new one, never none."""

import functools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.app.shipping import APPROVER, AUTHOR, Shipped, in_force, trust, upload
from tests.gateway.app.test_activation import branch, events_of
from tests.town import OPERATOR, Town, built_town

pytestmark = pytest.mark.slow


class Crash(BaseException):
    """The machine lost power here: nothing catches it."""


def fuse(part: Any, name: str, *, at: int, after: bool) -> None:
    """Blow at the `at`-th call of one of the gateway's parts, before it begins or after it has ended."""
    call: Callable[..., Awaitable[Any]] = getattr(part, name)
    left = at

    @functools.wraps(call)
    async def fused(*given: Any, **named: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0 and not after:
            raise Crash
        answer = await call(*given, **named)
        if left == 0:
            raise Crash
        return answer

    setattr(part, name, fused)


Blow = Callable[[Town], None]
POINTS: dict[str, tuple[Blow, bool]] = {
    "while it is judged again": (lambda t: fuse(t.gateway.library, "proved", at=1, after=False), False),
    "before it is prepared": (lambda t: fuse(t.gateway.library, "proved", at=2, after=False), False),
    "before it acts": (lambda t: fuse(t.gateway.library, "proved", at=3, after=False), False),
    "before its unit": (lambda t: fuse(t.gateway.store.policies, "perform", at=1, after=False), False),
    "after its unit": (lambda t: fuse(t.gateway.store.policies, "perform", at=1, after=True), True),
    "before the engine is loaded": (lambda t: fuse(t.gateway.library, "engine", at=1, after=False), True),
    "before the engine is swapped": (lambda t: fuse(t.gateway.policy, "swap", at=1, after=False), True),
    "after the engine is swapped": (lambda t: fuse(t.gateway.policy, "swap", at=1, after=True), True),
}


@pytest.mark.parametrize("point", sorted(POINTS))
async def test_a_crash_leaves_the_old_policy_or_the_new_one(
    point: str, home_template: Path, tmp_path: Path, same: Shipped, strict: Shipped
) -> None:
    blow, entered = POINTS[point]
    with built_town(home_template, tmp_path) as town:
        trust(town)
        async with town.open():
            await upload(town, same)
            async with await town.sign_in(OPERATOR) as operator:
                await operator.seal_policies()
            await upload(town, strict)
            async with await town.sign_in(AUTHOR) as author:
                held = await author.activate_policy(strict.digest, "As agreed.")
            blow(town)
            await town.vote(APPROVER, held["ticket"]["id"])
            await town.gateway.neighbours.carrier.finish()
        async with town.open():
            assert await in_force(town) == (strict if entered else same).digest
            assert town.gateway.policy.in_force.version.digest == await in_force(town)
            async with await town.sign_in(AUTHOR) as author:
                done = await town.settle(author, held["action_id"])
            assert await in_force(town) == (strict if done["status"] == "performed" else same).digest
            assert done["status"] in {"performed", "refused"}
            assert entered <= (done["status"] == "performed")
            told = await events_of(town, strict.digest)
            assert told.count("policy.activated") == (done["status"] == "performed")
            assert await branch(town) == ("performed" if done["status"] == "refused" else "GATE-001")
