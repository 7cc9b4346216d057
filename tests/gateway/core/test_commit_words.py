"""What a rule may know of a commit's words: never an address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.commit_words import SUBJECT_LENGTH, domain_of, signed_off, subject_of


@pytest.mark.parametrize(
    ("message", "subject"),
    [
        ("fix: a thing\n\nbody", "fix: a thing"),
        ("Thanks to maya@shop.example for this", "Thanks to <address> for this"),
        ("Thanks to <maya@shop.example>", "Thanks to <<address>>"),
        ("a\tb\x1b[2J", "a\ufffdb\ufffd[2J"),
        ("", ""),
    ],
)
def test_a_subject_is_the_first_line_without_addresses(message: str, subject: str) -> None:
    assert subject_of(message) == subject


@given(message=st.text(max_size=400))
def test_a_subject_is_short_printable_and_holds_no_address(message: str) -> None:
    subject = subject_of(message)

    assert len(subject) <= SUBJECT_LENGTH
    assert all(c.isprintable() or c == "\ufffd" for c in subject)


@pytest.mark.parametrize(
    ("message", "email", "signed"),
    [
        ("x\n\nSigned-off-by: Maya <maya@shop.example>", "maya@shop.example", True),
        ("x\n\nsigned-off-by: Maya <Maya@Shop.example> \nMore: 1", " MAYA@shop.example ", True),
        ("x\n\nSigned-off-by: Omar <omar@shop.example>", "maya@shop.example", False),
        ("x Signed-off-by: Maya <maya@shop.example>", "maya@shop.example", False),
        ("x\n\nSigned-off-by: Maya", "maya@shop.example", False),
        ("x\n\nSigned-off-by: <>", "", False),
    ],
)
def test_only_the_author_signs_a_commit_off(message: str, email: str, signed: bool) -> None:  # noqa: FBT001
    assert signed_off(message, email) is signed


@pytest.mark.parametrize(
    ("email", "domain"),
    [
        ("maya@Shop.Example", "shop.example"),
        ('"a@b"@shop.example', "shop.example"),
        ("agt_fixer@agents.127.0.0.1", "agents.127.0.0.1"),
        ("maya", None),
        ("@shop.example", None),
        ("maya@", None),
        ("maya@shop example", None),
        ("maya@shop.example\n", "shop.example"),
        ("maya@" + "a." * 200 + "b", None),
    ],
)
def test_a_domain_is_all_that_is_kept_of_an_address(email: str, domain: str | None) -> None:
    assert domain_of(email) == domain
