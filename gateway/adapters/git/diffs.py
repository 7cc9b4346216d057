"""What `git diff-tree` prints, read: raw entries with line counts, lines of patches, new blobs of commits.

Pure. Source: git-diff-tree(1), "Raw output format", "Diff format for merges", `-z`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from gateway.adapters.git.names import path_text
from gateway.core.changes import MODE_GITLINK, ChangedFile

RENAME_LIMIT = 1000
_ASKED = ("diff-tree", "-r", "--no-textconv", "--no-ext-diff", "--no-color", "--ignore-submodules=none")
FILES_ASKED = (*_ASKED, "-z", "--raw", "--numstat", "-M", f"-l{RENAME_LIMIT}")
PATCH_ASKED = (*_ASKED, "-p", "-U0", "--full-index", "-M", f"-l{RENAME_LIMIT}")
# `-c` shows of a merge only what no parent had: the rest is in the parents, new or trusted.
BLOBS_ASKED = (*_ASKED, "-z", "--raw", "--root", "-c", "--no-renames", "--stdin")
_RAW_WORDS = ("old mode", "new mode", "old id", "new id", "status")
_HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_SECTION = b"diff --git "
_COMMIT = re.compile(rb"[0-9a-f]{40}")


class DiffUnreadableError(Exception):
    """Git's output does not have the documented form."""


class RawEntry(NamedTuple):
    """One raw entry, names still bytes."""

    old_mode: str
    new_mode: str
    old_oid: str
    new_oid: str
    status: str
    path: bytes
    previous: bytes | None


class NewBlob(NamedTuple):
    """A blob that a new commit put at a path."""

    oid: str
    path: bytes


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines a patch adds to and removes from one file, without their line ends."""

    added: tuple[bytes, ...] = ()
    removed: tuple[bytes, ...] = ()


def changed_files(out: bytes) -> tuple[tuple[ChangedFile, ...], bool]:
    """The files of a `FILES_ASKED` output, sorted by path, and whether every name is usable."""
    fields = _Fields(out)
    entries = tuple(_raw_entries(fields))
    counts = [_count(fields) for _ in entries]
    if not fields.ended:
        raise DiffUnreadableError("there is more after the line counts")
    return counted_files(entries, counts)


def counted_files(
    entries: tuple[RawEntry, ...], counts: Iterable[tuple[int, int, bool]]
) -> tuple[tuple[ChangedFile, ...], bool]:
    """Entries with their additions, deletions and whether binary, as `changed_files` gives them."""
    files = tuple(_file(e, *c) for e, c in zip(entries, counts, strict=True))
    usable = all(
        path_text(e.path).usable and (e.previous is None or path_text(e.previous).usable) for e in entries
    )
    return tuple(sorted(files, key=lambda f: (f.path, f.previous_path or ""))), usable


def raw_entries(out: bytes) -> tuple[RawEntry, ...]:
    """The raw entries of a `FILES_ASKED` output in git's order."""
    return tuple(_raw_entries(_Fields(out)))


def new_blobs(out: bytes) -> tuple[NewBlob, ...]:
    """The blobs of a `BLOBS_ASKED` output, each (blob, path) once, in order."""
    found: dict[NewBlob, None] = {}
    fields = _Fields(out)
    while not fields.ended:
        if _COMMIT.fullmatch(fields.peek()):
            fields.take()
            continue
        blob = _combined_entry(fields)
        if blob is not None:
            found[blob] = None
    return tuple(found)


def patch_lines(patch: bytes, entries: tuple[RawEntry, ...]) -> tuple[Lines, ...]:
    """Added and removed lines per raw entry, from a `PATCH_ASKED` output.

    Hunk headers say how many lines follow, so no line of a file can pass for a header.
    """
    sections = list(_sections(patch))
    # A file that becomes a symlink (or the reverse) is shown as a deletion and a creation.
    shares = [2 if entry.status == "T" else 1 for entry in entries]
    if len(sections) != sum(shares):
        raise DiffUnreadableError("the patch does not have the files of the raw entries")
    parts = iter(sections)
    return tuple(_joined([next(parts) for _ in range(share)]) for share in shares)


