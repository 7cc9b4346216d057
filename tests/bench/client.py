"""The load: one process that repeats one HTTP request over kept connections, and says how long each took.

`python -m tests.bench.client` reads a `Load` as JSON from standard input and prints a `Measured`. Written on bare
asyncio so that the client costs little beside the server it shares the machine with.
"""

import asyncio
import base64
import itertools
import json
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial

_HEAD_END = b"\r\n\r\n"
_WARM_UP = 15


@dataclass(frozen=True, slots=True)
class Load:
    """What to send, where, over how many connections, for how many seconds, and the status it must get.

    `requests` are whole HTTP requests in base64; the connections take turns at them.
    """

    host: str
    port: int
    requests: list[str]
    status: int
    connections: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Answers a second, milliseconds one took (middle, 99th of a hundred), and the client's own CPU milliseconds."""

    count: int
    seconds: float
    p50: float
    p99: float
    client_ms: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.count / self.seconds


class WrongAnswerError(Exception):
    """The server answered with another status than the load expects."""


class _Connection(asyncio.Protocol):
    """Sends the request again as soon as its answer is whole, until `go_on` says no."""

    def __init__(self, run: "_Run", request: bytes, over: asyncio.Future[None]) -> None:
        self._run, self._request, self._over = run, request, over
        self._transport: asyncio.Transport
        self._began = 0.0
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(_HEAD_END)
        if end < 0 or len(self._buffer) < end + len(_HEAD_END) + _length(self._buffer[:end]):
            return
        answer, self._buffer = self._buffer, b""
        now = time.perf_counter()
        if int(answer[9:12]) != self._run.load.status:
            self._over.set_exception(WrongAnswerError(answer.decode("utf-8", "replace")[:2000]))
        elif self._run.took(now, now - self._began):
            self._send()
            return
        else:
            self._over.set_result(None)
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._over.done():
            self._over.set_exception(exc or ConnectionError("the server closed the connection"))

    def _send(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(self._request)


class _Run:
    """One load while it runs."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.requests = [base64.b64decode(request) for request in load.requests]
        self.times: list[float] = []
        self.until = 0.0

    def took(self, now: float, seconds: float) -> bool:
        """Note one answer; whether to go on."""
        self.times.append(seconds * 1000)
        return now < self.until

    async def through(self, connections: int, seconds: float) -> None:
        """Keep that many connections busy for that long."""
        loop = asyncio.get_running_loop()
        self.until = time.perf_counter() + seconds
        over: list[asyncio.Future[None]] = [loop.create_future() for _ in range(connections)]
        for one, request in zip(over, itertools.cycle(self.requests), strict=False):
            made = partial(_Connection, self, request, one)
            await loop.create_connection(made, self.load.host, self.load.port)
        await asyncio.gather(*over)


async def measure(load: Load) -> Measured:
    """Warm up, then measure. Raises `WrongAnswerError` at the first wrong status."""
    run = _Run(load)
    await run.through(1, _WARM_UP / 100)
    run.times.clear()
    began, cpu = time.perf_counter(), time.process_time()
    await run.through(load.connections, load.seconds)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    times = sorted(run.times)
    return Measured(
        count=len(times),
        seconds=seconds,
        p50=times[len(times) // 2],
        p99=times[len(times) * 99 // 100],
        client_ms=1000 * cpu / len(times),
    )


def _length(head: bytes) -> int:
    """The Content-Length of an answer's head; none of the servers that are compared chunks."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(asyncio.run(measure(Load(**json.loads(sys.stdin.read())))))))
