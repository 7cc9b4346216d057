"""Forms that the two engines answer differently: each was found by asking both the same (policy-engines.md).

WASM and OPA go through sets and objects in different orders, write composed values as text differently, and read some
patterns differently. A rule that depends on it gives two decision documents for one action.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from gateway.workbench.complaints import Complaint
from gateway.workbench.syntax import (
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
    text_of,
)
from gateway.workbench.totality import World, proven_as

Path = tuple[str, ...]
_ORDERLESS = frozenset({("sort",), ("count",), ("sum",), ("max",), ("min",)})
_BINDINGS = frozenset({("assign",), ("eq",)})
_GIVES_SETS = frozenset({("or",), ("and",), ("minus",), ("union",), ("intersection",), ("object", "keys")})
_UNORDERED_LITERALS = frozenset({"set", "setcomprehension", "object", "objectcomprehension"})
_SETS = frozenset({"set", "setcomprehension"})
_MATCHES = frozenset({("glob", "match"), ("regex", "match")})
_SCALAR_PROOFS = frozenset({"is_string", "is_number", "is_boolean"})
_PLACE_OF_NEEDLE: dict[Path, int] = {("replace",): 1, ("indexof",): 1}
_UNEVEN_SIGNS = ("\\C", "\0")


def engine_differences(loaded: Iterable[Module]) -> Iterator[Complaint]:
    """Every such form in the modules of a policy folder, tests left out, by file and line."""
    sources = tuple(module for module in loaded if not module.is_test)
    lint = _Lint(sources)
    for module in sources:
        yield from sorted(set(lint.complaints(module)), key=lambda one: (one.line, one.problem))


class _Lint:
    """All modules together: which rules are sets or objects, and so without an order."""

    def __init__(self, modules: tuple[Module, ...]) -> None:
        self.world = World(modules)
        named = [
            ((*module.package, rule["head"]["name"]), rule) for module in modules for rule in _named(module)
        ]
        self.sets = frozenset(name for name, rule in named if _is_partial(rule, valued=False))
        self.unordered = self.sets | {name for name, rule in named if _is_partial(rule, valued=True)}

    def complaints(self, module: Module) -> Iterator[Complaint]:
        for rule in module.rules:
            for branch in branches(rule):
                yield from self._sets_in_heads(branch, module)
            for body, nodes in _scopes(rule):
                for node in nodes:
                    yield from self._lists(node, body, module)
                    yield from _texts(node, body, module)
                    yield from _patterns(node, module)
                    yield from _needles(node, module)
                    yield from _values(node, module)

    def _lists(self, node: Any, body: Body, module: Module) -> Iterator[Complaint]:
        """A list made by going through what has no order."""
        for term in _unsorted(node):
            inner = Body(expressions=tuple(term["value"]["body"]), around=body.known)
            for domain in self._without_order(inner, module):
                yield _on(
                    module,
                    term,
                    f"a list is made from {domain}, which has no order: the engines list it differently",
                    "write sort([…]) around it",
                )

    def _without_order(self, body: Body, module: Module) -> Iterator[str]:
        for expression in body.expressions:
            for operator, arguments in _memberships(expression):
                domain = arguments[-1]
                if self._is_unordered(domain, body, module, _UNORDERED_LITERALS, self.unordered):
                    yield "a set or object"
                elif operator[-1] == "member_3" and not self._is_list(domain, body, module):
                    yield "keys and values of what may be an object"

    def _sets_in_heads(self, branch: Rule, module: Module) -> Iterator[Complaint]:
        """A finding that holds a set: the engines print its elements in different orders."""
        if module.package[0] != "rules" or branch["head"].get("name") != "findings":
            return
        body = Body(expressions=tuple(branch.get("body", ())))
        for head in head_terms(branch):
            for part in _inside(head):
                if self._is_unordered(part, body, module, _SETS, self.sets):
                    yield _on(
                        module, part, "a finding holds a set, which has no order", "write sort(…) around it"
                    )

    def _is_unordered(
        self, term: Term, body: Body, module: Module, literals: frozenset[str], rules: frozenset[Path]
    ) -> bool:
        if term["type"] in literals:
            return True
        called = call_of(term) if term["type"] == "call" else None
        if called:
            return called[0] in _GIVES_SETS
        if term["type"] not in {"var", "ref"}:
            return False
        name = (term["value"],) if term["type"] == "var" else strings(term["value"])
        whole = term["type"] == "var" or len(name) == len(term["value"])
        if whole and self.world.resolved(name, module) in rules:
            return True
        bound = _bound(term, body) if term["type"] == "var" else ()
        return any(self._is_unordered(one, body, module, literals, rules) for one in bound)

    def _is_list(self, domain: Term, body: Body, module: Module) -> bool:
        called = call_of(domain) if domain["type"] == "call" else None
        listed = called is not None and self.world.resolved(called[0], module) in {
            ("lib", "facts", "listed"),
            ("lib", "facts", "words"),
        }
        bound = _bound(domain, body) if domain["type"] == "var" else ()
        return (
            listed
            or domain["type"] in {"array", "arraycomprehension"}
            or (called is not None and called[0] in {("sort",), ("split",), ("array", "concat")})
            or proven_as(frozenset({"is_array"}), domain, body)
            or any(self._is_list(one, body, module) for one in bound)
        )


def _texts(node: Any, body: Body, module: Module) -> Iterator[Complaint]:
    """A list or object inside a template string: each engine writes it in its own way."""
    for term in surface(node):
        if term["type"] != "templatestring":
            continue
        for part in _computed(term):
            if not (_is_scalar(part, body) or part["type"] == "string"):
                yield _on(
                    module,
                    term,
                    "a template string holds what may be a list or object: the engines write it differently",
                    "write is_string(…) of each part first",
                )


def _patterns(node: Any, module: Module) -> Iterator[Complaint]:
    for operator, arguments in _calls(node):
        if operator == ("regex", "match") and arguments[0]["type"] == "string":
            pattern = arguments[0]["value"].replace("\\\\", "")
            if any(sign in pattern for sign in _UNEVEN_SIGNS):
                yield _on(
                    module,
                    arguments[0],
                    "the engines read this pattern differently (`\\C`, or a NUL character)",
                    "name the characters that are meant, such as [^a-z]",
                )


def _needles(node: Any, module: Module) -> Iterator[Complaint]:
    """An empty text to look for: WASM's `replace` never ends, and `indexof` answers 0 where OPA answers nothing."""
    for operator, arguments in _calls(node):
        place = _PLACE_OF_NEEDLE.get(operator)
        if place is None:
            continue
        needle = arguments[place]
        if needle["type"] != "string" or not needle["value"]:
            yield _on(
                module,
                needle,
                f"{operator[0]} looks for a text that may be empty: one engine never answers, or answers otherwise",
                "write the text to look for as a literal",
            )


