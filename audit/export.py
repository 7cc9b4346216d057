"""Export a contiguous range of the log as an offline bundle (`.evidence.tar`).

The same range of the same log always gives the same bytes. Reading goes through the caller's
connection; hand in one that sees a single state of the database (a read transaction).
"""

import base64
import json
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from audit import tables
from audit.archive import encode_archive, json_line, manifest_of
from audit.dsse import EVENT_TYPE
from audit.entries import certificate_line, entry_line
from audit.errors import ExportError, LogDamagedError
from audit.events import CERTIFYING
from audit.merkle import Frontier, consistency_proof, inclusion_proof, subtree_of
from audit.note import parse_checkpoint
from audit.standalone import standalone_verifier
from audit.verify import consistency_member

_POLICY_DIGEST = re.compile(r"[0-9a-f]{64}")


class Bundle(NamedTuple):
    """An exported bundle: its bytes, and the leaves [first, end) it covers."""

    content: bytes
    first: int
    end: int


class _Range(NamedTuple):
    """A range between two checkpoints: rows of the table, or None for the start of the log."""

    start: Any
    end: Any

    @property
    def first(self) -> int:
        return self.start.size if self.start else 0


def export_bundle(
    connection: Connection,
    first: int = 0,
    end: int | None = None,
    *,
    withheld: Collection[str] = (),
    policies: Mapping[str, bytes] | None = None,
) -> Bundle:
    """Make the bundle of the leaves [first, end), widened to the nearest checkpoints around them.

    `end` is by default the last checkpoint. Private values whose names are in `withheld` stay out.
    `policies` maps policy digests (64 hex digits) to `tar.gz` bytes that go along, unsigned.
    Raises `ExportError` when no checkpoint covers the range, `LogDamagedError` when the stored
    leaves are not those of the checkpoint.
    """
    covered = _covering(connection, first, end)
    members = _evidence(connection, covered, withheld)
    members |= _policy_members(policies or {})
    counts = {
        "certificates": members["keys.jsonl"].count(b"\n"),
        "disclosures": members["disclosures.jsonl"].count(b"\n"),
        "entries": covered.end.size - covered.first,
    }
    origin = parse_checkpoint(covered.end.note.rpartition("\n\n")[0] + "\n").origin
    members["README.md"] = _readme(origin, covered).encode()
    members["verify.py"] = standalone_verifier()
    members["manifest.json"] = manifest_of(members, origin, (covered.first, covered.end.size), counts)
    return Bundle(encode_archive(members), covered.first, covered.end.size)


def write_bundle(path: Path, bundle: Bundle) -> None:
    """Write the bundle so that the file is there whole or not at all."""
    staged = path.with_name(path.name + ".part")
    with staged.open("wb") as file:
        file.write(bundle.content)
        file.flush()
        os.fsync(file.fileno())
    staged.replace(path)


def _covering(connection: Connection, first: int, end: int | None) -> _Range:
    size = tables.checkpoints.c.size
    newest = connection.execute(select(func.coalesce(func.max(size), 0))).scalar_one()
    last = newest if end is None else end
    if not 0 <= first < last <= newest:
        raise ExportError(
            f"leaves {first} to {last} cannot be exported: the last checkpoint covers {newest} leaves, "
            "and a range holds at least one (publish a checkpoint to cover more)"
        )
    below = select(tables.checkpoints).where(size <= first, size > 0).order_by(size.desc()).limit(1)
    above = select(tables.checkpoints).where(size >= last).order_by(size).limit(1)
    return _Range(connection.execute(below).first(), connection.execute(above).one())


def _evidence(connection: Connection, covered: _Range, withheld: Collection[str]) -> dict[str, bytes]:
    hashes = _leaf_hashes(connection, covered.end)
    proof = consistency_proof(covered.first, covered.end.size, subtree_of(hashes))
    frontier = Frontier.of(hashes[: covered.first])
    members = {
        "checkpoint-end": covered.end.note.encode(),
        "consistency.json": consistency_member(frontier, covered.end.size, proof),
        "disclosures.jsonl": _disclosures(connection, covered, withheld),
        "events.dsse.jsonl": _events(connection, covered),
        "keys.jsonl": _certificates(connection, covered, hashes),
    }
    return members | ({"checkpoint-start": covered.start.note.encode()} if covered.start else {})


