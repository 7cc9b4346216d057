"""Egress for every address there is: only what is public is reached, however the address or the URL is written."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.egress import Egress, EgressRefusedError
from gateway.adapters.git.remotes import Forge
from gateway.adapters.git.runner import Call, Git, GitError
from gateway.core.vocabulary import ForgeIdentity
from gateway.sandbox.server import Sandbox

# IANA's special-purpose registries, and what is no unicast address at all.
SPECIAL_4 = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
    "240.0.0.0/4",
]  # fmt: skip
SPECIAL_6 = [
    "::/8", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001:db8::/32", "3fff::/20", "fc00::/7", "fe80::/10", "fec0::/10",
    "ff00::/8", "4000::/3", "5f00::/16",
]  # fmt: skip


@st.composite
def inside(draw: st.DrawFn, networks: list[str]) -> str:
    network = draw(st.sampled_from([IPv4Network(n) if "." in n else IPv6Network(n) for n in networks]))
    return str(network[draw(st.integers(0, network.num_addresses - 1))])


def tunnelled(address: IPv4Address) -> Iterator[str]:
    """An IPv4 address in each form that IPv6 has for it."""
    four = int(address)
    yield str(IPv6Address((0xFFFF << 32) | four))
    yield str(IPv6Address(four))
    yield str(IPv6Address((0x64FF9B << 96) | four))
    yield str(IPv6Address((0x2002 << 112) | (four << 80) | 1))
    yield str(IPv6Address((0x20010000 << 96) | (0x01020304 << 64) | (four ^ 0xFFFFFFFF)))
    yield str(IPv6Address((0x2600 << 112) | (0x5EFE << 32) | four))
    yield str(IPv6Address((0x2600 << 112) | (0x0200_5EFE << 32) | four))


def reaches(*addresses: str, url: str = "https://gitlab.test/") -> bool:
    try:
        Egress(resolve=lambda _host, _port: addresses).address_for(url)
    except EgressRefusedError:
        return False
    return True


@given(inside([*SPECIAL_4, *SPECIAL_6]))
def test_no_special_address_is_ever_reached(address: str) -> None:
    assert not reaches(address)
    assert not reaches("93.184.215.14", address)


@given(inside(SPECIAL_4).map(IPv4Address))
def test_no_special_address_is_reached_in_the_clothes_of_another(address: IPv4Address) -> None:
    assert [form for form in tunnelled(address) if reaches(form)] == []


@given(st.integers(0, 2**32 - 1).map(IPv4Address), st.integers(0, 2**128 - 1).map(IPv6Address))
def test_what_is_reached_is_public_by_the_registries(four: IPv4Address, six: IPv6Address) -> None:
    for address in (four, six):
        special = (
            [IPv4Network(n) for n in SPECIAL_4]
            if address.version == 4
            else [IPv6Network(n) for n in SPECIAL_6]
        )
        assert not (reaches(str(address)) and any(address in network for network in special))


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.0.1.", "[::1]", "[::ffff:127.0.0.1]", "localhost", "localhost."]
)  # fmt: skip
def test_this_machine_is_not_reached_by_any_of_its_names(host: str) -> None:
    with pytest.raises(EgressRefusedError):
        Egress().address_for(f"https://{host}/")


@pytest.mark.parametrize(
    "url",
    ["https://user@gitlab.test/", "https://:pw@gitlab.test/", "https://gitlab.test:70000/", "https://gitlab.test:x/", "https:gitlab.test",
     "file:///etc/passwd", "gopher://gitlab.test/", "https://[::1", "//gitlab.test/", "https://git lab.test/", "https://gitlab.test\\@evil.test/"],
)  # fmt: skip
def test_a_url_of_an_odd_form_is_refused(url: str) -> None:
    with pytest.raises(EgressRefusedError):
        Egress(resolve=lambda host, _port: ("93.184.215.14",) if host == "gitlab.test" else ()).address_for(
            url
        )


@given(st.lists(st.sampled_from(["93.184.215.14", "127.0.0.1", "10.0.0.1", "::1"]), min_size=1, max_size=6))
def test_a_name_that_changes_its_mind_is_reached_only_while_it_is_public(answers: list[str]) -> None:
    turns = count()
    egress = Egress(resolve=lambda _host, _port: (answers[next(turns) % len(answers)],))

    for wanted in answers:
        try:
            assert egress.address_for("https://gitlab.test/") == wanted
            assert ip_address(wanted).is_global
        except EgressRefusedError:
            assert not ip_address(wanted).is_global


@pytest.mark.parametrize(("address", "reached"), [("127.0.0.1", True), ("127.0.0.2", False)])
async def test_git_connects_to_the_checked_address_whatever_the_name_means(
    tmp_path: Path, address: str, *, reached: bool
) -> None:
    async def credential(_identity: ForgeIdentity) -> str:
        return sandbox.tokens.road

    async def checked(_host: str, _port: int) -> str:
        return address

    with Sandbox(tmp_path / "sandbox") as sandbox:
        origin = sandbox.gitlab_url.replace("127.0.0.1", "localhost")
        named = (origin.removeprefix("http://"),)
        remote = await Forge(origin, credential, loopback=named, addresses=checked).remote(
            "shop/checkout", ForgeIdentity.ROAD
        )
        call = Call(("ls-remote", remote.url), config=remote.config)
        if reached:
            assert b"refs/heads/main" in await Git().run(call)
        else:
            with pytest.raises(GitError):
                await Git().run(call)


async def test_git_is_not_run_at_all_where_egress_refuses() -> None:
    async def credential(_identity: ForgeIdentity) -> str:
        return "x"

    async def checked(host: str, port: int) -> str:
        return Egress(resolve=lambda _host, _port: ("169.254.169.254",)).address_of(host, port)

    with pytest.raises(EgressRefusedError):
        await Forge("https://gitlab.test", credential, addresses=checked).remote("g/p", ForgeIdentity.ROAD)
