"""Bytes of git as text that canonical JSON can hold.

Git's paths and messages are bytes. What is not UTF-8 with no control characters is written the way git itself quotes
it (in double quotes, bytes as three octal digits) and reported as unusable: it is shown to people, but the change is `truncated` and policy
denies it. Surrogate escapes never leave this module's callers, because this module makes none.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_ESCAPES = {0x07: "\\a", 0x08: "\\b", 0x09: "\\t", 0x0A: "\\n", 0x0B: "\\v", 0x0C: "\\f", 0x0D: "\\r"}
_QUOTED = {0x22: '\\"', 0x5C: "\\\\"}
# Line and paragraph separators break lines in some glob engines without being control characters.
_REFUSED = frozenset({"Cc", "Cs", "Zl", "Zp"})
_PATHS_KEPT = 1024  # one measurement names each of its paths several times
_PRINTABLE = range(0x20, 0x7F)


@dataclass(frozen=True, slots=True)
class Text:
    """A text and whether it is exactly what git holds."""

    value: str
    usable: bool


@lru_cache(_PATHS_KEPT)
def path_text(raw: bytes) -> Text:
    """A path: as it is when it is clean UTF-8, else C-quoted and unusable."""
    plain = _utf8(raw)
    if plain is not None and plain.isascii() and plain.isprintable():
        return Text(plain, usable=True)
    if plain is None or any(unicodedata.category(c) in _REFUSED for c in plain):
        return Text(quoted(raw), usable=False)
    return Text(plain, usable=True)


def message_text(raw: bytes) -> Text:
    """A message: as it is when it is UTF-8, else with the bytes that are not written in hex, unusable."""
    plain = _utf8(raw)
    if plain is None or "\0" in plain:
        return Text(raw.decode("utf-8", "backslashreplace").replace("\0", "\\0"), usable=False)
    return Text(plain, usable=True)


def quoted(raw: bytes) -> str:
    """Git's C-style quoting, with every byte outside printable ASCII as three octal digits."""
    return '"' + "".join(_quoted_byte(b) for b in raw) + '"'


def _quoted_byte(byte: int) -> str:
    known = _ESCAPES.get(byte) or _QUOTED.get(byte)
    if known:
        return known
    return chr(byte) if byte in _PRINTABLE else f"\\{byte:03o}"


def _utf8(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
