"""A bare mirror per project, fetched only when its refs differ from the forge's."""

import asyncio
import hashlib
import logging
import re
import shutil
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.adapters.git.cat_file import CatFile
from gateway.adapters.git.remotes import AnyForge, checked_project
from gateway.adapters.git.runner import Call, Git, GitError
from gateway.core.vocabulary import ForgeIdentity

log = logging.getLogger(__name__)
_HEADS = "refs/heads/"
_TAGS = "refs/tags/"
_LEFT_LOCKED = ".lock': File exists"
_OID = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The refs of a project at one moment, and which branch its HEAD names (None: none, or not born yet)."""

    refs: Mapping[str, str]
    default_branch: str | None

    def branch(self, name: str) -> str | None:
        """The commit a branch points at, or None when there is no such branch."""
        return self.refs.get(_HEADS + name)

    def merge_request(self, iid: int) -> str | None:
        """The head of a merge request as the forge publishes it in its refs."""
        return self.refs.get(merge_request_ref(iid))

    @property
    def branches(self) -> tuple[tuple[str, str], ...]:
        """Every branch with its commit, sorted by name."""
        found = ((ref.removeprefix(_HEADS), oid) for ref, oid in self.refs.items() if ref.startswith(_HEADS))
        return tuple(sorted(found))


@dataclass(slots=True)
class Mirror:
    """One project's bare repository on this machine. `lock` is held while its refs change.

    `refs` are those it is known to hold, with all their objects.
    """

    project: str
    path: Path
    objects: CatFile
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    refs: dict[str, str] = field(default_factory=dict)


class Mirrors:
    """All mirrors, in one folder. The forge is read as `road`, the identity with fewer rights."""

    def __init__(self, git: Git, forge: AnyForge, folder: Path) -> None:
        self.git = git
        self.forge = forge
        self._folder = folder.resolve()
        self._open: OrderedDict[str, Mirror] = OrderedDict()

    async def mirror(self, project: str) -> Mirror:
        """The project's mirror, made when there is none yet. Raises `GitError`."""
        if project not in self._open:
            path = self._folder / f"{hashlib.sha256(checked_project(project).encode()).hexdigest()[:32]}.git"
            self._open[project] = Mirror(project, path, CatFile(self.git, path))
        self._open.move_to_end(project)
        mirror = self._open[project]
        async with mirror.lock:
            await self._make(mirror)
        await self._rest()
        return mirror

    async def upstream(self, project: str) -> Snapshot:
        """The refs of the forge's repository now. Raises `GitError`."""
        remote = await self.forge.remote(project, ForgeIdentity.ROAD)
        call = Call(
            ("ls-remote", "--quiet", "--symref", remote.url),
            config=remote.config,
            seconds=self.git.bounds.network_s,
        )
        return _snapshot(await self.git.run(call))

    async def sync(self, mirror: Mirror, *, merge_request: int | None = None) -> Snapshot:
        """The project's refs, with every object they need in the mirror. Raises `GitError`."""
        async with mirror.lock:
            seen = await self.upstream(mirror.project)
            wanted = _wanted(seen.refs, merge_request)
            if not _holds(mirror.refs, wanted):
                await self._fetch(mirror, wanted, merge_request)
                # A ref may have moved since it was listed; what was fetched is what will be measured.
                mirror.refs = await self._refs(mirror)
            refs = {ref: oid for ref, oid in mirror.refs.items() if ref in wanted}
            return Snapshot(
                refs, seen.default_branch if _HEADS + (seen.default_branch or "") in refs else None
            )

    async def remember(self, mirror: Mirror, branch: str, commit: str) -> None:
        """Let the mirror's branch point where the forge's points after our own push."""
        async with mirror.lock:
            await self.git.run(Call(("update-ref", _HEADS + branch, commit), at=mirror.path))
            mirror.refs[_HEADS + branch] = commit

    async def mend(self, project: str) -> bool:
        """Begin a mirror anew when its objects are damaged; whether it was. All that is in it is at the forge."""
        mirror = self._open.get(project)
        if mirror is None:
            return False
        async with mirror.lock:
            if await self._is_whole(mirror):
                return False
            log.warning("the mirror of %s is damaged; it is fetched anew", project)
            await mirror.objects.close()
            await asyncio.to_thread(shutil.rmtree, mirror.path, ignore_errors=True)
            await self._make(mirror)
            return True

    async def close(self) -> None:
        """End every process that stays."""
        for mirror in self._open.values():
            await mirror.objects.close()

    async def _make(self, mirror: Mirror) -> None:
        if (mirror.path / "HEAD").exists():
            mirror.refs = mirror.refs or await self._refs(mirror)
            return
        mirror.refs = {}
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        await self.git.run(Call(("init", "--quiet", "--bare", "--template=", str(mirror.path)), at=None))
        (mirror.path / "description").write_text(mirror.project + "\n", encoding="utf-8")

    async def _is_whole(self, mirror: Mirror) -> bool:
        check = Call(
            ("fsck", "--no-dangling", "--no-progress"), at=mirror.path, seconds=self.git.bounds.network_s
        )
        try:
            return (await self.git.ask(check)).status == 0
        except GitError:
            return False

    async def _rest(self) -> None:
        """Let the reading processes of all but the mirrors used last end."""
        for mirror in list(self._open.values())[: -self.git.bounds.readers]:
            await mirror.objects.rest()

    async def _refs(self, mirror: Mirror) -> dict[str, str]:
        call = Call(("for-each-ref", "--format=%(objectname)%09%(refname)"), at=mirror.path)
        return _listed(await self.git.run(call))

    async def _fetch(self, mirror: Mirror, wanted: Mapping[str, str], merge_request: int | None) -> None:
        remote = await self.forge.remote(mirror.project, ForgeIdentity.ROAD)
        call = Call(
            (*_FETCH, remote.url, *_refspecs(wanted, merge_request)),
            at=mirror.path,
            config=remote.config,
            seconds=self.git.bounds.network_s,
        )
        try:
            await self.git.run(call)
        except GitError as failed:
            if _LEFT_LOCKED not in failed.detail:
                raise
            # Only this process writes here, and only under `mirror.lock`: a git that was killed left the lock.
            await asyncio.to_thread(_unlock, mirror.path)
            await self.git.run(call)


