"""Names of branches, tags and refs: what git accepts, and less.

The pattern is architecture.md's ("Text that acts"); the rest are the rules of `git check-ref-format`. Names that git
or GitLab would take for something else (a commit id, `HEAD`, a full ref) are refused as branch and tag names.
"""

import re

from gateway.core.errors import MalformedError

_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,200}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HEX_NAME = re.compile(r"[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}")
_FULL = re.compile(r"refs/(?:heads|tags)/(.+)", re.DOTALL)


def check_name(name: str, field: str) -> str:
    """A branch or tag name. Raises `MalformedError` saying which rule it breaks."""
    wrong = _wrong_with(name)
    if wrong:
        raise MalformedError(f"{field} is not a usable name of a branch or tag: {wrong}.", field=field)
    return name


def check_name_or_commit(name: str, field: str) -> str:
    """A branch or tag name, or a whole commit id in lower case."""
    return name if _COMMIT.fullmatch(name) else check_name(name, field)


def check_full_ref(ref: str, field: str) -> str:
    """A full ref: `refs/heads/<name>` or `refs/tags/<name>`."""
    parts = _FULL.fullmatch(ref)
    if parts is None:
        raise MalformedError(f"{field} must begin with refs/heads/ or refs/tags/.", field=field)
    check_name(parts.group(1), field)
    return ref


def _wrong_with(name: str) -> str | None:
    if not _PATTERN.fullmatch(name):
        return "use at most 201 letters, digits and . _ / -, beginning with a letter or digit"
    if _HEX_NAME.fullmatch(name) or name == "HEAD" or name.startswith("refs/"):
        return "git would take it for a commit id or a full ref"
    if ".." in name or "//" in name:
        return "it holds .. or //"
    return _wrong_part(name)


def _wrong_part(name: str) -> str | None:
    for part in name.split("/"):
        if not part or part.startswith(".") or part.endswith((".", ".lock")):
            return "a part between slashes is empty, begins or ends with a dot, or ends in .lock"
    return None
