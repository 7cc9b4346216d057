"""Commits and differences, parsed from what the git binary prints."""

import re
from dataclasses import dataclass
from datetime import datetime

COMMIT_FORMAT = "%H%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x1e"
_PATCH_START = re.compile(rb"^diff --git ", re.MULTILINE)


@dataclass(frozen=True)
class Commit:
    """One commit; dates are aware datetimes."""

    id: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    authored: datetime
    committer_name: str
    committer_email: str
    committed: datetime
    message: str

    @property
    def title(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]


@dataclass(frozen=True)
class FileDiff:
    """What happened to one path; `patch` holds the hunks only, as GitLab shows them."""

    old_path: str
    new_path: str
    old_mode: str
    new_mode: str
    status: str
    patch: str


def parse_commits(printed: bytes) -> tuple[Commit, ...]:
    """Commits out of `git log --format=COMMIT_FORMAT`."""
    records = printed.decode(errors="replace").split("\x1e")
    return tuple(_commit(record.lstrip("\n")) for record in records if record.strip("\n"))


def _commit(record: str) -> Commit:
    sha, parents, name, email, authored, cname, cemail, committed, message = record.split("\x00")
    return Commit(
        id=sha,
        parents=tuple(parents.split()),
        author_name=name,
        author_email=email,
        authored=datetime.fromisoformat(authored),
        committer_name=cname,
        committer_email=cemail,
        committed=datetime.fromisoformat(committed),
        message=message,
    )


def parse_diff(raw: bytes, patch: bytes) -> tuple[FileDiff, ...]:
    """File differences out of `--raw -z` and `--patch` of the same `git diff-tree`, which agree in order."""
    entries = _raw_entries(raw)
    patches = [_hunks(part) for part in _PATCH_START.split(patch)[1:]]
    return tuple(
        FileDiff(old, new, modes[0], modes[1], status, text)
        for (old, new, modes, status), text in zip(entries, patches, strict=True)
    )


def _raw_entries(raw: bytes) -> list[tuple[str, str, tuple[str, str], str]]:
    fields = iter(raw.decode(errors="replace").split("\x00"))
    entries = []
    for head in fields:
        if not head.startswith(":"):
            continue
        old_mode, new_mode, _, _, status = head[1:].split(" ")
        old = next(fields)
        new = next(fields) if status[0] in "RC" else old
        entries.append((old, new, (old_mode, new_mode), status[0]))
    return entries


def _hunks(part: bytes) -> str:
    start = part.find(b"\n@@ ")
    if start >= 0:
        return part[start + 1 :].decode(errors="replace")
    binary = part.find(b"\nBinary files ")
    return part[binary + 1 :].decode(errors="replace") if binary >= 0 else ""
