"""Whether what arrived is a JSON document this gateway can store, show and digest, before anybody looks at its meaning."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from gateway.core.errors import MalformedError
from gateway.core.secret_detectors import find

MAX_DEPTH = 16
MAX_VALUES = 20_000
MAX_INTEGER = 2**53 - 1
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_IMPROPER = re.compile(r"[\0\ud800-\udfff]")
_ARRAYS = (list, tuple)
_PLAIN = {dict, *_ARRAYS, str, int, bool, type(None)}
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")

Located = tuple[str, Any]
"""A value and the JSON pointer (RFC 6901) to it."""


def check_values(document: dict[str, Any]) -> None:
    """Refuse what has no place in a request; nearly all requests are done with level by level, without pointers.

    Raises `MalformedError` as `_check_each` does.
    """
    if not _is_plain(document):
        _check_each(document)


def _is_plain(document: dict[str, Any]) -> bool:
    """Whether nothing in the document can be wrong; what is not certain is for `_check_each`."""
    level: list[Any] = [document]
    counted = 0
    for _ in range(MAX_DEPTH):
        counted += len(level)
        objects = [value for value in level if type(value) is dict]
        numbers = [value for value in level if type(value) is int]
        if (
            counted > MAX_VALUES
            or not set(map(type, level)) <= _PLAIN
            or (numbers and max(*numbers, -min(numbers)) > MAX_INTEGER)
            or _IMPROPER.search("".join([value for value in level if type(value) is str]))
            or not all(map(_is_name, set(chain.from_iterable(objects))))
        ):
            return False
        level = [*chain.from_iterable(map(dict.values, objects)), *_items(level)]
        if not level:
            return True
    return False


def _items(level: list[Any]) -> Iterator[Any]:
    return chain.from_iterable([value for value in level if type(value) in _ARRAYS])


def _is_name(key: Any) -> bool:
    return isinstance(key, str) and _KEY.fullmatch(key) is not None and not find(key)


def _check_each(document: dict[str, Any]) -> None:
    """Walk the document level by level and refuse what has no place in a request.

    Raises `MalformedError` for nesting, size, floats, NaN, huge integers, lone surrogates, NUL characters and keys
    beyond plain ASCII names; `field` is the pointer to the value.
    """
    level: list[Located] = [("", document)]
    counted = 0
    for _ in range(MAX_DEPTH):
        counted += len(level)
        if counted > MAX_VALUES:
            raise MalformedError(f"The request holds more than {MAX_VALUES} values: send less at once.")
        level = [below for located in level for below in _checked(located)]
        if not level:
            return
    raise MalformedError(f"The request nests deeper than {MAX_DEPTH} levels: flatten it.", field=level[0][0])


def strings(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every string value of a checked document with its pointer, in the document's order."""
    stack: list[Located] = [("", document)]
    while stack:
        pointer, value = stack.pop()
        if isinstance(value, str):
            yield pointer, value
        else:
            stack.extend(reversed(_below(pointer, value)))


def weight(document: Any) -> int:
    """How many characters all texts of an unchecked document have, keys aside."""
    level, total = [document], 0
    while level:
        total += sum([len(value) for value in level if type(value) is str])
        objects = [value for value in level if type(value) is dict]
        level = [*chain.from_iterable(map(dict.values, objects)), *_items(level)]
    return total


def _checked(located: Located) -> list[Located]:
    pointer, value = located
    if isinstance(value, str):
        _check_text(pointer, value)
    elif isinstance(value, dict):
        _check_keys(pointer, value)
    elif not isinstance(value, (list, tuple)):
        _check_scalar(pointer, value)
    return _below(pointer, value)


def _below(pointer: str, value: Any) -> list[Located]:
    if isinstance(value, dict):
        return [(f"{pointer}/{key}", item) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [(f"{pointer}/{number}", item) for number, item in enumerate(value)]
    return []


def _check_text(pointer: str, value: str) -> None:
    if _SURROGATE.search(value):
        raise MalformedError(
            f"{pointer} holds half of a surrogate pair, which is no character.", field=pointer
        )
    if "\0" in value:
        raise MalformedError(f"{pointer} holds a NUL character; send bytes as content_base64.", field=pointer)


def _check_keys(pointer: str, value: dict[Any, Any]) -> None:
    for key in value:
        if not _is_name(key):
            raise MalformedError(
                f"{pointer or 'The request'} has a field whose name is not a plain ASCII word.", field=pointer
            )


def _check_scalar(pointer: str, value: Any) -> None:
    if isinstance(value, float):
        raise MalformedError(
            f"{pointer} is not a whole number; only whole numbers are used here.", field=pointer
        )
    if value is not None and not isinstance(value, int):
        raise MalformedError(f"{pointer} is not JSON.", field=pointer)
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise MalformedError(
            f"{pointer} is 2^53 or beyond, which not every reader keeps exactly.", field=pointer
        )
