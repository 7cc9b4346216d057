"""The one place outgoing HTTP passes: where the gateway may connect, and how.

1. https anywhere public; anything else only to a `host:port` on this machine that the operator named.
2. A name is resolved once per connection; every address it has must be allowed; the connection goes to the address
   that was checked, so a name cannot turn to another address in between. TLS still checks the name.
3. No redirect is followed, no proxy or credential is taken from the environment, no cookie is kept.
4. Every call has a time-out and every answer a size cap, counted after decompression.

`async_client` is for httpx2, `session` for python-gitlab, which speaks through requests.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx2
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from gateway.core.errors import TargetRefusedError, TargetUnclearError

Resolver = Callable[[str, int], tuple[str, ...]]
_CHUNK = 65_536
_NO_COOKIES = DefaultCookiePolicy(allowed_domains=[])
_UNICAST = IPv6Network("2000::/3")
_NOT_PUBLIC = (IPv6Network("3fff::/20"), IPv4Network("192.88.99.0/24"), IPv4Network("192.0.0.0/24"))
_ISATAP = 0x5EFE
_DEFAULT_PORTS = {"http": 80, "https": 443}


class EgressRefusedError(TargetRefusedError):
    """The gateway would not connect there; nothing was sent."""


class AnswerTooLargeError(TargetUnclearError):
    """The answer is larger, or took longer, than the settings allow; what was sent has arrived."""


def resolve_by_system(host: str, port: int) -> tuple[str, ...]:
    """Every address the system's resolver knows for a name; empty when it knows none."""
    with suppress(socket.gaierror, UnicodeError):
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    return ()


@dataclass(frozen=True, slots=True)
class Egress:
    """The rules. `loopback` holds `host:port`, `allow` host names whose private addresses are welcome.

    `timeout_s` bounds each call as a whole; `max_bytes` each answer. `headers` are sent with every call: the trace.
    """

    loopback: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    timeout_s: float = 20.0
    max_bytes: int = 20_000_000
    resolve: Resolver = field(default=resolve_by_system, repr=False)
    headers: Callable[[], Mapping[str, str]] = field(default=dict, repr=False)

    def address_for(self, url: str) -> str:
        """The checked address to connect to for a URL. Raises `EgressRefusedError`."""
        scheme, host, port = _parts(url)
        named = f"{host}:{port}" in self.loopback
        if scheme != "https" and not named:
            raise EgressRefusedError(
                f"Only https is allowed to {host}; plain http needs {host}:{port} in the setting egress.loopback."
            )
        return self.address_of(host, port)

    def address_of(self, host: str, port: int) -> str:
        """The checked address of a host and port. Raises `EgressRefusedError`."""
        addresses = self.resolve(host, port)
        if not addresses:
            raise EgressRefusedError(f"The name {host} has no address; check the URL and this machine's DNS.")
        for address in addresses:
            self._check(host, port, address)
        return addresses[0]

    def async_client(self, **options: Any) -> httpx2.AsyncClient:
        """An httpx2 client under these rules; `options` are its `base_url`, `headers` and `auth`."""
        return httpx2.AsyncClient(
            transport=GuardedTransport(self),
            timeout=self.timeout_s,
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(_NO_COOKIES),
            **options,
        )

    def session(self) -> requests.Session:
        """A requests session under these rules, for python-gitlab."""
        return GuardedSession(self)

    def _check(self, host: str, port: int, address: str) -> None:
        where = ip_address(address.split("%", 1)[0])
        if f"{host}:{port}" in self.loopback:
            if not where.is_loopback:
                raise EgressRefusedError(
                    f"{host}:{port} is named in egress.loopback but is not on this machine."
                )
        elif host not in self.allow and not _is_public(where):
            raise EgressRefusedError(
                f"{host} has the address {address}, which is not public; if that is meant, name {host} in the "
                "setting egress.allow."
            )


