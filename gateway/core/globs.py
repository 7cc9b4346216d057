"""The one glob dialect: `*` within a segment, `**` across segments, `?` one character of a segment.

It means what Rego's `glob.match(pattern, ["/"], text)` means for the same pattern; brackets, braces and
backslashes, which Rego would read as more, are refused here so that the two never differ.
"""

import re
from functools import lru_cache

_PARTS = re.compile(r"\*\*+|\*|\?|[^*?]+")
_FOREIGN = frozenset("[]{}\\")


class GlobError(ValueError):
    """The pattern is outside the dialect; the message says which character."""


def matches(pattern: str, text: str, *, separator: str = "/") -> bool:
    """Whether the whole text matches the pattern. Raises `GlobError` for a pattern outside the dialect."""
    return _compiled(pattern, separator).fullmatch(text) is not None


def matches_any(patterns: tuple[str, ...], text: str, *, separator: str = "/") -> bool:
    """Whether any of the patterns matches the whole text."""
    return bool(patterns) and _compiled_any(patterns, separator).fullmatch(text) is not None


def check_glob(pattern: str) -> str:
    """The pattern itself. Raises `GlobError` when it is empty or outside the dialect."""
    if not pattern:
        raise GlobError("an empty pattern matches nothing; write ** to match everything")
    foreign = sorted(_FOREIGN & set(pattern))
    if foreign:
        raise GlobError(f"the pattern {pattern!r} holds {foreign[0]!r}; only *, ** and ? are special here")
    return pattern


@lru_cache(maxsize=4096)
def _compiled(pattern: str, separator: str) -> re.Pattern[str]:
    return re.compile(_expression(pattern, separator), re.DOTALL)


@lru_cache(maxsize=1024)
def _compiled_any(patterns: tuple[str, ...], separator: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{_expression(p, separator)})" for p in patterns), re.DOTALL)


def _expression(pattern: str, separator: str) -> str:
    inside = f"[^{re.escape(separator)}]"
    parts = (_translated(part, inside) for part in _PARTS.findall(check_glob(pattern)))
    return "".join(parts)


def _translated(part: str, inside: str) -> str:
    if part.startswith("**"):
        return ".*"
    if part == "*":
        return f"{inside}*"
    return inside if part == "?" else re.escape(part)
