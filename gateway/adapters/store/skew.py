"""A clock that went back: recorded once for each time it is found behind the log."""

from audit.events import EventType
from gateway.adapters.store import events
from gateway.adapters.store.unit import Unit
from gateway.adapters.store.writer import Writer


class ClockSkew:
    """Remembers whether the present jump is recorded; another process that sees the same clock records it too."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._recorded = False

    async def look(self, now_ms: int) -> bool:
        """Record `clock.skewed` when the clock has fallen behind the log; whether that was recorded now."""
        if self._writer.clock_agrees(now_ms):
            self._recorded = False
            return False
        if self._recorded:
            return False
        behind_ms = self._writer.behind_ms(now_ms)
        await self._writer.run(lambda unit: _record(unit, behind_ms))
        self._recorded = True
        return True


def _record(unit: Unit, behind_ms: int) -> None:
    unit.record(events.drafted(EventType.CLOCK_SKEWED, "clock", {"behind_ms": behind_ms}))
