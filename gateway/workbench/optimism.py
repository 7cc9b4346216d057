"""Forms that take the best for granted when nothing is known, and negations that can never be true.

default _safe := true                       a missing fact is safe
object.get(input, ["agent", "tier"], "steward")
not _bad_paths                              an empty set is there too, so this never holds
"""

from collections.abc import Iterator

from gateway.workbench.complaints import Complaint
from gateway.workbench.syntax import (
    COMPREHENSIONS,
    Body,
    Expression,
    Module,
    Rule,
    Term,
    bodies,
    branches,
    call_of,
    head_terms,
    row,
    strings,
    surface,
)
from gateway.workbench.totality import World

_FACTS = ("lib", "facts")
_ROOTS = frozenset({"input", "data"})
_COLLECTIONS = frozenset({"array", "set", "object"}) | COMPREHENSIONS
_NEVER_FALSE = frozenset(
    {
        *(
            "count",
            "sum",
            "max",
            "min",
            "abs",
            "round",
            "ceil",
            "floor",
            "plus",
            "minus",
            "mul",
            "div",
            "rem",
        ),
        *(
            "lower",
            "upper",
            "concat",
            "replace",
            "split",
            "substring",
            "sort",
            "trim",
            "indexof",
            "or",
            "and",
        ),
    }
)
_PROVE = "default to false, and say in a rule without arguments what proves it"


def optimism(rule: Rule, module: Module, world: World) -> Iterator[Complaint]:
    """Every such form of one rule."""
    if module.package[0] == "rules":
        yield from _defaults(rule, module)
        yield from _stand_ins(rule, module, world)
    for body in bodies(rule):
        for expression in body.expressions:
            if expression.get("negated"):
                yield from _never_true(expression, body, module, world)


def _defaults(rule: Rule, module: Module) -> Iterator[Complaint]:
    for number, branch in enumerate(branches(rule)):
        last_resort = rule.get("default") or (number > 0 and _unconditional(branch))
        if last_resort and _is_true(branch["head"].get("value")):
            word = "default" if rule.get("default") else "else"
            yield _on(module, branch, f"`{word} := true` holds when nothing is known", _PROVE)


def _unconditional(branch: Rule) -> bool:
    return all(one.get("generated") or _is_true(one.get("terms")) for one in branch.get("body", ()))


def _is_true(term: object) -> bool:
    return isinstance(term, dict) and term.get("type") == "boolean" and term.get("value") is True


def _stand_ins(rule: Rule, module: Module, world: World) -> Iterator[Complaint]:
    """`object.get` of a fact with another default than null: a value nobody measured."""
    nodes = [*head_terms(rule), *(one for body in bodies(rule) for one in body.expressions)]
    for node in nodes:
        for term in [node, *surface(node.get("terms", node.get("value")))]:
            called = call_of(term)
            if called and called[0] == ("object", "get") and _is_fact(called[1][0], module, world):
                default = called[1][2]
                if default["type"] != "null":
                    yield _on(
                        module,
                        term,
                        "a default stands in for a fact that is missing",
                        "read it by facts.at([…]), which gives null, and prove what is safe",
                    )


def _is_fact(term: Term, module: Module, world: World) -> bool:
    called = call_of(term) if term["type"] == "call" else None
    if called:
        return (world.resolved(called[0], module) or ())[:2] == _FACTS
    return term["type"] == "ref" and strings(term["value"])[:1] != () and strings(term["value"])[0] in _ROOTS


def _never_true(expression: Expression, body: Body, module: Module, world: World) -> Iterator[Complaint]:
    called = call_of(expression)
    term = expression["terms"]
    if called:
        never = ".".join(called[0]) in _NEVER_FALSE or world.resolved(called[0], module) in world.collections
    else:
        never = isinstance(term, dict) and _is_there(term, body, module, world)
    if never:
        yield _on(
            module,
            expression,
            "`not` before a value that is always there is never true: an empty list and nought are values",
            "compare it: write == [], == set() or == 0",
        )


def _is_there(term: Term, body: Body, module: Module, world: World) -> bool:
    if term.get("type") in _COLLECTIONS:
        return True
    return term.get("type") in {"var", "ref"} and world.is_collection(term, module, body)


def _on(module: Module, node: Expression | Term | Rule, problem: str, remedy: str) -> Complaint:
    return Complaint(file=module.file, line=row(node), problem=problem, remedy=remedy)
