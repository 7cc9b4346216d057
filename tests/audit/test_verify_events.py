"""Steps 4 to 6 of the verifier: certificates, signatures and leaves."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from audit.keys import KeyFact, KeyRole
from audit.verify import Votes, verify_bundle
from tests.audit.forgery import JUDGED, OPENED, forged, problem_of
from tests.audit.world import (
    EVENT_KEY,
    ORIGIN,
    STRANGER_KEY,
    VKEY,
    members_of,
    sealed,
    verdict_on,
)

# --- step 4: certificates --------------------------------------------------------------------------


def _certificates(later: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in members_of(later)["keys.jsonl"].splitlines()]


def _with_certificates(later: bytes, lines: Sequence[Mapping[str, Any]]) -> bytes:
    written = [json.dumps(line, sort_keys=True, separators=(",", ":")).encode() + b"\n" for line in lines]
    return sealed({**members_of(later), "keys.jsonl": b"".join(written)})


def test_without_certificates_no_event_counts(later: bytes) -> None:
    problem = problem_of(verdict_on(_with_certificates(later, [])))

    assert problem == f"leaf 5: it is signed by the key '{EVENT_KEY.key_id}', which no earlier leaf certifies"


def test_an_event_key_from_outside_counts_without_certificates(later: bytes) -> None:
    verdict = verify_bundle(_with_certificates(later, []), [VKEY], [EVENT_KEY.public])

    assert verdict.ok
    assert verdict.votes == Votes(0, 1, key_not_in_bundle=1)


def test_a_certificate_that_is_not_in_the_tree_is_refused(later: bytes) -> None:
    first, second = _certificates(later)
    moved = {**first, "index": 2}

    assert "proof does not lead to the signed root" in problem_of(
        verdict_on(_with_certificates(later, [{**second, "proof": first["proof"]}]))
    )
    assert "leaf 2: its proof does not lead" in problem_of(verdict_on(_with_certificates(later, [moved])))


@pytest.mark.parametrize("indexes", [(1, 0), (0, 0), (0, 5)])
def test_certificates_are_leaves_before_the_range_in_order(later: bytes, indexes: tuple[int, int]) -> None:
    lines = [{**line, "index": index} for line, index in zip(_certificates(later), indexes, strict=True)]

    assert "is not a list of leaves before the range" in problem_of(
        verdict_on(_with_certificates(later, lines))
    )


@pytest.mark.parametrize("proof", [None, "AAAA", [7], ["AAAA"], ["A" * 43 + "=", 7], ["B" * 43 + "="]])
def test_a_certificate_without_a_proof_is_refused(later: bytes, proof: object) -> None:
    lines = [{**line, "proof": proof} for line in _certificates(later)]

    assert "keys.jsonl " in problem_of(verdict_on(_with_certificates(later, lines)))


def test_a_certificate_that_is_no_event_of_this_log_is_refused(whole: bytes) -> None:
    second = {**JUDGED, "id": "evt_00000002", "time": "2026-09-21T14:13:20.002Z"}
    strange = {**JUDGED, "source": "another.example/log"}

    assert verdict_on(forged(whole, [OPENED, JUDGED, second], first=2)).ok
    problem = problem_of(verdict_on(forged(whole, [OPENED, strange, second], first=2)))
    assert problem == f"leaf 1: it is not an event of the log {ORIGIN}"


# --- steps 5 and 6: signatures, keys and leaves ----------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"index": 0},
        {"index": 0, "envelope": None},
        {"index": 0, "envelope": {"payload": "", "signatures": []}},
        {"index": 0, "envelope": {"payload": "", "signatures": [{"sig": ""}]}},
    ],
)
def test_a_line_that_is_no_event_is_refused(whole: bytes, line: object) -> None:
    written = json.dumps(line, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    bundle = sealed({**members_of(whole), "events.dsse.jsonl": written})

    assert problem_of(verdict_on(bundle)) == "events.dsse.jsonl holds a line that is not an event"


@pytest.mark.parametrize(
    "change",
    [
        {"index": "0"},
        {"index": False},
        {"index": 10**16},
        {"proof": []},
        {"envelope": {"payloadType": "application/vnd.another+json"}},
        {"envelope": {"signatures": [{"keyid": 7, "sig": "AAAA"}]}},
        {"envelope": {"signatures": [{"keyid": "a", "sig": "AAAA"}, {"keyid": "b", "sig": "AAAA"}]}},
    ],
)
def test_a_line_with_anything_more_or_else_is_refused(whole: bytes, change: dict[str, Any]) -> None:
    line = json.loads(members_of(whole)["events.dsse.jsonl"].splitlines()[0])
    envelope = {**line["envelope"], **change.get("envelope", {})}
    written = json.dumps({**line, **change, "envelope": envelope}, sort_keys=True, separators=(",", ":"))
    bundle = sealed({**members_of(whole), "events.dsse.jsonl": written.encode() + b"\n"})

    assert problem_of(verdict_on(bundle)) == "events.dsse.jsonl holds a line that is not an event"


def test_an_event_signed_by_a_key_that_nobody_certified_is_refused(whole: bytes) -> None:
    bundle = forged(whole, [OPENED, JUDGED], signers=[EVENT_KEY, STRANGER_KEY])

    assert f"leaf 1: it is signed by the key '{STRANGER_KEY.key_id}'" in problem_of(verdict_on(bundle))


def test_a_key_may_sign_only_after_the_leaf_that_certifies_it(whole: bytes) -> None:
    added = {
        **JUDGED,
        "type": "loopgate.key.added",
        "data": {"keys": [KeyFact.of(STRANGER_KEY.public, KeyRole.EVENT).plain]},
    }
    third = {**JUDGED, "id": "evt_00000002", "time": "2026-09-21T14:13:20.002Z"}

    after = forged(whole, [OPENED, added, third], signers=[EVENT_KEY, EVENT_KEY, STRANGER_KEY])
    itself = forged(whole, [OPENED, added], signers=[EVENT_KEY, STRANGER_KEY])

    assert verdict_on(after).ok
    assert "leaf 1: it is signed by the key" in problem_of(verdict_on(itself))


@pytest.mark.parametrize(
    ("kind", "role", "changes"),
    [
        ("loopgate.person.changed", KeyRole.EVENT, {}),
        ("loopgate.action.judged", KeyRole.EVENT, {}),
        ("loopgate.key.added", KeyRole.CHECKPOINT, {}),
        ("loopgate.key.added", KeyRole.VOTE, {}),
        ("loopgate.key.added", KeyRole.EVENT, {"algorithm": "rsa"}),
        ("loopgate.key.added", KeyRole.EVENT, {"public_key": base64.b64encode(bytes(32)).decode()}),
    ],
)
def test_only_the_right_leaf_certifies_an_event_key(
    whole: bytes, kind: str, role: KeyRole, changes: dict[str, str]
) -> None:
    fact = {**KeyFact.of(STRANGER_KEY.public, role).plain, **changes}
    claimed = {**JUDGED, "type": kind, "data": {"keys": [fact]}}
    third = {**JUDGED, "id": "evt_00000002", "time": "2026-09-21T14:13:20.002Z"}

    bundle = forged(whole, [OPENED, claimed, third], signers=[EVENT_KEY, EVENT_KEY, STRANGER_KEY])

    assert "leaf 2: it is signed by the key" in problem_of(verdict_on(bundle))


@pytest.mark.parametrize(
    "listed",
    [None, "x", [None], ["x"], [{}], [{"algorithm": "ed25519", "role": [], "key_id": {}, "public_key": 7}]],
)
def test_a_key_list_that_is_none_certifies_nothing(whole: bytes, listed: object) -> None:
    strange = {**JUDGED, "type": "loopgate.key.added", "data": {"keys": listed}}

    assert verdict_on(forged(whole, [OPENED, strange])).ok


@pytest.mark.parametrize(
    "change",
    [
        {"specversion": "0.3"},
        {"source": "another.example/log"},
        {"id": 7},
        {"data": None},
        {"type": "another.action.judged"},
        {"type": None},
        {"type": "loopgate.log.opened"},
        {"time": "2026-09-21T14:13:20Z"},
        {"time": None},
    ],
)
def test_a_signed_leaf_that_is_no_event_of_this_log_is_refused(
    whole: bytes, change: dict[str, object]
) -> None:
    bundle = forged(whole, [OPENED, {**JUDGED, **change}])

    assert problem_of(verdict_on(bundle)) == f"leaf 1: it is not an event of the log {ORIGIN}"


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"[" * 100_000])
def test_signed_bytes_that_are_no_event_are_refused(whole: bytes, body: bytes) -> None:
    problem = problem_of(verdict_on(forged(whole, [OPENED, body])))

    assert problem == f"leaf 1: it is not an event of the log {ORIGIN}"


def test_a_log_that_does_not_open_with_its_opening_is_refused(whole: bytes) -> None:
    verdict = verify_bundle(forged(whole, [JUDGED]), [VKEY], [EVENT_KEY.public])

    assert "leaf 0: it is not an event of the log" in problem_of(verdict)


def test_an_event_that_stands_twice_is_refused(whole: bytes) -> None:
    bundle = forged(whole, [OPENED, {**JUDGED, "id": OPENED["id"]}])

    assert problem_of(verdict_on(bundle)) == "leaf 1: its event stands in the log twice"


def test_time_that_does_not_move_forward_is_refused(whole: bytes) -> None:
    bundle = forged(whole, [OPENED, {**JUDGED, "time": OPENED["time"]}])

    assert problem_of(verdict_on(bundle)) == "leaf 1: it is not later than the leaf before it"
