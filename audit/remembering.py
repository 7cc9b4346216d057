"""Answers about values that never change, found once for each value."""

from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

V = TypeVar("V")
A = TypeVar("A")


def remembered(size: int) -> Callable[[Callable[[V], A]], Callable[[V], A]]:
    """Keep a pure function's answers for the `size` values asked about last, told apart by identity.

    For frozen values only. A value is kept alive with its answer, so no other can take its place; a copy is another
    value and is asked about anew.
    """

    def decorated(function: Callable[[V], A]) -> Callable[[V], A]:
        kept: dict[int, tuple[V, Any]] = {}
        lock = Lock()

        def answer(value: V) -> A:
            found = kept.get(id(value))
            if found is not None:
                fresh: A = found[1]
                return fresh
            fresh = function(value)
            with lock:
                kept[id(value)] = (value, fresh)
                while len(kept) > size:
                    del kept[next(iter(kept))]
            return fresh

        return answer

    return decorated
