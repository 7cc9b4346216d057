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
from dataclasses import asdict, dataclass, field
from functools import partial

_HEAD_END = b"\r\n\r\n"
_UNSIGNED = b"Authorization: TOKEN\r\n"
_WARM_UP = 15
# Shorter than any of the servers keeps a connection that nobody uses (uvicorn: five seconds).
_IDLE_S = 3


@dataclass(frozen=True, slots=True)
class Load:
    """What to send, where, over how many connections, for how many seconds, and the status it must get.

    `requests` are whole HTTP requests in base64, and each answer is followed by the next of them. With `tokens`, each
    is sent once for every one of these in the place of the token `TOKEN`. With `rate`, so many are sent a second over
    all connections together, and an answer's time begins when its request was due, not when there was room for it;
    without, each connection sends as soon as it has its answer.
    """

    host: str
    port: int
    requests: list[str]
    status: int
    connections: int
    seconds: float
    rate: float | None = None
    tokens: list[str] = field(default_factory=list)


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
    """Sends the next request when it is its turn, until the time is over. `due` is when its first one is to be sent."""

    def __init__(self, run: "_Run", due: float, over: asyncio.Future[None]) -> None:
        self._run, self._due, self._over = run, due, over
        self._transport: asyncio.Transport
        self._began = 0.0
        self._buffer = b""
        self._left = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send_when_due()

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
            self._due += self._run.period
            self._send_when_due()
            return
        else:
            self._over.set_result(None)
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._over.done() and not self._left:
            self._over.set_exception(exc or ConnectionError("the server closed the connection"))

    def _send_when_due(self) -> None:
        wait = self._due - time.perf_counter() if self._run.period else 0.0
        if wait <= 0:
            self._send()
        elif wait < _IDLE_S:
            asyncio.get_running_loop().call_later(wait, self._send)
        else:
            # Servers let go of connections that rest; another one is there in time.
            self._left = True
            self._transport.close()
            self._run.open_later(wait - 1, self._due, self._over)

    def _send(self) -> None:
        self._began = self._due if self._run.period else time.perf_counter()
        self._transport.write(next(self._run.requests))


class _Run:
    """One load while it runs."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.requests = itertools.cycle(_requests(load))
        self.times: list[float] = []
        self.until = 0.0
        self.period = 0.0
        self._opening: set[asyncio.Task[None]] = set()

    def took(self, now: float, seconds: float) -> bool:
        """Note one answer; whether to go on."""
        self.times.append(seconds * 1000)
        return now < self.until

    def open_later(self, wait: float, due: float, over: asyncio.Future[None]) -> None:
        """Open a connection after so many seconds, whose first request is due at that time."""
        asyncio.get_running_loop().call_later(wait, self._begin, due, over)

    def _begin(self, due: float, over: asyncio.Future[None]) -> None:
        opening = asyncio.create_task(self._open(due, over))
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)

    async def _open(self, due: float, over: asyncio.Future[None]) -> None:
        made = partial(_Connection, self, due, over)
        try:
            await asyncio.get_running_loop().create_connection(made, self.load.host, self.load.port)
        except OSError as error:
            over.set_exception(error)

    async def through(self, connections: int, seconds: float, rate: float | None = None) -> None:
        """Send over that many connections for that long: `rate` a second, or as fast as the answers come."""
        loop = asyncio.get_running_loop()
        began = time.perf_counter()
        self.until = began + seconds
        self.period = connections / rate if rate else 0.0
        over: list[asyncio.Future[None]] = [loop.create_future() for _ in range(connections)]
        for number, one in enumerate(over):
            await self._open(began + self.period * (number + 1) / connections, one)
        await asyncio.gather(*over)


async def measure(load: Load) -> Measured:
    """Warm up, then measure. Raises `WrongAnswerError` at the first wrong status."""
    run = _Run(load)
    await run.through(1, _WARM_UP / 100)
    run.times.clear()
    began, cpu = time.perf_counter(), time.process_time()
    await run.through(load.connections, load.seconds, load.rate)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    times = sorted(run.times)
    return Measured(
        count=len(times),
        seconds=seconds,
        p50=times[len(times) // 2],
        p99=times[len(times) * 99 // 100],
        client_ms=1000 * cpu / len(times),
    )


def _requests(load: Load) -> list[bytes]:
    plain = [base64.b64decode(request) for request in load.requests]
    if not load.tokens:
        return plain
    signed = [f"Authorization: Bearer {token}\r\n".encode() for token in load.tokens]
    return [request.replace(_UNSIGNED, line, 1) for request in plain for line in signed]


def _length(head: bytes) -> int:
    """The Content-Length of an answer's head; none of the servers that are compared chunks."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(asyncio.run(measure(Load(**json.loads(sys.stdin.read())))))))
