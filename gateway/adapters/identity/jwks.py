"""The public keys of an OIDC issuer: read from a file or fetched, kept for a while, fetched again for a new key id."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import jwt

from gateway.core.errors import UnauthenticatedError
from gateway.ports import Clock

Fetch = Callable[[], Awaitable[bytes]]
_KEPT_MS = 10 * 60_000
_PAUSE_MS = 60_000


class KeySet:
    """A JWKS (RFC 7517) behind `fetch`. A key id nobody knows makes it look again, at most once a minute."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch, self._clock = fetch, clock
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._read_ms: int | None = None

    async def key(self, key_id: str | None) -> jwt.PyJWK:
        """The key of that id, or the only key there is for a token without one; raises `UnauthenticatedError`."""
        if self._is_older_than(_KEPT_MS) or (self._named(key_id) is None and self._is_older_than(_PAUSE_MS)):
            await self._read()
        found = self._named(key_id)
        if found is None:
            raise UnauthenticatedError(
                "The JWT is signed with a key that its issuer does not publish.", code="bad_jwt"
            )
        return found

    def _named(self, key_id: str | None) -> jwt.PyJWK | None:
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    def _is_older_than(self, age_ms: int) -> bool:
        return self._read_ms is None or self._clock.now_ms() - self._read_ms >= age_ms

    async def _read(self) -> None:
        try:
            keys = jwt.PyJWKSet.from_dict(json.loads(await self._fetch())).keys
        except (OSError, ValueError, TypeError, AttributeError, RecursionError, jwt.PyJWTError) as error:
            detail = (
                "The keys of the JWT's issuer cannot be read just now; try again, or use a gateway token."
            )
            raise UnauthenticatedError(detail, code="issuer_unavailable") from error
        self._keys = {key.key_id: key for key in keys}
        self._read_ms = self._clock.now_ms()


def from_file(path: Path) -> Fetch:
    """Reads the key set from a file, anew each time."""

    async def read() -> bytes:
        return await asyncio.to_thread(path.read_bytes)

    return read
