"""A branch that several people work on and rewrite, by real git in a real working tree."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.gateway.adapters.git.workshop import Upstream

_ENV = {
    "PATH": "/usr/bin:/bin",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "HOME": "/nonexistent",
    "GIT_EDITOR": "true",
    "GIT_SEQUENCE_EDITOR": "true",
}


def email_of(person: str) -> str:
    return f"{person.removeprefix('prn_')}@example.test"


@dataclass
class Desk:
    """One clone. Whoever acts is author and committer; what is rewritten hides who made it before."""

    upstream: Upstream
    folder: Path
    seconds: int = 1_700_100_000
    branches: int = 0
    made: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.git("prn_setup", "clone", "--quiet", str(self.upstream.path), str(self.folder), at=None)

    def git(self, person: str, *args: str, at: Path | None = Path()) -> str:
        self.seconds += 60
        who = {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (
                ("NAME", person),
                ("EMAIL", email_of(person)),
                ("DATE", f"{self.seconds} +0000"),
            )
        }
        done = subprocess.run(
            ["git", *args],
            cwd=self.folder if at is not None else os.sep,
            env=_ENV | who,
            capture_output=True,
            check=True,
        )
        return done.stdout.decode().strip()

    def branch(self, person: str, start: str = "origin/main") -> str:
        """A fresh branch, checked out."""
        self.branches += 1
        name = f"work/{self.branches}"
        self.git(person, "checkout", "--quiet", "-b", name, start)
        return name

    def write(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def commit(self, person: str, message: str = "Work") -> str:
        self.git(person, "add", "--all")
        self.git(person, "commit", "--quiet", "--allow-empty", "-m", message)
        return self.head(person)

    def head(self, person: str) -> str:
        return self.git(person, "rev-parse", "HEAD")

    def push(self, person: str) -> str:
        """Let the forge have the branch, whatever was there."""
        name = self.git(person, "rev-parse", "--abbrev-ref", "HEAD")
        self.git(person, "push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{name}")
        return name

    def files(self, base: str = "origin/main") -> list[str]:
        """The paths the branch changes and still has."""
        out = self.git("prn_setup", "diff", "--name-only", "--diff-filter=d", f"{base}...HEAD")
        return sorted(out.splitlines())
