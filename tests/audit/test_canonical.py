from enum import StrEnum
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from audit.canonical import MAX_DEPTH, MAX_INTEGER, CanonicalError, canonical_bytes

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_KEYS = st.text(st.characters(max_codepoint=127))
_SCALARS = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | _TEXT
_VALUES = st.recursive(_SCALARS, lambda below: st.lists(below) | st.dictionaries(_KEYS, below), max_leaves=30)


class _Colour(StrEnum):
    RED = "red"


@given(_VALUES)
def test_the_fast_path_writes_what_rfc_8785_says(value: Any) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)


def test_every_control_character_is_written_as_rfc_8785_says() -> None:
    text = "".join(map(chr, range(0x20))) + '"\\/\x7f\x80\u2028\u2029\U0001f600'

    assert canonical_bytes([text]) == rfc8785.dumps([text])


def test_tuples_and_text_enumerations_are_written_as_arrays_and_text() -> None:
    assert canonical_bytes({"b": (1, 2), "a": _Colour.RED}) == b'{"a":"red","b":[1,2]}'


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (0.5, "is a float"),
        ({"a": [1.0]}, "is a float"),
        (float("nan"), "is a float"),
        (float("inf"), "is a float"),
        (2**53, "2\\^53 or beyond"),
        (-(2**53), "2\\^53 or beyond"),
        ({"é": 1}, "not ASCII"),
        ({"a": {"\ud800": 1}}, "not ASCII"),
        ({1: "a"}, "key that is not text"),
        ({None: "a"}, "key that is not text"),
        ("\ud800", "lone surrogate"),
        (["\udfff"], "lone surrogate"),
        (b"bytes", "bytes is not plain JSON"),
        ({1, 2}, "set is not plain JSON"),
        (object(), "object is not plain JSON"),
    ],
)
def test_what_has_no_canonical_form_is_refused_with_the_reason(value: Any, reason: str) -> None:
    with pytest.raises(CanonicalError, match=reason):
        canonical_bytes(value)


def test_the_largest_integers_pass() -> None:
    assert canonical_bytes([MAX_INTEGER, -MAX_INTEGER]) == b"[9007199254740991,-9007199254740991]"


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_nesting_is_counted_to_the_limit_and_refused_beyond() -> None:
    assert canonical_bytes(_nested(MAX_DEPTH - 1)) == b"[" * 99 + b"1" + b"]" * 99
    for depth in (MAX_DEPTH, 100_000):
        with pytest.raises(CanonicalError, match="nests deeper"):
            canonical_bytes(_nested(depth))


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)

    with pytest.raises(CanonicalError, match="nests deeper"):
        canonical_bytes(endless)
