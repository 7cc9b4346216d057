"""Whatever an opponent does to a bundle, the verifier says no; most of it by name of the leaf."""

import base64
import json
from collections.abc import Callable
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.archive import encode_archive
from tests.audit.forgery import JUDGED, OPENED, forged
from tests.audit.world import members_of, sealed, verdict_on

EVIDENCE = (
    "checkpoint-end",
    "checkpoint-start",
    "consistency.json",
    "disclosures.jsonl",
    "events.dsse.jsonl",
    "keys.jsonl",
)
"""The members that signatures and hashes cover; for the others there is the manifest."""


_NAMES = ("keys", "_sd", "key_id", "role", "algorithm", "public_key", "signature", "ticket", "answer")


def flipped(content: bytes, bit: int) -> bytes:
    at, mask = bit // 8, 1 << bit % 8
    return content[:at] + bytes([content[at] ^ mask]) + content[at + 1 :]


def lines_of(bundle: bytes, member: str = "events.dsse.jsonl") -> list[bytes]:
    return members_of(bundle)[member].splitlines(keepends=True)


def with_events(bundle: bytes, lines: list[bytes]) -> bytes:
    return sealed({**members_of(bundle), "events.dsse.jsonl": b"".join(lines)})


def test_the_untouched_bundles_are_good(whole: bytes, later: bytes) -> None:
    assert verdict_on(whole).ok
    assert verdict_on(later).ok
    assert verdict_on(sealed(members_of(later))).ok


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_flipped_bit_anywhere_in_the_archive_is_found(later: bytes, data: st.DataObject) -> None:
    bit = data.draw(st.integers(0, len(later) * 8 - 1))

    assert not verdict_on(flipped(later, bit)).ok


@pytest.mark.parametrize("member", EVIDENCE)
def test_a_flipped_bit_in_evidence_is_found_even_under_a_new_manifest(later: bytes, member: str) -> None:
    members = members_of(later)
    content = members[member]
    step = max(1, len(content) * 8 // 200)

    for bit in range(0, len(content) * 8, step):
        assert not verdict_on(sealed({**members, member: flipped(content, bit)})).ok, bit


@pytest.mark.slow
@pytest.mark.parametrize("member", EVIDENCE)
def test_a_flipped_bit_in_any_byte_of_evidence_is_found_under_a_new_manifest(
    later: bytes, member: str
) -> None:
    members = members_of(later)
    content = members[member]

    for at in range(len(content)):
        bit = at * 8 + at % 8
        assert not verdict_on(sealed({**members, member: flipped(content, bit)})).ok, bit


@pytest.mark.parametrize("member", ["manifest.json", "README.md", "verify.py", f"policies/{'d' * 64}.tar.gz"])
def test_a_flipped_bit_in_any_other_member_is_found_by_the_manifest(later: bytes, member: str) -> None:
    members = members_of(later)
    content = members[member]

    for bit in range(0, len(content) * 8, max(1, len(content) * 8 // 100)):
        verdict = verdict_on(encode_archive({**members, member: flipped(content, bit)}))
        assert str(verdict.first_problem) == "manifest.json does not describe the other members"


@pytest.mark.parametrize("cut", [1, 512, 1024, 5000, 20000])
def test_a_truncated_archive_is_refused(later: bytes, cut: int) -> None:
    assert not verdict_on(later[:-cut]).ok
    assert not verdict_on(later[:cut]).ok


def test_a_peers_bug_a_flipped_decision_field_is_found_at_its_leaf(whole: bytes) -> None:
    """Another product's log let `policy_decision` be changed and still said "verified"."""
    lines = lines_of(whole)
    line = json.loads(lines[9])
    body = base64.b64decode(line["envelope"]["payload"])
    line["envelope"]["payload"] = base64.b64encode(body.replace(b'"allow"', b'"denys"')).decode()
    changed = json.dumps(line, sort_keys=True, separators=(",", ":")).encode() + b"\n"

    problem = verdict_on(with_events(whole, [*lines[:9], changed, *lines[10:]])).first_problem

    assert str(problem) == "leaf 9: its signature does not fit its bytes"
    assert problem is not None
    assert problem.meaning.startswith("The event was changed after it was recorded")


@pytest.mark.parametrize("kept", [0, 1, 6, 11])
def test_a_peers_bug_a_cut_tail_is_found(whole: bytes, kept: int) -> None:
    """Another product's log let its newest events be cut off and still said "verified"."""
    problem = verdict_on(with_events(whole, lines_of(whole)[:kept])).first_problem

    assert problem is not None
    assert problem.index == kept
    assert str(problem) == f"leaf {kept}: {kept} events are here, but the checkpoints span 12"


@pytest.mark.parametrize("gone", [0, 1, 5, 10])
def test_a_removed_event_is_found_at_its_place(whole: bytes, gone: int) -> None:
    lines = lines_of(whole)

    problem = verdict_on(with_events(whole, lines[:gone] + lines[gone + 1 :])).first_problem

    assert str(problem) == f"leaf {gone}: leaf {gone + 1} stands where this leaf is expected"


def test_every_change_of_order_is_found(whole: bytes) -> None:
    lines = lines_of(whole)

    for order in list(permutations(range(4)))[1:]:
        turned = [lines[place] for place in order] + lines[4:]
        assert not verdict_on(with_events(whole, turned)).ok


@pytest.mark.parametrize("place", [0, 4, 11])
def test_a_repeated_event_is_found(whole: bytes, place: int) -> None:
    lines = lines_of(whole)

    problem = verdict_on(
        with_events(whole, [*lines[: place + 1], lines[place], *lines[place + 1 :]])
    ).first_problem

    assert str(problem) == f"leaf {place + 1}: leaf {place} stands where this leaf is expected"


def test_an_event_repeated_under_the_next_index_is_found(whole: bytes) -> None:
    lines = lines_of(whole)
    again = lines[11].replace(b'"index":11', b'"index":12')

    problem = verdict_on(with_events(whole, [*lines, again])).first_problem

    assert str(problem) == "leaf 12: its event stands in the log twice"


def test_an_exchanged_pair_under_new_indexes_is_found(whole: bytes) -> None:
    lines = lines_of(whole)
    first = lines[10].replace(b'"index":10', b'"index":9')
    second = lines[9].replace(b'"index":9', b'"index":10')

    problem = verdict_on(with_events(whole, [*lines[:9], first, second, lines[11]])).first_problem

    assert str(problem) == "leaf 10: it is not later than the leaf before it"


_REPLACED = base64.urlsafe_b64encode(b'["salt00000000000000000000", "intent", "another"]').rstrip(b"=")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda line: line.replace(b'"disclosure":"W', b'"disclosure":"X'),
            "leaf 5: a private value does not",
        ),
        (lambda line: line.replace(b'"index":5', b'"index":6'), "leaf 6: a private value does not belong"),
        (lambda line: line.replace(b'"index":5', b'"index":500'), "leaf 500: a private value does not"),
        (lambda line: line + line, "leaf 5: a private value does not belong"),
        (
            lambda _line: b'{"disclosure":"' + _REPLACED + b'","index":5}\n',
            "leaf 5: a private value does not",
        ),
        (lambda _line: '{"disclosure":"ü","index":5}\n'.encode(), "is not a disclosure"),
        (lambda _line: b'{"disclosure":7,"index":5}\n', "is not a disclosure"),
        (lambda _line: b'{"disclosure":"x","index":true}\n', "is not a disclosure"),
        (lambda _line: b'{"disclosure":"x"}\n', "is not a disclosure"),
        (lambda line: line.replace(b"}", b',"more":1}'), "is not a disclosure"),
    ],
)
def test_a_tampered_private_value_is_found(
    later: bytes, change: Callable[[bytes], bytes], reason: str
) -> None:
    members = members_of(later)
    first, *rest = lines_of(later, "disclosures.jsonl")
    assert b'"index":5' in first

    verdict = verdict_on(sealed({**members, "disclosures.jsonl": b"".join([change(first), *rest])}))

    assert reason in str(verdict.first_problem)


