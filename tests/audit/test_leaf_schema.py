"""The schema of a leaf describes what the log really writes, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from audit.events import EventDraft, EventType, Stamp, Trace, leaf_of
from audit.leaf_schema import leaf_schema
from tests.audit.world import ORIGIN, START_MS

SCHEMA = Path(__file__).parents[2] / "schemas" / "event.json"
TRACE = Trace(trace_id="a" * 32, span_id="b" * 16)


def leaf(kind: EventType = EventType.ACTION_DENIED, **more: Any) -> dict[str, Any]:
    draft = EventDraft(type=kind, subject="act_1", data={"codes": ["A-001"], "n": 1}, **more)
    salts = tuple(letter * 22 for letter in "st"[: len(draft.private)])
    body: dict[str, Any] = json.loads(
        leaf_of(draft, ORIGIN, Stamp("evt_00000001", START_MS, "0" * 32, salts)).body
    )
    return body


def faults(document: dict[str, Any]) -> list[str]:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return [error.message for error in Draft202012Validator(schema).iter_errors(document)]


def test_the_schema_in_the_tree_is_the_one_of_the_code() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == leaf_schema()


@pytest.mark.parametrize("kind", EventType)
def test_a_leaf_of_each_type_fits_the_schema(kind: EventType) -> None:
    assert faults(leaf(kind)) == []
    assert faults(leaf(kind, private={"reason": "Because.", "name": "Ada"}, trace=TRACE)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"type": "loopgate.action.invented"},
        {"nonce": "0" * 31},
        {"time": "2026-09-21T14:13:20Z"},
        {"subject": "two words"},
        {"note": "an attribute that nobody declared"},
        {"data": {"_sd": []}},
        {"data": {"_sd": ["short"]}},
        {"data": {"_sd_alg": "md5"}},
        {"data": {"trace": {"trace_id": "a" * 32}}},
    ],
)
def test_what_is_no_leaf_does_not_fit_the_schema(change: dict[str, Any]) -> None:
    assert len(faults(leaf() | change)) > 0


@pytest.mark.parametrize("name", sorted(leaf()))
def test_no_attribute_of_a_leaf_may_be_missing(name: str) -> None:
    assert len(faults({key: value for key, value in leaf().items() if key != name})) > 0
