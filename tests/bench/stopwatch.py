"""How long the ports of the road took, seen from the road."""

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Stopwatch:
    """Sums the time of named calls."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._calls: defaultdict[str, int] = defaultdict(int)

    def around(self, name: str, port: T, *methods: str) -> T:
        """The same port; each of these methods is timed as `<name>.<method>`."""
        return cast("T", _Timed(self, name, port, methods))

    def told(self) -> dict[str, tuple[int, float]]:
        """Calls and mean milliseconds by name since it was asked last."""
        told = {name: (n, 1000 * self._seconds[name] / n) for name, n in sorted(self._calls.items())}
        self._seconds.clear()
        self._calls.clear()
        return told

    def note(self, name: str, seconds: float) -> None:
        """Add one call."""
        self._seconds[name] += seconds
        self._calls[name] += 1


class _Timed:
    """A port whose named methods are timed; everything else is the port's own."""

    def __init__(self, watch: Stopwatch, name: str, port: Any, methods: tuple[str, ...]) -> None:
        self._port = port
        for method in methods:
            setattr(self, method, _timed(watch, f"{name}.{method}", getattr(port, method)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


def _timed(watch: Stopwatch, name: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    async def timed(*arguments: Any, **more: Any) -> Any:
        began = time.perf_counter()
        try:
            return await call(*arguments, **more)
        finally:
            watch.note(name, time.perf_counter() - began)

    return timed
