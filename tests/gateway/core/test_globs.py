"""The glob dialect, held to Rego's `glob.match` by one table."""

import json
import subprocess
from pathlib import Path

import pytest

from gateway.adapters.opa.binary import opa_binary
from gateway.core.globs import GlobError, check_glob, matches, matches_any

TABLE = (
    ("**", "a/b/c", True),
    ("**", "", True),
    ("*", "a", True),
    ("*", "a/b", False),
    ("*", "", True),
    ("a/*", "a/b", True),
    ("a/*", "a/b/c", False),
    ("a/*", "a/", True),
    ("a/**", "a/b/c", True),
    ("a/**", "a", False),
    ("**/secrets/**", "x/secrets/y", True),
    ("**/secrets/**", "secrets/y", False),
    ("*.py", "a.py", True),
    ("*.py", "d/a.py", False),
    ("**.py", "d/a.py", True),
    ("?.py", "a.py", True),
    ("?.py", "/.py", False),
    ("?.py", "ab.py", False),
    ("a?c", "a/c", False),
    ("policies/**", "policies/data/x.yaml", True),
    ("policies/**", "Policies/x", False),
    ("a.b", "axb", False),
    ("a+b", "aab", False),
    ("^a$", "a", False),
    ("jira:SHOP", "jira:SHOP", True),
    ("a***b", "a/x/b", True),
    ("ä/*", "ä/ö", True),
)


@pytest.mark.parametrize(("pattern", "text", "expected"), TABLE)
def test_a_pattern_matches_the_whole_text_or_nothing(pattern: str, text: str, expected: bool) -> None:  # noqa: FBT001
    assert matches(pattern, text) is expected


@pytest.mark.slow
def test_rego_agrees_with_every_row_of_the_table(tmp_path: Path) -> None:
    rows = [[pattern, text] for pattern, text, _ in TABLE]
    (tmp_path / "input.json").write_text(json.dumps(rows), encoding="utf-8")
    query = '[m | some row in input; m := glob.match(row[0], ["/"], row[1])]'
    ran = subprocess.run(
        [str(opa_binary()), "eval", "--format", "json", "--input", str(tmp_path / "input.json"), query],
        capture_output=True,
        check=True,
    )

    said = json.loads(ran.stdout)["result"][0]["expressions"][0]["value"]

    assert said == [expected for _, _, expected in TABLE]


def test_words_of_action_types_are_separated_by_dots() -> None:
    assert matches("issue.*", "issue.create", separator=".")
    assert not matches("issue.*", "branch.create", separator=".")
    assert not matches("*", "issue.create", separator=".")


@pytest.mark.parametrize("pattern", ["a[b]", "{a,b}", "a\\*", ""])
def test_what_rego_would_read_otherwise_is_refused(pattern: str) -> None:
    with pytest.raises(GlobError):
        check_glob(pattern)
    with pytest.raises(GlobError):
        matches(pattern, "a")


def test_one_of_several_patterns_is_enough() -> None:
    assert matches_any(("x", "a/*"), "a/b")
    assert not matches_any((), "a/b")
