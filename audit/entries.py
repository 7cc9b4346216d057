"""The signed events of a bundle: read them, find which keys they certify, check them one by one."""

import base64
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple

from audit.archive import read_base64
from audit.dsse import EVENT_TYPE, envelope, is_signed, key_id_of, pae
from audit.problems import CHANGED, INCOMPLETE, NOT_AN_EXPORT, UNCERTIFIED, VOTE_FORGED, RefusedError
from audit.votes import vote_key_id, vote_message

_CERTIFYING_TYPES = {
    "loopgate.log.opened": frozenset({"event", "vote"}),
    "loopgate.key.added": frozenset({"event", "vote"}),
    "loopgate.person.changed": frozenset({"vote"}),
}
"""Which leaves may introduce keys, and for what."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_CHUNK = 256

# A line has one form only, so a grammar reads it: faster than JSON, and with nothing left to compare.
_BASE64 = rb"[A-Za-z0-9+/]*={0,2}"
_STEP = re.compile(rb'"([^"]+)"')
_FORM = (
    rb'\{"envelope":\{"payload":"(%b)","payloadType":"%b","signatures":\[\{"keyid":"([0-9a-f]{64})","sig":"(%b)"\}\]\},'
    rb'"index":(0|[1-9][0-9]{0,15})'
) % (_BASE64, re.escape(EVENT_TYPE.encode()), _BASE64)
_ENTRY = re.compile(_FORM + rb"\}\n")
_CERTIFICATE = re.compile(_FORM + rb',"proof":\[((?:"[A-Za-z0-9+/]{43}="(?:,(?=")|(?=\])))*)\]\}\n')


class Entry(NamedTuple):
    """One signed event: place in the log, exact bytes, who signed, and the JSON object in the bytes.

    `leaf` is empty when the bytes are no JSON object. `proof` is there for entries before the range.
    """

    place: int
    body: bytes
    key_id: str
    signature: bytes
    leaf: dict[str, Any]
    proof: tuple[bytes, ...] = ()


class Certified(NamedTuple):
    """A public key (32 raw bytes) and the leaf from which on it counts; -1 when given from outside."""

    public: bytes
    since: int


Keys = dict[tuple[str, str], dict[str, Certified]]
"""By role (`event`, `vote`) and key id: who holds the key. The holder is "" unless `person.changed` names one."""


def entry_line(place: int, body: bytes, key_id: str, signature: bytes) -> dict[str, Any]:
    """The object of one line of `events.dsse.jsonl`."""
    return {"index": place, "envelope": envelope(EVENT_TYPE, body, key_id, signature)}


def certificate_line(entry: dict[str, Any], proof: Sequence[bytes]) -> dict[str, Any]:
    """The object of one line of `keys.jsonl`: an entry with its inclusion proof."""
    return entry | {"proof": [base64.b64encode(step).decode() for step in proof]}


def read_entries(member: str, content: bytes) -> list[Entry]:
    """The entries of `events.dsse.jsonl`; raises `RefusedError` for a line of any other form."""
    return [_read_entry(member, _ENTRY, line) for line in content.splitlines(keepends=True)]


def read_certificates(member: str, content: bytes) -> list[Entry]:
    """The entries of `keys.jsonl` with their proofs; raises `RefusedError` for a line of any other form."""
    return [_read_entry(member, _CERTIFICATE, line) for line in content.splitlines(keepends=True)]


def _read_entry(member: str, form: re.Pattern[bytes], line: bytes) -> Entry:
    found = form.fullmatch(line)
    if found is None:
        raise RefusedError(f"{member} holds a line that is not an event", NOT_AN_EXPORT)
    body, key_id, signature, place, *steps = found.groups()
    decoded = read_base64(member, body)
    proof = tuple(read_base64(member, step) for step in _STEP.findall(steps[0] if steps else b""))
    return Entry(
        int(place), decoded, key_id.decode(), read_base64(member, signature), _leaf_in(decoded), proof
    )


def _leaf_in(body: bytes) -> dict[str, Any]:
    """The JSON object in a leaf's bytes. Whether they are what was signed is asked before this is used."""
    try:
        leaf = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return leaf if isinstance(leaf, dict) else {}


def certified_keys(entries: Iterable[Entry], outside: Keys) -> Keys:
    """The keys that the entries introduce, besides those trusted from outside; the first mention counts."""
    keys = {name: dict(holders) for name, holders in outside.items()}
    for entry in entries:
        for role, key_id, public in _introduced(entry):
            holders = keys.setdefault((role, key_id), {})
            holders.setdefault(_person_in(entry), Certified(public, entry.place))
    return keys


def _introduced(entry: Entry) -> Iterator[tuple[str, str, bytes]]:
    """Role, key id and public key of each key the leaf states; what is not stated as it should be is passed over."""
    roles = _CERTIFYING_TYPES.get(str(entry.leaf.get("type")), frozenset())
    data = entry.leaf.get("data")
    listed = data.get("keys") if isinstance(data, dict) else None
    for fact in listed if isinstance(listed, list) else ():
        if isinstance(fact, dict) and fact.get("algorithm") == "ed25519":
            role, key_id, public = (
                str(fact.get("role")),
                str(fact.get("key_id")),
                _decoded(fact, "public_key"),
            )
            if role in roles and _names_its_key(role, key_id, public):
                yield role, key_id, public


