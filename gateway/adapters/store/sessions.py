"""Failed sign-ins: counted per source and minute, recorded as one event each, so that floods do not fill the log."""

from typing import NamedTuple

from audit.events import EventType
from gateway.adapters.store import events
from gateway.adapters.store.unit import Unit
from gateway.adapters.store.writer import Writer

_MINUTE_MS = 60_000
_MOST_SOURCES = 1000
_OTHERS = "others"


class _Counted(NamedTuple):
    """What is counted together. `door` is where it was tried, `code` why it failed."""

    minute: int
    source: str
    door: str
    code: str


class DeniedSessions:
    """Counts in memory; a minute that is over becomes events with the next `flush`."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._counts: dict[_Counted, int] = {}

    def count(self, source: str, door: str, code: str, now_ms: int) -> None:
        """Note one failed sign-in. Beyond a thousand sources a minute the rest are counted as one."""
        counted = _Counted(now_ms // _MINUTE_MS, source, door, code)
        if counted not in self._counts and len(self._counts) >= _MOST_SOURCES:
            counted = counted._replace(source=_OTHERS)
        self._counts[counted] = self._counts.get(counted, 0) + 1

    async def flush(self, now_ms: int) -> int:
        """Record the minutes that are over; how many events. What cannot be recorded stays counted."""
        over = {c: n for c, n in self._counts.items() if c.minute < now_ms // _MINUTE_MS}
        if over:
            await self._writer.run(lambda unit: _record(unit, over))
            for counted in over:
                del self._counts[counted]
        return len(over)

    def settle(self) -> None:
        """Queue what is counted so far: the gateway stops, and the minute will not be over in its time."""
        rest, self._counts = self._counts, {}
        if rest and self._writer.readiness().ok:
            self._writer.submit(lambda unit: _record(unit, rest))


def _record(unit: Unit, counts: dict[_Counted, int]) -> None:
    for counted, count in sorted(counts.items()):
        data = {"door": counted.door, "code": counted.code, "count": count, "minute": counted.minute}
        unit.record(
            events.drafted(EventType.SESSION_DENIED, f"door:{counted.door}", data, {"source": counted.source})
        )
