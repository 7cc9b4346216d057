"""Two trees compared in this process, as `git diff-tree` compares them, where that needs no guess.

Files that only come, or only go, have exactly one description. Edited files (whose line counts are git's own choice)
and files that both come and go (which may be renames) are git's to describe.
"""

from audit.remembering import remembered
from gateway.adapters.git.bounds import Bounds
from gateway.adapters.git.cat_file import MODE_TREE, Entry, Objects
from gateway.adapters.git.diffs import Lines, NewBlob, RawEntry
from gateway.adapters.git.runner import EMPTY_TREE
from gateway.core.changes import MODE_ABSENT, MODE_GITLINK

_NO_OBJECT = "0" * 40
_MOST = 2000
_TREES = 256
_BINARY_BYTES = 8000
_MOST_BYTES = 2 << 20


async def compared(objects: Objects, before: str, after: str) -> tuple[RawEntry, ...]:
    """The raw entries between two trees in git's order, without renames. Raises `GitError`."""
    found: list[RawEntry] = []
    await _compare(objects, before, after, b"", found)
    return tuple(found)


async def described(
    objects: Objects, entries: tuple[RawEntry, ...], bounds: Bounds
) -> tuple[tuple[Lines, ...], tuple[bool, ...]] | None:
    """The lines of every file and whether it is binary; None when git must say. Raises `GitError`."""
    kinds = {e.status for e in entries}
    links = any(MODE_GITLINK in {e.old_mode, e.new_mode} for e in entries)
    if len(kinds) > 1 or kinds - {"A", "D"} or links or len(entries) > min(_MOST, bounds.files):
        return None
    left = min(_MOST_BYTES, bounds.patch_bytes // 4, bounds.output_bytes // 4)
    lines, binaries = [], []
    for entry in entries:
        content = await _content(objects, entry, left)
        if content is None:
            return None
        left -= len(content)
        binary = b"\0" in content[:_BINARY_BYTES]
        binaries.append(binary)
        lines.append(Lines() if binary else _lines(content, entry.status))
    return tuple(lines), tuple(binaries)


def blobs_of(entries: tuple[RawEntry, ...]) -> tuple[NewBlob, ...]:
    """The blobs that the second tree has at paths where the first had others, each (blob, path) once."""
    new = (e for e in entries if e.new_mode not in {MODE_ABSENT, MODE_GITLINK})
    return tuple(dict.fromkeys(NewBlob(e.new_oid, e.path) for e in new))


async def _content(objects: Objects, entry: RawEntry, left: int) -> bytes | None:
    answer = await objects.read(entry.new_oid if entry.status == "A" else entry.old_oid, cap=max(left, 0) + 1)
    return answer[1] if answer and answer[0].size <= left else None


def _lines(content: bytes, status: str) -> Lines:
    parts = content.split(b"\n")
    if not parts[-1]:
        parts.pop()
    return Lines(added=tuple(parts)) if status == "A" else Lines(removed=tuple(parts))


async def _compare(objects: Objects, before: str, after: str, at: bytes, found: list[RawEntry]) -> None:
    old, new = await _files(objects, before), await _files(objects, after)
    for key in sorted({key for key, _ in old.items() ^ new.items()}):
        one, other = old.get(key), new.get(key)
        if key.endswith(b"/"):
            trees = (one.oid if one else EMPTY_TREE, other.oid if other else EMPTY_TREE)
            await _compare(objects, *trees, at + key, found)
        else:
            found.append(_raw(one, other, at + key))


async def _files(objects: Objects, tree: str) -> dict[bytes, Entry]:
    """A folder's entries by the name git sorts them by: folders end in a slash."""
    return _by_name(await objects.tree(tree)) if tree != EMPTY_TREE else {}


@remembered(_TREES)
def _by_name(entries: tuple[Entry, ...]) -> dict[bytes, Entry]:
    return {e[1] + b"/" if e[0] == MODE_TREE else e[1]: e for e in entries}


def _raw(one: Entry | None, other: Entry | None, path: bytes) -> RawEntry:
    old_mode, old_oid = (one.mode, one.oid) if one else (MODE_ABSENT, _NO_OBJECT)
    new_mode, new_oid = (other.mode, other.oid) if other else (MODE_ABSENT, _NO_OBJECT)
    status = "A" if one is None else "D" if other is None else _edited(old_mode, new_mode)
    return RawEntry(old_mode, new_mode, old_oid, new_oid, status, path, None)


def _edited(old_mode: str, new_mode: str) -> str:
    """Git calls it a change of type when the kind of file differs, not when only the permissions do."""
    return "M" if old_mode[:3] == new_mode[:3] else "T"
