"""The tree a revert leads to, by a three-way merge of real trees."""

from gateway.sandbox.git.commits import Commit
from gateway.sandbox.git.repository import Repository, Signature

# The merge needs commits around the three trees; these are never referred to again.
_NOBODY = Signature("GitLab", "gitlab@noreply.gitlab.invalid", "2026-01-01T00:00:00+00:00")


def reverted_tree(repository: Repository, commit: Commit, head: str) -> str | None:
    """`head` without what `commit` did to its first parent; None on conflict or when nothing would change."""
    before = f"{commit.parents[0]}^{{tree}}" if commit.parents else repository.empty_tree()
    current = repository.line("rev-parse", f"{head}^{{tree}}")
    base = repository.write_commit(f"{commit.id}^{{tree}}", (), "with the change", _NOBODY)
    ours = repository.write_commit(current, (base,), "as it is", _NOBODY)
    theirs = repository.write_commit(before, (base,), "without the change", _NOBODY)
    merged = repository.merge_trees(ours, theirs)
    return None if merged == current else merged
