"""Names of branches and tags, held to git's own judgement."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.errors import MalformedError
from gateway.core.refs import check_full_ref, check_name, check_name_or_commit


def accepted(name: str) -> bool:
    """Whether the name is good here."""
    try:
        check_name(name, "/target/branch")
    except MalformedError as error:
        return error.field != "/target/branch"
    return True


@pytest.mark.parametrize(
    "name", ["main", "agent/fix-1", "release/1.0", "v1.0.0", "a", "A_b", "x" * 201, "feature/refs/x"]
)
def test_ordinary_names_are_good(name: str) -> None:
    assert accepted(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-x",
        ".x",
        "/x",
        "x/",
        "x//y",
        "x..y",
        "x.lock",
        "x.lock/y",
        "x/.y",
        "x.",
        "x./y",
        "x y",
        "x~1",
        "x^",
        "x:y",
        "x?",
        "x*",
        "x[",
        "x\\y",
        "x@{1}",
        "@",
        "HEAD",
        "refs/heads/x",
        "a" * 40,
        "A" * 40,
        "0" * 64,
        "x\n",
        "x\x00",
        "ä",
        "x" * 202,
    ],
)
def test_names_that_git_or_gitlab_take_for_something_else_are_refused(name: str) -> None:
    assert not accepted(name)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab./-_@{~^:?*[\\ H\n", min_size=1, max_size=12))
def test_git_accepts_every_name_that_is_accepted_here(name: str) -> None:
    if accepted(name):
        ran = subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], check=False)

        assert ran.returncode == 0


def test_a_commit_id_may_stand_for_a_name_where_both_are_meant() -> None:
    assert check_name_or_commit("a" * 40, "/f") == "a" * 40
    assert check_name_or_commit("main", "/f") == "main"
    with pytest.raises(MalformedError):
        check_name_or_commit("A" * 40, "/f")


def test_full_refs_are_branches_and_tags_only() -> None:
    assert check_full_ref("refs/heads/a/b", "/f") == "refs/heads/a/b"
    for wrong in ("refs/remotes/x", "heads/x", "refs/heads/HEAD", "refs/heads/\n", "refs/tags/.x"):
        with pytest.raises(MalformedError):
            check_full_ref(wrong, "/f")
