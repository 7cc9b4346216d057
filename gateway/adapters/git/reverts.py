"""The tree that undoes a commit, or repeats it elsewhere, merged by git without a working tree."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.adapters.git.authorship import CommitObject
from gateway.adapters.git.edits import EditError, object_id
from gateway.adapters.git.quarantine import write_loose
from gateway.adapters.git.runner import EMPTY_TREE, Call, Git, GitError

_NOBODY = "loopgate <loopgate> 0 +0000"


@dataclass(frozen=True, slots=True)
class Undoing:
    """What to undo, or to repeat, on top of what. `before` is the tree the commit started from (its first parent's)."""

    commit: CommitObject
    before: str
    head_tree: str


def revert_message(commit: CommitObject) -> str:
    """The message of a revert, in git's own form."""
    reverts = f"This reverts commit {commit.id}"
    merged = f", reversing\nchanges made to {commit.parents[0]}" if len(commit.parents) > 1 else ""
    return f'Revert "{commit.subject}"\n\n{reverts}{merged}.'


async def reverted_tree(git: Git, at: Path, objects: Path, undoing: Undoing) -> str:
    """The tree after the revert; its new objects are in the object directory `objects`.

    A three-way merge whose base is the commit's tree. Git finds merge bases in history, so three commits without a
    past are made up for it. Raises `EditError` with git's words on a conflict, and `GitError`.
    """
    trees = (undoing.commit.tree, undoing.head_tree, undoing.before)
    tree, conflicts = await _merged(git, at, objects, trees)
    if conflicts:
        raise EditError(f"{undoing.commit.id} cannot be reverted on its own. {conflicts}")
    if tree == undoing.head_tree:
        raise EditError(f"Reverting {undoing.commit.id} would change nothing: it is undone already.")
    return tree


def cherry_pick_message(commit: CommitObject) -> str:
    """The message of a cherry-pick, in git's own form (git-cherry-pick(1), `-x`)."""
    return f"{commit.message}\n\n(cherry picked from commit {commit.id})"


async def cherry_picked_tree(git: Git, at: Path, objects: Path, again: Undoing) -> str:
    """The tree after the commit was repeated; its new objects are in `objects`. Raises as `reverted_tree` does."""
    trees = (again.before, again.head_tree, again.commit.tree)
    tree, conflicts = await _merged(git, at, objects, trees)
    if conflicts:
        raise EditError(f"{again.commit.id} cannot be picked on its own. {conflicts}")
    if tree == again.head_tree:
        raise EditError(f"Picking {again.commit.id} would change nothing: it is there already.")
    return tree


async def _merged(git: Git, at: Path, objects: Path, trees: tuple[str, str, str]) -> tuple[str, str]:
    """The merge of three trees (base, ours, theirs), or git's words on the conflict."""
    base, made = _commit(trees[0])
    ours, mine = _commit(trees[1], base)
    theirs, other = _commit(trees[2], base)
    await write_loose(objects, {EMPTY_TREE: ("tree", b""), **made, **mine, **other})
    call = Call(("merge-tree", "--write-tree", "--messages", ours, theirs), at=at, objects=objects)
    answer = await git.ask(call)
    if answer.status == 1:
        return "", _conflicts(answer.out)
    if answer.status:
        raise GitError(answer.words, status=answer.status)
    return answer.out.split(b"\n", 1)[0].decode("ascii"), ""


def _commit(tree: str, parent: str | None = None) -> tuple[str, Mapping[str, tuple[str, bytes]]]:
    above = f"parent {parent}\n" if parent else ""
    content = f"tree {tree}\n{above}author {_NOBODY}\ncommitter {_NOBODY}\n\n".encode()
    oid = object_id("commit", content)
    return oid, {oid: ("commit", content)}


def _conflicts(out: bytes) -> str:
    lines = out.decode("utf-8", "backslashreplace").split("\n")
    return "Git says: " + "; ".join(line for line in lines if line.startswith("CONFLICT"))[:1000]
