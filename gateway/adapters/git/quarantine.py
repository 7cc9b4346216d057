"""Objects that are looked at without ever entering a mirror."""

import asyncio
import contextlib
import os
import tempfile
import zlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

_PREFIX = "quarantine-"


@contextlib.asynccontextmanager
async def quarantined(repository: Path, objects: Mapping[str, tuple[str, bytes]]) -> AsyncIterator[Path]:
    """An object directory over the repository's own that holds these objects too, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=repository) as name:
        folder = Path(name)
        await asyncio.to_thread(_lay_out, folder, repository)
        await write_loose(folder, objects)
        yield folder


async def write_loose(folder: Path, objects: Mapping[str, tuple[str, bytes]]) -> None:
    """Write loose objects, each id with its kind and content, into an object directory."""
    await asyncio.to_thread(_write_all, folder, objects)


def _lay_out(folder: Path, repository: Path) -> None:
    (folder / "info").mkdir()
    (folder / "info" / "alternates").write_bytes(os.fsencode(repository / "objects") + b"\n")


def _write_all(folder: Path, objects: Mapping[str, tuple[str, bytes]]) -> None:
    for oid, (kind, content) in objects.items():
        path = folder / oid[:2] / oid[2:]
        if path.exists():
            continue
        path.parent.mkdir(exist_ok=True)
        packed = zlib.compress(f"{kind} {len(content)}\0".encode() + content, 1)
        # Git never sees a half-written object under its name.
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_bytes(packed)
        partial.replace(path)
