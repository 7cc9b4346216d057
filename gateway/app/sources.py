"""The log and the chance that the gateway and `init` share."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from audit.errors import AuditError
from audit.keys import load_key
from audit.log import Log, Sources
from gateway.adapters.clock import UlidIds
from gateway.adapters.remembered import Remembered
from gateway.adapters.store.fork_guard import Memory
from gateway.adapters.store.sources import StoreSources
from gateway.core.errors import SettingsError
from gateway.ports import Clock
from gateway.settings import Settings


def memory_of(settings: Settings) -> Remembered:
    """Where a home remembers checkpoints outside its database."""
    return Remembered((settings.home, *settings.evidence.remember_in))


def open_log(
    settings: Settings, ids: UlidIds, clock: Clock, remembered: Callable[[], Sequence[str]] = tuple
) -> Log:
    """The log of a home folder with its keys; `remembered` are the checkpoints it must go on from.

    Raises `SettingsError`.
    """
    keys = settings.home / "keys"
    sources = Sources(
        clock_ms=clock.now_ms,
        new_id=lambda: ids.new("evt"),
        new_nonce=lambda: secrets.token_hex(16),
        new_salt=lambda: secrets.token_urlsafe(16),
        remembered=remembered,
    )
    try:
        return Log(settings.origin, load_key(keys / "event.pem"), load_key(keys / "checkpoint.pem"), sources)
    except AuditError as error:
        raise SettingsError(str(error)) from error


def new_secret() -> str:
    """256 random bits in URL-safe base64. None begins with `-`: one-time codes are arguments of a command."""
    while (secret := secrets.token_urlsafe(32)).startswith("-"):
        continue
    return secret


def store_sources(
    clock: Clock,
    bench: Callable[[], Any],
    policies: Callable[[], Mapping[str, bytes]] = dict,
    memory: Memory | None = None,
) -> StoreSources:
    """What the store does not decide itself."""
    ids = UlidIds(clock)
    return StoreSources(
        clock=clock, ids=ids, new_secret=new_secret, bench=bench, policies=policies, memory=memory
    )
