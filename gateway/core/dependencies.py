"""Which dependencies a change adds, read from the package manifests before and after it.

A dependency is its ecosystem, where it comes from, and its name: `npm:jquery` comes from the registry, `npm+git:jquery`
from a repository somebody named. A new version is no new dependency; a new place it comes from is one. What cannot be
read whole is unknown, never empty.
"""

import re
from collections.abc import Callable, Iterable

from gateway.core import manifests_more
from gateway.core.manifests import Dependency, ManifestUnreadableError, cargo, npm, pypi, requirements
from gateway.core.model import Model
from gateway.core.path_kinds import kinds_of

# Printable ASCII without blanks, quotes and angle brackets: what every ecosystem's names fit into.
_NAME = re.compile(r"[!#-;=?-~]{1,214}")
_MOST = 2000

Reader = Callable[[str], frozenset[Dependency]]
_READERS: dict[str, Reader] = {
    "package.json": npm,
    "pyproject.toml": pypi,
    "go.mod": manifests_more.go,
    "pom.xml": manifests_more.maven,
    "cargo.toml": cargo,
}


class ManifestVersions(Model):
    """One manifest before and after a change; None where there is no such file. `unread`: a text could not be had."""

    path: str
    before: str | None = None
    after: str | None = None
    unread: bool = False


class Added(Model):
    """What the manifests of a change add, sorted; `unread` are those whose dependencies nobody can tell."""

    dependencies: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def added(versions: Iterable[ManifestVersions]) -> Added:
    """The dependencies that stand in a manifest after the change and did not stand in it before."""
    found: set[str] = set()
    unread: set[str] = set()
    for one in versions:
        try:
            found |= {d.shown for d in _added_by(one)}
        except ManifestUnreadableError:
            unread.add(one.path)
        if len(found) > _MOST:
            return Added(unread=(one.path,))
    return Added(dependencies=tuple(sorted(found)), unread=tuple(sorted(unread)))


def is_manifest(path: str) -> bool:
    """Whether the path names a package manifest of any ecosystem, known to be readable or not."""
    return "manifest" in kinds_of(path)


def _added_by(one: ManifestVersions) -> frozenset[Dependency]:
    if one.unread:
        raise ManifestUnreadableError(one.path)
    if one.after is None:
        return frozenset()
    new = _read(one.path, one.after)
    return new - _before(one.path, one.before) if one.before is not None else new


def _before(path: str, text: str) -> frozenset[Dependency]:
    """What stood in it; a broken manifest that is mended has everything new in it."""
    try:
        return _read(path, text)
    except ManifestUnreadableError:
        return frozenset()


def _read(path: str, text: str) -> frozenset[Dependency]:
    name = path.rpartition("/")[2].lower()
    reader = _READERS.get(name)
    if reader is None and not name.endswith((".txt", ".in")):
        raise ManifestUnreadableError(f"nobody reads {name} here")
    found = (reader or requirements)(text)
    strange = sorted(d.name for d in found if not _NAME.fullmatch(d.shown))
    if strange:
        raise ManifestUnreadableError(f"{strange[0]!r} is no name of a dependency")
    return found
