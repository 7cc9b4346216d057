"""The machine's clock, and fresh names made of it and of chance."""

import secrets
import threading
import time

from gateway.ports import Clock

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80
_PAIRS = [one + other for one in _ALPHABET for other in _ALPHABET]
_SHIFTS = tuple(range(120, -1, -10))


class SystemClock:
    """The port `Clock`."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        return time.time_ns() // 1_000_000  # noqa: TID251 - this is the port's one implementation


class UlidIds:
    """The port `Ids`: ULIDs, rising within a millisecond so that ids of one process sort as they were made."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = 0

    def new(self, prefix: str) -> str:
        """`<prefix>_<ULID>`: 48 bits of time and 80 of chance, Crockford's base 32."""
        with self._lock:
            fresh = (self._clock.now_ms() << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
            self._last = fresh if fresh > self._last else self._last + 1
            return f"{prefix}_{_encoded(self._last)}"


def _encoded(value: int) -> str:
    """Two letters at a time: 13 steps instead of 26."""
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in _SHIFTS])
