"""Starter packs: a set of limits for a kind of house, laid over `policies/data`. Limits only: the rules stay the same.

`policies/data/pack.yaml` names the pack (`pack: team`); the pack is `policies/packs/team.yaml`.
"""

import copy
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError

from gateway.core.errors import SettingsError
from gateway.core.model import Model
from gateway.core.principals import Tier
from gateway.workbench.data_models import Code, Millis, Mode, PolicyData, Tiered

CHOICE = "pack"
_SECOND_PERSON = (
    "Add a second person to data/people.yaml: nobody votes on the work of an agent of their own, so with one person "
    "everything that needs an approval stays denied."
)


class Pack(Model):
    """What a pack may set: params by code, budgets' limits, modes, which tiers a grant is good for, a ticket's life."""

    about: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    params: dict[Code, dict[str, Any]] = Field(default_factory=dict)
    limits: dict[str, dict[Literal["hour", "day", "open"], Tiered]] = Field(default_factory=dict)
    modes: dict[Code, Mode] = Field(default_factory=dict)
    grants: dict[str, tuple[Tier, ...]] = Field(default_factory=dict)
    ticket_ttl_ms: Annotated[Millis, Field(gt=0)] | None = None


def packs(folder: Path) -> tuple[str, ...]:
    """The names of the packs of a policy folder, sorted."""
    return tuple(sorted(path.stem for path in (folder / "packs").glob("*.yaml")))


def pack_of(content: Any, file: Path) -> Pack:
    """The pack in a file's content. Raises `SettingsError` naming the file and the first thing wrong."""
    try:
        return Pack.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{file}: {where}: {first['msg']}") from error


def laid_over(data: Mapping[str, Any], pack: Pack, file: Path) -> dict[str, Any]:
    """The content of `policies/data` with the pack's limits in place; what it does not name stays.

    Raises `SettingsError` for a budget or grant that is not there: a limit that reaches nothing limits nothing.
    """
    merged = copy.deepcopy(dict(data))
    params = merged.setdefault("params", {})
    for code, values in pack.params.items():
        params[code] = {**params.get(code, {}), **values}
    for code, mode in pack.modes.items():
        merged.setdefault("modes", {})[code] = mode.model_dump(mode="json")
    for budget, windows in pack.limits.items():
        for window, limit in windows.items():
            _budget(merged, budget, window, file)["limit"] = limit.model_dump()
    for name, tiers in pack.grants.items():
        _grant(merged, name, file)["tiers"] = [tier.value for tier in tiers]
    if pack.ticket_ttl_ms is not None:
        merged["ticket_ttl_ms"] = pack.ticket_ttl_ms
    return merged


def own_checkout(library: Path, folder: Path, pack: str) -> None:
    """Copy a policy library to `folder`, with this pack chosen there. Raises `SettingsError` for an unknown pack."""
    if pack not in packs(library):
        raise SettingsError(f"There is no pack {pack!r}; there are {', '.join(packs(library)) or 'none'}.")
    shutil.copytree(library, folder)
    choice = f"# The limits of packs/{pack}.yaml are laid over those of this folder.\n{CHOICE}: {pack}\n"
    (folder / "data" / f"{CHOICE}.yaml").write_text(choice, encoding="utf-8")


def advice(data: PolicyData) -> tuple[str, ...]:
    """What a house of this roster should know: with nobody independent, no approval can ever be given."""
    owners = {agent.owner for agent in data.agents}
    voters = [person.id for person in data.people if person.approves_as]
    if any(voter not in owners for voter in voters) or len(voters) > 1:
        return ()
    return (_SECOND_PERSON,)


def _budget(merged: Mapping[str, Any], name: str, window: str, file: Path) -> dict[str, Any]:
    found: list[dict[str, Any]] = [
        one
        for one in merged.get("budgets", ())
        if isinstance(one, dict) and (one.get("budget"), one.get("window")) == (name, window)
    ]
    if len(found) != 1:
        raise SettingsError(
            f"{file}: limits.{name}.{window}: data/grants.yaml has {len(found)} such budgets, not one"
        )
    return found[0]


def _grant(merged: Mapping[str, Any], name: str, file: Path) -> dict[str, Any]:
    grant = merged.get("grants", {}).get(name)
    if not isinstance(grant, dict):
        raise SettingsError(f"{file}: grants.{name}: data/grants.yaml has no such grant")
    return grant