def _values(node: Any, module: Module) -> Iterator[Complaint]:
    """A malformed pattern is undefined in one engine and false in the other: the same as a condition, not as a value."""
    for _, arguments in _calls(node):
        for argument in arguments:
            inner = call_of(argument) if argument["type"] == "call" else None
            if inner and inner[0] in _MATCHES:
                yield _on(
                    module,
                    argument,
                    f"the answer of {'.'.join(inner[0])} is used as a value: a malformed pattern is false in one "
                    "engine and undefined in the other",
                    "use it as a condition of its own",
                )


def _scopes(rule: Rule) -> Iterator[tuple[Body, list[Any]]]:
    """Each body with its expressions; and with the first body of each branch what the head computes."""
    for branch in branches(rule):
        yield Body(expressions=tuple(branch.get("body", ()))), list(head_terms(branch))
    for body in bodies(rule):
        yield body, list(body.expressions)


def _unsorted(node: Any) -> Iterator[Term]:
    """The list comprehensions of a node whose order matters: not right inside sort, count, sum, max or min."""
    if isinstance(node, list):
        for entry in node:
            yield from _unsorted(entry)
        return
    if not isinstance(node, dict):
        return
    called = call_of(node)
    if called and called[0] in _ORDERLESS and called[1][0]["type"] == "arraycomprehension":
        return
    if node.get("type") == "arraycomprehension":
        yield node
        return
    for key, entry in node.items():
        if key not in {"body", "location"}:
            yield from _unsorted(entry)


def _memberships(expression: Expression) -> Iterator[tuple[Path, list[Term]]]:
    """`some x in xs` and `some k, x in xs`: operator and arguments, the domain last."""
    terms = expression.get("terms")
    for symbol in terms.get("symbols", ()) if isinstance(terms, dict) else ():
        called = call_of(symbol) if symbol.get("type") == "call" else None
        if called and called[0][-1] in {"member_2", "member_3"}:
            yield called


def _calls(node: Any) -> Iterator[tuple[Path, list[Term]]]:
    if isinstance(node, dict) and (called := call_of(node)):
        yield called
    for term in surface(node if not isinstance(node, dict) or "terms" not in node else node["terms"]):
        called = call_of(term) if term["type"] == "call" else None
        if called:
            yield called


def _inside(term: Term) -> Iterator[Term]:
    """A term and what it is composed of."""
    yield term
    members = term["value"] if term["type"] in {"array", "set"} else ()
    if term["type"] == "object":
        members = [value for _, value in term["value"]]
    for member in members:
        yield from _inside(member)


def _computed(template: Term) -> Iterator[Term]:
    for part in template["value"]["parts"]:
        terms = part.get("terms", part)
        yield (
            terms
            if isinstance(terms, dict)
            else {"type": "call", "value": terms, "location": template["location"]}
        )


def _is_scalar(term: Term, body: Body) -> bool:
    called = call_of(term) if term["type"] == "call" else None
    if called:
        return called[0] in {("lower",), ("upper",), ("count",), ("concat",), ("substring",), ("trim_space",)}
    return proven_as(_SCALAR_PROOFS, term, body) or any(
        _is_scalar(one, body) for one in (_bound(term, body) if term["type"] == "var" else ())
    )


def _bound(variable: Term, body: Body) -> Iterator[Term]:
    """What the body binds a local to, another name included."""
    for expression in body.known:
        called = None if expression.get("negated") else call_of(expression)
        if called and called[0] in _BINDINGS and text_of(called[1][0]) == text_of(variable):
            yield called[1][1]


def _named(module: Module) -> Iterator[Rule]:
    return (rule for rule in module.rules if rule["head"].get("name"))


def _is_partial(rule: Rule, *, valued: bool) -> bool:
    return "key" in rule["head"] and ("value" in rule["head"]) is valued


def _on(module: Module, node: Term, problem: str, remedy: str) -> Complaint:
    return Complaint(file=module.file, line=row(node), problem=problem, remedy=remedy)
