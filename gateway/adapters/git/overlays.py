"""A tree with edits laid over it: the objects git would make, known before git makes them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.adapters.git.cat_file import MODE_TREE, Entry, Info, Objects
from gateway.adapters.git.edits import EditError, Edits, Leaf, object_id
from gateway.adapters.git.names import path_text
from gateway.adapters.git.runner import EMPTY_TREE


@dataclass(slots=True)
class Overlay:
    """The new tree's id, its new trees (folders before the folders that hold them), and its new blobs.

    `trees` are the entries in git's order, `contents` the same trees as git stores them.
    """

    tree: str = EMPTY_TREE
    trees: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)

    def objects(self) -> dict[str, tuple[str, bytes]]:
        """Every new object by id: its kind and content."""
        trees = {oid: ("tree", content) for oid, content in self.contents.items()}
        return {**trees, **{oid: ("blob", content) for oid, content in self.blobs.items()}}


async def overlaid(objects: Objects, tree: str | None, edits: Edits) -> Overlay:
    """Lay edits over a tree. Raises `EditError` where a path would be a file and a folder, and `GitError`."""
    overlay = Overlay(blobs=dict(edits.contents))
    root = await _level(objects, tree, edits.leaves, overlay, b"")
    if root is None:
        overlay.trees[EMPTY_TREE], overlay.contents[EMPTY_TREE] = (), b""
    overlay.tree = root or EMPTY_TREE
    return overlay


def tree_content(entries: tuple[Entry, ...]) -> bytes:
    """The content of a tree object with these entries, which are in git's order."""
    return b"".join(
        [b"%s %s\0%s" % (mode.lstrip("0").encode(), name, bytes.fromhex(oid)) for mode, name, oid in entries]
    )


def _in_order(entry: Entry) -> bytes:
    """What git sorts an entry by: folders as if their name ended in a slash."""
    return entry[1] + b"/" if entry[0] == MODE_TREE else entry[1]


class OverlaidObjects:
    """New objects in front of those of a repository."""

    def __init__(self, overlay: Overlay, below: Objects) -> None:
        self._new = overlay.objects()
        self._trees = overlay.trees
        self._below = below

    async def read(self, oid: str, *, cap: int) -> tuple[Info, bytes] | None:
        """An object with at most `cap` bytes of its content, or None when there is no such object."""
        if oid not in self._new:
            return await self._below.read(oid, cap=cap)
        kind, content = self._new[oid]
        return Info(kind, len(content)), content[:cap]

    async def info(self, oid: str) -> Info | None:
        """What an object is, or None when there is no such object."""
        if oid not in self._new:
            return await self._below.info(oid)
        kind, content = self._new[oid]
        return Info(kind, len(content))

    async def tree(self, oid: str) -> tuple[Entry, ...]:
        """The entries of a tree. Raises `GitError`."""
        known = self._trees.get(oid)
        return await self._below.tree(oid) if known is None else known


async def _level(
    objects: Objects, tree: str | None, leaves: Mapping[bytes, Leaf | None], overlay: Overlay, at: bytes
) -> str | None:
    """One folder: its new id, or None when nothing is left in it."""
    entries = {e.name: e for e in (await objects.tree(tree) if tree and tree != EMPTY_TREE else ())}
    own = {path: leaf for path, leaf in leaves.items() if b"/" not in path}
    below = _below(leaves)
    for name in dict.fromkeys((*own, *below)):
        before = entries.pop(name, None)
        folder = before.oid if before and before.is_tree else None
        leaf = own[name] if name in own else _leaf(before)
        if name in below:
            folder = await _level(objects, folder, below[name], overlay, at + name + b"/")
        kept = _one(name, leaf, folder, at)
        if kept:
            entries[name] = kept
    return _noted(entries.values(), overlay) if entries else None


def _below(leaves: Mapping[bytes, Leaf | None]) -> dict[bytes, dict[bytes, Leaf | None]]:
    """The edits inside folders, by the folder's name."""
    grouped: dict[bytes, dict[bytes, Leaf | None]] = {}
    for path, leaf in leaves.items():
        name, slash, rest = path.partition(b"/")
        if slash:
            grouped.setdefault(name, {})[rest] = leaf
    return grouped


def _leaf(entry: Entry | None) -> Leaf | None:
    return None if entry is None or entry.is_tree else Leaf(entry.mode, entry.oid)


def _one(name: bytes, leaf: Leaf | None, folder: str | None, at: bytes) -> Entry | None:
    if leaf and folder:
        raise EditError(f"{path_text(at + name).value} cannot be a file and a folder at once.")
    if leaf:
        return Entry(leaf.mode, name, leaf.oid)
    return Entry(MODE_TREE, name, folder) if folder else None


def _noted(entries: Iterable[Entry], overlay: Overlay) -> str:
    ordered = tuple(sorted(entries, key=_in_order))
    content = tree_content(ordered)
    oid = object_id("tree", content)
    overlay.trees[oid], overlay.contents[oid] = ordered, content
    return oid
