import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from audit.canonical import canonical_bytes
from audit.disclosures import digest_of
from audit.errors import EventError
from audit.events import (
    MAX_LEAF_BYTES,
    EventDraft,
    EventType,
    Stamp,
    Trace,
    check_draft,
    free_text,
    has_no_text,
    leaf_of,
    rfc3339,
)
from tests.audit.world import ORIGIN, START_MS

STAMP = Stamp("evt_00000001", START_MS + 7, "0" * 32, ())
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "events.md"


def draft_with(data: dict[str, Any], **more: Any) -> EventDraft:
    return EventDraft(type=EventType.ACTION_DENIED, subject="act_1", data=data, **more)


def test_the_reference_lists_every_event_type_in_the_order_of_the_code() -> None:
    table = re.findall(
        r"^\| `(\w+\.\w+)` \| (.+) \| (.+) \|$", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE
    )

    assert [name for name, _, _ in table] == [kind.value for kind in EventType]


def test_the_reference_describes_every_field_of_a_leaf() -> None:
    draft = draft_with({"n": 1}, private={"p": 1}, trace=Trace(trace_id="a" * 32, span_id="b" * 16))
    leaf = json.loads(leaf_of(draft, ORIGIN, STAMP._replace(salts=("s" * 22,))).body)
    named = set(re.findall(r"`([\w.]+)`", REFERENCE.read_text(encoding="utf-8")))

    assert leaf.keys() <= named
    assert {f"data.{name}" for name in leaf["data"].keys() - {"n"}} <= named


def test_a_leaf_is_a_cloud_event_in_canonical_form() -> None:
    leaf = leaf_of(draft_with({"b": 1, "a": [True, None]}), ORIGIN, STAMP)

    assert leaf.body == (
        b'{"data":{"a":[true,null],"b":1},"datacontenttype":"application/json","id":"evt_00000001",'
        b'"nonce":"00000000000000000000000000000000","source":"gateway.example/audit/log1",'
        b'"specversion":"1.0","subject":"act_1","time":"2026-09-21T14:13:20.007Z",'
        b'"type":"loopgate.action.denied"}'
    )
    assert leaf.disclosures == ()


def test_private_values_enter_the_leaf_as_sorted_digests_only() -> None:
    private = {"intent": "Fix Ünïcode", "email": "alice@example.com", "ratio": 0.5}

    leaf = leaf_of(draft_with({}, private=private), ORIGIN, STAMP._replace(salts=("s" * 22,) * 3))

    data = json.loads(leaf.body)["data"]
    digests = [digest_of(disclosure.text) for disclosure in leaf.disclosures]
    assert data == {"_sd": sorted(digests), "_sd_alg": "sha-256"}
    assert [disclosure.name for disclosure in leaf.disclosures] == list(private)
    assert b"alice" not in leaf.body


def test_the_trace_stands_in_the_data() -> None:
    trace = Trace(trace_id="a" * 32, span_id="b" * 16)

    leaf = json.loads(leaf_of(draft_with({}, trace=trace), ORIGIN, STAMP).body)

    assert leaf["data"] == {"trace": {"trace_id": "a" * 32, "span_id": "b" * 16}}


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        (draft_with({"x": 0.5}), "is a float"),
        (draft_with({"x": 2**53}), "2\\^53"),
        (draft_with({"ü": 1}), "not ASCII"),
        (draft_with({"_sd": []}), "'_sd': it is reserved"),
        (draft_with({"_sd_alg": "md5"}), "'_sd_alg'"),
        (draft_with({"x": 1}, private={"x": 2}), "'x': it is reserved or private too"),
        (draft_with({"trace": 1}, trace=Trace(trace_id="a" * 32, span_id="b" * 16)), "'trace'"),
        (draft_with({}, private={"_sd": 1}), "reserved name"),
        (draft_with({}, private={"x": {1}}), "not JSON"),
        (draft_with({"x": "y" * MAX_LEAF_BYTES}), "the limit is 61440"),
    ],
)
def test_a_draft_that_may_not_be_recorded_is_refused_with_the_reason(draft: EventDraft, reason: str) -> None:
    with pytest.raises(EventError, match=reason):
        check_draft(draft)


