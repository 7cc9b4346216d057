"""The fail-open lint: forms of Rego that let an action through when a fact is missing.

Every form here was measured on both engines (docs/reference/policy-engines.md). OPA's own checks and Regal find none
of them.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from gateway.workbench.complaints import Complaint
from gateway.workbench.index_traps import index_traps
from gateway.workbench.optimism import optimism
from gateway.workbench.syntax import (
    SCALARS,
    Body,
    Expression,
    Module,
    Rule,
    Term,
    bodies,
    branches,
    call_of,
    head_terms,
    modules,
    row,
    strings,
    surface,
    text_of,
)
from gateway.workbench.totality import World, bound_to, proven_as

_EQUALITIES = frozenset({("eq",), ("equal",)})
_ORDERS = frozenset({("lt",), ("lte",), ("gt",), ("gte",)})
_NUMERIC = frozenset({"count", "sum", "plus", "minus", "mul", "div", "rem", "abs", "round", "ceil", "floor"})
_EMPTY = frozenset({'{"type": "number", "value": 0}', '{"type": "array", "value": []}'})
_READS_INPUT = "lib"
_LISTED = ("lib", "facts", "listed")
_BIND = "bind it to a local first (x := facts.at([…])) and use the local"


def fail_open(folder: Path) -> tuple[Complaint, ...]:
    """Every fail-open form in the modules of a policy folder, tests left out, by file and line.

    Raises `SettingsError` when a module does not parse.
    """
    loaded = tuple(module for module in modules(folder) if not module.is_test)
    world = World(loaded)
    return tuple(complaint for module in loaded for complaint in findings(module, world))


def findings(module: Module, world: World) -> tuple[Complaint, ...]:
    """Every fail-open form of one module, each line's form once, by line."""
    found: dict[tuple[int, str], Complaint] = {}
    flagged_rows: set[int] = set()
    for rule in module.rules:
        for complaint in _of_rule(rule, module, world):
            found.setdefault((complaint.line, complaint.problem), complaint)
            flagged_rows.add(complaint.line)
        for complaint in _direct_reads(rule, module, world):
            if complaint.line not in flagged_rows:
                found.setdefault((complaint.line, complaint.problem), complaint)
    return tuple(sorted(found.values(), key=lambda complaint: (complaint.line, complaint.problem)))


def _of_rule(rule: Rule, module: Module, world: World) -> Iterator[Complaint]:
    yield from _heads(rule, module, world)
    yield from index_traps(rule, module, world)
    yield from optimism(rule, module, world)
    for body in bodies(rule):
        for expression in body.expressions:
            yield from _of_expression(expression, body, module, world)


def _of_expression(expression: Expression, body: Body, module: Module, world: World) -> Iterator[Complaint]:
    if expression.get("negated"):
        yield from _negated(expression, body, module, world)
    if expression.get("with"):
        yield _complain(module, expression, "`with` outside a test", "rules judge the input they are given")
    yield from _every(expression, body, module, world)
    for node in _calls(expression):
        yield from _unequal(node, body, module, world)
        yield from _ordered(node, body, module)
        yield from _none_of_listed(node, module, world)
    yield from _literals(expression, body, module, world)


def _negated(expression: Expression, body: Body, module: Module, world: World) -> Iterator[Complaint]:
    called = call_of(expression)
    if called is None:
        yield from _negated_term(expression, body, module, world)
        return
    operator, arguments = called
    for argument in arguments:
        if operator in _EQUALITIES and _stays_inside(argument, body, module, world):
            continue
        if not world.is_defined(argument, module, body):
            yield _complain(
                module,
                expression,
                f"`not` before a call with an argument that can be undefined ({_shown(argument)}) is never true then",
                _BIND,
            )


def _stays_inside(argument: Term, body: Body, module: Module, world: World) -> bool:
    """`not input.x == 3`: OPA leaves a plain reference inside the `not`."""
    return (argument["type"] == "ref" and _plain(argument)) or world.is_defined(argument, module, body)


def _negated_term(expression: Expression, body: Body, module: Module, world: World) -> Iterator[Complaint]:
    term = expression["terms"]
    if not isinstance(term, dict) or term.get("type") != "ref":
        return
    for part in term["value"][1:]:
        if not world.is_defined(part, module, body):
            yield _complain(
                module, expression, f"`not` before a reference computed from {_shown(part)}", _BIND
            )


def _heads(rule: Rule, module: Module, world: World) -> Iterator[Complaint]:
    for branch in branches(rule):
        body = Body(expressions=tuple(branch.get("body", ())))
        trivial = rule["head"].get("args") is not None or _is_definition(branch)
        for term in head_terms(branch):
            for part in _undefined_parts(term, body, module, world):
                if not (trivial and part is term):
                    yield _complain(
                        module,
                        part,
                        f"the head holds {_shown(part)}, which can be undefined: then the whole finding is",
                        _BIND,
                    )


def _is_definition(branch: Rule) -> bool:
    """`name := term` without a condition: undefined is then what the name says, and its users are checked."""
    return "key" not in branch["head"] and all(one.get("generated") for one in branch.get("body", ()))


def _literals(expression: Expression, body: Body, module: Module, world: World) -> Iterator[Complaint]:
    for term in surface(expression.get("terms")):
        if term["type"] not in {"array", "set", "object"}:
            continue
        for part in _undefined_parts(term, body, module, world):
            yield _complain(
                module,
                part,
                f"a literal holds {_shown(part)}, which can be undefined: then the whole literal is",
                _BIND,
            )


