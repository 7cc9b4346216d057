"""Egress: where the gateway may connect, and what it will not do for a server that asks nicely."""

import asyncio
import gzip
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.adapters.egress import AnswerTooLargeError, Egress, EgressRefusedError, resolve_by_system

PUBLIC = "93.184.215.14"


def egress_where(*addresses: str, loopback: tuple[str, ...] = (), allow: tuple[str, ...] = ()) -> Egress:
    """Egress in a world where every name has these addresses."""
    return Egress(loopback=loopback, allow=allow, resolve=lambda _host, _port: addresses)


def test_https_to_a_public_address_is_allowed_and_pinned() -> None:
    assert egress_where(PUBLIC).address_for("https://gitlab.test/api") == PUBLIC


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.7", "172.16.3.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104 - an address that must be refused
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(EgressRefusedError, match=r"not public.*egress\.allow"):
        egress_where(address).address_for("https://gitlab.test/api")


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(EgressRefusedError, match="not public"):
        egress_where(PUBLIC, "10.0.0.7").address_for("https://gitlab.test/api")


def test_a_name_the_operator_allows_may_be_private() -> None:
    assert egress_where("10.0.0.7", allow=("gitlab.test",)).address_for("https://gitlab.test/") == "10.0.0.7"


def test_plain_http_is_refused_even_to_an_allowed_name() -> None:
    with pytest.raises(EgressRefusedError, match=r"egress\.loopback"):
        egress_where("10.0.0.7", allow=("gitlab.test",)).address_for("http://gitlab.test/")


def test_plain_http_to_a_named_port_of_this_machine_is_allowed() -> None:
    egress = egress_where("127.0.0.1", loopback=("localhost:8080",))

    assert egress.address_for("http://localhost:8080/api") == "127.0.0.1"
    with pytest.raises(EgressRefusedError):
        egress.address_for("http://localhost:8081/api")


def test_a_named_port_that_is_not_on_this_machine_is_refused() -> None:
    with pytest.raises(EgressRefusedError, match="not on this machine"):
        egress_where(PUBLIC, loopback=("gitlab.test:80",)).address_for("http://gitlab.test/")


@pytest.mark.parametrize(
    "url", ["ftp://gitlab.test/", "https://", "https://me:secret@gitlab.test/", "gitlab.test"]
)
def test_a_url_of_another_form_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(EgressRefusedError) as refused:
        egress_where(PUBLIC).address_for(url)

    assert "secret" not in refused.value.detail


def test_a_name_without_an_address_is_refused() -> None:
    with pytest.raises(EgressRefusedError, match="no address"):
        egress_where().address_for("https://gitlab.test/")


def test_the_systems_resolver_knows_this_machine_and_not_every_name() -> None:
    assert resolve_by_system("127.0.0.1", 80) == ("127.0.0.1",)
    assert resolve_by_system("no such name", 80) == ()


