"""The poller goes on: one look that breaks is not the last one."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest

from gateway.carrier import Carrier
from gateway.core.errors import LedgerUnavailableError
from gateway.poller import Poller
from gateway.ports import ActionRecord, Ledger
from tests.gateway.gathering_scene import FixedClock


@dataclass
class Due:
    """Nothing is ever due; each look breaks as the switch says, until it has broken once."""

    breaks: Exception
    looked: asyncio.Event = field(default_factory=asyncio.Event)
    expiries: int = 0

    async def expire_due(self, now_ms: int) -> int:
        self.expiries += 1
        assert now_ms
        return 0

    async def claim_due(self, *, lease_ms: int, limit: int) -> tuple[ActionRecord, ...]:
        assert lease_ms
        assert limit
        if self.expiries == 1:
            raise self.breaks
        self.looked.set()
        return ()


@pytest.mark.parametrize(
    "breaks", [ValueError("a row nobody can read"), LedgerUnavailableError("The disk is full.")]
)
async def test_a_look_that_breaks_is_followed_by_another(breaks: Exception) -> None:
    due = Due(breaks)
    poller = Poller(cast("Ledger", due), due, cast("Carrier", None), FixedClock(), every_s=0.001)
    running = asyncio.create_task(poller.run())
    await asyncio.wait_for(due.looked.wait(), 10)
    poller.stop()
    await running

    assert due.expiries >= 2
