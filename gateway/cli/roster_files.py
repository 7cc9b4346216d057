"""Editing the roster of a policy checkout: policies/data/agents.yaml and people.yaml."""

import re
from pathlib import Path
from typing import Any

import yaml

from gateway.core.errors import LoopgateError, MalformedError

_ID = re.compile(r"(?:agt|prn)_[0-9A-Za-z_]{1,60}")


def read_entries(policies: Path, name: str) -> list[dict[str, Any]]:
    """The list under `name` in `policies/data/<name>.yaml`. Raises `MalformedError`."""
    path = policies / "data" / f"{name}.yaml"
    try:
        parsed = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise MalformedError(
            f"{path} cannot be read: {error}. Name the policy checkout with --policies."
        ) from error
    entries = parsed.get(name) if isinstance(parsed, dict) else None
    if not isinstance(entries, list) or not all(isinstance(e, dict) and "id" in e for e in entries):
        raise MalformedError(f"{path} must hold a list under `{name}`, each entry with an id.")
    return entries


def add_entry(policies: Path, name: str, entry: dict[str, Any]) -> Path:
    """Append one entry, keeping the rest of the file as people wrote it.

    Raises for an id that is there and for an entry the policy build would refuse; the file is then as it was.
    """
    if not _ID.fullmatch(entry["id"]):
        raise MalformedError(
            f"{entry['id']} is no id: write `agt_` or `prn_` and letters, digits, underscores; nothing of a person."
        )
    if any(e["id"] == entry["id"] for e in read_entries(policies, name)):
        raise MalformedError(
            f"{entry['id']} is in the roster already; edit policies/data/{name}.yaml instead."
        )
    path = policies / "data" / f"{name}.yaml"
    block = yaml.safe_dump([entry], sort_keys=False, allow_unicode=True)
    indented = "".join(f"  {line}\n" for line in block.splitlines())
    text = path.read_text(encoding="utf-8")
    path.write_text(text.rstrip("\n") + "\n" + indented, encoding="utf-8")
    try:
        _check(policies, name, entry)
    except LoopgateError:
        path.write_text(text, encoding="utf-8")
        raise
    return path


def listed(values: Any) -> str:
    """A list of the roster as one line."""
    return ", ".join(str(v) for v in values) if isinstance(values, list) else ""


def _check(policies: Path, name: str, entry: dict[str, Any]) -> None:
    from gateway.workbench.data_files import policy_data

    if read_entries(policies, name)[-1] != entry:
        raise MalformedError(f"data/{name}.yaml does not end with its list; add {entry['id']} by hand.")
    policy_data(policies)
