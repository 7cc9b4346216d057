"""Verify an evidence bundle offline: the standard library and `cryptography`, nothing else.

    python verify.py BUNDLE --key VKEY [--event-key FILE.pem]... [--json]

What is trusted comes from outside the bundle: the log's verifier key (VKEY, or a file that holds
it). Everything else is recomputed, in this order:

 1. the archive is in its one canonical form and holds known members only;
 2. the checkpoints are signed by a trusted key and are of one log;
 3. the later tree extends the earlier one;
 4. keys certified before the range stand in the signed tree;
 5. the events stand in order, without gap, and are signed by keys that earlier leaves certify;
 6. every event is well formed, later than the one before, and there only once;
 7. the events make exactly the tree that the last checkpoint signs: none missing, added or moved;
 8. every private value shown belongs to its leaf;
 9. every signed vote is signed by its person's key: this ticket, question, answer and reason;
10. the manifest says the same as all of this.

Exit code 0: verified. 1: something is wrong; the first such thing is named, with its leaf. 2: the
verifier could not be run as asked.
"""

import argparse
import base64
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from audit.archive import (
    MAX_ARCHIVE_BYTES,
    UNSIGNED_MEMBERS,
    decode_archive,
    json_line,
    manifest_of,
    read_hashes,
    read_object,
)
from audit.disclosures import digest_of
from audit.dsse import key_id_of
from audit.entries import (
    Certified,
    Entry,
    Keys,
    certified_keys,
    check_leaves,
    check_places,
    check_signatures,
    read_certificates,
    read_entries,
    vote_holds,
)
from audit.merkle import EMPTY_ROOT, Frontier, consistency_holds, leaf_hash, root_from_inclusion
from audit.note import Checkpoint, NoteError, Vkey, open_note, parse_checkpoint, parse_vkey
from audit.problems import (
    FORGED,
    INCOMPLETE,
    NOT_AN_EXPORT,
    OTHER_HISTORY,
    UNCERTIFIED,
    VALUE_CHANGED,
    Problem,
    RefusedError,
)

_DISCLOSURE = re.compile(rb'\{"disclosure":"([A-Za-z0-9_-]+)","index":(0|[1-9][0-9]{0,15})\}\n')


@dataclass(frozen=True)
class Votes:
    """How many votes prove themselves, rest on the gateway's word, or name a key that is not in the bundle."""

    self_verifying: int = 0
    gateway_attested: int = 0
    key_not_in_bundle: int = 0


@dataclass(frozen=True)
class Verdict:
    """The answer about a bundle.

    `range` is the leaves [first, end) it covers; `root` is that of `end` leaves, in hex. `unsigned`
    names the members that no signature covers.
    """

    ok: bool
    first_problem: Problem | None = None
    origin: str = ""
    range: tuple[int, int] = (0, 0)
    entries: int = 0
    root: str = ""
    disclosed: int = 0
    undisclosed: int = 0
    votes: Votes = Votes()
    unsigned: tuple[str, ...] = ()


def verify_bundle(data: bytes, keys: Sequence[Vkey], event_keys: Sequence[bytes] = ()) -> Verdict:
    """Verify the bytes of a bundle against checkpoint keys from outside.

    `event_keys` are public keys (32 raw bytes) to be trusted besides those the log certifies.
    """
    outside: Keys = {("event", key_id_of(public)): {"": Certified(public, -1)} for public in event_keys}
    try:
        return _verify(decode_archive(data), tuple(keys), outside)  # step 1
    except RefusedError as refused:
        return Verdict(ok=False, first_problem=refused.problem)


def _verify(members: Mapping[str, bytes], trusted: tuple[Vkey, ...], outside: Keys) -> Verdict:
    start, end = _checkpoints(members, trusted)  # 2
    frontier = _frontier(members["consistency.json"], start, end)  # 3
    earlier = read_certificates("keys.jsonl", members["keys.jsonl"])
    _check_certificates(earlier, start, end)  # 4
    entries = read_entries("events.dsse.jsonl", members["events.dsse.jsonl"])
    check_places(entries, start.size)  # 5
    keys = certified_keys([*earlier, *entries], outside)
    check_signatures([*earlier, *entries], keys)
    check_leaves([*earlier, *entries], end.origin)  # 6
    _check_tree(frontier, entries, end)  # 7
    disclosed, undisclosed = _check_disclosures(members["disclosures.jsonl"], entries)  # 8
    votes = _check_votes(entries, keys)  # 9
    covered = (start.size, end.size)
    counts = {"certificates": len(earlier), "disclosures": disclosed, "entries": len(entries)}
    if members["manifest.json"] != manifest_of(members, end.origin, covered, counts):  # 10
        raise RefusedError("manifest.json does not describe the other members", NOT_AN_EXPORT)
    return Verdict(
        ok=True,
        origin=end.origin,
        range=covered,
        entries=len(entries),
        root=end.root.hex(),
        disclosed=disclosed,
        undisclosed=undisclosed,
        votes=votes,
        unsigned=tuple(name for name in members if UNSIGNED_MEMBERS.fullmatch(name)),
    )