@dataclass
class Peer:
    """A server on this machine. `answers` maps a path to (status, headers, body)."""

    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    heard: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    drip: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def url(self, path: str, *, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


def _serving(peer: Peer) -> type[BaseHTTPRequestHandler]:
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            peer.heard.append((self.path, dict(self.headers)))
            status, headers, body = peer.answers.get(self.path, (200, {}, b"{}"))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for at in range(0, len(body), 1) if self.path == "/drip" else ():
                self.wfile.write(body[at : at + 1])
                if peer.drip.wait(0.05):
                    return
            if self.path != "/drip":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    return Answering


@contextmanager
def serve(peer: Peer, tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that goes away is what these tests are about."""

    server = Quiet(("127.0.0.1", 0), _serving(peer))
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    peer.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield peer
    finally:
        peer.drip.set()
        server.shutdown()
        thread.join()
        server.server_close()


Ask = Callable[[Egress, str], Awaitable[tuple[int, bytes]]]


async def by_httpx2(egress: Egress, url: str) -> tuple[int, bytes]:
    async with egress.async_client() as client:
        answer = await client.get(url)
        answer = await client.get(url) if "twice" in url else answer
        return answer.status_code, answer.content


async def by_requests(egress: Egress, url: str) -> tuple[int, bytes]:
    def ask() -> tuple[int, bytes]:
        with egress.session() as session:
            answer = session.get(url)
            answer = session.get(url) if "twice" in url else answer
            return answer.status_code, answer.content

    return await asyncio.to_thread(ask)


both_clients = pytest.mark.parametrize("ask", [by_httpx2, by_requests])


def egress_to(peer: Peer, **more: object) -> Egress:
    hosts = (f"127.0.0.1:{peer.port}", f"vendor.test:{peer.port}")
    return Egress(loopback=hosts, resolve=lambda _host, _port: ("127.0.0.1",), **more)  # type: ignore[arg-type]


@both_clients
async def test_an_answer_comes_back_whole(ask: Ask) -> None:
    with serve(Peer({"/x": (200, {}, b"hello")})) as peer:
        assert await ask(egress_to(peer), peer.url("/x")) == (200, b"hello")


@both_clients
async def test_a_redirect_is_an_answer_not_an_order(ask: Ask) -> None:
    with serve(Peer({"/x": (302, {"Location": "/y"}, b"")})) as peer:
        status, _ = await ask(egress_to(peer), peer.url("/x"))

    assert status == 302
    assert [path for path, _ in peer.heard] == ["/x"]


@both_clients
async def test_an_answer_that_is_too_large_is_not_read(ask: Ask) -> None:
    with serve(Peer({"/x": (200, {}, b"x" * 3000)})) as peer:
        with pytest.raises(AnswerTooLargeError, match=r"egress\.max_bytes"):
            await ask(egress_to(peer, max_bytes=2999), peer.url("/x"))

        assert (await ask(egress_to(peer, max_bytes=3000), peer.url("/x")))[0] == 200


@both_clients
async def test_a_small_answer_that_unpacks_to_a_large_one_is_not_read(ask: Ask) -> None:
    packed = gzip.compress(b"x" * 1_000_000)
    answers = {"/x": (200, {"Content-Encoding": "gzip"}, packed)}
    with serve(Peer(answers)) as peer, pytest.raises(AnswerTooLargeError):
        await ask(egress_to(peer, max_bytes=100_000), peer.url("/x"))


@both_clients
async def test_an_answer_that_drips_is_given_up(ask: Ask) -> None:
    answers: dict[str, tuple[int, dict[str, str], bytes]] = {"/drip": (200, {}, b"x" * 1000)}
    with serve(Peer(answers)) as peer, pytest.raises(AnswerTooLargeError, match="longer"):
        await ask(egress_to(peer, timeout_s=0.3), peer.url("/drip"))


@both_clients
async def test_cookies_are_not_kept(ask: Ask) -> None:
    with serve(Peer({"/twice": (200, {"Set-Cookie": "a=b"}, b"")})) as peer:
        await ask(egress_to(peer), peer.url("/twice"))

    assert len(peer.heard) == 2
    assert all("Cookie" not in headers for _, headers in peer.heard)


@both_clients
async def test_the_name_stays_in_the_request_when_the_address_is_pinned(ask: Ask) -> None:
    with serve(Peer()) as peer:
        await ask(egress_to(peer), peer.url("/x", host="vendor.test"))

    assert peer.heard[0][1]["Host"] == f"vendor.test:{peer.port}"


@both_clients
async def test_a_refused_address_is_never_connected_to(ask: Ask) -> None:
    with serve(Peer()) as peer, pytest.raises(EgressRefusedError):
        await ask(Egress(), peer.url("/x"))

    assert peer.heard == []


@both_clients
async def test_a_name_that_turns_to_another_address_is_refused_or_goes_where_it_was_checked(ask: Ask) -> None:
    turns: list[str] = []

    def turning(_host: str, _port: int) -> tuple[str, ...]:
        turns.append("asked")
        return ("127.0.0.1",) if len(turns) == 1 else (PUBLIC,)

    with serve(Peer()) as peer:
        egress = Egress(loopback=(f"vendor.test:{peer.port}",), resolve=turning, timeout_s=2)
        try:
            status, _ = await ask(egress, peer.url("/x", host="vendor.test"))
        except EgressRefusedError:
            status = 0

    assert (status, len(peer.heard)) in {(200, 1), (0, 0)}


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vendor.test")])
    day = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(day)
        .not_valid_after(day + timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("vendor.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "vendor.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@both_clients
async def test_tls_asks_for_the_name_and_trusts_no_stranger(ask: Ask, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(tmp_path))
    peer = Peer()
    context.sni_callback = lambda _sock, name, _context: peer.names.append(name)
    with serve(peer, context), pytest.raises((httpx2.ConnectError, requests.exceptions.SSLError)):
        await ask(egress_to(peer), peer.url("/x", host="vendor.test", scheme="https"))

    assert peer.names == ["vendor.test"]
    assert peer.heard == []


@both_clients
async def test_a_port_where_nobody_listens_is_a_connection_error(ask: Ask) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        egress = Egress(loopback=(f"127.0.0.1:{port}",))
        with pytest.raises((httpx2.ConnectError, requests.ConnectionError)):
            await ask(egress, f"http://127.0.0.1:{port}/")