class _Fields:
    """NUL-terminated fields, read one after the other."""

    def __init__(self, out: bytes) -> None:
        self._parts = out.split(b"\0")
        if self._parts.pop() != b"":
            raise DiffUnreadableError("the output does not end with NUL")
        self._at = 0

    @property
    def ended(self) -> bool:
        return self._at >= len(self._parts)

    def peek(self) -> bytes:
        if self.ended:
            raise DiffUnreadableError("the output ends too early")
        return self._parts[self._at]

    def take(self) -> bytes:
        part = self.peek()
        self._at += 1
        return part


def _raw_entries(fields: _Fields) -> Iterator[RawEntry]:
    while not fields.ended and fields.peek().startswith(b":"):
        words = fields.take()[1:].decode("ascii").split(" ")
        if len(words) != len(_RAW_WORDS):
            raise DiffUnreadableError("a raw entry has five words")
        old_mode, new_mode, old_oid, new_oid, status = words
        previous = fields.take() if status[0] in "RC" else None
        yield RawEntry(old_mode, new_mode, old_oid, new_oid, status[0], fields.take(), previous)


def _count(fields: _Fields) -> tuple[int, int, bool]:
    """One `--numstat` record: additions, deletions, and whether the file is binary."""
    added, deleted, path = fields.take().split(b"\t", 2)
    if not path:
        fields.take()
        fields.take()
    if added == b"-":
        return 0, 0, True
    return int(added), int(deleted), False


def _file(entry: RawEntry, additions: int, deletions: int, binary: bool) -> ChangedFile:  # noqa: FBT001  (one record)
    return ChangedFile(
        path=path_text(entry.path).value,
        previous_path=path_text(entry.previous).value if entry.previous is not None else None,
        status=entry.status,
        old_mode=entry.old_mode,
        new_mode=entry.new_mode,
        old_oid=entry.old_oid,
        new_oid=entry.new_oid,
        additions=additions,
        deletions=deletions,
        binary=binary,
    )


def _combined_entry(fields: _Fields) -> NewBlob | None:
    """`:` once per parent, then modes (parents, result), ids (parents, result), status; then the path."""
    head = fields.take().decode("ascii")
    parents = len(head) - len(head.lstrip(":"))
    words = head[parents:].split(" ")
    if not parents or len(words) != 2 * (parents + 1) + 1:
        raise DiffUnreadableError("a raw entry of a commit has modes, ids and a status")
    path, mode, oid = fields.take(), words[parents], words[2 * parents + 1]
    return None if mode in {"000000", MODE_GITLINK} else NewBlob(oid, path)


def _sections(patch: bytes) -> Iterator[Lines]:
    lines = patch.split(b"\n")
    at = 0
    while at < len(lines) and lines[at]:
        if not lines[at].startswith(_SECTION):
            raise DiffUnreadableError("a file of a patch begins with `diff --git`")
        section, at = _section(lines, at + 1)
        yield section


def _joined(parts: list[Lines]) -> Lines:
    return Lines(tuple(a for p in parts for a in p.added), tuple(r for p in parts for r in p.removed))


def _section(lines: list[bytes], at: int) -> tuple[Lines, int]:
    added: list[bytes] = []
    removed: list[bytes] = []
    while at < len(lines) and lines[at] and not lines[at].startswith(_SECTION):
        hunk = _HUNK.match(lines[at])
        at += 1
        if hunk:
            at = _take(lines, at, int(hunk[1] or 1), b"-", removed)
            at = _take(lines, at, int(hunk[2] or 1), b"+", added)
    return Lines(tuple(added), tuple(removed)), at


def _take(lines: list[bytes], at: int, count: int, sign: bytes, into: list[bytes]) -> int:
    taken = lines[at : at + count]
    if len(taken) < count or any(line[:1] != sign for line in taken):
        raise DiffUnreadableError("a hunk has fewer lines than its header says")
    into.extend(line[1:] for line in taken)
    at += count
    return at + 1 if at < len(lines) and lines[at].startswith(b"\\ No newline") else at
