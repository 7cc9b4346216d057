"""What is always defined in Rego, and what can be undefined.

OPA moves the argument of a call out of a `not`: when it is undefined the whole body is, and the rule that should have
denied says nothing. So the lint must know which terms can never be undefined.
"""

from collections.abc import Iterable

from gateway.workbench.syntax import (
    COMPREHENSIONS,
    SCALARS,
    Body,
    Expression,
    Module,
    Rule,
    Term,
    branches,
    call_of,
    strings,
    text_of,
)

Path = tuple[str, ...]
PROOFS = frozenset({"is_array", "is_boolean", "is_null", "is_number", "is_object", "is_set", "is_string"})
COLLECTION_PROOFS = frozenset({"is_array", "is_set", "is_object"})
_TOTAL_BUILTINS = PROOFS | {
    "type_name",
    "equal",
    "neq",
    "lt",
    "lte",
    "gt",
    "gte",
    "json.marshal",
    "internal.member_2",
}
_LITERALS = frozenset({"array", "set", "object"})
_ON_COLLECTIONS = frozenset({("sort",), ("count",), ("or",), ("and",), ("minus",)})
_COLLECTING = frozenset({("sort",), ("or",), ("and",), ("minus",)})
_BINDINGS = frozenset({("assign",), ("eq",)})
_ROOTS = frozenset({"input", "data"})


class World:
    """All modules together: which rules exist, and which of them are never undefined."""

    def __init__(self, modules: Iterable[Module]) -> None:
        loaded = tuple(modules)
        self.rules: frozenset[Path] = frozenset(
            _name(module, rule) for module in loaded for rule in module.rules
        )
        self.collections: frozenset[Path] = frozenset()
        while (lists := self._collecting(loaded)) != self.collections:
            self.collections = lists
        self.total: frozenset[Path] = frozenset()
        while (found := self._found(loaded)) != self.total:
            self.total = found

    def _found(self, loaded: Iterable[Module]) -> frozenset[Path]:
        return frozenset(
            _name(module, rule) for module in loaded for rule in module.rules if self._is_total(module, rule)
        )

    def _is_total(self, module: Module, rule: Rule) -> bool:
        head = rule["head"]
        if rule.get("default") or _is_set(rule):
            return True
        if any(argument["type"] != "var" for argument in head.get("args", ())) or len(head["ref"]) > 1:
            return False
        return any(_always(branch) and self._defines(module, branch) for branch in branches(rule))

    def _defines(self, module: Module, branch: Rule) -> bool:
        value = branch["head"].get("value")
        return value is None or self.is_defined(
            value, module, Body(expressions=tuple(branch.get("body", ())))
        )

    def _collecting(self, loaded: Iterable[Module]) -> frozenset[Path]:
        named = [
            (_name(module, rule), self._collects(module, rule)) for module in loaded for rule in module.rules
        ]
        return frozenset(name for name, _ in named) - {name for name, collects in named if not collects}

    def _collects(self, module: Module, rule: Rule) -> bool:
        """Whether every value a rule or function can have is a list, set or object."""
        return _is_set(rule) or all(
            "value" in branch["head"]
            and self.is_collection(
                branch["head"]["value"], module, Body(expressions=tuple(branch.get("body", ())))
            )
            for branch in branches(rule)
        )

    def is_defined(self, term: Term, module: Module, body: Body) -> bool:
        """Whether a term is defined wherever the body's other expressions hold."""
        kind, value = term["type"], term["value"]
        if kind in SCALARS or kind in COMPREHENSIONS or kind == "templatestring":
            return True
        if kind == "var":
            return self._name_is_defined((value,), module)
        if kind == "ref":
            return self._ref_is_defined(term, module, body)
        if kind == "call":
            return self._call_is_defined(term, module, body)
        members = [part for pair in value for part in pair] if kind == "object" else value
        return all(self.is_defined(member, module, body) for member in members)

    def _name_is_defined(self, name: Path, module: Module) -> bool:
        path = self.resolved(name, module)
        return path is None or path[0] in _ROOTS or path in self.total

    def _ref_is_defined(self, term: Term, module: Module, body: Body) -> bool:
        plain = strings(term["value"])
        if text_of(term) in proven(body) or _is_root(term):
            return True
        return len(plain) == len(term["value"]) and self.resolved(plain, module) in self.total

    def _call_is_defined(self, term: Term, module: Module, body: Body) -> bool:
        called = call_of(term)
        if called is None:
            return False
        operator, arguments = called
        if not all(self.is_defined(argument, module, body) for argument in arguments):
            return False
        if operator == ("object", "get"):
            return _is_object(arguments[0], body)
        if operator in _ON_COLLECTIONS:
            return all(self.is_collection(argument, module, body) for argument in arguments)
        return ".".join(operator) in _TOTAL_BUILTINS or self.resolved(operator, module) in self.total

    def is_collection(self, term: Term, module: Module, body: Body) -> bool:
        """Whether a term is certainly a list, set or object."""
        kind, value = term["type"], term["value"]
        if kind in _LITERALS or kind in COMPREHENSIONS or proven_as(COLLECTION_PROOFS, term, body):
            return True
        if kind == "call":
            return self._gives_collection(term, module, body)
        if kind == "var" and any(self.is_collection(bound, module, body) for bound in bound_to(term, body)):
            return True
        if kind not in {"var", "ref"}:
            return False
        name = (value,) if kind == "var" else strings(value)
        return self.resolved(name, module) in self.collections

    def _gives_collection(self, term: Term, module: Module, body: Body) -> bool:
        called = call_of(term)
        if called is None:
            return False
        operator, arguments = called
        if operator in _COLLECTING:
            return all(self.is_collection(argument, module, body) for argument in arguments)
        return self.resolved(operator, module) in self.collections

    def resolved(self, name: Path, module: Module) -> Path | None:
        """The full path of a name used in a module, roots `input` and `data` kept; None for a local or a builtin."""
        if not name:  # an element of what a call gives
            return None
        head, rest = name[0], name[1:]
        if head == "data":
            return rest if rest in self.rules else ("data", *rest)
        if head == "input":
            return name
        if head in module.imports:
            path = (*module.imports[head], *rest)
            return path if path in self.rules else ("data", *path)
        own = (*module.package, head)
        return (*own, *rest) if own in self.rules else None


