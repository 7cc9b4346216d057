"""Policies that were built and signed, to be shipped to a gateway in a test."""

import base64
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from audit.keys import Ed25519Signer
from gateway.adapters.opa.built import BuiltPolicy
from gateway.adapters.opa.releases import Release, release_of
from gateway.workbench.build import build
from tests.town import ROOT, Town

AUTHOR, APPROVER = "prn_platform", "prn_security"
SIGNER = Ed25519Signer.from_seed(bytes(range(32)))
STRANGER = Ed25519Signer.from_seed(bytes(range(1, 33)))


@dataclass(frozen=True)
class Shipped:
    """A policy of a test: its folder, what was built of it, and its release."""

    folder: Path
    built: BuiltPolicy
    release: Release

    @property
    def digest(self) -> str:
        return self.built.digest


def public(signer: Ed25519Signer = SIGNER) -> str:
    return base64.b64encode(signer.public).decode()


def ship(
    folder: Path, change: Callable[[Path], None] = lambda _: None, *, signer: Ed25519Signer | None = SIGNER
) -> Shipped:
    """Build a changed copy of the shipped library."""
    policies = Path(shutil.copytree(ROOT / "policies", folder / "policies"))
    change(policies)
    built = build(policies, folder / "built", signer)
    return Shipped(policies, built, release_of(built))


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    """A change of one file: what is replaced must be there."""

    def change(policies: Path) -> None:
        text = (policies / name).read_text(encoding="utf-8")
        assert old in text
        (policies / name).write_text(text.replace(old, new), encoding="utf-8")

    return change


NO_BRANCHES = edit("data/grants.yaml", "      - branch.create\n", "")
"""A policy under which nobody makes branches: what it allows and denies shows which policy judged."""


def trust(town: Town, *signers: Ed25519Signer) -> None:
    """Name the keys that sign policies in the settings of a town that is not open."""
    config = town.home / "loopgate.toml"
    keys = ", ".join(f'"{public(signer)}"' for signer in signers or (SIGNER,))
    config.write_text(config.read_text().replace("[policy]\n", f"[policy]\nkeys = [{keys}]\n", 1))


async def upload(town: Town, shipped: Shipped, by: str = AUTHOR) -> None:
    async with await town.sign_in(by) as author:
        await author.upload_policy(shipped.release.wasm, shipped.release.rego)


async def in_force(town: Town) -> str:
    async with await town.sign_in(AUTHOR) as author:
        return str((await author.policies())["in_force"])
