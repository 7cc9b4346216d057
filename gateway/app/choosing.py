"""Which policy a process begins with: that of its folder, or the one in force on the database."""

import asyncio
from pathlib import Path

from gateway.adapters.opa.built import BuiltPolicy
from gateway.adapters.opa.bundles import BundleRefusedError
from gateway.adapters.store.policies import Policies
from gateway.app.library import Library
from gateway.core.errors import LedgerUnavailableError, SettingsError
from gateway.core.model import Model
from gateway.core.policies import PolicyStanding
from gateway.settings import PolicySettings
from gateway.workbench.build import build


class Choice(Model):
    """The policy to begin with. `notice` is what the operator should know of it, `of_folder` whether it was built here."""

    built: BuiltPolicy
    of_folder: bool
    notice: str = ""


async def choose(
    policies: Policies, library: Library, settings: PolicySettings, out: Path, *, activate: bool
) -> Choice:
    """The policy that this process judges by from its start.

    Once sealed it is the one in force, whatever stands in the folder. Before, a folder that has changed since it was
    last served wins; a folder that does not build never takes the place of what was in force. Raises `SettingsError`.
    """
    standing = await _standing(policies)
    if standing is not None and standing.sealed:
        if activate:
            raise SettingsError(
                "Changing the policy is sealed on this database, so a start cannot do it; propose it with `loopgate "
                "policy activate`."
            )
        return await _kept(library, standing, signed=True)
    try:
        built = await asyncio.to_thread(build, settings.folder, out)
    except SettingsError as error:
        return await _last_good(library, standing, error)
    if standing is None or activate or _is_news(standing, built.digest):
        return Choice(built=built, of_folder=True)
    return await _kept(library, standing, signed=False)


def _is_news(standing: PolicyStanding, digest: str) -> bool:
    """Whether the folder's policy is in force, or has changed since a start last put it there."""
    return standing.active in {None, digest} or standing.served != digest


async def _standing(policies: Policies) -> PolicyStanding | None:
    """None while the database cannot be read: readiness is red then, and says so."""
    try:
        return await policies.standing()
    except LedgerUnavailableError:
        return None


async def _last_good(library: Library, standing: PolicyStanding | None, error: SettingsError) -> Choice:
    if standing is None or standing.active is None:
        raise error
    try:
        built = await library.built(standing.active, signed=False)
    except BundleRefusedError as refused:
        raise error from refused
    notice = f"The policy folder does not build, so the policy of before goes on: {error.detail}"
    return Choice(built=built, of_folder=False, notice=notice)


async def _kept(library: Library, standing: PolicyStanding, *, signed: bool) -> Choice:
    try:
        built = await library.built(str(standing.active), signed=signed)
    except BundleRefusedError as error:
        raise SettingsError(
            f"The policy {standing.active} is in force and cannot be taken up: {error.detail} Restore the database or "
            "this home's folder `policies` from a backup, or put the key that signed it back into policy.keys."
        ) from error
    return Choice(built=built, of_folder=False)
