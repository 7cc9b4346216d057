"""Many kills in several homes: `python -m tests.kills.campaign 2000 [SEED]` does it by hand.

A home is left after 250 kills: another begins, so that a long run costs as much at its end as at its start.
"""

import asyncio
import random  # noqa: TID251 - seeded, and the seed is printed
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.city import found
from tests.kills.loop import Count, kill_many, say
from tests.postgres import Cluster, binaries, running_cluster
from tests.town import template_home

_MOST_PER_HOME = 250
Founder = Callable[[Path], Path]


def shares(times: int) -> list[int]:
    """How many kills each home gets, as even as can be."""
    homes = -(-times // _MOST_PER_HOME)
    return [times // homes + (home < times % homes) for home in range(homes)]


def on_sqlite(folder: Path) -> Path:
    """A home whose database is a file in it."""
    return template_home(folder)


def on_postgresql(cluster: Cluster) -> Founder:
    """Homes with a new database each on that cluster."""
    return lambda folder: found(cluster, folder).home


async def campaign(founder: Founder, folder: Path, times: int, seed: int, name: str) -> Count:
    """Kill so often in all; what was counted."""
    total, begun = Count(), time.monotonic()

    def told(count: Count) -> None:
        seconds = time.monotonic() - begun
        say(f"{name}: {total.kills + count.kills} of {times} kills in {seconds:.0f} s (seed {seed})")

    for number, share in enumerate(shares(times)):
        place = folder / f"{name}-{number}"
        (place / "template").mkdir(parents=True)
        home = await asyncio.to_thread(founder, place / "template")
        total.add(await kill_many(home, place, share, seed + number, told))
        say(f"{name}: home {number + 1} of {len(shares(times))} holds (its seed {seed + number}): {total}")
    return total


def main(times: int, seed: int) -> None:
    """All of them, a tenth on PostgreSQL where a server is installed."""
    there = times // 10 if binaries() else 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if there:
            with running_cluster() as cluster:
                asyncio.run(campaign(on_postgresql(cluster), folder, there, seed, "PostgreSQL"))
        asyncio.run(campaign(on_sqlite, folder, times - there, seed, "SQLite"))
    say(f"done: {times} kills, {there} of them on PostgreSQL (seed {seed})")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32))
