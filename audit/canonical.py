"""JSON in one form only: RFC 8785 (JCS) for documents with ASCII keys and integers.

Within those limits orjson, told to sort keys, writes exactly the bytes of RFC 8785 and does so many
times faster than an encoder for the whole standard.
Outside them (floats, keys beyond ASCII, integers that a double cannot hold) the two differ, so
those are refused, never guessed.
"""

from itertools import chain
from typing import Any

import orjson

MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 7493 section 2.2)."""

MAX_DEPTH = 100
"""How deep arrays and objects may nest."""

_HARMLESS = {str, bool, type(None)}
_ARRAYS = (list, tuple)
_PLAIN = {*_HARMLESS, int, dict, list, tuple}
_SCALARS = (str, int, type(None))


class CanonicalError(ValueError):
    """The value has no canonical form here; the message says which part and why."""


_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def canonical_bytes(value: Any) -> bytes:
    """The RFC 8785 bytes of a JSON value made of objects, arrays, strings, integers, booleans and null.

    Raises `CanonicalError` for floats, NaN, keys that are not ASCII text, integers of 2^53 and
    beyond, lone surrogates, nesting over `MAX_DEPTH`, and anything that is not JSON.
    """
    check_canonical(value)
    return written(value)


def written(value: Any) -> bytes:
    """The RFC 8785 bytes of a value that `check_canonical` has let through. Raises `CanonicalError` for surrogates."""
    try:
        return orjson.dumps(value, option=_OPTIONS)
    except orjson.JSONEncodeError as error:
        raise CanonicalError("a string holds a lone surrogate, which is not a Unicode character") from error


def check_canonical(value: Any) -> None:
    """Raise `CanonicalError` for what has no canonical form here, lone surrogates aside, which show on writing.

    Walks level by level, so that depth is counted and never recursed into.
    """
    level = [value]
    for _ in range(MAX_DEPTH):
        level = _next_level(level)
        if not level:
            return
    raise CanonicalError(f"the value nests deeper than {MAX_DEPTH} levels: flatten it")


def _next_level(level: list[Any]) -> list[Any]:
    """Check one level and give the items below it; the whole level at once where all of it is plain."""
    kinds = set(map(type, level))
    if kinds <= _HARMLESS:
        return []
    if not kinds <= _PLAIN:
        for item in level:
            _check_one(item)
    objects = [item for item in level if type(item) is dict]
    _check_keys(objects)
    numbers = [item for item in level if type(item) is int]
    if numbers:
        _check_scalar(max(numbers))
        _check_scalar(min(numbers))
    below = [*chain.from_iterable(map(dict.values, objects))]
    below += chain.from_iterable([item for item in level if type(item) in _ARRAYS])
    return below


def _check_one(item: Any) -> None:
    if type(item) is not dict and type(item) not in _ARRAYS:
        _check_scalar(item)


def _check_keys(objects: list[dict[Any, Any]]) -> None:
    try:
        ascii_only = "".join(chain.from_iterable(objects)).isascii()
    except TypeError as error:
        raise CanonicalError(f"an object has a key that is not text: {str(error)[:100]}") from error
    if not ascii_only:
        wrong = next(key for key in chain.from_iterable(objects) if not key.isascii())
        raise CanonicalError(f"the key {wrong!r} is not ASCII")


def _check_scalar(item: Any) -> None:
    if isinstance(item, float):
        raise CanonicalError(f"{item!r} is a float: write an integer in a smaller unit, such as permille")
    if not isinstance(item, _SCALARS):
        raise CanonicalError(f"{type(item).__name__} is not plain JSON: objects, arrays, text, integers")
    if isinstance(item, int) and abs(item) > MAX_INTEGER:
        raise CanonicalError(f"the integer {item} is 2^53 or beyond: write it as text")
