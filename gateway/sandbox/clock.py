"""The sandbox's time: what the neighbours' clocks show, and when their background work happens."""

import heapq
import itertools
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

Event = Callable[[], None]


class Clock:
    """Time and pending background work of the sandbox; owns the one lock of its world.

    `wall` gives the time the vendors' machines would show, before anything was advanced.
    Background work (pipelines, search indexing) only ever happens in `advance` or `tick`,
    so a test sees it exactly when it asks for it.
    """

    def __init__(self, wall: Callable[[], datetime]) -> None:
        self.lock = threading.RLock()
        self._wall = wall
        self._offset = 0.0
        self._progress = 0.0
        self._order = itertools.count()
        self._due: list[tuple[float, int, Event]] = []

    @property
    def progress(self) -> float:
        """Seconds of background work done so far."""
        return self._progress

    def now(self) -> datetime:
        """The time in UTC, as the vendors would stamp it."""
        return self._wall() + timedelta(seconds=self._offset)

    def after(self, seconds: float, event: Event) -> None:
        """Let `event` happen once `seconds` more of background work have passed."""
        heapq.heappush(self._due, (self._progress + seconds, next(self._order), event))

    def advance(self, seconds: float) -> None:
        """Move the time on by `seconds` and do the background work that falls due."""
        self._pass(seconds, moves_time=True)

    def tick(self, seconds: float) -> None:
        """Do the background work of `seconds` that the wall clock has already shown."""
        self._pass(seconds, moves_time=False)

    def _pass(self, seconds: float, *, moves_time: bool) -> None:
        if seconds < 0:
            raise ValueError("the sandbox's time only moves forward")
        with self.lock:
            end = self._progress + seconds
            while self._due and self._due[0][0] <= end:
                moment, _, event = heapq.heappop(self._due)
                self._step_to(max(moment, self._progress), moves_time=moves_time)
                event()
            self._step_to(end, moves_time=moves_time)

    def _step_to(self, moment: float, *, moves_time: bool) -> None:
        if moves_time:
            self._offset += moment - self._progress
        self._progress = moment