def _leaf_hashes(connection: Connection, end: Any) -> list[bytes]:
    """The hashes of all leaves before `end`, which must be the tree of that checkpoint."""
    index = tables.leaves.c.leaf_index
    query = select(tables.leaves.c.leaf_hash).where(index < end.size).order_by(index)
    hashes = list(connection.execute(query).scalars())
    tree = Frontier.of(hashes)
    if (tree.size, tree.root()) != (end.size, end.root):
        raise LogDamagedError(f"the stored leaves are not those of the checkpoint of {end.size} leaves")
    return hashes


def _events(connection: Connection, covered: _Range) -> bytes:
    index = tables.leaves.c.leaf_index
    query = select(tables.leaves).where(index >= covered.first, index < covered.end.size).order_by(index)
    return b"".join(json_line(_entry(row)) for row in connection.execute(query))


def _entry(row: Any) -> dict[str, Any]:
    return entry_line(row.leaf_index, row.leaf, row.key_id, row.signature)


def _certificates(connection: Connection, covered: _Range, hashes: Sequence[bytes]) -> bytes:
    """The leaves before the range that certify keys, each with its proof in the tree of the last checkpoint."""
    leaves = tables.leaves.c
    earlier = (leaves.leaf_index < covered.first) & leaves.type.in_(CERTIFYING)
    rows = connection.execute(select(tables.leaves).where(earlier).order_by(leaves.leaf_index))
    subtree = subtree_of(hashes)
    return b"".join(
        json_line(certificate_line(_entry(row), inclusion_proof(row.leaf_index, covered.end.size, subtree)))
        for row in rows
        if "keys" in json.loads(row.leaf)["data"]
    )


def _disclosures(connection: Connection, covered: _Range, withheld: Collection[str]) -> bytes:
    stored = tables.disclosures
    inside = (stored.c.leaf_index >= covered.first) & (stored.c.leaf_index < covered.end.size)
    query = select(stored).where(inside, stored.c.name.not_in(withheld))
    rows: Iterable[Any] = connection.execute(query.order_by(stored.c.leaf_index, stored.c.digest))
    return b"".join(json_line({"index": row.leaf_index, "disclosure": row.disclosure}) for row in rows)


def _policy_members(policies: Mapping[str, bytes]) -> dict[str, bytes]:
    strange = [digest for digest in policies if not _POLICY_DIGEST.fullmatch(digest)]
    if strange:
        raise ExportError(f"{strange[0]!r} is not a policy digest: 64 lower-case hex digits")
    return {f"policies/{digest}.tar.gz": content for digest, content in policies.items()}


def _readme(origin: str, covered: _Range) -> str:
    return _README.format(
        origin=origin,
        first=covered.first,
        last=covered.end.size - 1,
        event_type=EVENT_TYPE,
        type_bytes=len(EVENT_TYPE),
        root=base64.b64encode(covered.end.root).decode(),
    )


_README = """\
# Evidence of {origin}, leaves {first} to {last}

Signed events of the log, all of them in this range, in order. Nothing in this file is signed.

## Verify

Ask the log's owner for its verifier key (`loopgate audit keys` prints it). Never take it from here.

    python verify.py FILE.evidence.tar --key 'VKEY'

`verify.py` needs Python 3.11 and the package `cryptography`. It says `verified`, or names the first
thing wrong and its leaf. Root at the end of the range: {root}

## What is inside

- `checkpoint-start`, `checkpoint-end`: C2SP signed notes; the range lies between them (no start: from leaf 0)
- `events.dsse.jsonl`: one DSSE envelope a line; the payload is the exact leaf
- `disclosures.jsonl`: private values shown to you (RFC 9901); each must match a digest in its leaf
- `consistency.json`: subtrees before the range, and the RFC 9162 proof from the first size to the last
- `keys.jsonl`: earlier leaves that certify keys, with inclusion proofs
- `policies/`: policy bundles, if any; their digests are in the events
- `manifest.json`: range, counts, and the SHA-256 of every other file

## One event by hand, with openssl 3 and jq

    sed -n 1p events.dsse.jsonl > line
    jq -rj .envelope.payload line | base64 -d > body
    jq -rj '.envelope.signatures[0].sig' line | base64 -d > sig
    {{ printf 'DSSEv1 {type_bytes} {event_type} %d ' "$(wc -c < body)"; cat body; }} > signed
    openssl pkeyutl -verify -pubin -inkey EVENT_KEY.pem -rawin -in signed -sigfile sig

## The checkpoint by Go

    verifier, _ := note.NewVerifier("VKEY")  // golang.org/x/mod/sumdb/note
    opened, err := note.Open(checkpointBytes, note.VerifierList(verifier))
"""
