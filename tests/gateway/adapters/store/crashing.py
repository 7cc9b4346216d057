"""A process that works on a store and dies for real: `python -m …crashing FOLDER PHASE`.

It prints every action and the state that was acknowledged, and exits with `CRASHED` in the middle of the
twentieth transaction, after the named phase, without any clean-up.
"""

import asyncio
import itertools
import os
import sys
from pathlib import Path

from tests.gateway.adapters.store.world import CountedIds, World, performed

PHASES = ("begun", "unit", "units", "appended", "committed")
CRASHED = 77
_TRANSACTION = 20


class Death:
    """Ends the process after a phase of one transaction."""

    def __init__(self, phase: str) -> None:
        self.phase, self.transactions = phase, 0

    def __call__(self, step: str) -> None:
        self.transactions += step == "begun"
        if self.transactions == _TRANSACTION and step == self.phase:
            os._exit(CRASHED)


async def work(world: World) -> None:
    """Carry actions along the road for ever, telling what was acknowledged."""
    with world.store() as store:
        while True:
            action = world.action()
            await store.ledger.admit(action)
            _tell(action.id, "requested")
            await store.ledger.record(world.start(action))
            _tell(action.id, "started")
            await store.ledger.record(performed(action))
            _tell(action.id, "performed")


def _tell(action_id: str, state: str) -> None:
    os.write(1, f"{action_id} {state}\n".encode())


if __name__ == "__main__":
    folder, phase = sys.argv[1:]
    # Ids of its own, so that the process that looks afterwards can go on counting from the beginning.
    asyncio.run(work(World(Path(folder), ids=CountedIds(itertools.count(5 * 10**8)), after=Death(phase))))
