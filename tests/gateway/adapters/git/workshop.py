"""A bare repository that plays the forge, filled by `git fast-import` so that any bytes can be in it."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.adapters.git.authorship import Authorship
from gateway.adapters.git.bounds import Bounds
from gateway.adapters.git.changes import GitChanges, ProjectShape
from gateway.adapters.git.commits import GitRepository
from gateway.adapters.git.content_scan import core_scanners
from gateway.adapters.git.inspection import Inspector
from gateway.adapters.git.mirrors import Mirrors
from gateway.adapters.git.proposals import Proposals
from gateway.adapters.git.remotes import AnyForge, UnsafeLocalForge
from gateway.adapters.git.runner import Git

AGENT = "agt_fixer"
PROJECT = "shop/checkout"
AGENT_EMAIL = "agt_fixer@agents.gitlab.test"
MAYA_EMAIL = "maya@example.test"
# A path's new state: content, (mode, content), or None for gone.
File = bytes | tuple[str, bytes] | None
_ENV = {
    "PATH": "/usr/bin:/bin",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "HOME": "/nonexistent",
    **{f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


class Upstream:
    """One project at the forge."""

    def __init__(self, folder: Path, project: str = PROJECT) -> None:
        self.path = folder / f"{project}.git"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.path), at=folder)
        self._seconds = 1_700_000_000

    def git(self, *args: str, stdin: bytes = b"", at: Path | None = None) -> str:
        """Run git in the repository; its output without the last line break."""
        done = subprocess.run(
            ["git", *args], cwd=at or self.path, input=stdin, env=_ENV, capture_output=True, check=True
        )
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def head(self, branch: str) -> str:
        return self.git("rev-parse", f"refs/heads/{branch}")

    def commit(
        self,
        branch: str,
        files: Mapping[str, File] | Mapping[bytes, File],
        message: bytes = b"Change something\n",
        *,
        author: str = AGENT_EMAIL,
        start: str | None = None,
        merge: str | None = None,
        ref: str = "refs/heads/",
    ) -> str:
        """Commit on a branch, made from `start` when it is new; returns the commit's id."""
        self._seconds += 60
        lines = [
            f"commit {ref}{branch}".encode(),
            f"author Somebody <{author}> {self._seconds} +0000".encode(),
        ]
        lines += [f"committer Somebody <{author}> {self._seconds} +0000".encode()]
        lines += [b"data %d\n%s" % (len(message), message)]
        lines += [f"from {start}".encode()] if start else self._onwards(ref + branch)
        lines += [f"merge {merge}".encode()] if merge else []
        lines += [_row(path, file) for path, file in files.items()]
        self.git("fast-import", "--quiet", "--date-format=raw", stdin=b"\n".join([*lines, b""]))
        return self.git("rev-parse", ref + branch)

    def _onwards(self, ref: str) -> list[bytes]:
        known = self.git("for-each-ref", "--format=%(objectname)", ref)
        return [f"from {known}".encode()] if known else []


def _row(path: str | bytes, file: File) -> bytes:
    raw = path if isinstance(path, bytes) else path.encode()
    name = b'"' + b"".join(b"\\%03o" % byte for byte in raw) + b'"'
    if file is None:
        return b"D " + name
    mode, content = ("100644", file) if isinstance(file, bytes) else file
    if mode == "160000":
        return b"M 160000 " + content + b" " + name
    return b"M %s inline %s\ndata %d\n%s" % (mode.encode(), name, len(content), content)


@dataclass(slots=True)
class FixedClock:
    """A clock that stands still until it is told otherwise."""

    ms: int = 1_700_500_000_000

    def now_ms(self) -> int:
        return self.ms


@dataclass
class Workshop:
    """The whole adapter over one forge."""

    forge: AnyForge
    folder: Path
    bounds: Bounds = field(default_factory=lambda: Bounds(head_pause_s=0))
    shape: ProjectShape = field(default_factory=lambda: ProjectShape(protected=("main", "release/*")))
    clock: FixedClock = field(default_factory=FixedClock)

    def __post_init__(self) -> None:
        self.runner = Git(self.bounds)
        self.mirrors = Mirrors(self.runner, self.forge, self.folder)
        people = {MAYA_EMAIL: "prn_maya"}
        self.inspector = Inspector(self.runner, Authorship("gitlab.test", people=people), core_scanners())
        self.proposals = Proposals(self.runner, self.inspector)
        self.changes = GitChanges(self.mirrors, self.inspector, self.proposals, self.shape_of)
        self.repository = GitRepository(self.mirrors, self.inspector, self.proposals, self.clock)

    async def shape_of(self, project: str) -> ProjectShape:
        del project
        return self.shape


def local(folder: Path) -> UnsafeLocalForge:
    return UnsafeLocalForge(str(folder))
