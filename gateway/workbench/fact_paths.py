"""Fact paths written as strings: `facts.at(["diff", "pahts"])` is never checked by OPA, so it is checked here."""

from collections.abc import Iterable, Iterator

from gateway.workbench.complaints import Complaint
from gateway.workbench.schema import Leaf, leaves
from gateway.workbench.syntax import Module, Term, bodies, call_of, head_terms, row, surface
from gateway.workbench.totality import World

_READERS = frozenset({("lib", "facts", "at"), ("lib", "facts", "listed")})
_ALONE = ("lib", "facts", "present")
_EQUALITIES = frozenset({("eq",), ("equal",)})


def fact_paths(modules: Iterable[Module]) -> Iterator[Complaint]:
    """Paths that the model of the policy input does not have, and words a fact can never be."""
    loaded = tuple(module for module in modules if not module.is_test)
    world, places = World(loaded), {leaf.path: leaf for leaf in leaves()}
    for module in loaded:
        for term in _terms(module):
            yield from _unknown_path(term, module, world, places)
            yield from _impossible_word(term, module, world, places)


def _terms(module: Module) -> Iterator[Term]:
    for rule in module.rules:
        yield from surface(head_terms(rule))
        for body in bodies(rule):
            for expression in body.expressions:
                if call_of(expression):
                    yield expression
                yield from surface(expression.get("terms"))


def _unknown_path(
    term: Term, module: Module, world: World, places: dict[tuple[str, ...], Leaf]
) -> Iterator[Complaint]:
    path = _read_path(term, module, world)
    if path is None or path in places or _inside_open(path, places):
        return
    known = sorted({place[len(path) - 1] for place in places if place[:-1] == path[:-1]})
    yield Complaint(
        file=module.file,
        line=row(term),
        problem=f"the policy input has no {'.'.join(path)}",
        remedy=f"known there: {', '.join(known) or 'nothing'}",
    )


def _impossible_word(
    term: Term, module: Module, world: World, places: dict[tuple[str, ...], Leaf]
) -> Iterator[Complaint]:
    called = call_of(term)
    if called is None or called[0] not in _EQUALITIES:
        return
    for read, other in (called[1], called[1][::-1]):
        path = _read_path(read, module, world)
        leaf = places.get(path) if path else None
        if leaf and leaf.words and other["type"] == "string" and other["value"] not in leaf.words:
            yield Complaint(
                file=module.file,
                line=row(term),
                problem=f"{'.'.join(leaf.path)} is never “{other['value']}”",
                remedy=f"it is one of {', '.join(leaf.words)}",
            )


def _read_path(term: Term, module: Module, world: World) -> tuple[str, ...] | None:
    """The path a term reads by one of the helpers, when it is written out in full."""
    called = call_of(term)
    if called is None or not called[1]:
        return None
    name, argument = world.resolved(called[0], module), called[1][0]
    if name == _ALONE and argument["type"] == "string":
        return (argument["value"],)
    if name not in _READERS or argument["type"] != "array":
        return None
    parts = argument["value"]
    return tuple(part["value"] for part in parts) if all(part["type"] == "string" for part in parts) else None


def _inside_open(path: tuple[str, ...], places: dict[tuple[str, ...], Leaf]) -> bool:
    return any(leaf.open for place, leaf in places.items() if path[: len(place)] == place)
