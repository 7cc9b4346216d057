"""CODEOWNERS as GitLab reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.codeowners import CodeOwners, parse

FILE = """\
# comment
* @everyone
/docs/ @docs
*.rb @ruby   # not @this
/exact.md
a\\ b.md someone@mail.example
ignored @@maintainer word @x
\\#odd @odd

[Data][2] @data @dba
migrations/
/db/** @dba-only
!migrations/skip/

^[Advice] @adviser
**/advice.md

[data]
extra.sql @extra
[broken
foo[a]bar @x
!
"""


def owners(path: str, text: str = FILE) -> dict[str, tuple[str, ...]]:
    """The owners of a path by section."""
    return {section.name: found for section, found in parse(text).owners_of(path)}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("README.md", ("@everyone",)),
        ("deep/down/file", ("@everyone",)),
        ("docs/a/b.md", ("@docs",)),
        ("x/docs/a.md", ("@everyone",)),
        ("lib/a.rb", ("@ruby",)),
        ("docs/a.rb", ("@ruby",)),
        ("a b.md", ("someone@mail.example",)),
        ("ignored", ("@@maintainer", "@x")),
        ("#odd", ("@odd",)),
    ],
)
def test_the_last_match_of_a_section_decides(path: str, expected: tuple[str, ...]) -> None:
    assert owners(path)["codeowners"] == expected


def test_a_line_without_owners_outside_a_section_leaves_the_path_unowned() -> None:
    assert "codeowners" not in owners("exact.md")


def test_a_section_has_default_owners_and_exclusions() -> None:
    assert owners("x/migrations/1.py")["data"] == ("@data", "@dba")
    assert owners("db/x")["data"] == ("@dba-only",)
    assert "data" not in owners("migrations/skip/1.py")


def test_the_shortest_exclusion_excludes() -> None:
    assert owners("a", "* @x\n!a") == {}
    assert owners("b", "* @x\n!a") == {"codeowners": ("@x",)}


def test_a_section_named_twice_is_one_section() -> None:
    data = next(s for s in parse(FILE).sections if s.name == "data")

    assert data.approvals == 2
    assert [e.pattern for e in data.entries] == ["migrations/", "/db/**", "migrations/skip/", "extra.sql"]


def test_a_section_is_optional_only_when_it_always_is() -> None:
    assert owners("x/advice.md")["advice"] == ("@adviser",)
    assert [s.optional for s in parse("^[A] @a\nx\n^[a]\ny").sections] == [True]
    assert [s.optional for s in parse("^[A] @a\nx\n[a]\ny").sections] == [False]


def test_optional_sections_ask_nobody() -> None:
    asked = parse(FILE).required(("x/advice.md", "README.md", "other.md", "x/migrations/1"))

    assert [(s.name, found) for s, found in asked] == [
        ("codeowners", ("@everyone",)),
        ("data", ("@data", "@dba")),
    ]


def test_lines_nobody_can_read_are_kept_aside() -> None:
    lines = FILE.splitlines()

    assert [lines[n - 1] for n in parse(FILE).unread] == ["[broken", "foo[a]bar @x", "!"]


@pytest.mark.parametrize(
    ("pattern", "path", "matched"),
    [
        ("/a", "a", True),
        ("/a", "b/a", False),
        ("a", "b/a", True),
        ("a/b", "x/a/b", True),
        ("a/", "a", False),
        ("a/", "x/a/b/c", True),
        ("/a/*", "a/b", True),
        ("/a/*", "a/b/c", False),
        ("/a/**/c", "a/c", True),
        ("/a/**/c", "a/x/y/c", True),
        ("/a/**/**/c", "a/c", True),
        ("**/c", "c", True),
        ("/a/**", "a/b/c", True),
        ("?.md", "a.md", True),
        ("?.md", "ab.md", False),
        ("*.md", "x/ab.md", True),
    ],
)
def test_patterns_mean_what_gitlab_says(pattern: str, path: str, matched: bool) -> None:  # noqa: FBT001
    assert bool(owners(path, f"{pattern} @a")) is matched


def test_an_empty_file_owns_nothing() -> None:
    assert parse("") == CodeOwners()
    assert parse("").required(("a",)) == ()


@given(st.text(max_size=200), st.text(max_size=30))
def test_any_file_can_be_read(text: str, path: str) -> None:
    parse(text).owners_of(path)
