"""The edits of a `commit.create`, in order, as what each path holds afterwards."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.adapters.git.cat_file import Entry, Objects
from gateway.adapters.git.names import path_text
from gateway.adapters.git.trees import Folders
from gateway.core.changes import MODE_EXECUTABLE, MODE_FILE, MODE_GITLINK, MODE_SYMLINK
from gateway.core.params import CommitCreate, FileChange, FileOp

_REFUSED_NAMES = frozenset({b"", b".", b"..", b".git"})


class EditError(Exception):
    """An edit does not fit the tree; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a path holds: a mode and the id of a blob."""

    mode: str
    oid: str


@dataclass(slots=True)
class Edits:
    """Paths that change (None: gone), and the contents of blobs by id."""

    leaves: dict[bytes, Leaf | None] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)


async def edits_of(objects: Objects, tree: str | None, params: CommitCreate) -> Edits:
    """Apply the changes one after the other to a tree, in thought. Raises `EditError` and `GitError`."""
    if "\0" in params.message:
        raise EditError("A commit message cannot contain a NUL character.")
    edits, folders = Edits(), Folders(objects, tree)
    for change in params.changes:
        await _apply(folders, change, edits)
    return edits


def object_id(kind: str, content: bytes) -> str:
    """The id git gives an object."""
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


async def _apply(folders: Folders, change: FileChange, edits: Edits) -> None:
    path = _path(change.path)
    held = await _held(folders, path, edits.leaves)
    match change.op:
        case FileOp.CREATE:
            _must_be_free(change.path, held)
            edits.leaves[path] = Leaf(_mode(change, MODE_FILE), _content(change, edits, ""))
        case FileOp.UPDATE:
            before = _must_be_file(change.path, held)
            edits.leaves[path] = Leaf(_mode(change, before.mode), _content(change, edits, None) or before.oid)
        case FileOp.DELETE:
            _must_be_file(change.path, held, any_mode=True)
            edits.leaves[path] = None
        case FileOp.CHMOD:
            before = _must_be_file(change.path, held)
            edits.leaves[path] = Leaf(_mode(change, before.mode), before.oid)
        case FileOp.MOVE:
            await _move(folders, change, edits)


async def _move(folders: Folders, change: FileChange, edits: Edits) -> None:
    if change.previous_path is None:
        raise EditError(f"Moving to {change.path} needs previous_path.")
    old, new = _path(change.previous_path), _path(change.path)
    before = _must_be_file(change.previous_path, await _held(folders, old, edits.leaves), any_mode=True)
    _must_be_free(change.path, await _held(folders, new, edits.leaves))
    edits.leaves[old] = None
    edits.leaves[new] = Leaf(_mode(change, before.mode), _content(change, edits, None) or before.oid)


async def _held(folders: Folders, path: bytes, leaves: Mapping[bytes, Leaf | None]) -> Leaf | Entry | None:
    """What the path holds now: a leaf, a folder of the tree (as its entry), or nothing."""
    if path in leaves:
        return leaves[path]
    found = await folders.entry_at(path)
    return found if found is None or found.is_tree else Leaf(found.mode, found.oid)


def _must_be_free(path: str, held: Leaf | Entry | None) -> None:
    # A folder whose files all go away makes room for a file; building the tree finds those that do not.
    if isinstance(held, Leaf):
        raise EditError(f"There is already a file at {path}: use update, or another path.")


def _must_be_file(path: str, held: Leaf | Entry | None, *, any_mode: bool = False) -> Leaf:
    if held is None:
        raise EditError(f"There is no file at {path}.")
    if isinstance(held, Entry):
        raise EditError(f"{path} is a folder; name its files one by one.")
    if not any_mode and held.mode in {MODE_SYMLINK, MODE_GITLINK}:
        raise EditError(f"{path} is a symbolic link or a submodule; delete it and create a file.")
    return held


def _mode(change: FileChange, before: str) -> str:
    if change.executable is None or before in {MODE_SYMLINK, MODE_GITLINK}:
        return before
    return MODE_EXECUTABLE if change.executable else MODE_FILE


def _content(change: FileChange, edits: Edits, default: str | None) -> str:
    """The id of the new content, which is noted; empty when the edit brings none and `default` is None."""
    content = default.encode() if default is not None else None
    if change.content is not None:
        content = _utf8(change.content, change.path)
    if change.content_base64 is not None:
        content = _decoded(change.content_base64, change.path)
    if content is None:
        return ""
    oid = object_id("blob", content)
    edits.contents[oid] = content
    return oid


def _utf8(text: str, path: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as wrong:
        raise EditError(f"The content of {path} is not valid Unicode text.") from wrong


def _decoded(text: str, path: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise EditError(f"The content_base64 of {path} is not base64.") from wrong


def _path(path: str) -> bytes:
    """The path as git stores it. What normalisation refuses is refused here again: this is what gets built."""
    raw = _utf8(path, "a path")
    if not path_text(raw).usable or not _REFUSED_NAMES.isdisjoint(raw.lower().split(b"/")):
        raise EditError(f"{path_text(raw).value} is not a path inside a repository.")
    return raw
