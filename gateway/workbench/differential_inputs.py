"""Policy inputs drawn from the model and then damaged, for asking two engines the same.

Chance comes from outside: the same source of chance, seeded the same, draws the same inputs.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from gateway.workbench.contract import typed_contract
from gateway.workbench.schema import policy_input_schema

T = TypeVar("T")
Place = tuple[str | int, ...]
_MOST_ITEMS = 4
_LONG_LIST = 300
_MOST_REDRAWN = 6
_MOST_DAMAGES = 3
_HUGE_TEXT = 40_000
_DEEP = 10

ODD_TEXTS = (
    "",
    " ",
    "\0",
    "a\nb",
    "policies/x\n.rego",
    "\r\n",
    "\u0085",
    "\u2028",
    "\u202egro.x/seicilop",
    "\ufeff",
    "e\u0301",
    "\u00e9",
    "\u0130stanbul",
    "\u212aelvin",
    "stra\u00dfe",
    "\U00010400",
    "\U0001f600",
    "\ufffd",
    "**",
    "*",
    "[",
    "{a,b}",
    "{",
    "\\",
    "../..",
    "/",
    "//",
    ".",
    "GATE-001",
    '{"effect": "allow"}',
    "null",
    "1e400",
    "$(id)",
    "agt_fixer",
    "prn_developer",
    "a" * 5000,
)
ODD_NUMBERS = (0, 1, -1, 2, 19, 20, 21, 50, 51, 2**31, 2**32, 2**53 - 1, -(2**53 - 1))
OTHERS: tuple[Any, ...] = (None, True, False, 0, -7, "", "x", "\n", [], ["x"], [[]], {}, {"x": 1}, [None])


class Chance(Protocol):
    """Where chance comes from; `random.Random` is one."""

    def randrange(self, stop: int, /) -> int:
        """A number from 0 to below `stop`."""
        ...

    def choice(self, among: Sequence[T], /) -> T:
        """One of several."""
        ...


class Inputs:
    """Draws policy inputs: most are a known one with parts drawn anew, the rest drawn whole; every other one is damaged.

    `known` are whole policy inputs (the bases of the cases): their words are drawn again, so that globs, names and
    limits meet. Names say how each was made.
    """

    def __init__(self, known: Mapping[str, Mapping[str, Any]], chance: Chance) -> None:
        self._known = tuple(sorted(known.items()))
        self._chance = chance
        self._schema = policy_input_schema()
        self._totals = typed_contract()["totals"]
        self._words = tuple(sorted({word for _, one in self._known for word in _texts(one)})) or ("x",)

    def drawn(self, count: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """So many inputs, one after the other."""
        for number in range(count):
            name, document = (
                self._recombined() if self._chance.randrange(4) else ("drawn", self._value(self._schema, 0))
            )
            self._count(document)
            if number % 2:
                name = f"{name}, {', '.join(self._damaged(document))}"
            yield f"{number}: {name}", document

    def _recombined(self) -> tuple[str, dict[str, Any]]:
        name, base = self._chance.choice(self._known)
        document = copy.deepcopy(dict(base))
        for _ in range(1 + self._chance.randrange(_MOST_REDRAWN)):
            group = self._chance.choice(tuple(self._schema["properties"]))
            if self._one_in(2):
                document[group] = copy.deepcopy(self._chance.choice(self._known)[1][group])
            else:
                document[group] = self._value(self._schema["properties"][group], 0)
        return name, document

    def _count(self, document: dict[str, Any]) -> None:
        """Totals that agree with their lists, as the gateway writes them."""
        for entry in self._totals:
            holder = _at(document, entry["total"][:-1])
            lists = [_at(document, path) for path in entry["lists"]] if isinstance(holder, dict) else []
            if holder and all(isinstance(one, list) for one in lists):
                holder[entry["total"][-1]] = sum(map(len, lists))

    def _value(self, schema: Mapping[str, Any], depth: int) -> Any:
        """A value that the schema allows."""
        if "anyOf" in schema:
            return self._value(self._chance.choice(schema["anyOf"]), depth)
        words = schema.get("enum", [schema["const"]] if "const" in schema else None)
        if words:
            return self._chance.choice(words)
        draw: dict[str, Callable[[], Any]] = {
            "string": self._text,
            "integer": lambda: self._number(schema),
            "boolean": lambda: self._one_in(2),
            "null": lambda: None,
            "array": lambda: self._items(schema, depth),
            "object": lambda: self._object(schema, depth),
        }
        return draw[schema.get("type", "string")]()

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        if properties:
            return {name: self._value(entry, depth + 1) for name, entry in properties.items()}
        kinds = ({"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {"type": "null"})
        names = [self._chance.choice(("title", "branch", "labels", "to", "x")) for _ in range(self._few())]
        return {name: self._value(self._chance.choice(kinds), depth + 1) for name in names}

    def _items(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        entry = schema.get("items", {"type": "string"})
        count = self._chance.randrange(_LONG_LIST) if self._one_in(40) else self._few()
        return [self._value(entry, depth + 1) for _ in range(count)]

    def _text(self) -> str:
        text = self._chance.choice(ODD_TEXTS if self._one_in(4) else self._words)
        return text + self._chance.choice(self._words) if self._one_in(8) else text

    def _number(self, schema: Mapping[str, Any]) -> int:
        number = self._chance.choice(ODD_NUMBERS) if self._one_in(2) else self._chance.randrange(120)
        least, most = int(schema.get("minimum", number)), int(schema.get("maximum", number))
        return max(least, min(most, number))

    def _damaged(self, document: dict[str, Any]) -> list[str]:
        """What was done to a document, in place."""
        done = []
        for _ in range(1 + self._chance.randrange(_MOST_DAMAGES)):
            places = tuple(_places(document))
            if not places:
                break
            place = self._chance.choice(places)
            damage = self._chance.choice(
                (self._delete, self._retype, self._enlarge, self._double, self._disorder)
            )
            done.append(f"{damage.__name__.strip('_')} {'.'.join(map(str, place))}")
            holder = _at(document, place[:-1])
            damage(holder, place[-1])
        return done

    def _delete(self, holder: Any, key: Any) -> None:
        holder.pop(key)

    def _retype(self, holder: Any, key: Any) -> None:
        holder[key] = copy.deepcopy(self._chance.choice(OTHERS))

    def _enlarge(self, holder: Any, key: Any) -> None:
        """What has no canonical form any more, or only just."""
        sizes: tuple[Any, ...] = (
            "x" * _HUGE_TEXT,
            2**53,
            2**64,
            1.5,
            "\ud800",
            _nested(101),
            _nested(80),
            ["a"] * 2000,
        )
        holder[key] = self._chance.choice(sizes)

    def _double(self, holder: Any, key: Any) -> None:
        """The same element twice; an object gets one key more with the same value."""
        if isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        else:
            holder[f"{key}_"] = copy.deepcopy(holder[key])

    def _disorder(self, holder: Any, key: Any) -> None:
        """An odd text in this place, and lists the other way round."""
        value = holder[key]
        if isinstance(value, list) and value:
            value.reverse()
        else:
            holder[key] = self._chance.choice(ODD_TEXTS)

    def _few(self) -> int:
        return self._chance.randrange(_MOST_ITEMS)

    def _one_in(self, many: int) -> bool:
        return self._chance.randrange(many) == 0


def _places(value: Any, path: Place = ()) -> Iterator[Place]:
    entries: Any = ()
    if isinstance(value, dict):
        entries = value.items()
    elif isinstance(value, list) and len(path) < _DEEP:
        entries = enumerate(value)
    for key, entry in entries:
        yield (*path, key)
        yield from _places(entry, (*path, key))


def _at(document: Any, place: Sequence[str | int]) -> Any:
    """The value at a place; null where a group on the way is."""
    for part in place:
        document = None if document is None else document[part]
    return document


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from _texts(entry)


def _nested(depth: int) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = [value]
    return value
