"""A bare repository on disk, worked on with the git binary and nothing else."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.sandbox.git.commits import COMMIT_FORMAT, Commit, FileDiff, parse_commits, parse_diff

ZERO = "0" * 40


class GitError(Exception):
    """The git binary refused; the message is what it printed."""


@dataclass(frozen=True)
class Signature:
    """Who writes a commit, and when (ISO 8601)."""

    name: str
    email: str
    date: str

    def environment(self) -> dict[str, str]:
        """The variables that make git write exactly this author and committer."""
        return {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", self.name), ("EMAIL", self.email), ("DATE", self.date))
        }


def clean_environment() -> dict[str, str]:
    """An environment in which only the repository itself configures git."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
    }


class Repository:
    """Reads and writes one bare repository; raises `GitError` with git's own words."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, default_branch: str) -> "Repository":
        """A new empty repository that `git http-backend` will serve and accept pushes into."""
        path.parent.mkdir(parents=True, exist_ok=True)
        made = cls(path)
        made.run("init", "-q", "--bare", "-b", default_branch, str(path), inside=False)
        made.run("config", "http.receivepack", "true")
        made.run("config", "uploadpack.allowFilter", "true")
        made.run("config", "uploadpack.allowAnySHA1InWant", "true")
        return made

    def run(
        self, *args: str, send: bytes = b"", extra: dict[str, str] | None = None, inside: bool = True
    ) -> bytes:
        """What `git <args>` prints; `extra` adds to the clean environment."""
        if any("\0" in arg for arg in args):
            raise GitError("a name must not hold a null character")
        argv = ["git", *(["--git-dir", str(self.path)] if inside else []), *args]
        done = subprocess.run(  # noqa: S603  an argument list, no shell
            argv, input=send, capture_output=True, check=False, env=clean_environment() | (extra or {})
        )
        if done.returncode:
            raise GitError(done.stderr.decode(errors="replace").strip() or f"git {args[0]} failed")
        return done.stdout

    def line(self, *args: str, extra: dict[str, str] | None = None) -> str:
        """The one line that `git <args>` prints."""
        return self.run(*args, extra=extra).decode().strip()

    def succeeds(self, *args: str) -> bool:
        """Whether `git <args>` ends with exit code 0."""
        try:
            self.run(*args)
        except GitError:
            return False
        return True

    def resolve(self, revision: str) -> str | None:
        """The commit a branch, tag or (short) id names, or None."""
        if revision.startswith("-"):
            return None
        for name in (f"refs/heads/{revision}", f"refs/tags/{revision}", revision):
            if self.succeeds("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"):
                return self.line("rev-parse", "--verify", f"{name}^{{commit}}")
        return None

    def branches(self) -> dict[str, str]:
        """Every branch and its head, by name."""
        printed = self.run("for-each-ref", "--format=%(objectname) %(refname:strip=2)", "refs/heads")
        pairs = (row.split(" ", 1) for row in printed.decode().splitlines())
        return {name: sha for sha, name in pairs}

    def head(self, branch: str) -> str | None:
        """The commit at the tip of a branch, or None."""
        name = f"refs/heads/{branch}"
        if not self.succeeds("show-ref", "--verify", "--quiet", name):
            return None
        return self.line("rev-parse", "--verify", name)

    def commits(
        self, *revisions: str, limit: int | None = None, paths: Sequence[str] = ()
    ) -> tuple[Commit, ...]:
        """Commits reachable from the revisions (`^x` excludes), newest first."""
        count = [f"--max-count={limit}"] if limit is not None else []
        return parse_commits(self.run("log", *count, f"--format={COMMIT_FORMAT}", *revisions, "--", *paths))

    def commit(self, sha: str) -> Commit:
        """One commit."""
        return self.commits(sha, limit=1)[0]

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor, or None."""
        try:
            return self.line("merge-base", one, other)
        except GitError:
            return None

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `new` contains `old`."""
        return self.succeeds("merge-base", "--is-ancestor", old, new)

    def diff(self, old: str, new: str) -> tuple[FileDiff, ...]:
        """File differences between two trees or commits, renames detected."""
        shape = ("diff-tree", "-r", "-M", "--no-color", "--no-ext-diff", "--no-textconv", "--no-commit-id")
        return parse_diff(self.run(*shape, "--raw", "-z", old, new), self.run(*shape, "--patch", old, new))

    def empty_tree(self) -> str:
        """The tree with nothing in it, written so that a diff may name it."""
        return self.run("hash-object", "-w", "-t", "tree", "--stdin").decode().strip()

    def blob(self, revision: str, path: str) -> bytes | None:
        """A file's bytes at a commit, or None."""
        try:
            return self.run("cat-file", "blob", f"{revision}:{path}")
        except GitError:
            return None

    def update(self, ref: str, new: str, old: str | None = None) -> None:
        """Move a full ref name, if it still is at `old` (ZERO: does not exist yet)."""
        self.run("update-ref", ref, new, *([old] if old is not None else []))

    def delete(self, ref: str) -> None:
        """Remove a full ref name."""
        self.run("update-ref", "-d", ref)

    def write_commit(
        self,
        tree: str,
        parents: Sequence[str],
        message: str,
        who: Signature,
        *,
        author: Signature | None = None,
    ) -> str:
        """The id of a new commit object; `who` is its author as well unless another is named."""
        wrote = (author or who).environment()
        made = {k: v for k, v in who.environment().items() if k.startswith("GIT_COMMITTER_")}
        flags = [flag for parent in parents for flag in ("-p", parent)]
        return (
            self.run("commit-tree", *flags, "-F", "-", tree, send=message.encode(), extra={**wrote, **made})
            .decode()
            .strip()
        )

    def merge_trees(self, ours: str, theirs: str) -> str | None:
        """The tree of merging two commits, or None when they conflict."""
        try:
            return self.line("merge-tree", "--write-tree", "--no-messages", ours, theirs)
        except GitError:
            return None
