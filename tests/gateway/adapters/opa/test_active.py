"""An engine that is swapped while it judges: what began in the old one ends there, and nobody is left without one."""

import asyncio
from collections.abc import Mapping
from typing import Any

from gateway.adapters.opa.active import ActivePolicy
from gateway.adapters.opa.answers import SELF_TEST_INPUT
from gateway.adapters.opa.engine import Engine, EngineFailureError
from gateway.core.catalogue import Catalogue
from gateway.core.principals import Roster
from gateway.core.rulings import Effect, PolicyVersion
from gateway.ports import PolicyInForce

DENIAL: Mapping[str, Any] = {
    "effect": "deny",
    "findings": [{"code": code, "effect": "deny", "facts": {}} for code in ("GATE-001", "GATE-004")],
    "waived": [],
    "shadow": [],
    "warnings": [],
    "grants": [],
    "reserve": [],
    "missing": [],
}
ALLOWED = {**DENIAL, "effect": "allow", "findings": [], "grants": ["g"]}


class Held:
    """Answers when it is let go; allows everything but what must be denied."""

    def __init__(self) -> None:
        self.began, self.go, self.closed = asyncio.Event(), asyncio.Event(), False

    async def evaluate(self, document: bytes) -> Any:
        if b"self_test" in document:
            return dict(DENIAL)
        self.began.set()
        await self.go.wait()
        if self.closed:
            raise EngineFailureError("closed", reason="engine closed")
        return dict(ALLOWED)

    async def close(self) -> None:
        self.closed = True


def engine(held: Held, digest: str) -> Engine:
    version = PolicyVersion(digest=digest, revision="", engine="test", engine_version="1")
    in_force = PolicyInForce(version=version, cards={}, roster=Roster(), catalogue=Catalogue())
    return Engine(held, in_force)


async def test_a_decision_ends_in_the_engine_it_began_in() -> None:
    first, second = Held(), Held()
    old, new = engine(first, "a"), engine(second, "b")
    await old.self_test()
    await new.self_test()
    active = ActivePolicy(old)
    deciding = asyncio.create_task(active.decide({"action": {}}))
    await first.began.wait()

    swapping = asyncio.create_task(active.swap(new))
    await asyncio.sleep(0)
    assert (active.in_force.version.digest, active.in_force.era) == ("b", 1)
    assert not swapping.done()
    second.go.set()
    assert (await active.decide({"action": {}})).effect is Effect.ALLOW
    first.go.set()

    assert (await deciding).effect is Effect.ALLOW
    assert await swapping is old
    assert not first.closed


async def test_a_swap_waits_for_nobody_where_nothing_is_under_way() -> None:
    first, second = Held(), Held()
    first.go.set()
    old = engine(first, "a")
    await old.self_test()
    active = ActivePolicy(old)
    await active.decide({"action": {}})

    assert await active.swap(engine(second, "b")) is old
    assert active.in_force.version.digest == "b"


async def test_each_swap_is_another_era_also_back_to_the_same_policy() -> None:
    eras = []
    active = ActivePolicy(engine(Held(), "a"))
    for digest in ("b", "a"):
        eras.append(active.in_force.era)
        await active.swap(engine(Held(), digest))
    assert [*eras, active.in_force.era] == [0, 1, 2]


async def test_who_falls_behind_is_red_until_it_has_caught_up() -> None:
    active = ActivePolicy(engine(Held(), "a"))
    assert (await active.self_test()).ok
    active.fall_behind("another is in force")
    assert not active.readiness().ok
    assert (await active.self_test()).detail == "another is in force"
    fresh = engine(Held(), "b")
    await fresh.self_test()
    await active.swap(fresh)
    assert active.readiness().ok


async def test_once_closed_everything_is_denied() -> None:
    active = ActivePolicy(engine(Held(), "a"))
    await active.close()
    decision = await active.decide(SELF_TEST_INPUT)
    assert decision.effect is Effect.DENY
    assert [finding.code for finding in decision.findings] == ["POLICY_UNAVAILABLE"]
