"""A form that OPA 1.22.2 answers wrongly, and WASM rightly.

    for_code(code) := {e.id | waivable(code); some e in data.exceptions; e.code == code}

OPA makes one index of the comprehension, by `code`, when the function is first called, and asks `waivable` only for
that first code. Called for "B", then for "A", it gives what `waivable("B")` permits for "A" too.
"""

from collections.abc import Iterator

from gateway.workbench.complaints import Complaint
from gateway.workbench.syntax import (
    COMPREHENSIONS,
    Expression,
    Module,
    Rule,
    Term,
    bodies,
    branches,
    call_of,
    row,
    surface,
)
from gateway.workbench.totality import World

_EQUALITIES = frozenset({("eq",), ("equal",)})


def index_traps(rule: Rule, module: Module, world: World) -> Iterator[Complaint]:
    """Comprehensions in a function that compare with an argument and also ask another function about it."""
    for branch in branches(rule):
        arguments = {part["value"] for part in branch["head"].get("args", ()) if part["type"] == "var"}
        for comprehension in _comprehensions(branch):
            body = comprehension["value"]["body"]
            for name in sorted(arguments & _compared(body) & _asked_about(body, module, world)):
                yield Complaint(
                    file=module.file,
                    line=row(comprehension),
                    problem=f"the comprehension compares with `{name}` and asks a function about it: "
                    "OPA answers from an index it made for another value",
                    remedy=f"ask the function about {name} outside the comprehension",
                )


def _comprehensions(branch: Rule) -> Iterator[Term]:
    nodes = [branch["head"].get("value"), *(one for body in bodies(branch) for one in body.expressions)]
    for term in surface(nodes):
        if term["type"] in COMPREHENSIONS:
            yield term


def _compared(body: list[Expression]) -> set[str]:
    """The variables that stand alone on one side of an equality."""
    calls = [call_of(expression) for expression in body if not expression.get("negated")]
    return {
        side["value"]
        for called in calls
        if called and called[0] in _EQUALITIES
        for side in called[1]
        if side["type"] == "var"
    }


def _asked_about(body: list[Expression], module: Module, world: World) -> set[str]:
    """The variables that a function of ours is asked about."""
    asked: set[str] = set()
    for expression in body:
        for node in (
            expression,
            *(term for term in surface(expression.get("terms")) if term["type"] == "call"),
        ):
            called = call_of(node)
            if called and world.resolved(called[0], module) in world.rules:
                asked |= {argument["value"] for argument in called[1] if argument["type"] == "var"}
    return asked