_FETCH = (
    "fetch",
    "--quiet",
    "--force",
    "--prune",
    "--no-tags",
    "--no-write-fetch-head",
    "--no-auto-maintenance",
    "--no-recurse-submodules",
)


def _unlock(path: Path) -> None:
    for lock in (*path.glob("*.lock"), *(path / "refs").rglob("*.lock")):
        lock.unlink()


def merge_request_ref(iid: int) -> str:
    """The ref under which GitLab publishes a merge request's head."""
    return f"refs/merge-requests/{iid}/head"


def _refspecs(wanted: Mapping[str, str], merge_request: int | None) -> tuple[str, ...]:
    specs = (f"+{_HEADS}*:{_HEADS}*", f"+{_TAGS}*:{_TAGS}*")
    if merge_request is None or (ref := merge_request_ref(merge_request)) not in wanted:
        return specs
    return (*specs, f"+{ref}:{ref}")


def _wanted(refs: Mapping[str, str], merge_request: int | None) -> dict[str, str]:
    extra = merge_request_ref(merge_request) if merge_request is not None else None
    return {ref: oid for ref, oid in refs.items() if ref.startswith((_HEADS, _TAGS)) or ref == extra}


def _holds(here: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether the mirror has every wanted ref where it is wanted, and no branch or tag besides."""
    gone = any(ref.startswith((_HEADS, _TAGS)) and ref not in wanted for ref in here)
    return not gone and all(here.get(ref) == oid for ref, oid in wanted.items())


def _snapshot(out: bytes) -> Snapshot:
    lines = out.decode("utf-8", "backslashreplace").split("\n")
    heads = [line[5:].split("\t") for line in lines if line.startswith("ref: ")]
    default = next((ref.removeprefix(_HEADS) for ref, name in heads if name == "HEAD"), None)
    refs = _listed(out)
    return Snapshot(refs, default if default is not None and _HEADS + default in refs else None)


def _listed(out: bytes) -> dict[str, str]:
    """`<object id> TAB <ref>` lines; peeled tags (`^{}`) and HEAD are left out."""
    pairs = (
        line.split("\t", 1) for line in out.decode("utf-8", "backslashreplace").split("\n") if "\t" in line
    )
    return {
        ref: oid
        for oid, ref in pairs
        if _OID.fullmatch(oid) and ref.startswith("refs/") and not ref.endswith("^{}")
    }
