"""Regal's opinion, when it is installed; safety never depends on it."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from gateway.workbench.complaints import Complaint

_OLDEST = (0, 39)
_SECONDS = 120


def regal(folder: Path, path: str | None = None) -> Iterator[Complaint]:
    """What `regal lint` finds; nothing when no Regal of 0.39 or newer is on `path`, PATH when not given."""
    found = shutil.which("regal", path=path)
    if found is None or _version(found) < _OLDEST:
        return
    ran = _run([found, "lint", "--format", "json", "."], folder)
    for one in json.loads(ran or "{}").get("violations") or ():
        place = one.get("location", {})
        yield Complaint(
            file=place.get("file", "."),
            line=place.get("row", 1),
            problem=f"regal {one.get('category')}/{one.get('title')}: {one.get('description')}",
        )


def _version(found: str) -> tuple[int, ...]:
    match = re.search(r"Version:\s+v?(\d+)\.(\d+)", _run([found, "version"], Path.cwd()))
    return tuple(int(part) for part in match.groups()) if match else (0, 0)


def _run(argv: list[str], cwd: Path) -> str:
    try:
        done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
