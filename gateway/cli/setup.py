"""`loopgate init` and `loopgate login`: a new gateway, and a person's vote key."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.session import DEFAULT_URL, AsJson, ConfigFolder, Url, default_config, read_passphrase
from gateway.cli.terminal import console, errors, plain, print_json
from gateway.client.api import Client
from gateway.client.vote_keys import Profile, VoteKeyFile, public_half
from gateway.core.errors import SettingsError


def init(
    operator: Annotated[str, typer.Option("--operator", help="Your name; kept as an erasable row.")],
    home: Annotated[
        Path, typer.Option("--home", envvar="LOOPGATE_HOME", help="Keys, database, mirrors.")
    ] = Path(".loopgate"),
    policies: Annotated[
        Path | None, typer.Option("--policies", help="The policy checkout; the shipped library by default.")
    ] = None,
    origin: Annotated[
        str, typer.Option("--origin", help="The log's name for ever: a host name you own, without a scheme.")
    ] = "loopgate.local",
    pack: Annotated[
        str | None,
        typer.Option(
            "--pack",
            help="Copy the library into the home and lay the limits of this pack over it: solo, team, regulated.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a new gateway: keys, database, log; prints the operator's one-time code."""
    from gateway.app import create_home
    from gateway.cli.shipped import shipped_policies

    if "://" in origin:
        raise SettingsError(
            "The log's name is a host name without a scheme, as in `--origin loopgate.example`."
        )
    with errors.status("Making keys, building the policy, opening the log …"):
        made = create_home(
            home,
            policies=(policies or shipped_policies()).resolve(),
            origin=origin,
            operator=operator,
            pack=pack,
        )
    if as_json:
        shown = {"home": str(home), "code": made.code, "person": made.person, "vkey": made.vkey}
        print_json({**shown, "advice": list(made.advice)})
        return
    console.print(plain(f"Written: {home} (keys, database, loopgate.toml)."))
    for sentence in made.advice:
        console.print(plain(sentence))
    console.print(plain("Pin this key outside; it is what the evidence verifies against:"))
    console.print(plain(f"  {made.vkey}"))
    console.print(plain("Start the gateway, then log in from another terminal; the code works once:"))
    console.print(plain("  loopgate serve"))
    console.print(plain(f"  loopgate login {made.code}"))


def login(
    code: Annotated[str, typer.Argument(help="The one-time code you were given.")],
    url: Url = DEFAULT_URL,
    config: ConfigFolder = default_config(),
    as_json: AsJson = False,
) -> None:
    """Make your vote key (encrypted with a passphrase) and register its public half."""
    keys = VoteKeyFile(config)
    if keys.exists:
        raise SettingsError(f"{config} holds a vote key already; use another --config folder.")
    passphrase = read_passphrase("New passphrase for your vote key: ")
    if read_passphrase("The same passphrase again: ") != passphrase:
        raise SettingsError("The two passphrases differ; nothing was made.")
    key = keys.create(passphrase)
    try:
        profile = asyncio.run(_register(url, code, public_half(key)))
    except BaseException:
        keys.forget()
        raise
    keys.remember(profile)
    if as_json:
        print_json(profile.model_dump())
        return
    console.print(plain(f"You are {profile.person}; your vote key {profile.key_id} is in {config}."))


async def _register(url: str, code: str, public_key: str) -> Profile:
    async with Client(url) as client:
        registered = await client.register_key(code, public_key)
    return Profile(url=url, person=registered["person"], key_id=registered["id"])
