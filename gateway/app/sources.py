"""The log and the chance that the gateway and `init` share."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from audit.errors import AuditError
from audit.keys import load_key
from audit.log import Log, Sources
from gateway.adapters.clock import UlidIds
from gateway.adapters.store.sources import StoreSources
from gateway.core.errors import SettingsError
from gateway.ports import Clock
from gateway.settings import Settings


def open_log(settings: Settings, ids: UlidIds, clock: Clock) -> Log:
    """The log of a home folder with its keys. Raises `SettingsError`."""
    keys = settings.home / "keys"
    sources = Sources(
        clock_ms=clock.now_ms,
        new_id=lambda: ids.new("evt"),
        new_nonce=lambda: secrets.token_hex(16),
        new_salt=lambda: secrets.token_urlsafe(16),
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
    clock: Clock, bench: Callable[[], Any], policies: Callable[[], Mapping[str, bytes]] = dict
) -> StoreSources:
    """What the store does not decide itself."""
    ids = UlidIds(clock)
    return StoreSources(clock=clock, ids=ids, new_secret=new_secret, bench=bench, policies=policies)
