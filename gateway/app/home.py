"""A new home folder: keys, database, log, and the operator's one-time code."""

import asyncio
import json
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from audit.keys import create_key
from gateway.adapters.clock import SystemClock, UlidIds
from gateway.adapters.opa.built import BuiltPolicy
from gateway.adapters.store.genesis import boot, create
from gateway.app.library import kept_from
from gateway.app.sources import open_log, store_sources
from gateway.core.digests import digest_of
from gateway.core.errors import SettingsError
from gateway.core.principals import Role
from gateway.settings import CONFIG_NAME, Settings
from gateway.workbench.build import build
from gateway.workbench.data_files import policy_data
from gateway.workbench.packs import advice, own_checkout


@dataclass(frozen=True, slots=True)
class Created:
    """What `init` made: the operator's one-time code, the key to pin outside, and what to mend before it is of use."""

    code: str
    person: str
    vkey: str
    advice: tuple[str, ...] = ()


def create_home(
    home: Path, *, policies: Path, origin: str, operator: str, pack: str | None = None
) -> Created:
    """Make keys, database and log in a new home folder, and invite the roster's operator.

    With a pack, the home gets a policy checkout of its own, a copy of `policies` with the pack's limits. Raises `SettingsError` when the folder is in use or the roster has no operator.
    """
    if home.exists() and any(home.iterdir()):
        raise SettingsError(f"{home} is not empty; `init` makes a new gateway in a new folder (--home).")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if home.stat().st_mode & 0o077:
        raise SettingsError(f"{home} is open to others; run chmod 700 {home}, then `init` again.")
    try:
        return _fill(home, _checkout(home, policies, pack), origin, operator)
    except BaseException:
        # Half a gateway is of no use, and would keep the next `init` from this folder.
        for made in home.iterdir():
            shutil.rmtree(made) if made.is_dir() else made.unlink()
        raise


def _checkout(home: Path, policies: Path, pack: str | None) -> Path:
    if pack is None:
        return policies
    own_checkout(policies, home / "policies", pack)
    return (home / "policies").resolve()


def _fill(home: Path, policies: Path, origin: str, operator: str) -> Created:
    built = build(policies, home / "policy")
    in_force = built.in_force("none", "0")
    person = next((p.id for p in in_force.roster.people if Role.OPERATOR in p.roles), None)
    if person is None:
        raise SettingsError(
            f"{policies}/data/people.yaml names nobody with the role operator; add one first."
        )
    _write_private(home / "keys" / "marker.key", secrets.token_bytes(32).hex())
    create_key(home / "keys" / "event.pem")
    create_key(home / "keys" / "checkpoint.pem")
    settings = Settings(home=home, origin=origin)
    (home / CONFIG_NAME).write_text(_config(settings, policies), encoding="utf-8")
    clock = SystemClock()
    log = open_log(settings, UlidIds(clock), clock)
    create(
        settings.database,
        log,
        policy_digest=built.digest,
        roster_digest=digest_of(in_force.roster),
        kept=kept_from(built, by="init"),
    )
    (home / "log.vkey").write_text(log.vkey + "\n", encoding="utf-8")
    code = asyncio.run(_invite_operator(settings, built, person, operator))
    return Created(code=code, person=person, vkey=log.vkey, advice=advice(policy_data(policies)))


def _config(settings: Settings, policies: Path) -> str:
    """The first settings file. A database URL is kept in it, unless it holds a password: no secret is a setting."""
    url = settings.database_url
    kept = f"database_url = {json.dumps(url)}\n" if url and not make_url(url).password else ""
    return f"origin = {json.dumps(settings.origin)}\n{kept}\n[policy]\nfolder = {json.dumps(str(policies))}\n"


async def _invite_operator(settings: Settings, built: BuiltPolicy, person: str, name: str) -> str:
    clock = SystemClock()
    bench = built.in_force("none", "0").bench
    store = boot(
        settings.database, open_log(settings, UlidIds(clock), clock), store_sources(clock, lambda: bench)
    )
    try:
        return await store.credentials.invite(person, name=name, email="", by="init")
    finally:
        store.close()


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