def test_an_extra_member_is_refused(later: bytes) -> None:
    verdict = verdict_on(encode_archive({**members_of(later), "notes.txt": b"trust me"}))

    assert "'notes.txt', which does not belong in a bundle" in str(verdict.first_problem)


def test_the_manifest_must_know_every_policy(later: bytes) -> None:
    verdict = verdict_on(encode_archive({**members_of(later), f"policies/{'e' * 64}.tar.gz": b"x"}))

    assert str(verdict.first_problem) == "manifest.json does not describe the other members"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("ed25519"),
    lambda below: st.lists(below) | st.dictionaries(st.sampled_from(_NAMES) | st.text(), below),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(
    leaf=st.dictionaries(st.sampled_from(("type", "data", "id", "time", "source")), _JSON),
    kind=st.sampled_from(("loopgate.key.added", "loopgate.approval.voted", "loopgate.person.changed")),
    data=st.dictionaries(st.sampled_from(_NAMES), _JSON),
)
def test_whatever_a_signed_leaf_says_the_answer_is_a_verdict(
    whole: bytes, leaf: dict[str, object], kind: str, data: dict[str, object]
) -> None:
    for strange in ({**JUDGED, **leaf}, {**JUDGED, "type": kind, "data": data}):
        verdict = verdict_on(forged(whole, [OPENED, strange]))

        assert verdict.ok or verdict.first_problem


@settings(max_examples=200, deadline=None)
@given(member=st.sampled_from((*EVIDENCE, "manifest.json")), content=_JSON.map(json.dumps) | st.binary())
def test_whatever_stands_in_a_member_it_is_refused_without_an_accident(
    later: bytes, member: str, content: str | bytes
) -> None:
    raw = content if isinstance(content, bytes) else content.encode()
    members = {**members_of(later), member: raw}

    verdict = verdict_on(encode_archive(members))

    assert not verdict.ok


@given(st.binary() | st.binary(min_size=512, max_size=2000))
def test_whatever_bytes_are_given_they_are_refused_without_an_accident(data: bytes) -> None:
    assert not verdict_on(data).ok
