"""The port `Repository`: commits built by plumbing in the mirror, refs moved with a lease."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.adapters.git.authorship import CommitObject
from gateway.adapters.git.cat_file import Entry
from gateway.adapters.git.changes import start_of
from gateway.adapters.git.edits import EditError, edits_of
from gateway.adapters.git.inspection import Inspector, view_of
from gateway.adapters.git.mirrors import Mirror, Mirrors, Snapshot
from gateway.adapters.git.overlays import Overlay, overlaid
from gateway.adapters.git.proposals import Proposals
from gateway.adapters.git.pushes import check_push
from gateway.adapters.git.reverts import (
    cherry_pick_message,
    cherry_picked_tree,
    revert_message,
    reverted_tree,
)
from gateway.adapters.git.runner import Call, Git, GitError, GitTimeoutError
from gateway.core.errors import FactsMissingError, TargetRefusedError, TargetUnclearError
from gateway.core.params import CommitCreate
from gateway.core.vocabulary import ForgeIdentity
from gateway.ports import Clock

_HEADS = "refs/heads/"
_PUSH = ("push", "--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no", "--no-signed")


class GitRepository:
    """Builds commits and moves branches. Nothing is put in a commit's message: its id, known before, is the mark.

    The author is the agent, the committer the gateway, both times the clock's.
    """

    def __init__(self, mirrors: Mirrors, inspector: Inspector, proposals: Proposals, clock: Clock) -> None:
        self._mirrors = mirrors
        self._inspector = inspector
        self._proposals = proposals
        self._clock = clock

    @property
    def _git(self) -> Git:
        return self._mirrors.git

    async def head_of(self, project: str, branch: str) -> str | None:
        """The commit a branch points at upstream now, or None. Raises `FactsMissingError`."""
        try:
            return (await self._mirrors.upstream(project)).branch(branch)
        except GitError as failed:
            raise FactsMissingError(f"Git could not ask for {branch}: {failed.detail}") from failed

    async def build_commit(
        self, project: str, branch: str, params: CommitCreate, author: str, marker: str
    ) -> str:
        """Build the commit in the mirror and return its id. Raises `TargetRefusedError`."""
        del marker  # the commit's id is the mark
        with refused():
            mirror, seen = await self._synced(project)
            parent = start_of(seen, branch, params)
            tree = await self._inspector.tree_of(view_of(mirror), parent)
            overlay = await overlaid(mirror.objects, tree, await edits_of(mirror.objects, tree, params))
            if overlay.tree == tree:
                raise EditError("The commit would change nothing.")
            await self._write(mirror, overlay)
            return await self._commit(mirror, overlay.tree, parent, author, params.message)

    async def build_revert(self, project: str, branch: str, commit: str, author: str, marker: str) -> str:
        """Build the commit that reverts `commit` on `branch` in the mirror. Raises `TargetRefusedError`."""
        del marker  # the commit's id is the mark
        with refused():
            mirror, seen = await self._synced(project)
            head = seen.branch(branch) or (seen.branch(seen.default_branch) if seen.default_branch else None)
            if head is None:
                raise EditError(f"There is no branch {branch}.")
            undoing = await self._proposals.undoing(mirror, head, commit)
            tree = await reverted_tree(self._git, mirror.path, mirror.path / "objects", undoing)
            return await self._commit(mirror, tree, head, author, revert_message(undoing.commit))

    async def build_cherry_pick(
        self, project: str, branch: str, commit: str, author: str, marker: str
    ) -> str:
        """Build the commit that repeats `commit` on `branch` in the mirror. Raises `TargetRefusedError`."""
        del marker  # the commit's id is the mark
        with refused():
            mirror, seen = await self._synced(project)
            head = seen.branch(branch)
            if head is None:
                raise EditError(f"There is no branch {branch}.")
            again = await self._proposals.picking(mirror, head, commit)
            tree = await cherry_picked_tree(self._git, mirror.path, mirror.path / "objects", again)
            message = cherry_pick_message(again.commit)
            return await self._commit(mirror, tree, head, author, message, (again.commit,))

    async def ref_of(self, project: str, ref: str) -> str | None:
        """The object a full ref holds upstream now, or None. Raises `FactsMissingError`."""
        try:
            return (await self._mirrors.upstream(project)).refs.get(ref)
        except GitError as failed:
            raise FactsMissingError(f"Git could not ask for {ref}: {failed.detail}") from failed

    async def move(
        self,
        project: str,
        ref: str,
        new: str | None,
        *,
        expected: str | None,
        identity: ForgeIdentity = ForgeIdentity.ROAD,
    ) -> None:
        """Move a full ref from `expected` (None: must not exist) to `new` (None: delete it) with a lease.

        Raises as `push` does. What `new` names must be in the mirror.
        """
        with refused():
            mirror, seen = await self._synced(project)
            now = seen.refs.get(ref)
            if now == new and new is not None:
                return
            if now != expected:
                raise TargetRefusedError(
                    f"{ref} is at {now}, not at {expected}; nothing was pushed.", code="stale"
                )
        await self._send(mirror, ref, new, expected, identity)

    async def push(
        self,
        project: str,
        branch: str,
        new: str,
        *,
        expected: str | None,
        identity: ForgeIdentity = ForgeIdentity.ROAD,
    ) -> None:
        """Move `branch` from `expected` (None: must not exist) to `new` with a lease, as one of the two identities.

        Raises `TargetRefusedError` (nothing happened; `stale` when the branch is elsewhere) or `TargetUnclearError`.
        """
        with refused():
            mirror = await self._mirrors.mirror(project)
            now = (await self._mirrors.upstream(project)).branch(branch)
            if now != new:
                await self._check_lease(mirror, branch, now, expected, new)
        if now != new:
            await self._send(mirror, _HEADS + branch, new, expected, identity)
        await self._absorb(mirror, branch, new)

    async def _check_lease(
        self, mirror: Mirror, branch: str, now: str | None, expected: str | None, new: str
    ) -> None:
        if now != expected:
            raise TargetRefusedError(
                f"{branch} is at {now}, not at {expected}; nothing was pushed.", code="stale"
            )
        if expected is None:
            return
        call = Call(("merge-base", "--is-ancestor", expected, new), at=mirror.path)
        if (await self._git.ask(call)).status:
            raise TargetRefusedError(f"{new} does not follow {expected}: that would rewrite {branch}.")

    async def _send(
        self, mirror: Mirror, ref: str, new: str | None, expected: str | None, identity: ForgeIdentity
    ) -> None:
        remote = await self._mirrors.forge.remote(mirror.project, identity)
        call = Call(
            (*_PUSH, f"--force-with-lease={ref}:{expected or ''}", remote.url, f"{new or ''}:{ref}"),
            at=mirror.path,
            config=remote.config,
            seconds=self._git.bounds.network_s,
        )
        try:
            answer = await self._git.ask(call)
        except GitError as lost:
            raise TargetUnclearError(lost.detail) from lost
        try:
            check_push(answer, ref)
        except TargetRefusedError as refusal:
            if not await self._arrived(mirror.project, ref, new):
                raise refusal from None

    async def _arrived(self, project: str, ref: str, new: str | None) -> bool:
        """Whether the ref is where it should be although git was told no, as after a repeated request.

        Raises `TargetUnclearError` when that cannot be asked.
        """
        try:
            return (await self._mirrors.upstream(project)).refs.get(ref) == new
        except GitError as lost:
            raise TargetUnclearError(f"the push was refused, then {lost.detail}") from lost

    async def _absorb(self, mirror: Mirror, branch: str, new: str) -> None:
        # The branch has moved already: a mirror that cannot note it fetches later, and the push still happened.
        with contextlib.suppress(GitError):
            await self._mirrors.remember(mirror, branch, new)

    async def _synced(self, project: str) -> tuple[Mirror, Snapshot]:
        mirror = await self._mirrors.mirror(project)
        return mirror, await self._mirrors.sync(mirror)

    async def _write(self, mirror: Mirror, overlay: Overlay) -> None:
        """Let git write the objects, and hold its ids against those that were judged."""
        blobs = await self._write_blobs(mirror, overlay.blobs)
        trees = await self._write_trees(mirror, overlay.trees)
        if blobs != list(overlay.blobs) or trees != list(overlay.trees):
            raise GitError("git built other objects than those that were judged")

    async def _write_blobs(self, mirror: Mirror, blobs: Mapping[str, bytes]) -> list[str]:
        if not blobs:
            return []
        with tempfile.TemporaryDirectory(prefix="blobs-", dir=mirror.path) as folder:
            for oid, content in blobs.items():
                (Path(folder) / oid).write_bytes(content)
            names = "".join(f"{Path(folder) / oid}\n" for oid in blobs)
            args = ("hash-object", "-w", "--no-filters", "--stdin-paths")
            out = await self._git.run(Call(args, at=mirror.path, stdin=os.fsencode(names)))
        return out.decode("ascii").split()

    async def _write_trees(self, mirror: Mirror, trees: Mapping[str, tuple[Entry, ...]]) -> list[str]:
        stdin = b"".join(b"".join(_row(e) for e in entries) + b"\0" for entries in trees.values())
        out = await self._git.run(Call(("mktree", "-z", "--batch"), at=mirror.path, stdin=stdin))
        return out.decode("ascii").split()

    async def _commit(
        self,
        mirror: Mirror,
        tree: str,
        parent: str | None,
        author: str,
        message: str,
        picked: tuple[CommitObject, ...] = (),
    ) -> str:
        """Make the commit, and note who stands behind it; `picked` are the commits it repeats."""
        args = ("commit-tree", tree, *(("-p", parent) if parent else ()))
        env = self._signatures(author)
        call = Call(args, at=mirror.path, stdin=(message.rstrip("\n") + "\n").encode(), env=env)
        made = (await self._git.run(call)).decode("ascii").strip()
        if self._inspector.lineage is not None:
            commit = await self._inspector.commit(mirror.objects, made)
            await self._inspector.lineage.built(mirror, commit, picked)
        return made

    def _signatures(self, author: str) -> dict[str, str]:
        date = f"{self._clock.now_ms() // 1000} +0000"
        agent, road = self._inspector.authorship.of_agent(author), self._inspector.authorship.of_road()
        return {
            "GIT_AUTHOR_NAME": agent.name,
            "GIT_AUTHOR_EMAIL": agent.email,
            "GIT_AUTHOR_DATE": date,
            "GIT_COMMITTER_NAME": road.name,
            "GIT_COMMITTER_EMAIL": road.email,
            "GIT_COMMITTER_DATE": date,
        }


@contextlib.contextmanager
def refused() -> Iterator[None]:
    """Before anything was sent: every failure means that nothing happened."""
    try:
        yield
    except EditError as wrong:
        raise TargetRefusedError(str(wrong)) from wrong
    except FactsMissingError as missing:
        raise TargetRefusedError(missing.detail, code="stale") from missing
    except GitError as failed:
        slow = isinstance(failed, GitTimeoutError)
        raise TargetRefusedError(f"Git could not do this: {failed.detail}", retryable=slow) from failed


def _row(entry: Entry) -> bytes:
    kind = {"040000": "tree", "160000": "commit"}.get(entry.mode, "blob")
    return f"{entry.mode} {kind} {entry.oid}\t".encode() + entry.name + b"\0"