def _names_its_key(role: str, key_id: str, public: bytes) -> bool:
    """A key goes by a digest of itself, so that no leaf can put another key under a person's known id."""
    return key_id == key_id_of(public) or (role == "vote" and key_id == vote_key_id(public))


def _person_in(entry: Entry) -> str:
    return str(entry.leaf.get("subject")) if entry.leaf.get("type") == "loopgate.person.changed" else ""


def _decoded(plain: dict[str, Any], name: str) -> bytes:
    """The bytes of a base64 field; none at all when it is missing or something else, and no key or signature is that."""
    try:
        return base64.b64decode(plain[name], validate=True)
    except (LookupError, TypeError, ValueError):
        return b""


def check_signatures(entries: Sequence[Entry], keys: Keys) -> None:
    """Every entry is signed by an event key that counts at its place; raises `RefusedError` at the first not.

    Ed25519 leaves the interpreter free while it works, so threads use every core.
    """
    chunks = [entries[at : at + _CHUNK] for at in range(0, len(entries), _CHUNK)]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for refused in threads.map(lambda chunk: _first_unsigned(chunk, keys), chunks):
            if refused:
                raise refused


def _first_unsigned(entries: Sequence[Entry], keys: Keys) -> RefusedError | None:
    for entry in entries:
        known = keys.get(("event", entry.key_id), {}).get("")
        if known is None or not _counts(known, entry.place):
            what = f"it is signed by the key {entry.key_id!r}, which no earlier leaf certifies"
            return RefusedError(what, UNCERTIFIED, entry.place)
        if not is_signed(known.public, entry.signature, pae(EVENT_TYPE, entry.body)):
            return RefusedError("its signature does not fit its bytes", CHANGED, entry.place)
    return None


def _counts(known: Certified, place: int) -> bool:
    """A key counts after the leaf that certified it; leaf 0 certifies its own, and the tree vouches for it."""
    return known.since < place or (known.since, place) == (0, 0)


def check_leaves(entries: Sequence[Entry], origin: str) -> None:
    """Every leaf is an event of this log, none is there twice, and time only moves forward."""
    for entry in entries:
        if not _is_event(entry, origin):
            raise RefusedError(f"it is not an event of the log {origin}", NOT_AN_EXPORT, entry.place)
    seen = set[str]()
    for entry in entries:
        if entry.leaf["id"] in seen:
            raise RefusedError("its event stands in the log twice", INCOMPLETE, entry.place)
        seen.add(entry.leaf["id"])
    for before, after in pairwise(entries):
        if after.leaf["time"] <= before.leaf["time"]:
            raise RefusedError("it is not later than the leaf before it", INCOMPLETE, after.place)


def _is_event(entry: Entry, origin: str) -> bool:
    """CloudEvents 1.0 section 3.1, as this log writes it; only leaf 0 opens a log."""
    leaf = entry.leaf
    return (
        (leaf.get("specversion"), leaf.get("source")) == ("1.0", origin)
        and isinstance(leaf.get("id"), str)
        and isinstance(leaf.get("data"), dict)
        and str(leaf.get("type")).startswith("loopgate.")
        and (leaf.get("type") == "loopgate.log.opened") == (entry.place == 0)
        and _RFC3339.fullmatch(str(leaf.get("time"))) is not None
    )


def check_places(entries: Sequence[Entry], start: int) -> None:
    """The entries stand at `start`, `start + 1`, … without gap, repetition or change of order."""
    for place, entry in enumerate(entries, start):
        if entry.place != place:
            what = f"leaf {entry.place} stands where this leaf is expected"
            raise RefusedError(what, INCOMPLETE, place)


def vote_holds(entry: Entry, keys: Keys) -> bool | None:
    """Whether a signed vote proves itself; None when the bundle does not hold the person's key.

    Raises `RefusedError` when the signature is not by that key over this ticket, question, answer
    and reason, or the key is another person's than the voter's.
    """
    data = entry.leaf["data"]
    stated = keys.get(("vote", str(data.get("key_id"))), {})
    holders = {person: known for person, known in stated.items() if _counts(known, entry.place)}
    if not holders:
        return None
    voter = str(data.get("voter", ""))
    own = holders.get(voter) or holders.get("") if "voter" in data else holders[min(holders)]
    if own is None:
        what = f"the vote is signed by the key of {min(holders)!r}"
        raise RefusedError(what, VOTE_FORGED, entry.place)
    fields = (data.get(name) for name in ("ticket", "question_digest", "answer", "reason_sha256"))
    message = vote_message(*(str(value) for value in fields))
    if not is_signed(own.public, _decoded(data, "signature"), message):
        raise RefusedError("the vote's signature does not fit it", VOTE_FORGED, entry.place)
    return True