def test_data_may_be_called_trace_when_there_is_no_trace() -> None:
    check_draft(draft_with({"trace": "t_1"}))


def test_a_leaf_of_exactly_the_limit_passes_and_one_byte_more_does_not() -> None:
    room = MAX_LEAF_BYTES - len(leaf_of(draft_with({"x": ""}), ORIGIN, STAMP).body)

    assert len(leaf_of(draft_with({"x": "y" * room}), ORIGIN, STAMP).body) == MAX_LEAF_BYTES
    with pytest.raises(EventError, match="of 61441 bytes"):
        leaf_of(draft_with({"x": "y" * (room + 1)}), ORIGIN, STAMP)


@pytest.mark.parametrize("event_id", ["", "evt_1", "act_00000001", "evt_0000 001", "evt_" + "0" * 65])
def test_an_id_that_is_no_event_id_is_refused(event_id: str) -> None:
    with pytest.raises(EventError, match="not an event id"):
        leaf_of(draft_with({}), ORIGIN, STAMP._replace(event_id=event_id))


@pytest.mark.parametrize("nonce", ["", "0" * 31, "G" * 32, "A" * 32])
def test_a_nonce_that_is_not_128_bits_of_hex_is_refused(nonce: str) -> None:
    with pytest.raises(EventError, match="32 lower-case hex digits"):
        leaf_of(draft_with({}), ORIGIN, STAMP._replace(nonce=nonce))


@pytest.mark.parametrize("subject", ["", "a b", "alice@example.com", "é", "a\n", "x" * 201])
def test_a_subject_is_an_id_and_not_text(subject: str) -> None:
    with pytest.raises(ValidationError):
        EventDraft(type=EventType.ACTION_DENIED, subject=subject)


@pytest.mark.parametrize(("trace_id", "span_id"), [("a" * 31, "b" * 16), ("a" * 32, "B" * 16)])
def test_a_trace_has_the_form_of_w3c(trace_id: str, span_id: str) -> None:
    with pytest.raises(ValidationError):
        Trace(trace_id=trace_id, span_id=span_id)


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_790_000_000_999, "2026-09-21T14:13:20.999Z"),
        (1_790_000_000_001, "2026-09-21T14:13:20.001Z"),
    ],
)
def test_times_have_exactly_three_decimals(time_ms: int, text: str) -> None:
    assert rfc3339(time_ms) == text


def test_free_text_is_found_wherever_it_hides() -> None:
    document = {
        "fine": ["act_1", "a" * 200, 7, None],
        "long": "a" * 201,
        "list": ["ok", "two words"],
        "tuple": ("tab\there",),
        "who": {"bob@example.com": 1, "a/b ~c": "ok"},
    }

    assert free_text(document) == (
        ("/long", "a" * 201),
        ("/list/1", "two words"),
        ("/tuple/0", "tab\there"),
        ("/who/bob@example.com", "bob@example.com"),
        ("/who/a~1b ~0c", "a/b ~c"),
    )


def test_a_leaf_of_this_package_holds_no_free_text() -> None:
    leaf = leaf_of(
        draft_with({"n": 1}, private={"p": "two words"}), ORIGIN, STAMP._replace(salts=("s" * 22,))
    )

    assert free_text(json.loads(leaf.body)) == ()


_WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.integers(150, 250).map(
    lambda length: "a" * length
)
_NAMES = st.text(st.characters(max_codepoint=127), max_size=12)
_VALUES = st.recursive(
    _WORDS | st.integers(-99, 99) | st.none() | st.booleans(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(_NAMES, below, max_size=4),
)


@given(_VALUES)
def test_what_certainly_holds_no_text_holds_none(value: Any) -> None:
    assert not has_no_text(canonical_bytes(value)) or free_text(value) == ()


@pytest.mark.parametrize("value", [{"code": "BLAST-005", "count": 3}, ["a" * 200], "prn_owner", None])
def test_ids_codes_and_counts_are_certain_to_be_no_text(value: Any) -> None:
    assert has_no_text(canonical_bytes(value))


@pytest.mark.parametrize("value", ["two words", "a@b", "line\nend", {"k": "a" * 201}, {"a key": 1}, "\u00e9"])
def test_what_may_be_text_is_not_certain(value: Any) -> None:
    assert not has_no_text(canonical_bytes(value))
