"""Connecting to a gateway: as an agent with its token, or as a person with a signed challenge."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from getpass import getpass
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.client.api import Client
from gateway.client.vote_keys import Profile, VoteKeyFile, sign_challenge
from gateway.core.errors import SettingsError

T = TypeVar("T")
DEFAULT_URL = "http://127.0.0.1:8400"
Url = Annotated[str, typer.Option("--url", envvar="LOOPGATE_URL", help="The gateway.")]
ConfigFolder = Annotated[
    Path,
    typer.Option("--config", envvar="LOOPGATE_CONFIG", help="Folder of your vote key.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def default_config() -> Path:
    """Where a person's vote key is kept unless said otherwise."""
    root = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(root) / "loopgate"


def read_passphrase(prompt: str) -> str:
    """The passphrase, from the terminal itself: not from a pipe, a variable or a file."""
    try:
        # `getpass` would fall back to standard input where a process has no terminal of its own.
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
        return getpass(prompt)
    except (OSError, EOFError) as error:
        raise SettingsError("The passphrase is read from a terminal; there is none here.") from error
    except UnicodeDecodeError as error:
        raise SettingsError("What was typed is not UTF-8 text; set the terminal to UTF-8.") from error


class Signed:
    """A person signed in: the client with a short token, and the unlocked key for votes."""

    def __init__(self, client: Client, profile: Profile, key: Ed25519PrivateKey) -> None:
        self.client = client
        self.profile = profile
        self.key = key


def run_as_caller(url: str, config: Path, work: Callable[[Client], Awaitable[T]]) -> T:
    """Do `work` with LOOPGATE_TOKEN when it is set (agents), else as the person of the config folder."""
    token = os.environ.get("LOOPGATE_TOKEN")
    if token:
        return asyncio.run(_with_token(url, token, work))
    return run_as_person(config, lambda signed: work(signed.client))


def run_as_person(config: Path, work: Callable[[Signed], Awaitable[T]]) -> T:
    """Do `work` as the person whose vote key is in the config folder; asks for the passphrase."""
    keys = VoteKeyFile(config)
    profile = keys.profile()
    key = keys.unlock(read_passphrase(f"Passphrase of {profile.person}: "))
    return asyncio.run(_signed_in(profile, key, work))


async def _with_token(url: str, token: str, work: Callable[[Client], Awaitable[T]]) -> T:
    async with Client(url, token) as client:
        return await work(client)


async def _signed_in(profile: Profile, key: Ed25519PrivateKey, work: Callable[[Signed], Awaitable[T]]) -> T:
    async with Client(profile.url) as anonymous:
        challenge = await anonymous.challenge(profile.key_id)
        signature = sign_challenge(key, profile.key_id, challenge)
        token = await anonymous.sign_in(profile.key_id, challenge, signature)
    async with Client(profile.url, token) as client:
        return await work(Signed(client, profile, key))
