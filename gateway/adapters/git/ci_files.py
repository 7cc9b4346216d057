"""What the CI configuration reaches at base and head: includes, environments, scripts of the repository."""

import asyncio
import contextlib
import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from gateway.adapters.git.bounds import Bounds
from gateway.adapters.git.cat_file import Objects
from gateway.adapters.git.ci_documents import CiDocument, CiUnreadableError, parsed_ci
from gateway.adapters.git.ci_jobs import Tally, jobs_in
from gateway.adapters.git.trees import entry_at, text_at, walk
from gateway.core.changes import CiFacts

DEFAULT_CONFIG = ".gitlab-ci.yml"
UNKNOWN = "unknown"
_FILE_BYTES = 512 * 1024
_TOKEN = re.compile(r"[^\s\"'`;|&()<>{}=$,]+")
_TOKENS = 5_000
_LISTED = 200_000
_WILDCARDS = 2
# Parsed in less time than another thread would need to take it up.
_SMALL = 2 * 1024
_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")


# What a text says is the same whichever tree holds it.
_parsed = lru_cache(maxsize=64)(parsed_ci)


@dataclass(slots=True)
class _Reach:
    """What was found so far in one tree. `complete` turns false when something could not be read."""

    local: set[str] = field(default_factory=set)
    remote: set[str] = field(default_factory=set)
    environments: set[str] = field(default_factory=set)
    scripts: set[str] = field(default_factory=set)
    lines: set[str] = field(default_factory=set)
    tallies: dict[str, Tally] = field(default_factory=dict)
    included: dict[str, tuple[str, ...]] = field(default_factory=dict)
    complete: bool = True

    def jobs(self, path: str) -> int | None:
        """How many jobs a pipeline may start; None when part of its configuration is not in this repository."""
        if self.remote or not self.complete:
            return None
        return jobs_in(path, self.tallies, self.included)

    def take(self, document: CiDocument) -> None:
        """Add what one file says."""
        self.remote.update(document.remote)
        self.environments.update(document.environments)
        self.lines.update(document.lines)


async def ci_facts(
    objects: Objects, trees: Iterable[str | None], config_path: str, bounds: Bounds
) -> CiFacts:
    """The union over all trees: what ran before the change runs on the default branch until it is merged.

    A configuration that cannot be read whole adds the environment `unknown`. Raises `GitError`.
    """
    path = config_path or DEFAULT_CONFIG
    if "://" in path or "@" in path:
        return CiFacts(config_path=path, remote_includes=(path,), environments=(UNKNOWN,), jobs=None)
    reaches = [await _reach(objects, tree, path, bounds) for tree in dict.fromkeys(trees) if tree]
    environments = {e for r in reaches for e in r.environments}
    if not all(r.complete for r in reaches):
        environments.add(UNKNOWN)
    return CiFacts(
        config_path=path,
        local_includes=tuple(sorted({p for r in reaches for p in r.local} - {path})),
        remote_includes=tuple(sorted({p for r in reaches for p in r.remote})),
        scripts=tuple(sorted({p for r in reaches for p in r.scripts})),
        environments=tuple(sorted(environments)),
        jobs=_most([r.jobs(path) for r in reaches]),
    )


def _most(counts: list[int | None]) -> int | None:
    """The larger of base and head: until it is merged, either may be what runs."""
    known = [c for c in counts if c is not None]
    return max(known, default=0) if len(known) == len(counts) else None


async def _reach(objects: Objects, tree: str, path: str, bounds: Bounds) -> _Reach:
    reach = _Reach()
    waiting = [path]
    while waiting:
        name = waiting.pop()
        if name in reach.local:
            continue
        if len(reach.local) >= bounds.ci_files:
            reach.complete = False
            break
        reach.local.add(name)
        document = await _read(objects, tree, name, reach)
        reach.take(document)
        reach.tallies[name] = document.tally
        reach.included[name] = tuple(await _resolved(objects, tree, document.included))
        waiting.extend(await _resolved(objects, tree, document.local))
    reach.scripts = await _scripts(objects, tree, reach)
    return reach


async def _read(objects: Objects, tree: str, name: str, reach: _Reach) -> CiDocument:
    """One CI file; a file that is not there says nothing, one that cannot be read leaves the reach incomplete."""
    if await entry_at(objects, tree, name.encode()) is None:
        return CiDocument()
    text = await text_at(objects, tree, name, cap=_FILE_BYTES)
    if text is not None:
        with contextlib.suppress(CiUnreadableError):
            return await asyncio.to_thread(_parsed, text) if len(text) > _SMALL else _parsed(text)
    reach.complete = False
    return CiDocument()


async def _resolved(objects: Objects, tree: str, names: tuple[str, ...]) -> list[str]:
    plain = [n for n in names if "*" not in n]
    patterns = [_pattern(n) for n in names if "*" in n]
    if not patterns:
        return plain
    found = []
    async for path, _ in walk(objects, tree):
        text = path.decode("utf-8", "replace")
        if any(p.fullmatch(text) for p in patterns):
            found.append(text)
        if len(found) > _LISTED:
            break
    return plain + found


def _pattern(name: str) -> re.Pattern[str]:
    """GitLab's include wildcards: `**` crosses folders, `*` does not.

    Many wildcards would take too long to match exactly, so they match too much: every `*` crosses folders.
    """
    parts = re.split(r"(\*\*/|\*\*|\*)", name)
    if len(parts) > 1 + 2 * _WILDCARDS:
        literal = (p.replace("[", "[[]").replace("?", "[?]") for p in parts[::2])
        return re.compile(fnmatch.translate("*".join(literal)))
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    return re.compile("".join(known.get(p, re.escape(p)) for p in parts), re.DOTALL)


async def _scripts(objects: Objects, tree: str, reach: _Reach) -> set[str]:
    """Files of the repository that script lines name (`sh ci/deploy.sh`), and the makefile where `make` runs."""
    tokens = {t.removeprefix("./") for line in sorted(reach.lines) for t in _TOKEN.findall(line)}
    if len(tokens) > _TOKENS:
        reach.complete = False
    candidates = sorted(tokens)[:_TOKENS] + (list(_MAKEFILES) if "make" in tokens else [])
    return {t for t in candidates if await _is_file(objects, tree, t)}


async def _is_file(objects: Objects, tree: str, path: str) -> bool:
    found = await entry_at(objects, tree, path.encode())
    return found is not None and not found.is_tree