def proven(body: Body) -> frozenset[str]:
    """The terms that an `is_…` expression of the body shows to be defined, by their text."""
    return frozenset(text_of(argument) for _, argument in _proofs(body.known))


def proven_as(kinds: frozenset[str], term: Term, body: Body) -> bool:
    """Whether the body holds one of the `is_…` expressions for exactly this term."""
    wanted = text_of(term)
    return any(kind in kinds and text_of(argument) == wanted for kind, argument in _proofs(body.known))


def bound_to(variable: Term, body: Body) -> Iterable[Term]:
    """What the body binds a local to, where that is computed."""
    name = text_of(variable)
    for expression in body.known:
        called = None if expression.get("negated") else call_of(expression)
        if (
            called
            and called[0] in _BINDINGS
            and text_of(called[1][0]) == name
            and called[1][1]["type"] != "var"
        ):
            yield called[1][1]


def _proofs(expressions: Iterable[Expression]) -> Iterable[tuple[str, Term]]:
    for expression in expressions:
        called = None if expression.get("negated") else call_of(expression)
        if called and len(called[0]) == 1 and called[0][0] in PROOFS:
            yield called[0][0], called[1][0]


def _is_root(term: Term) -> bool:
    """Whether a term is the whole of `input` or `data`."""
    return term["type"] == "ref" and len(term["value"]) == 1 and term["value"][0]["value"] in _ROOTS


def _is_object(term: Term, body: Body) -> bool:
    """`input` is always an object, because Python refuses any other; a literal and a proven term are."""
    return (
        term["type"] == "object"
        or (_is_root(term) and strings(term["value"]) == ("input",))
        or proven_as(frozenset({"is_object"}), term, body)
    )


def _is_set(rule: Rule) -> bool:
    return "key" in rule["head"] and "value" not in rule["head"]


def _always(branch: Rule) -> bool:
    """Whether a branch has no condition that could fail; bindings of defined terms are left to the caller."""
    return all(expression.get("generated") for expression in branch.get("body", ())) or not branch.get("body")


def _name(module: Module, rule: Rule) -> Path:
    head = rule["head"]
    name = head["ref"][0]["value"] if head.get("ref") else head["name"]
    return (*module.package, name)
