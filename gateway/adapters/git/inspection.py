"""The one inspector: what a range of commits changes, measured by git, the same whichever door it came through."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from gateway.adapters.git.authorship import Authorship, CommitObject, parsed_commit
from gateway.adapters.git.bounds import Bounds
from gateway.adapters.git.cat_file import Objects
from gateway.adapters.git.ci_files import ci_facts
from gateway.adapters.git.comparisons import described
from gateway.adapters.git.content_scan import Scanners, SecretScan, scan_blobs, signals_of
from gateway.adapters.git.diffs import (
    BLOBS_ASKED,
    FILES_ASKED,
    PATCH_ASKED,
    DiffUnreadableError,
    Lines,
    NewBlob,
    RawEntry,
    changed_files,
    counted_files,
    new_blobs,
    patch_lines,
    raw_entries,
)
from gateway.adapters.git.kept import Kept
from gateway.adapters.git.lineage import Lineage
from gateway.adapters.git.mirrors import Mirror
from gateway.adapters.git.put_in import dependencies_added, patch_size, sizes_told, weighed
from gateway.adapters.git.runner import EMPTY_TREE, Call, Git, GitError, GitOutputError
from gateway.core.changes import Change, ChangedFile, CiFacts, CommitFact, SecretHit
from gateway.core.dependencies import Added

_COMMIT_BYTES = 1 << 20
_KEPT = 256
# Sizes of more objects than this are asked of git all at once.
_FEW = 50
_NOTHING_ADDED = Added()
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class View:
    """Where one measurement reads: a repository, and perhaps a quarantine of objects that are not in it."""

    at: Path
    objects: Objects
    quarantine: Path | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """Two trees compared; `entries` are what differs as git lists it, where it was found without git."""

    files: tuple[ChangedFile, ...]
    irreversible: tuple[str, ...]
    truncated: bool
    entries: tuple[RawEntry, ...] = ()
    patch_bytes: int | None = None
    added: Added = _NOTHING_ADDED


@dataclass(frozen=True, slots=True)
class History:
    """The commits that are not trusted history yet, oldest first, and the secrets any of them brought."""

    commits: tuple[CommitObject, ...] = ()
    secrets: tuple[SecretHit, ...] = ()
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """From where to where a change is measured: commits (None: nothing yet), and history that is trusted."""

    base: str | None
    head: str | None
    trusted: tuple[str, ...]


def view_of(mirror: Mirror) -> View:
    """The mirror itself as a view."""
    return View(mirror.path, mirror.objects)


class Inspector:
    """Measures changes. `scanners` are the core's detectors, `authorship` turns addresses into roster ids."""

    def __init__(
        self, git: Git, authorship: Authorship, scanners: Scanners, lineage: Lineage | None = None
    ) -> None:
        self._git = git
        self.lineage = lineage
        self.authorship = authorship
        self.scanners = scanners
        self._histories: Kept[tuple[str, str, tuple[str, ...]], History] = Kept(_KEPT)
        self._differences: Kept[tuple[Path, str, str], Difference] = Kept(_KEPT)

    @property
    def bounds(self) -> Bounds:
        """The limits of this inspector."""
        return self._git.bounds

    async def measure(self, mirror: Mirror, span: Span, *, agent: str, ci_path: str) -> Change:
        """The change of a span whose commits are all in the mirror. Raises `GitError`."""
        view = view_of(mirror)
        base_tree, head_tree = await self.tree_of(view, span.base), await self.tree_of(view, span.head)
        difference = await self.difference(view, base_tree, head_tree)
        history = await self.history(mirror, span.head, span.trusted)
        ci = await ci_facts(view.objects, (base_tree, head_tree), ci_path, self.bounds)
        facts = tuple(self.authorship.fact(c, agent) for c in history.commits)
        made = self.change(span.base or EMPTY_TREE, span.head or EMPTY_TREE, difference, history, facts, ci)
        makers = await self.makers(mirror, history.commits, difference.files)
        patches = await self.lineage.patch_ids(mirror, history.commits) if self.lineage else ()
        return made.model_copy(update={"makers": makers, "patch_ids": patches})

    async def makers(
        self, mirror: Mirror, commits: tuple[CommitObject, ...], files: tuple[ChangedFile, ...]
    ) -> tuple[str, ...]:
        """Everybody who had a part in these commits, however they were rewritten. Raises `GitError`."""
        if self.lineage is None:
            return tuple(sorted({name for c in commits for name in self.authorship.claims(c)}))
        return await self.lineage.makers(mirror, commits, files)

    def change(
        self,
        base: str,
        head: str,
        difference: Difference,
        history: History,
        facts: tuple[CommitFact, ...],
        ci: CiFacts,
    ) -> Change:
        """The parts of one measurement put together."""
        messages, cut = self._messages(c.message for c in history.commits)
        return Change(
            base=base,
            head=head,
            files=difference.files,
            commits=facts,
            secrets=history.secrets,
            irreversible=difference.irreversible,
            ci=ci,
            messages=messages,
            patch_bytes=difference.patch_bytes,
            dependencies=difference.added.dependencies,
            unread_manifests=difference.added.unread,
            truncated=difference.truncated or history.truncated or cut,
        )

    async def tree_of(self, view: View, commit: str | None) -> str:
        """The tree of a commit; the empty tree for none. Raises `GitError`."""
        return EMPTY_TREE if commit is None else (await self.commit(view.objects, commit)).tree

    async def commit(self, objects: Objects, oid: str) -> CommitObject:
        """A commit by its id. Raises `GitError` when there is none."""
        answer = await objects.read(oid, cap=_COMMIT_BYTES)
        if answer is None or answer[0].kind != "commit":
            raise GitError(f"there is no commit {oid}")
        parsed = parsed_commit(oid, answer[1])
        return replace(parsed, usable=parsed.usable and answer[0].size <= _COMMIT_BYTES)

    async def difference(self, view: View, base_tree: str, head_tree: str) -> Difference:
        """Two trees compared by git. Raises `GitError`."""
        if view.quarantine is not None:
            return await self._compare(view, base_tree, head_tree)
        key = (view.at, base_tree, head_tree)
        return await self._differences.get(key, lambda: self._compare(view, base_tree, head_tree))

    async def _compare(self, view: View, base_tree: str, head_tree: str) -> Difference:
        out = await self._diff(view, FILES_ASKED, base_tree, head_tree, self.bounds.output_bytes)
        files, usable = _readable(changed_files, out)
        cut = len(files) > self.bounds.files
        files = files[: self.bounds.files]
        signals, lines = await self._signals(view, base_tree, head_tree, out)
        files = await weighed(view.objects, files, await self._sizes(view, files))
        return Difference(
            files,
            signals,
            truncated=cut or lines is None or not usable,
            patch_bytes=patch_size(lines, files),
            added=await dependencies_added(view.objects, files),
        )

    async def _sizes(self, view: View, files: tuple[ChangedFile, ...]) -> dict[str, int]:
        """The sizes of many new objects; nothing for a few, which are asked about one by one."""
        needed = dict.fromkeys(f.new_oid for f in files if f.is_put_in)
        if len(needed) <= _FEW:
            return {}
        stdin = "".join(f"{oid}\n" for oid in needed).encode()
        call = Call(("cat-file", "--batch-check"), at=view.at, objects=view.quarantine, stdin=stdin)
        return sizes_told(await self._git.run(call))

    async def plain_difference(self, objects: Objects, entries: tuple[RawEntry, ...]) -> Difference | None:
        """What the raw entries between two trees amount to, without any process; None when only git can say.

        Raises `GitError`.
        """
        told = await described(objects, entries, self.bounds)
        if told is None:
            return None
        lines, binaries = told
        counts = ((len(n.added), len(n.removed), b) for n, b in zip(lines, binaries, strict=True))
        files, usable = counted_files(entries, counts)
        signals = signals_of(entries, lines, self.scanners.irreversible)
        files = await weighed(objects, files)
        return Difference(
            files,
            signals,
            truncated=not usable,
            entries=entries,
            patch_bytes=patch_size(_bytes_of(lines), files),
            added=await dependencies_added(objects, files),
        )

    async def history(self, mirror: Mirror, head: str | None, trusted: tuple[str, ...]) -> History:
        """The commits of `head` that none of `trusted` has. Raises `GitError`."""
        if head is None:
            return History()
        key = (mirror.project, head, trusted)
        return await self._histories.get(key, lambda: self._read_history(mirror, head, trusted))

    async def scan(self, objects: Objects, blobs: tuple[NewBlob, ...]) -> SecretScan:
        """The secrets in new blobs."""
        return await scan_blobs(objects, blobs, self.scanners.secrets, self.bounds)

    async def _read_history(self, mirror: Mirror, head: str, trusted: tuple[str, ...]) -> History:
        ids, cut = await self._new_commits(mirror, head, trusted)
        commits = [await self.commit(mirror.objects, oid) for oid in ids]
        scanned = await self.scan(mirror.objects, await self._new_blobs(mirror, ids))
        unusable = not all(c.usable for c in commits)
        return History(tuple(commits), scanned.hits, truncated=cut or unusable or scanned.truncated)

    async def _new_commits(
        self, mirror: Mirror, head: str, trusted: tuple[str, ...]
    ) -> tuple[list[str], bool]:
        limit = self.bounds.commits
        args = ("rev-list", "--topo-order", "--reverse", f"--max-count={limit + 1}", "--stdin")
        stdin = "\n".join((head, *(f"^{t}" for t in trusted), "")).encode()
        ids = (await self._git.run(Call(args, at=mirror.path, stdin=stdin))).decode().split()
        return ids[-limit:], len(ids) > limit

    async def _new_blobs(self, mirror: Mirror, ids: list[str]) -> tuple[NewBlob, ...]:
        if not ids:
            return ()
        stdin = "".join(f"{oid}\n" for oid in ids).encode()
        return _readable(new_blobs, await self._git.run(Call(BLOBS_ASKED, at=mirror.path, stdin=stdin)))

    async def _signals(
        self, view: View, base: str, head: str, out: bytes
    ) -> tuple[tuple[str, ...], int | None]:
        """Irreversible signals, and the bytes of all changed lines; None when the patch was too large to look."""
        try:
            patch = await self._diff(view, PATCH_ASKED, base, head, self.bounds.patch_bytes)
            entries = raw_entries(out)
            lines = patch_lines(patch, entries)
        except (GitOutputError, DiffUnreadableError):
            return (), None
        return signals_of(entries, lines, self.scanners.irreversible), _bytes_of(lines)

    async def _diff(self, view: View, asked: tuple[str, ...], base: str, head: str, cap: int) -> bytes:
        call = Call((*asked, base, head), at=view.at, objects=view.quarantine, output_bytes=cap)
        return await self._git.run(call)

    def _messages(self, messages: Iterable[str]) -> tuple[tuple[str, ...], bool]:
        kept: list[str] = []
        left = self.bounds.messages_bytes
        for message in messages:
            left -= len(message)
            if left < 0:
                return tuple(kept), True
            kept.append(message)
        return tuple(kept), False


def _bytes_of(lines: Iterable[Lines]) -> int:
    """The bytes of all lines added and removed, a line break for each."""
    return sum(len(line) + 1 for one in lines for line in (*one.added, *one.removed))


def _readable(read: Callable[[bytes], _T], out: bytes) -> _T:
    try:
        return read(out)
    except (DiffUnreadableError, ValueError) as broken:
        raise GitError(f"git diff-tree printed something unreadable: {broken}") from broken
