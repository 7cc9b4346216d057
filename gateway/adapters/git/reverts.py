"""The tree that undoes a commit, merged by git without a working tree."""

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
    """What to undo on top of what. `before` is the tree the commit started from (its first parent's)."""

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
    base, made = _commit(undoing.commit.tree)
    ours, mine = _commit(undoing.head_tree, base)
    theirs, other = _commit(undoing.before, base)
    await write_loose(objects, {EMPTY_TREE: ("tree", b""), **made, **mine, **other})
    call = Call(("merge-tree", "--write-tree", "--messages", ours, theirs), at=at, objects=objects)
    answer = await git.ask(call)
    if answer.status == 1:
        raise EditError(f"{undoing.commit.id} cannot be reverted on its own. {_conflicts(answer.out)}")
    if answer.status:
        raise GitError(answer.words, status=answer.status)
    tree = answer.out.split(b"\n", 1)[0].decode("ascii")
    if tree == undoing.head_tree:
        raise EditError(f"Reverting {undoing.commit.id} would change nothing: it is undone already.")
    return tree


def _commit(tree: str, parent: str | None = None) -> tuple[str, Mapping[str, tuple[str, bytes]]]:
    above = f"parent {parent}\n" if parent else ""
    content = f"tree {tree}\n{above}author {_NOBODY}\ncommitter {_NOBODY}\n\n".encode()
    oid = object_id("commit", content)
    return oid, {oid: ("commit", content)}


def _conflicts(out: bytes) -> str:
    lines = out.decode("utf-8", "backslashreplace").split("\n")
    return "Git says: " + "; ".join(line for line in lines if line.startswith("CONFLICT"))[:1000]
