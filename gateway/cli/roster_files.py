"""Editing the roster of a policy checkout: policies/data/agents.yaml and people.yaml."""

from pathlib import Path
from typing import Any

import yaml

from gateway.core.errors import MalformedError


def read_entries(policies: Path, name: str) -> list[dict[str, Any]]:
    """The list under `name` in `policies/data/<name>.yaml`. Raises `MalformedError`."""
    path = policies / "data" / f"{name}.yaml"
    try:
        parsed = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise MalformedError(
            f"{path} cannot be read: {error}. Name the policy checkout with --policies."
        ) from error
    entries = parsed.get(name) if isinstance(parsed, dict) else None
    if not isinstance(entries, list):
        raise MalformedError(f"{path} must hold a list under `{name}`.")
    return entries


def add_entry(policies: Path, name: str, entry: dict[str, Any]) -> Path:
    """Append one entry, keeping the rest of the file as people wrote it; refuses an id that is there."""
    if any(e.get("id") == entry["id"] for e in read_entries(policies, name)):
        raise MalformedError(
            f"{entry['id']} is in the roster already; edit policies/data/{name}.yaml instead."
        )
    path = policies / "data" / f"{name}.yaml"
    block = yaml.safe_dump([entry], sort_keys=False, allow_unicode=True)
    indented = "".join(f"  {line}\n" for line in block.splitlines())
    text = path.read_text(encoding="utf-8")
    path.write_text(text.rstrip("\n") + "\n" + indented, encoding="utf-8")
    if read_entries(policies, name)[-1] != entry:
        path.write_text(text, encoding="utf-8")
        raise MalformedError(f"{path} does not end with its list; add {entry['id']} by hand.")
    return path
