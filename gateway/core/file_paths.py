"""Paths inside a repository, and whether the changes of one commit fit together.

What is refused here is what some git, file system or reader would take for another path than the policy saw:
`.git` in its disguises, backslashes, `..`, invisible characters, decomposed Unicode.
"""

import unicodedata

from gateway.core.errors import MalformedError
from gateway.core.params import FileChange
from gateway.core.text import is_unseen

_GIT_NAMES = frozenset({".git", "git~1"})
_MAX_PART_BYTES = 255
_DOUBTFUL = ("\\", "//", "/.")


def check_path(path: str, field: str) -> str:
    """A path relative to the repository's root. Raises `MalformedError` saying what is wrong with it."""
    wrong = _wrong_with(path)
    if wrong:
        raise MalformedError(f"{field} is not a usable path: {wrong}.", field=field)
    return path


def check_together(changes: tuple[FileChange, ...], field: str) -> None:
    """Refuse changes of one commit that touch a path twice, or make one path both a file and a folder."""
    seen: set[str] = set()
    for number, change in enumerate(changes):
        for path in filter(None, (change.path, change.previous_path)):
            if path in seen:
                where = f"{field}/{number}"
                raise MalformedError(
                    f"{where} touches a path that another change touches: join them.", field=where
                )
            seen.add(path)
    written = {c.path for c in changes if c.op.value != "delete"}
    for number, change in enumerate(changes):
        if _folders(change.path) & written:
            where = f"{field}/{number}/path"
            raise MalformedError(f"{where} lies in a folder that another change makes a file.", field=where)


def _folders(path: str) -> set[str]:
    parts = path.split("/")
    return {"/".join(parts[:n]) for n in range(1, len(parts))}


def _is_plain(path: str) -> bool:
    """Whether nothing can be wrong with a path: short printable ASCII, no part empty, none with a dot first, no git."""
    return (
        path.isascii()
        and path.isprintable()
        and 0 < len(path) <= _MAX_PART_BYTES
        and not any(sign in path for sign in _DOUBTFUL)
        and path[0] not in "./"
        and path[-1] != "/"
        and "git" not in path.lower()
    )


def _wrong_with(path: str) -> str | None:
    if _is_plain(path):
        return None
    if not path.isprintable() or (not path.isascii() and any(is_unseen(c) for c in path)):
        return "it holds control or invisible characters, or blanks other than the space"
    if "\\" in path:
        return "it holds a backslash; separate folders with /"
    if not unicodedata.is_normalized("NFC", path):
        return "it is not in Unicode's composed form (NFC); compose it"
    return next((w for w in map(_wrong_part, path.split("/")) if w), None)


def _wrong_part(part: str) -> str | None:
    if part in {"", ".", ".."}:
        return "it begins or ends with /, or holds //, . or .. as a part; write it relative to the root"
    if len(part.encode()) > _MAX_PART_BYTES:
        return f"a part is longer than {_MAX_PART_BYTES} bytes"
    plain = unicodedata.normalize("NFKC", part).casefold().split(":")[0].rstrip(". ")
    return "it reaches into .git" if plain in _GIT_NAMES else None
