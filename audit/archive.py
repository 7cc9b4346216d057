"""The `.evidence.tar` itself: one form for one content, and nothing in it that does not belong.

USTAR (POSIX.1-1988) with members sorted by name, mode 0644, no times, no owners, no spare blocks.
A reader that re-encodes what it read must get the same bytes; so no bit can hide anywhere.
"""

import base64
import hashlib
import json
import re
import tarfile
from collections.abc import Mapping
from typing import Any

from audit.problems import NOT_AN_EXPORT, RefusedError

FORMAT = "loopgate-evidence-v1"
MAX_ARCHIVE_BYTES = 1 << 30
MAX_MEMBERS = 1000

REQUIRED_MEMBERS = (
    "README.md",
    "checkpoint-end",
    "consistency.json",
    "disclosures.jsonl",
    "events.dsse.jsonl",
    "keys.jsonl",
    "manifest.json",
    "verify.py",
)
OPTIONAL_MEMBERS = re.compile(r"checkpoint-start|policies/[0-9a-f]{64}\.tar\.gz")

UNSIGNED_MEMBERS = re.compile(r"README\.md|verify\.py|policies/.*")
"""Members that no signature covers: whoever needs them certain takes them from elsewhere."""

_BLOCK = 512
_HASH_BYTES = 32


def encode_archive(members: Mapping[str, bytes]) -> bytes:
    """The bytes of an archive with these members."""
    parts = []
    for name in sorted(members):
        content = members[name]
        parts += [_header(name, len(content)), content, bytes(-len(content) % _BLOCK)]
    return b"".join([*parts, bytes(2 * _BLOCK)])


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.USTAR_FORMAT)


def decode_archive(data: bytes, *, max_bytes: int = MAX_ARCHIVE_BYTES) -> dict[str, bytes]:
    """Read an archive that `encode_archive` wrote; raises `RefusedError` for anything else."""
    if len(data) > max_bytes:
        raise RefusedError(f"the archive is larger than {max_bytes} bytes", NOT_AN_EXPORT)
    members = _read_members(data)
    missing = [name for name in REQUIRED_MEMBERS if name not in members]
    if missing:
        raise RefusedError(f"the archive has no {missing[0]}", NOT_AN_EXPORT)
    if encode_archive(members) != data:
        raise RefusedError("the archive is not in its canonical form, or is cut short", NOT_AN_EXPORT)
    return members


def _read_members(data: bytes) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    at = 0
    while at < len(data) and data[at]:
        name, size = _read_header(data[at : at + _BLOCK])
        if name in members or len(members) == MAX_MEMBERS:
            raise RefusedError(f"the archive holds {name} twice, or too many members", NOT_AN_EXPORT)
        members[name] = data[at + _BLOCK : at + _BLOCK + size]
        at += _BLOCK + size + -size % _BLOCK
    return members


def _read_header(block: bytes) -> tuple[str, int]:
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, ValueError) as error:
        raise RefusedError("the archive cannot be read", NOT_AN_EXPORT) from error
    if info.name not in REQUIRED_MEMBERS and not OPTIONAL_MEMBERS.fullmatch(info.name):
        raise RefusedError(
            f"the archive holds {info.name!r}, which does not belong in a bundle", NOT_AN_EXPORT
        )
    # A size below zero would move the reader backwards for ever.
    return info.name, max(info.size, 0)


def manifest_of(
    members: Mapping[str, bytes], origin: str, covered: tuple[int, int], counts: Mapping[str, int]
) -> bytes:
    """The manifest that belongs to these members; nothing in it is free to choose."""
    digests = {name: hashlib.sha256(members[name]).hexdigest() for name in members if name != "manifest.json"}
    return json_line(
        {
            "format": FORMAT,
            "origin": origin,
            "range": list(covered),
            "counts": dict(counts),
            "members": digests,
        }
    )


def json_line(value: Any) -> bytes:
    """A line of JSON in RFC 8785 form; for ASCII keys and integers only, which is all a bundle needs."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def read_object(member: str, content: bytes) -> dict[str, Any]:
    """The JSON object on the only line of a member; raises `RefusedError` unless `json_line` writes it the same."""
    try:
        value = json.loads(content)
        again = json_line(value)
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"{member} is not JSON", NOT_AN_EXPORT) from error
    if not isinstance(value, dict) or again != content:
        raise RefusedError(f"{member} is not a JSON object in canonical form", NOT_AN_EXPORT)
    return value


def read_base64(member: str, text: Any) -> bytes:
    """Decode base64 that has one form only; raises `RefusedError` for anything else."""
    given = text.encode() if isinstance(text, str) else text
    try:
        decoded = base64.b64decode(given, validate=True)
    except (TypeError, ValueError) as error:
        raise RefusedError(f"{member} holds something that is not base64", NOT_AN_EXPORT) from error
    if base64.b64encode(decoded) != given:
        raise RefusedError(f"{member} holds base64 that is not in canonical form", NOT_AN_EXPORT)
    return decoded


def read_hashes(member: str, listed: Any) -> tuple[bytes, ...]:
    """Decode a list of SHA-256 hashes; raises `RefusedError` for anything else."""
    if not isinstance(listed, list):
        raise RefusedError(f"{member} has no list of hashes", NOT_AN_EXPORT)
    hashes = tuple(read_base64(member, text) for text in listed)
    if any(len(hashed) != _HASH_BYTES for hashed in hashes):
        raise RefusedError(f"{member} holds a hash that has not {_HASH_BYTES} bytes", NOT_AN_EXPORT)
    return hashes
