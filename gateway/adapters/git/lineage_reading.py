"""What git tells of commits for the lineage index: which versions of which paths, and their patch ids.

Source: git-diff-tree(1) "Diff format for merges", git-patch-id(1).
"""

import re
from pathlib import Path

from gateway.adapters.git.authorship import Authorship, CommitObject
from gateway.adapters.git.runner import Call, Git, GitError, GitOutputError
from gateway.core.lineage import SeenCommit, SeenFile, path_key

_ASKED = ("diff-tree", "-r", "--root", "--no-textconv", "--no-ext-diff", "--no-color", "--stdin")
# A merge shows what no parent had; what one of them had is that parent's work.
FILES_ASKED = (*_ASKED, "-z", "--raw", "-c", "--no-renames", "--ignore-submodules=none")
PATCHES_ASKED = (*_ASKED, "-p", "--full-index", "--no-renames")
_COMMIT = re.compile(rb"[0-9a-f]{40}")
_PATCH_LINE = re.compile(r"([0-9a-f]{40}) ([0-9a-f]{40})")


async def read_commits(
    git: Git, at: Path, commits: tuple[CommitObject, ...], authorship: Authorship
) -> tuple[SeenCommit, ...]:
    """The commits in the order given, with their files and patch ids. Raises `GitError`."""
    if not commits:
        return ()
    stdin = "".join(f"{c.id}\n" for c in commits).encode()
    files = files_of(await git.run(Call(FILES_ASKED, at=at, stdin=stdin)))
    patches = await _patch_ids(git, at, stdin)
    return tuple(
        SeenCommit(
            commit=c.id,
            claims=authorship.claims(c),
            poses=authorship.poses(c),
            patch_id=patches.get(c.id),
            files=files.get(c.id, ()),
        )
        for c in commits
    )


def files_of(out: bytes) -> dict[str, tuple[SeenFile, ...]]:
    """The files of a `FILES_ASKED` output by commit. Raises `GitError` for what is no such output."""
    found: dict[str, list[SeenFile]] = {}
    fields = iter(out.split(b"\0"))
    current: list[SeenFile] = []
    for field in fields:
        if _COMMIT.fullmatch(field):
            current = found.setdefault(field.decode("ascii"), [])
        elif field:
            current.append(_file(field, next(fields, b"")))
    return {commit: tuple(files) for commit, files in found.items()}


def _file(head: bytes, path: bytes) -> SeenFile:
    """`:` once per parent, then modes (parents, result), ids (parents, result), status; then the path."""
    parents = len(head) - len(head.lstrip(b":"))
    words = head[parents:].decode("ascii", "replace").split(" ")
    if not parents or len(words) != 2 * (parents + 1) + 1 or not path:
        raise GitError("git diff-tree printed something unreadable about a commit")
    ids = words[parents + 1 : -1]
    return SeenFile(path_key=path_key(path), before=tuple(ids[:-1]), after=ids[-1])


async def _patch_ids(git: Git, at: Path, stdin: bytes) -> dict[str, str]:
    """Patch id by commit. A patch too large to read has none: its files are matched all the same."""
    try:
        patch = await git.run(Call(PATCHES_ASKED, at=at, stdin=stdin, output_bytes=git.bounds.patch_bytes))
    except GitOutputError:
        return {}
    out = await git.run(Call(("patch-id", "--stable"), at=at, stdin=patch))
    pairs = [_PATCH_LINE.fullmatch(line) for line in out.decode("ascii", "replace").splitlines()]
    return {found[2]: found[1] for found in pairs if found}