class GuardedTransport(httpx2.AsyncBaseTransport):
    """An httpx2 transport that connects to checked addresses only."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._inner = httpx2.AsyncHTTPTransport(retries=0, trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request to the pinned address, keeping `Host` and the TLS name."""
        address = await asyncio.to_thread(self._egress.address_for, str(request.url))
        pinned = httpx2.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.host},
        )
        pinned.headers.update(self._egress.headers())
        pinned.headers["Accept-Encoding"] = "identity"
        response = await self._inner.handle_async_request(pinned)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise AnswerTooLargeError("The answer is compressed although that was not asked for.")
        deadline = time.monotonic() + self._egress.timeout_s
        response.stream = _CappedStream(response.stream, self._egress.max_bytes, deadline)
        return response

    async def aclose(self) -> None:
        """Close the pool."""
        await self._inner.aclose()


class _CappedStream(httpx2.AsyncByteStream):
    """An answer's body that ends in an error when it grows too large or takes too long."""

    def __init__(self, inner: Any, limit: int, deadline: float) -> None:
        self._inner = inner
        self._limit = limit
        self._deadline = deadline

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._inner:
            read += len(chunk)
            _check_size(read, self._limit)
            _check_time(self._deadline)
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


class GuardedSession(requests.Session):
    """A requests session that follows no redirect, keeps no cookie and asks no environment."""

    def __init__(self, egress: Egress) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(_NO_COOKIES)
        for prefix in ("https://", "http://"):
            self.mount(prefix, GuardedAdapter(egress))

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send one prepared request, never following a redirect."""
        return super().send(request, **{**kwargs, "allow_redirects": False})


class GuardedAdapter(HTTPAdapter):
    """A requests adapter that connects to checked addresses only and reads at most `max_bytes`."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools, with connections that pin their address."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pinning_pools(self._egress)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send one request and read its answer whole, within the caps."""
        self._egress.address_for(request.url or "")
        request.headers.update(self._egress.headers())
        deadline = time.monotonic() + self._egress.timeout_s
        limit = self._egress.timeout_s
        response = super().send(request, *args, **{**kwargs, "stream": True, "timeout": limit})
        try:
            response._content = self._read(response, deadline)  # noqa: SLF001 - requests has no public way to hand over a body that was read within limits
        finally:
            response.close()
        return response

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        body = bytearray()
        # read1 returns what has come: a plain read would wait for a full chunk from a server that drips.
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            body += chunk
            _check_size(len(body), self._egress.max_bytes)
            _check_time(deadline)
        return bytes(body)


def _pinning_pools(egress: Egress) -> dict[str, type[HTTPConnectionPool]]:
    """Pool classes whose connections resolve through `egress` and connect to what it checked."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connect_pinned(self, super()._new_conn, egress)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _connect_pinned(self, super()._new_conn, egress)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _connect_pinned(
    connection: HTTPConnection, connect: Callable[[], socket.socket], egress: Egress
) -> socket.socket:
    """Open the socket to the checked address; `host`, and so TLS and the Host header, stay the name."""
    host = connection.host
    connection._dns_host = egress.address_of(host.strip("[]"), connection.port)  # noqa: SLF001 - urllib3's own name for the address it dials
    try:
        return connect()
    finally:
        connection.host = host


def _parts(url: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:  # an address in brackets that never close, a port that is no number
        parts, port = urlsplit(""), 0
    host = parts.hostname or ""
    if not port or not host or "@" in parts.netloc:
        raise EgressRefusedError("An outgoing URL must be http(s)://host[:port]/… without a user name in it.")
    return parts.scheme, host, port


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if any(address in network for network in _NOT_PUBLIC if network.version == address.version):
        return False
    if isinstance(address, IPv6Address):
        inner = _inner(address)
        if inner is not None:
            return _is_public(inner)
        if address not in _UNICAST:  # translated (NAT64), mapped in other ways, site-local, reserved
            return False
    return address.is_global and not address.is_multicast


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address inside: mapped, 6to4, Teredo, ISATAP (RFC 5214, 6.1)."""
    if (int(address) >> 32) & 0xFDFFFFFF == _ISATAP:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _check_time(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise AnswerTooLargeError("The answer took longer than the setting egress.timeout_s allows.")


def _check_size(read: int, limit: int) -> None:
    if read > limit:
        raise AnswerTooLargeError(f"The answer is larger than {limit} bytes, the setting egress.max_bytes.")
