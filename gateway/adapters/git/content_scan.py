"""What the detectors of the core see in new contents: secrets in blobs, irreversible signals in patches."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gateway.adapters.git.bounds import Bounds
from gateway.adapters.git.cat_file import Objects
from gateway.adapters.git.diffs import Lines, NewBlob, RawEntry
from gateway.adapters.git.names import path_text
from gateway.core.changes import MODE_ABSENT, SecretHit
from gateway.core.irreversible import signals
from gateway.core.secret_detectors import find

_LOOKED_AT = 8000
# A text this small is searched in less time than another thread would need to take it up.
_SMALL = 16 * 1024
_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
# (path, lines added, lines removed, whether the file is deleted) → names of signals.
Signals = Callable[[str, tuple[str, ...], tuple[str, ...], bool], Iterable[str]]
# text → (detector, line) of every secret in it.
Detectors = Callable[[str], Iterable[tuple[str, int]]]


@dataclass(frozen=True, slots=True)
class Scanners:
    """The pure detectors of the core, handed in."""

    secrets: Detectors
    irreversible: Signals


def core_scanners() -> Scanners:
    """The detectors this product ships."""
    return Scanners(
        secrets=lambda text: [(hit.detector, hit.line) for hit in find(text)],
        irreversible=lambda path, added, removed, deleted: signals(
            path, added=added, removed=removed, deleted=deleted
        ),
    )


@dataclass(frozen=True, slots=True)
class SecretScan:
    """Where secrets were found, sorted, and whether a limit left something unread."""

    hits: tuple[SecretHit, ...]
    truncated: bool


async def scan_blobs(
    objects: Objects, blobs: tuple[NewBlob, ...], secrets: Detectors, bounds: Bounds
) -> SecretScan:
    """Look into every new text blob. Raises `GitError`."""
    by_oid: dict[str, list[bytes]] = {}
    for blob in blobs[: bounds.blobs]:
        by_oid.setdefault(blob.oid, []).append(blob.path)
    truncated, left = len(blobs) > bounds.blobs, bounds.scanned_bytes
    found: set[tuple[str, str, int]] = set()
    for oid, paths in by_oid.items():
        answer = await objects.read(oid, cap=bounds.blob_bytes)
        text = text_of(answer[1]) if answer else None
        if answer is None or text is None:
            continue
        left -= len(answer[1])
        truncated = truncated or answer[0].size > bounds.blob_bytes or left < 0
        if left < 0:
            break
        small = len(text) <= _SMALL
        hits = _found(secrets, text) if small else await asyncio.to_thread(_found, secrets, text)
        found.update((detector, path_text(path).value, line) for detector, line in hits for path in paths)
    return hits_of(found, bounds, truncated=truncated)


def hits_of(found: set[tuple[str, str, int]], bounds: Bounds, *, truncated: bool) -> SecretScan:
    """The hits in a fixed order, the first ones only when there are very many."""
    rows = sorted(found, key=lambda r: (r[1], r[2], r[0]))
    hits = tuple(SecretHit(detector=d, path=p, line=n) for d, p, n in rows[: bounds.secrets])
    return SecretScan(hits, truncated=truncated or len(rows) > bounds.secrets)


def text_of(content: bytes) -> str | None:
    """The content as text for detectors, or None when it is binary by git's own rule (NUL near its start).

    UTF-16 with a byte order mark is text too: editors write it, and git calls it binary.
    """
    encoding = _UTF16.get(content[:2])
    if encoding:
        return content.decode(encoding, "replace")
    if b"\0" in content[:_LOOKED_AT]:
        return None
    return content.decode("utf-8", "replace")


def signals_of(
    entries: tuple[RawEntry, ...], lines: tuple[Lines, ...], irreversible: Signals
) -> tuple[str, ...]:
    """The irreversible signals of a whole difference, sorted, each once."""
    found: set[str] = set()
    for entry, changed in zip(entries, lines, strict=True):
        deleted = entry.new_mode == MODE_ABSENT
        path = path_text(entry.path).value
        found.update(irreversible(path, _texts(changed.added), _texts(changed.removed), deleted))
        if entry.status == "R" and entry.previous is not None:
            # What is moved away is gone from where it was in force.
            found.update(irreversible(path_text(entry.previous).value, (), (), True))
    return tuple(sorted(found))


def _found(secrets: Detectors, text: str) -> list[tuple[str, int]]:
    return list(secrets(text))


def _texts(lines: tuple[bytes, ...]) -> tuple[str, ...]:
    """The lines as text: all at once, for a line break is never part of another character."""
    return tuple(b"\n".join(lines).decode("utf-8", "replace").split("\n")) if lines else ()
