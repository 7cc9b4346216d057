"""The lineage of changes: everybody who had a part in a range of commits, however it was rewritten.

The index is handed in (`ports.LineageIndex`). It is filled here, whenever commits are looked at or built.
"""

from gateway.adapters.git.authorship import Authorship, CommitObject
from gateway.adapters.git.lineage_reading import read_commits
from gateway.adapters.git.mirrors import Mirror
from gateway.adapters.git.runner import Git
from gateway.core.changes import ChangedFile
from gateway.core.lineage import Asked, CommitTrace, asked_about, makers_of, path_key, telling, traced
from gateway.ports import LineageIndex


class Lineage:
    """Asks and fills the index."""

    def __init__(self, git: Git, authorship: Authorship, index: LineageIndex) -> None:
        self._git, self._authorship, self._index = git, authorship, index

    async def makers(
        self, mirror: Mirror, commits: tuple[CommitObject, ...], files: tuple[ChangedFile, ...]
    ) -> tuple[str, ...]:
        """Everybody who had a part in these commits, oldest first; `files` are the change from the trusted base.

        Raises `GitError`, and `FactsMissingError` when the index cannot be read or written.
        """
        return makers_of(await self._trace(mirror, commits, files))

    async def proposed(self, project: str, agent: str, files: tuple[ChangedFile, ...]) -> tuple[str, ...]:
        """Who made the file versions that an agent proposes, besides itself."""
        blobs = telling(f.new_oid for f in files)
        known = await self._index.known(project, Asked(blobs=blobs)) if blobs else None
        found = [t for traces in known.blobs.values() for t in traces] if known else []
        return tuple(sorted({agent, *makers_of(found)}))

    async def built(
        self, mirror: Mirror, commit: CommitObject, picked: tuple[CommitObject, ...] = ()
    ) -> None:
        """Remember a commit that the gateway has just made, with everybody whose work is in it.

        `picked` are commits whose change it repeats.
        """
        (trace,) = await self._look(mirror, (commit,), {}, built=True)
        makers = {*trace.makers, *(await self.makers(mirror, picked, ()) if picked else ())}
        whole = trace.model_copy(update={"makers": tuple(sorted(makers))})
        await self._index.remember(mirror.project, (whole,))

    async def patch_ids(self, mirror: Mirror, commits: tuple[CommitObject, ...]) -> tuple[str, ...]:
        """The patch id of each commit, oldest first; none at all when one has none (a merge, an empty commit)."""
        known = await self._index.known(mirror.project, Asked(commits=tuple(c.id for c in commits)))
        found = [known.commits[c.id].patch_id if c.id in known.commits else None for c in commits]
        whole = tuple(p for p in found if p is not None)
        return whole if len(whole) == len(found) else ()

    async def _trace(
        self, mirror: Mirror, commits: tuple[CommitObject, ...], files: tuple[ChangedFile, ...]
    ) -> tuple[CommitTrace, ...]:
        base = {path_key((f.previous_path or f.path).encode()): f.old_oid for f in files}
        traces = await self._look(mirror, commits, base)
        await self._index.remember(mirror.project, traces)
        return traces

    async def _look(
        self,
        mirror: Mirror,
        commits: tuple[CommitObject, ...],
        base: dict[str, str],
        *,
        built: bool = False,
    ) -> tuple[CommitTrace, ...]:
        seen = await read_commits(self._git, mirror.path, commits, self._authorship)
        if built:
            seen = tuple(c.model_copy(update={"poses": False}) for c in seen)
        known = await self._index.known(mirror.project, asked_about(seen))
        return tuple(t.model_copy(update={"built": t.built or built}) for t in traced(seen, known, base))
