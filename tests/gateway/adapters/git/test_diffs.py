"""Reading what `git diff-tree` prints: exactly, or not at all."""

import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.adapters.git.diffs import (
    PATCH_ASKED,
    DiffUnreadableError,
    changed_files,
    new_blobs,
    patch_lines,
    raw_entries,
)

ONE, TWO = "1" * 40, "2" * 40
ROW = f":100644 100755 {ONE} {TWO} M".encode()
LINES = (
    b"a",
    b"",
    b"-a",
    b"+b",
    b"@@ -1 +1 @@",
    b"diff --git a/x b/x",
    b"\\ No newline at end of file",
    b"--- a/x",
    b"\r",
)


def test_entries_and_counts_are_joined_and_sorted() -> None:
    out = b"".join(
        part + b"\0"
        for part in (
            ROW,
            b"z",
            f":100644 100644 {ONE} {TWO} R086".encode(),
            b"old",
            b"new",
            b"3\t1\tz",
            b"-\t-\t",
            b"old",
            b"new",
        )
    )
    files, usable = changed_files(out)
    assert [(f.status, f.previous_path, f.path, f.additions, f.deletions, f.binary) for f in files] == [
        ("R", "old", "new", 0, 0, True),
        ("M", None, "z", 3, 1, False),
    ]
    assert usable


@pytest.mark.parametrize(
    "out",
    [
        ROW,
        ROW + b"\0",
        ROW + b"\0path\0",
        ROW + b"\0path\0001\t1\tpath\0more\0",
        b":100644 100644 M\0path\0",
        ROW + b"\0path\0x\ty\tpath\0",
    ],
)
def test_what_is_not_complete_is_not_read(out: bytes) -> None:
    with pytest.raises((DiffUnreadableError, ValueError)):
        changed_files(out)


def test_a_merge_tells_what_no_parent_had() -> None:
    merge = f"::100644 100644 100644 {ONE} {ONE} {TWO} MM".encode()
    gone = f"::100644 100644 000000 {ONE} {ONE} {'0' * 40} DD".encode()
    module = f":000000 160000 {'0' * 40} {ONE} A".encode()
    parts = (ONE.encode(), merge, b"evil", gone, b"gone", TWO.encode(), module, b"module", ROW, b"plain")
    found = new_blobs(b"".join(p + b"\0" for p in parts))
    assert [(b.oid, b.path) for b in found] == [(TWO, b"evil"), (TWO, b"plain")]


def test_a_patch_with_other_files_than_the_entries_is_not_read() -> None:
    entries = raw_entries(ROW + b"\0a\0")
    for patch in (b"", b"garbage\n", b"diff --git a/a b/a\ndiff --git a/b b/b\n"):
        with pytest.raises(DiffUnreadableError):
            patch_lines(patch, entries)
    with pytest.raises(DiffUnreadableError, match="fewer"):
        patch_lines(b"diff --git a/a b/a\n@@ -0,0 +1,2 @@\n+only one\n", entries)


@settings(max_examples=25, deadline=None)
@given(
    old=st.lists(st.sampled_from(LINES), max_size=8),
    new=st.lists(st.sampled_from(LINES), max_size=8),
    ended=st.booleans(),
)
def test_no_line_of_a_file_can_pass_for_a_header(old: list[bytes], new: list[bytes], *, ended: bool) -> None:
    end = b"\n" if ended else b""
    with tempfile.TemporaryDirectory() as folder:
        contents = [b"\n".join(lines) + end for lines in (old, new)]
        before, after = (_tree(Path(folder), content) for content in contents)
        raw = _git(folder, "diff-tree", "-r", "-z", "--raw", before, after)
        patch = _git(folder, *PATCH_ASKED, before, after)
        lines = patch_lines(patch, raw_entries(raw))
        counts = _git(folder, "diff-tree", "--numstat", before, after).split()
    if not counts:
        assert lines == ()
        return
    assert (len(lines[0].added), len(lines[0].removed)) == (int(counts[0]), int(counts[1]))
    assert set(lines[0].added) <= set(contents[1].split(b"\n"))
    assert set(lines[0].removed) <= set(contents[0].split(b"\n"))


def _tree(folder: Path, content: bytes) -> str:
    if not (folder / "HEAD").exists():
        _git(str(folder), "init", "-q", "--bare", ".")
    blob = _git(str(folder), "hash-object", "-w", "--stdin", stdin=content).decode().strip()
    return _git(str(folder), "mktree", stdin=f"100644 blob {blob}\tfile\n".encode()).decode().strip()


def _git(folder: str, *args: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(["git", *args], cwd=folder, input=stdin, capture_output=True, check=True).stdout
