"""The change of a commit that does not exist yet, measured before it is built."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from gateway.adapters.git.authorship import CommitObject, co_author_emails, co_authors
from gateway.adapters.git.cat_file import CatFile, Objects
from gateway.adapters.git.ci_files import ci_facts
from gateway.adapters.git.comparisons import blobs_of, compared
from gateway.adapters.git.content_scan import hits_of
from gateway.adapters.git.edits import EditError, edits_of
from gateway.adapters.git.inspection import Difference, History, Inspector, Span, View
from gateway.adapters.git.mirrors import Mirror
from gateway.adapters.git.overlays import OverlaidObjects, overlaid
from gateway.adapters.git.quarantine import quarantined
from gateway.adapters.git.reverts import (
    Undoing,
    cherry_pick_message,
    cherry_picked_tree,
    revert_message,
    reverted_tree,
)
from gateway.adapters.git.runner import EMPTY_TREE, Call, Git
from gateway.core.changes import Change
from gateway.core.params import CommitCreate

NOT_BUILT = "0" * 40
# The tree that undoing or repeating a commit leads to, by a merge in an object directory.
Replay = Callable[[Git, Path, Path, Undoing], Awaitable[str]]


class Proposals:
    """Measures commits in a quarantine: nothing that was only proposed enters a mirror.

    Such a commit's id, and the head of its change, are forty zeros.
    """

    def __init__(self, git: Git, inspector: Inspector) -> None:
        self._git = git
        self._inspector = inspector

    async def commit(
        self, mirror: Mirror, span: Span, params: CommitCreate, agent: str, ci_path: str
    ) -> Change:
        """The change from the span's base to a commit on its head. Raises `EditError` and `GitError`."""
        parent = await self._tree(mirror, span.head)
        overlay = await overlaid(mirror.objects, parent, await edits_of(mirror.objects, parent, params))
        if overlay.tree == parent:
            raise EditError("The commit would change nothing.")
        objects = OverlaidObjects(overlay, mirror.objects)
        made = _made(overlay.tree, span.head, params.message)
        base_tree = await self._tree(mirror, span.base)
        entries = await compared(objects, base_tree, made.tree)
        difference = await self._inspector.plain_difference(objects, entries)
        if difference is not None:
            return await self._measured(mirror, objects, difference, span, made, agent, ci_path)
        async with quarantined(mirror.path, overlay.objects()) as folder:
            view = View(mirror.path, objects, folder)
            return await self._with_git(mirror, view, span, made, agent, ci_path)

    async def revert(self, mirror: Mirror, span: Span, commit: str, agent: str, ci_path: str) -> Change:
        """The change from the span's base to the revert of a commit on its head. Raises as `commit` does."""
        undoing = await self.undoing(mirror, span.head or "", commit)
        message = revert_message(undoing.commit)
        return await self._replayed(mirror, span, (undoing, reverted_tree, message), agent, ci_path)

    async def cherry_pick(self, mirror: Mirror, span: Span, commit: str, agent: str, ci_path: str) -> Change:
        """The change from the span's base to a repeat of a commit on its head. Raises as `commit` does."""
        again = await self.picking(mirror, span.head or "", commit)
        message = cherry_pick_message(again.commit)
        change = await self._replayed(mirror, span, (again, cherry_picked_tree, message), agent, ci_path)
        picked = await self._inspector.makers(mirror, (again.commit,), ())
        return change.model_copy(update={"makers": tuple(sorted({*change.makers, *picked}))})

    async def picking(self, mirror: Mirror, head: str, commit: str) -> Undoing:
        """What picking means there. Raises `EditError` when no branch or tag contains the commit."""
        args = ("for-each-ref", "--count=1", f"--contains={commit}", "refs/heads", "refs/tags")
        if not (await self._git.ask(Call(args, at=mirror.path))).out:
            raise EditError(f"No branch or tag of the project contains {commit}.")
        found = await self._inspector.commit(mirror.objects, commit)
        before = await self._tree(mirror, found.parents[0] if found.parents else None)
        return Undoing(found, before, await self._tree(mirror, head))

    async def _replayed(
        self, mirror: Mirror, span: Span, replay: tuple[Undoing, Replay, str], agent: str, ci_path: str
    ) -> Change:
        undoing, merged, message = replay
        async with quarantined(mirror.path, {}) as folder:
            tree = await merged(self._git, mirror.path, folder, undoing)
            reader = CatFile(self._git, mirror.path, folder)
            try:
                view = View(mirror.path, reader, folder)
                made = _made(tree, span.head, message)
                return await self._with_git(mirror, view, span, made, agent, ci_path)
            finally:
                await reader.close()

    async def undoing(self, mirror: Mirror, head: str, commit: str) -> Undoing:
        """What reverting means there. Raises `EditError` when the branch does not contain the commit."""
        found = await self._inspector.commit(mirror.objects, commit)
        call = Call(("merge-base", "--is-ancestor", commit, head), at=mirror.path)
        if (await self._git.ask(call)).status:
            raise EditError(f"The branch does not contain {commit}, so there is nothing to revert.")
        before = await self._tree(mirror, found.parents[0] if found.parents else None)
        return Undoing(found, before, await self._tree(mirror, head))

    async def _with_git(
        self, mirror: Mirror, view: View, span: Span, made: CommitObject, agent: str, ci_path: str
    ) -> Change:
        base_tree = await self._tree(mirror, span.base)
        difference = await self._inspector.difference(view, base_tree, made.tree)
        return await self._measured(mirror, view.objects, difference, span, made, agent, ci_path)

    async def _measured(
        self,
        mirror: Mirror,
        objects: Objects,
        difference: Difference,
        span: Span,
        made: CommitObject,
        agent: str,
        ci_path: str,
    ) -> Change:
        inspector = self._inspector
        base_tree = await self._tree(mirror, span.base)
        before = await inspector.history(mirror, span.head, span.trusted)
        parent = await self._tree(mirror, span.head)
        own = difference.entries if parent == base_tree else ()
        blobs = blobs_of(own or await compared(objects, parent, made.tree))
        scanned = await inspector.scan(objects, blobs)
        hits = {(h.detector, h.path, h.line) for h in (*before.secrets, *scanned.hits)}
        secrets = hits_of(hits, inspector.bounds, truncated=before.truncated or scanned.truncated)
        history = replace(
            before, commits=(*before.commits, made), secrets=secrets.hits, truncated=secrets.truncated
        )
        facts = (
            *(inspector.authorship.fact(c, agent) for c in before.commits),
            inspector.authorship.fact_to_be(made, agent),
        )
        ci = await ci_facts(objects, (base_tree, made.tree), ci_path, inspector.bounds)
        change = inspector.change(span.base or EMPTY_TREE, NOT_BUILT, difference, history, facts, ci)
        makers = await self._makers(mirror, before, made, difference, agent)
        return change.model_copy(update={"makers": makers})

    async def _makers(
        self, mirror: Mirror, before: History, made: CommitObject, difference: Difference, agent: str
    ) -> tuple[str, ...]:
        """Whose work the branch holds already, whom the message names, and whose file versions are proposed again."""
        inspector = self._inspector
        found = {agent, *inspector.authorship.co_authors(made)}
        if before.commits:
            found |= set(await inspector.makers(mirror, before.commits, difference.files))
        if inspector.lineage is not None:
            found |= set(await inspector.lineage.proposed(mirror.project, agent, difference.files))
        return tuple(sorted(found))

    async def _tree(self, mirror: Mirror, commit: str | None) -> str:
        return EMPTY_TREE if commit is None else (await self._inspector.commit(mirror.objects, commit)).tree


def _made(tree: str, parent: str | None, message: str) -> CommitObject:
    return CommitObject(
        id=NOT_BUILT,
        tree=tree,
        parents=(parent,) if parent else (),
        author="",
        committer="",
        message=message.rstrip("\n"),
        co_authors=co_authors(message.encode()),
        co_author_emails=co_author_emails(message.encode()),
        usable=True,
    )
