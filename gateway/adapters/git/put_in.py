"""What a difference puts into the tree: how large the files are, where links lead, which dependencies are new."""

from collections.abc import Iterable, Mapping

from gateway.adapters.git.cat_file import Objects
from gateway.adapters.git.content_scan import text_of
from gateway.core.changes import MODE_ABSENT, MODE_GITLINK, MODE_SYMLINK, ChangedFile
from gateway.core.dependencies import Added, ManifestVersions, added, is_manifest

# The longest target of a link that Linux takes (PATH_MAX).
_LINK_BYTES = 4096
_MANIFEST_BYTES = 1 << 20
_MANIFESTS = 200
# `<object> <kind> <size>`
_ROW = 3
_NO_FILE = frozenset({MODE_ABSENT, MODE_GITLINK, MODE_SYMLINK})


async def weighed(
    objects: Objects, files: tuple[ChangedFile, ...], sizes: Mapping[str, int] | None = None
) -> tuple[ChangedFile, ...]:
    """The files with their sizes after the change, and links with their text; `sizes` are known ones by object id.

    Raises `GitError`.
    """
    return tuple([await _weighed(objects, file, sizes or {}) for file in files])


async def dependencies_added(objects: Objects, files: Iterable[ChangedFile]) -> Added:
    """What the changed package manifests add. Raises `GitError`."""
    manifests = [f for f in files if is_manifest(f.path)]
    versions = [await _versions(objects, file) for file in manifests[:_MANIFESTS]]
    beyond = [ManifestVersions(path=file.path, unread=True) for file in manifests[_MANIFESTS:]]
    return added([*versions, *beyond])


def patch_size(lines_bytes: int | None, files: Iterable[ChangedFile]) -> int | None:
    """The bytes of all changed lines and of every binary file put in; None when one of them is unknown."""
    binaries = [file.size for file in files if file.binary and file.is_put_in]
    known = [size for size in binaries if size is not None]
    return None if lines_bytes is None or len(known) < len(binaries) else lines_bytes + sum(known)


def sizes_told(out: bytes) -> dict[str, int]:
    """The sizes in the output of `git cat-file --batch-check`, by object id; what is missing is left out."""
    rows = (line.split() for line in out.decode("ascii", "replace").splitlines())
    return {row[0]: int(row[2]) for row in rows if len(row) == _ROW and row[2].isdigit()}


async def _weighed(objects: Objects, file: ChangedFile, sizes: Mapping[str, int]) -> ChangedFile:
    if not file.is_put_in:
        return file.model_copy(update={"size": 0})
    size = sizes.get(file.new_oid)
    if size is None:
        info = await objects.info(file.new_oid)
        size = info.size if info else None
    link = await _link(objects, file) if file.new_mode == MODE_SYMLINK else None
    return file.model_copy(update={"size": size, "link": link})


async def _link(objects: Objects, file: ChangedFile) -> str | None:
    answer = await objects.read(file.new_oid, cap=_LINK_BYTES)
    if answer is None or answer[0].size > _LINK_BYTES:
        return None
    try:
        return answer[1].decode("utf-8")
    except UnicodeDecodeError:
        return None


async def _versions(objects: Objects, file: ChangedFile) -> ManifestVersions:
    """Both versions of a manifest; one that was something else before has no version before."""
    same = file.previous_path is None or is_manifest(file.previous_path)
    before = await _text(objects, file.old_oid, file.old_mode) if same else ""
    after = await _text(objects, file.new_oid, file.new_mode)
    if after is None:
        return ManifestVersions(path=file.path, unread=True)
    gone = file.new_mode == MODE_ABSENT
    return ManifestVersions(path=file.path, before=before, after=None if gone else after)


async def _text(objects: Objects, oid: str, mode: str) -> str | None:
    """The text of a version: empty where there is none, None for what is no text that can be read whole."""
    if mode == MODE_ABSENT:
        return ""
    answer = await objects.read(oid, cap=_MANIFEST_BYTES) if mode not in _NO_FILE else None
    if answer is None or answer[0].size > _MANIFEST_BYTES:
        return None
    return text_of(answer[1])
