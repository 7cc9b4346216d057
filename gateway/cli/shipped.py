"""The policy library that ships with the gateway."""

from pathlib import Path

from gateway.core.errors import SettingsError

_ROOT = Path(__file__).parents[2]


def shipped_policies() -> Path:
    """The folder of the shipped library, in a checkout or in an installed wheel. Raises `SettingsError`."""
    for folder in (_ROOT / "policies", _ROOT / "gateway" / "_policies"):
        if (folder / "capabilities.json").exists():
            return folder
    raise SettingsError("The shipped policy library is missing; name a policy checkout with --policies.")