def _checkpoints(members: Mapping[str, bytes], trusted: tuple[Vkey, ...]) -> tuple[Checkpoint, Checkpoint]:
    """Both ends of the range; the empty log needs no signature, for its root is the same everywhere."""
    end = _open("checkpoint-end", members, trusted)
    if end.size == 0:
        raise RefusedError("checkpoint-end is of an empty log, so there is nothing to verify", NOT_AN_EXPORT)
    if "checkpoint-start" not in members:
        return Checkpoint(end.origin, 0, EMPTY_ROOT), end
    start = _open("checkpoint-start", members, trusted)
    if start.origin != end.origin or not 0 < start.size < end.size:
        raise RefusedError("the checkpoints are not an earlier and a later state of one log", NOT_AN_EXPORT)
    return start, end


def _open(member: str, members: Mapping[str, bytes], trusted: tuple[Vkey, ...]) -> Checkpoint:
    try:
        text = open_note(members[member].decode(), trusted)
        checkpoint = parse_checkpoint(text)
    except (NoteError, UnicodeDecodeError) as error:
        raise RefusedError(f"{member}: {error}", FORGED) from error
    if checkpoint.origin not in {key.name for key in trusted}:
        raise RefusedError(f"{member} is of the log {checkpoint.origin!r}, another than the key's", FORGED)
    return checkpoint


def _frontier(content: bytes, start: Checkpoint, end: Checkpoint) -> Frontier:
    """The subtrees before the range, which must lead to the first root, and the first tree to the second."""
    member = "consistency.json"
    plain = read_object(member, content)
    hashes, proof = (read_hashes(member, plain.get(name)) for name in ("frontier", "proof"))
    frontier = Frontier(start.size, hashes)
    if content != consistency_member(frontier, end.size, proof):
        raise RefusedError(f"{member} is not about the sizes of the checkpoints", NOT_AN_EXPORT)
    if len(hashes) != start.size.bit_count() or frontier.root() != start.root:
        raise RefusedError("the frontier does not lead to the root of checkpoint-start", OTHER_HISTORY)
    if not consistency_holds(start.size, end.size, start.root, end.root, proof):
        raise RefusedError("the last checkpoint's tree does not extend the first one's", OTHER_HISTORY)
    return frontier


def consistency_member(frontier: Frontier, second: int, proof: Sequence[bytes]) -> bytes:
    """The bytes of `consistency.json`: both sizes, the frontier at the first, the RFC 9162 proof to the second."""
    listed = {"frontier": frontier.hashes, "proof": proof}
    encoded = {name: [base64.b64encode(step).decode() for step in steps] for name, steps in listed.items()}
    return json_line({"first": frontier.size, "second": second, **encoded})


def _check_certificates(earlier: Sequence[Entry], start: Checkpoint, end: Checkpoint) -> None:
    """Entries before the range are there for their keys only; each is proved to be in the tree."""
    places = [entry.place for entry in earlier]
    if places != sorted(set(places)) or any(place >= start.size for place in places):
        raise RefusedError("keys.jsonl is not a list of leaves before the range", NOT_AN_EXPORT)
    for entry in earlier:
        root = root_from_inclusion(leaf_hash(entry.body), entry.place, end.size, entry.proof)
        if root != end.root:
            raise RefusedError("its proof does not lead to the signed root", UNCERTIFIED, entry.place)


def _check_tree(frontier: Frontier, entries: Sequence[Entry], end: Checkpoint) -> None:
    grown = frontier.extended(leaf_hash(entry.body) for entry in entries)
    if grown.size != end.size:
        what = f"{len(entries)} events are here, but the checkpoints span {end.size - frontier.size}"
        raise RefusedError(what, INCOMPLETE, min(grown.size, end.size))
    if grown.root() != end.root:
        raise RefusedError("the events do not make the tree that the last checkpoint signs", OTHER_HISTORY)


