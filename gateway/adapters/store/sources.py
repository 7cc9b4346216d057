"""What the store does not decide itself: time, names, chance, and who can vote."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.adapters.store.fork_guard import Memory
from gateway.core.tickets import Bench
from gateway.ports import Clock, Ids


@dataclass(frozen=True, slots=True)
class StoreSources:
    """`new_secret` gives 256 random bits in URL-safe base64 (43 characters); `bench` those who can vote now.

    `policies` gives the Rego bundles (`tar.gz`) that go along with evidence, by policy digest. `memory` is where
    checkpoints are remembered outside the database.
    """

    clock: Clock
    ids: Ids
    new_secret: Callable[[], str]
    bench: Callable[[], Bench]
    policies: Callable[[], Mapping[str, bytes]] = dict
    memory: Memory | None = None
