"""Mutations of inputs: every place of a policy input deleted or retyped, and what it means to loosen a verdict."""

import copy
from collections.abc import Iterator
from functools import cache
from typing import Any

from gateway.workbench.schema import leaves

OTHERS: tuple[Any, ...] = (None, True, False, 0, "", "x", [], ["x"], {}, {"x": 1})
"""What a value is replaced by: each JSON type, and of most an empty and another value."""
ONE_OF_EACH: tuple[Any, ...] = (None, True, 0, "x", [], {})
"""One value of each JSON type, for when time matters."""
DELETED = "delete "
"""What the name of a deletion begins with."""
RANK = {"allow": 0, "require_approval": 1, "deny": 2}
Place = tuple[str | int, ...]


def places(value: Any, path: Place = ()) -> Iterator[Place]:
    """Every place below the top: keys of objects and elements of lists."""
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, entry in entries:
        yield (*path, key)
        yield from places(entry, (*path, key))


def mutants(
    document: dict[str, Any], others: tuple[Any, ...] = OTHERS
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each mutated copy with a name that says what was done."""
    for path in places(document):
        name = ".".join(map(str, path))
        yield f"{DELETED}{name}", changed(document, path)
        for other in others:
            if _retypes(path, at(document, path), other):
                yield f"{name} := {other!r}", changed(document, path, other)


def _retypes(path: Place, original: Any, other: Any) -> bool:
    """Whether a value of the right type becomes one of another type.

    What is of the wrong type already is only mended by another, and a null that becomes what the model allows there
    is news, not damage.
    """
    here = tuple("*" if isinstance(part, int) else part for part in path)
    allowed = _allowed().get(here, frozenset({kind(original)}))
    if kind(other) == kind(original) or kind(original) not in allowed:
        return False
    return original is not None or kind(other) not in allowed


@cache
def _allowed() -> dict[tuple[str, ...], frozenset[str]]:
    """The types that the model of the policy input allows at each of its places; read once, for it takes a while."""
    return {leaf.path: frozenset(leaf.types) for leaf in leaves()}


def at(document: Any, path: Place) -> Any:
    """The value at a place."""
    for part in path:
        document = document[part]
    return document


def changed(document: dict[str, Any], path: Place, *value: Any) -> dict[str, Any]:
    """A copy with the place deleted, or holding `value` when one is given."""
    copied: dict[str, Any] = _copied(document, path)
    holder = at(copied, path[:-1])
    if value:
        holder[path[-1]] = value[0]
    else:
        holder.pop(path[-1])
    return copied


def _copied(document: Any, path: Place) -> Any:
    """A copy of what lies along the path; the rest is shared, which is enough and far faster."""
    if not path:
        return copy.copy(document)
    copied = copy.copy(document)
    copied[path[0]] = _copied(document[path[0]], path[1:])
    return copied


def kind(value: Any) -> str:
    """The JSON type of a value."""
    names = {bool: "boolean", int: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def looser(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether the verdict got easier: a lower effect, or an approval that asks for less."""
    if RANK[after["effect"]] != RANK[before["effect"]]:
        return RANK[after["effect"]] < RANK[before["effect"]]
    if before["effect"] != "require_approval":
        return False
    wanted, asked = clauses(before), clauses(after)
    return any(clause not in asked for clause in wanted)


def clauses(answer: dict[str, Any]) -> list[Any]:
    """Every clause of every finding, whichever rule asked for it."""
    return [clause for finding in answer["findings"] for clause in finding.get("clauses", ())]