def _check_disclosures(content: bytes, entries: Sequence[Entry]) -> tuple[int, int]:
    """Every value shown has its digest in its leaf (RFC 9901 section 7.1); gives how many are shown and not."""
    hidden = {(entry.place, digest) for entry in entries for digest in _digests(entry)}
    lines = content.splitlines(keepends=True)
    for line in lines:
        found = _DISCLOSURE.fullmatch(line)
        if found is None:
            raise RefusedError("disclosures.jsonl holds a line that is not a disclosure", NOT_AN_EXPORT)
        shown = int(found[2]), digest_of(found[1].decode())
        if shown not in hidden:
            raise RefusedError("a private value does not belong to this leaf", VALUE_CHANGED, shown[0])
        hidden.remove(shown)
    return len(lines), len(hidden)


def _digests(entry: Entry) -> list[str]:
    listed = entry.leaf["data"].get("_sd", [])
    if not isinstance(listed, list) or not all(isinstance(digest, str) for digest in listed):
        raise RefusedError("its list of digests is not one", NOT_AN_EXPORT, entry.place)
    return listed


def _check_votes(entries: Sequence[Entry], keys: Keys) -> Votes:
    votes = [entry for entry in entries if entry.leaf["type"] == "loopgate.approval.voted"]
    signed = [entry for entry in votes if "signature" in entry.leaf["data"]]
    proved = [vote_holds(entry, keys) for entry in signed]
    return Votes(proved.count(True), len(votes) - len(signed), proved.count(None))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; gives the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        data = _read_bundle(Path(asked.bundle))
        keys = [_vkey(text) for text in asked.key]
        event_keys = [_event_key(Path(name)) for name in asked.event_key]
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        sys.stderr.write(f"cannot verify: {printable(str(error))}\n")
        return 2
    verdict = verify_bundle(data, keys, event_keys)
    sys.stdout.write(json.dumps(asdict(verdict)) + "\n" if asked.json else printable(report(verdict)))
    return 0 if verdict.ok else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="verify.py", description="Verify an evidence bundle offline.")
    parser.add_argument("bundle", metavar="BUNDLE", help="the .evidence.tar file")
    parser.add_argument(
        "--key",
        metavar="VKEY",
        action="append",
        required=True,
        help="the log's verifier key, or a file that holds it; from the log's owner, never from the bundle",
    )
    parser.add_argument(
        "--event-key",
        metavar="PEM",
        action="append",
        default=[],
        help="a file with a further event key to trust",
    )
    parser.add_argument("--json", action="store_true", help="print the verdict as JSON")
    return parser


def _read_bundle(path: Path) -> bytes:
    with path.open("rb") as file:
        # One byte more than is allowed is enough to be refused.
        return file.read(MAX_ARCHIVE_BYTES + 1)


def _vkey(text: str) -> Vkey:
    path = Path(text)
    return parse_vkey(path.read_text() if "+" not in text or path.is_file() else text)


def _event_key(path: Path) -> bytes:
    key = load_pem_public_key(path.read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"{path} does not hold an Ed25519 public key")  # noqa: TRY004 - the file is wrong
    return key.public_bytes_raw()


def report(verdict: Verdict) -> str:
    """The verdict in a few lines for a person."""
    if verdict.first_problem:
        return f"NOT VERIFIED: {verdict.first_problem}\n{verdict.first_problem.meaning}\n"
    votes = verdict.votes
    first, end = verdict.range
    return (
        f"verified: {verdict.entries} events, leaves {first} to {end - 1} of {verdict.origin}\n"
        f"root: {verdict.root} at size {end}\n"
        f"private values: {verdict.disclosed} shown and right, {verdict.undisclosed} not shown\n"
        f"votes: {votes.self_verifying} prove themselves, {votes.gateway_attested} on the gateway's word, "
        f"{votes.key_not_in_bundle} by keys outside this bundle\n"
        f"covered by no signature: {', '.join(verdict.unsigned)}\n"
    )


def printable(text: str) -> str:
    """The text with everything but printable ASCII and line ends escaped.

    So nothing in a bundle can move the cursor, turn the writing direction or hide a word.
    """
    return "".join(
        character if character == "\n" or " " <= character <= "~" else ascii(character)[1:-1]
        for character in text
    )


if __name__ == "__main__":
    sys.exit(main())
