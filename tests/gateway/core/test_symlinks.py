"""Where a link leads: what cannot be told for certain leads out."""

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.symlinks import Leading, leading


@pytest.mark.parametrize(
    ("path", "text", "target"),
    [
        ("docs/link", "guide.md", "docs/guide.md"),
        ("docs/link", "../policies", "policies"),
        ("docs/link", "./a//b/.", "docs/a/b"),
        ("a/b/link", "../../c", "c"),
        ("docs/link", "..", "."),
        ("link", ".", "."),
    ],
)
def test_a_link_inside_the_repository_is_followed_by_its_text(path: str, text: str, target: str) -> None:
    assert leading(path, text) == Leading(target=target, escapes=False)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("link", "/etc/passwd"),
        ("link", "../outside"),
        ("a/link", "../../outside"),
        ("link", "a/../../outside"),
        ("link", "a/../b"),
        ("link", ".git/hooks/post-checkout"),
        ("link", ".GIT/config"),
        ("link", "a\\..\\b"),
        ("link", "a\nb"),
        ("link", ""),
        ("link", None),
    ],
)
def test_what_leads_out_or_cannot_be_told_escapes(path: str, text: str | None) -> None:
    assert leading(path, text) == Leading(target=None, escapes=True)


names = st.sampled_from(["a", "b", "..", ".", ""])


@given(
    folder=st.lists(st.sampled_from(["x", "y", "z"]), max_size=4),
    parts=st.lists(names, min_size=1, max_size=6),
)
def test_a_target_is_never_outside_and_always_where_the_text_says(
    folder: list[str], parts: list[str]
) -> None:
    path, text = "/".join([*folder, "link"]), "/".join(parts)

    found = leading(path, text)

    if not found.escapes:
        assert found.target == (posixpath.normpath(posixpath.join("/root", *folder, text))[6:] or ".")
