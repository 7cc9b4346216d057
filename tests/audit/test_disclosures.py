from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.disclosures import digest_of, disclose, read
from audit.errors import EventError

SALT = "s" * 22
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda below: st.lists(below) | st.dictionaries(st.text(), below),
    max_leaves=10,
)


def test_the_example_of_rfc_9901_has_its_digest() -> None:
    made = disclose("_26bc4LT-ac6q2KI6cBW5es", "family_name", "Möbius")

    assert made.text == "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    assert made.digest == "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"


@given(_JSON)
def test_what_was_disclosed_can_be_read_again(value: Any) -> None:
    made = disclose(SALT, "name", value)

    assert read(made.text) == (SALT, "name", value)
    assert digest_of(made.text) == made.digest


def test_the_same_value_under_another_salt_has_another_digest() -> None:
    assert disclose(SALT, "n", 1).digest != disclose("t" * 22, "n", 1).digest


@pytest.mark.parametrize(
    ("salt", "name", "value", "reason"),
    [
        ("s" * 21, "n", 1, "128 bits"),
        (SALT, "_sd", 1, "reserved"),
        (SALT, "...", 1, "reserved"),
        (SALT, "n", float("nan"), "not JSON"),
        (SALT, "n", {1, 2}, "not JSON"),
        (SALT, "n", "\ud800", "not JSON"),
    ],
)
def test_what_cannot_be_disclosed_is_refused_with_the_reason(
    salt: str, name: str, value: Any, reason: str
) -> None:
    with pytest.raises(EventError, match=reason):
        disclose(salt, name, value)


def test_a_value_nested_without_end_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)

    with pytest.raises(EventError, match="not JSON"):
        disclose(SALT, "n", endless)
