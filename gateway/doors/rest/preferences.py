"""`Prefer`: how long a caller wants to wait (RFC 7240)."""

import re
from collections.abc import Iterator

from gateway.core.errors import MalformedError

_DEFAULT_S = 20
_LONGEST_S = 120
# Possessive throughout: a hostile header is read once, from left to right.
_GAP = r"[ \t]*+"
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"  # noqa: S105 - a token of RFC 9110
_VALUE = rf'{_GAP}={_GAP}((?:{_TOKEN}|"(?:[^"\\]|\\.)*+")?+)'
_PARAMETERS = rf"(?:{_GAP};{_GAP}(?:{_TOKEN}(?:{_VALUE})?+)?+)*+"
_ELEMENT = re.compile(rf"{_GAP}(?:({_TOKEN})(?:{_VALUE})?+{_PARAMETERS})?+{_GAP}(?:,|$)")


def waiting_time(prefer: str | None) -> tuple[float, str | None]:
    """Seconds to wait and the `Preference-Applied` value; the longest wait is two minutes.

    `wait` decides, also beside `respond-async` (RFC 7240, 4.3); of one that comes twice the first counts (section 2).
    Preferences that are not known are passed over. Raises `MalformedError`.
    """
    known: dict[str, str] = {}
    for name, value in _preferences(prefer or ""):
        known.setdefault(name.lower(), value)
    if "wait" in known:
        wait_s = min(_seconds(known["wait"]), _LONGEST_S)
        return wait_s, f"wait={wait_s}"
    return (0, "respond-async") if "respond-async" in known else (_DEFAULT_S, None)


def _preferences(header: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(header):
        found = _ELEMENT.match(header, at)
        if not found:
            raise MalformedError(
                "`Prefer` is a list such as `wait=<seconds>` or `respond-async`.", field="/Prefer"
            )
        if found[1]:
            yield found[1], (found[2] or "").strip('"')
        at = found.end()


def _seconds(value: str) -> int:
    if not re.fullmatch(r"[0-9]+", value):
        raise MalformedError("`Prefer: wait=` takes a whole number of seconds.", field="/Prefer")
    return int(value)
