"""A merge request's commits written again on top of its target, with real git objects."""

from gateway.sandbox.git.repository import Repository, Signature
from gateway.sandbox.gitlab.activity import Activity
from gateway.sandbox.gitlab.entities import MergeRequest, Project, User
from gateway.sandbox.gitlab.forge import Forge
from gateway.sandbox.gitlab.merging import Merging

_FAILED = "Rebase failed: Rebase locally, resolve all conflicts, then push the branch."


class Rebasing:
    """Rebases in the background: when its time has come, or when it was looked at often enough.

    The caller holds the clock's lock.
    """

    def __init__(self, forge: Forge, activity: Activity, merging: Merging) -> None:
        self._forge = forge
        self._activity = activity
        self._merging = merging

    def start(self, project: Project, request: MergeRequest, user: User) -> None:
        """Begin; the work is done later."""
        request.rebase_looks, request.rebase_for = self._forge.switches.rebase_looks, user
        request.merge_error = None
        self._forge.clock.after(self._forge.pace.start, lambda: self._finish(project, request))

    def look(self, project: Project, request: MergeRequest) -> None:
        """Somebody asks how far it is."""
        if request.rebase_looks > 1:
            request.rebase_looks -= 1
        else:
            self._finish(project, request)

    def _finish(self, project: Project, request: MergeRequest) -> None:
        user = request.rebase_for
        request.rebase_looks, request.rebase_for = 0, None
        target = project.repository.head(request.target_branch)
        if user is None or target is None:
            return
        new = self._replayed(project.repository, request, target, user)
        if new is None:
            request.merge_error = _FAILED
        elif new != request.sha:
            old = request.sha
            project.repository.update(f"refs/heads/{request.source_branch}", new, old)
            self._activity.branch_moved(project, request.source_branch, old, new, user)

    def _replayed(self, repository: Repository, request: MergeRequest, target: str, user: User) -> str | None:
        """The head after every commit was written again on `target`, oldest first; None on a conflict."""
        who, head = self._merging.signature(user), target
        if repository.is_ancestor(target, request.sha):
            return request.sha
        for commit in repository.commits(request.sha, f"^{target}")[::-1]:
            tree = self._picked(repository, commit.parents[0], commit.id, head, who)
            if tree is None:
                return None
            # As git does it: whoever wrote a commit stays its author, whoever rebases becomes its committer.
            author = Signature(commit.author_name, commit.author_email, commit.authored.isoformat())
            head = repository.write_commit(tree, (head,), commit.message, who, author=author)
        return head

    def _picked(
        self, repository: Repository, parent: str, commit: str, head: str, who: Signature
    ) -> str | None:
        base = repository.write_commit(f"{parent}^{{tree}}", (), "before", who)
        ours = repository.write_commit(f"{head}^{{tree}}", (base,), "as it is", who)
        theirs = repository.write_commit(f"{commit}^{{tree}}", (base,), "with the change", who)
        return repository.merge_trees(ours, theirs)
