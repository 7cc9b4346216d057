"""Answers that never change, kept: what is asked by object ids is true for ever."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


class Kept(Generic[_K, _V]):
    """The `size` answers used last, by question."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._answers: OrderedDict[_K, _V] = OrderedDict()

    async def get(self, key: _K, find: Callable[[], Awaitable[_V]]) -> _V:
        """The answer kept, or else the one found now. An error is not kept."""
        if key not in self._answers:
            self._answers[key] = await find()
        self._answers.move_to_end(key)
        answer = self._answers[key]
        while len(self._answers) > self._size:
            self._answers.popitem(last=False)
        return answer

    def known(self, key: _K) -> _V | None:
        """The answer kept, if there is one."""
        return self._answers.get(key)

    def keep(self, key: _K, answer: _V) -> None:
        """Keep an answer that was found elsewhere."""
        self._answers[key] = answer
        while len(self._answers) > self._size:
            self._answers.popitem(last=False)
