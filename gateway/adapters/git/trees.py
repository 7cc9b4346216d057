"""Walking trees: the entry at a path, all paths, and the text of a file."""

from collections.abc import AsyncIterator, Mapping

from gateway.adapters.git.cat_file import Entry, Objects
from gateway.core.changes import MODE_GITLINK, MODE_SYMLINK

_DEPTH = 200


async def entry_at(objects: Objects, tree: str | None, path: bytes) -> Entry | None:
    """What a tree holds at a path: a file, a folder, or None. Raises `GitError`."""
    parts = path.split(b"/")
    if tree is None or not all(parts):
        return None
    for name in parts[:-1]:
        found = await _named(objects, tree, name)
        if found is None or not found.is_tree:
            return None
        tree = found.oid
    return await _named(objects, tree, parts[-1])


class Folders:
    """One tree's folders, each looked up once, for asking about many paths."""

    def __init__(self, objects: Objects, tree: str | None) -> None:
        self._objects = objects
        self._known: dict[bytes, Mapping[bytes, Entry]] = {}
        self._root = tree

    async def entry_at(self, path: bytes) -> Entry | None:
        """What the tree holds at a path, as the function of that name says. Raises `GitError`."""
        folder, _, name = path.rpartition(b"/")
        if folder not in self._known:
            await self._enter(folder)
        return self._known[folder].get(name)

    async def _enter(self, folder: bytes) -> None:
        if not self._known:
            self._known[b""] = await self._named(self._root)
        at = b""
        for name in folder.split(b"/") if folder else ():
            below = at + b"/" + name if at else name
            if below not in self._known:
                found = self._known[at].get(name)
                self._known[below] = await self._named(found.oid if found and found.is_tree else None)
            at = below

    async def _named(self, tree: str | None) -> Mapping[bytes, Entry]:
        entries = await self._objects.tree(tree) if tree is not None else ()
        return {entry.name: entry for entry in entries}


async def text_at(objects: Objects, tree: str | None, path: str, *, cap: int) -> str | None:
    """The UTF-8 text of the regular file at a path; None when there is none, or it is larger than `cap` bytes."""
    found = await entry_at(objects, tree, path.encode())
    if found is None or found.is_tree or found.mode in {MODE_SYMLINK, MODE_GITLINK}:
        return None
    answer = await objects.read(found.oid, cap=cap)
    if answer is None or answer[0].size > cap:
        return None
    return answer[1].decode("utf-8", "replace")


async def walk(objects: Objects, tree: str, prefix: bytes = b"") -> AsyncIterator[tuple[bytes, Entry]]:
    """Every entry that is not a folder, with its path. Folders deeper than 200 are not entered."""
    for entry in await objects.tree(tree):
        path = prefix + entry.name
        if not entry.is_tree:
            yield path, entry
        elif path.count(b"/") < _DEPTH:
            async for inner in walk(objects, entry.oid, path + b"/"):
                yield inner


async def _named(objects: Objects, tree: str, name: bytes) -> Entry | None:
    return next((e for e in await objects.tree(tree) if e.name == name), None)
