"""The fake target keeps the targets' contract, so that tests of the road may trust it."""

from dataclasses import dataclass, field

from gateway.core.actions import Action
from gateway.core.vocabulary import ActionType
from tests.fakes.permits import action_of
from tests.fakes.targets import WORDS, FakeTarget
from tests.gateway.adapters.target_contract import Check, every_check

_SWITCHES = {
    "rate_limit_write": "rate_limit",
    "rate_limit_read": "rate_limit",
    "garbage_write": "garbage",
    "garbage_read": "garbage",
}


@dataclass
class FakeRig:
    target: FakeTarget = field(default_factory=FakeTarget)
    action: Action = field(default_factory=lambda: action_of(ActionType.ISSUE_CREATE, params={"title": "t"}))
    refusal: str = WORDS

    def effects(self) -> int:
        return self.target.times(self.action.id)

    def settle(self) -> None:
        """Nothing lags in memory."""

    def switch(self, fault: str) -> None:
        setattr(self.target.switches, _SWITCHES.get(fault, fault), True)


@every_check
async def test_the_fake_keeps_the_contract(check: Check) -> None:
    await check(FakeRig())