def _undefined_parts(term: Term, body: Body, module: Module, world: World) -> Iterator[Term]:
    """The smallest parts of a term that can be undefined."""
    kind, value = term["type"], term["value"]
    if kind in {"array", "set", "object"}:
        members = [part for pair in value for part in pair] if kind == "object" else value
        for member in members:
            yield from _undefined_parts(member, body, module, world)
    elif not world.is_defined(term, module, body):
        yield term


def _unequal(node: Term, body: Body, module: Module, world: World) -> Iterator[Complaint]:
    called = call_of(node)
    if called is None or called[0] != ("neq",):
        return
    for argument in called[1]:
        if not world.is_defined(argument, module, body):
            yield _complain(
                module,
                node,
                f"`!=` says nothing when {_shown(argument)} is missing",
                f"write `not … ==`, or {_BIND}",
            )


def _ordered(node: Term, body: Body, module: Module) -> Iterator[Complaint]:
    called = call_of(node)
    if called is None or called[0] not in _ORDERS:
        return
    for argument in called[1]:
        if not _is_number(argument, body):
            yield _complain(
                module,
                node,
                f"{_shown(argument)} is compared by size without proof that it is a number (null < 5 is true)",
                "write is_number(…) first, or use facts.within",
            )


def _is_number(term: Term, body: Body) -> bool:
    if term["type"] == "number" or proven_as(frozenset({"is_number"}), term, body):
        return True
    called = call_of(term) if term["type"] == "call" else None
    if called:
        return ".".join(called[0]) in _NUMERIC
    return term["type"] == "var" and any(_is_number(bound, body) for bound in bound_to(term, body))


def _every(expression: Expression, body: Body, module: Module, world: World) -> Iterator[Complaint]:
    terms = expression.get("terms")
    if not isinstance(terms, dict) or "domain" not in terms:
        return
    domain = terms["domain"]
    if _is_listed(domain, module, world) or not world.is_collection(domain, module, body):
        yield _complain(
            module,
            expression,
            f"`every` over {_shown(domain)} holds when there is nothing to go through",
            "bind it and write is_array(…) first",
        )


def _none_of_listed(node: Term, module: Module, world: World) -> Iterator[Complaint]:
    """`facts.listed` turns what is no list into an empty one: good for naming, no proof that there is nothing."""
    called = call_of(node)
    if called is None or called[0] not in _EQUALITIES:
        return
    for argument in called[1]:
        counted = call_of(argument) if argument["type"] == "call" else None
        inner = counted[1][0] if counted and counted[0] == ("count",) else argument
        zero = any(text_of(other) in _EMPTY for other in called[1])
        if zero and _is_listed(inner, module, world):
            yield _complain(
                module,
                node,
                "facts.listed is no proof of none: a missing list looks empty",
                "write facts.at([…]) == []",
            )


def _is_listed(term: Term, module: Module, world: World) -> bool:
    called = call_of(term) if term["type"] == "call" else None
    return called is not None and world.resolved(called[0], module) == _LISTED


def _direct_reads(rule: Rule, module: Module, world: World) -> Iterator[Complaint]:
    """`input.x` and `data.x` where undefined means that the rule does not fire."""
    if module.package[0] == _READS_INPUT:
        return
    for body in bodies(rule):
        for expression in body.expressions:
            if expression.get("negated"):
                continue
            domains = _domains(expression)
            for term in surface(expression.get("terms")):
                yield from _direct_read(term, domains, module, world)


def _direct_read(term: Term, domains: frozenset[str], module: Module, world: World) -> Iterator[Complaint]:
    if term["type"] != "ref":
        return
    path = world.resolved(strings(term["value"]), module)
    if path is None or len(term["value"]) == 1 or path[0] not in {"input", "data"}:
        return
    if path[0] == "input":
        yield _complain(module, term, f"{_shown(term)} is read directly: missing, the rule is silent", _BIND)
    elif text_of(term) not in domains and module.package[0] == "rules":
        yield _complain(
            module,
            term,
            f"{_shown(term)} is read directly: missing, the rule is silent",
            "use facts.param or facts.limit",
        )


def _domains(expression: Expression) -> frozenset[str]:
    """What a `some … in` goes through: data that is a list is checked before it is built."""
    terms = expression.get("terms")
    symbols = terms.get("symbols", ()) if isinstance(terms, dict) else ()
    return frozenset(text_of(symbol["value"][-1]) for symbol in symbols if symbol.get("type") == "call")


def _calls(expression: Expression) -> Iterator[Term]:
    if call_of(expression):
        yield expression
    for term in surface(expression.get("terms")):
        if term["type"] == "call":
            yield term


def _plain(reference: Term) -> bool:
    return all(part["type"] in SCALARS or part["type"] == "var" for part in reference["value"])


def _shown(term: Term) -> str:
    """A term as its author wrote it, shortened."""
    if term["type"] == "ref":
        return (
            "`"
            + ".".join(
                str(part.get("value")) if part["type"] in SCALARS | {"var"} else "…" for part in term["value"]
            )
            + "`"
        )
    if term["type"] == "call":
        called = call_of(term)
        return f"`{'.'.join(called[0])}(…)`" if called else "a call"
    return f"`{term['value']}`" if term["type"] in SCALARS | {"var"} else f"the {term['type']}"


def _complain(module: Module, node: Expression | Term, problem: str, remedy: str) -> Complaint:
    return Complaint(file=module.file, line=row(node), problem=problem, remedy=remedy)


def all_findings(loaded: Iterable[Module]) -> tuple[Complaint, ...]:
    """The lint over modules that are already parsed."""
    sources = tuple(module for module in loaded if not module.is_test)
    world = World(sources)
    return tuple(complaint for module in sources for complaint in findings(module, world))
