"""Mutations of Rego: small mistakes an author could make, planted one at a time from the syntax tree.

Every mutant is the module's own text with one place changed, so that what survives can be shown as it would be read.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from gateway.core.model import Model
from gateway.workbench.source_text import Source
from gateway.workbench.syntax import (
    Expression,
    Rule,
    Term,
    bodies,
    branches,
    call_of,
    head_terms,
    surface,
)

NEGATE = "negate a condition"
DROP_CONDITION = "drop a condition"
SHIFT = "move a limit by one"
SWAP = "swap < and <="
DROP_GLOB = "drop a glob"
SOFTEN = "deny → approval"
DROP_CLAUSE = "drop a clause"
DROP_RULE = "drop a definition"
OPERATORS = (NEGATE, DROP_CONDITION, SHIFT, SWAP, DROP_GLOB, SOFTEN, DROP_CLAUSE, DROP_RULE)

_ORDERS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_BINDINGS = frozenset({("assign",), ("eq",)})
_READERS = frozenset({"at", "listed", "get", "present"})
_WHOLE = re.compile(r"\d+")
_NOT = re.compile(r"not\s+")
_ASKED = (
    '"require_approval", "clauses": [{"count": 1, "any_of_roles": ["service-owner"], "assurance": "token"}]'
)


class Edit(NamedTuple):
    """One place of a text and what stands there instead."""

    start: int
    end: int
    instead: str


class RuleMutant(Model):
    """One planted mistake: where, of which kind, how the lines read before and after, and the whole module with it."""

    file: str
    row: int
    operator: str
    within: str
    was: str
    becomes: str
    text: str

    def __str__(self) -> str:
        """`file:line: operator: before → after`."""
        return f"{self.file}:{self.row}: {self.operator}: {self.was}  →  {self.becomes}"


def rule_mutants(file: str, text: str, rules: tuple[Rule, ...]) -> tuple[RuleMutant, ...]:
    """Every mutant of one module, in the order of its text; `rules` is its syntax tree with locations.

    Raises `SettingsError` when the tree is not that of the text.
    """
    source = Source(file, text)
    planted: dict[str, RuleMutant] = {}
    for rule in rules:
        for operator, edit in _edits(rule, rules, source):
            mutant = _planted(source, operator, edit, _name(rule))
            planted.setdefault(mutant.text, mutant)
    planted.pop(text, None)
    return tuple(sorted(planted.values(), key=lambda one: (one.row, one.operator, one.becomes)))


def _planted(source: Source, operator: str, edit: Edit, within: str) -> RuleMutant:
    text = source.text[: edit.start] + edit.instead + source.text[edit.end :]
    return RuleMutant(
        file=source.file,
        row=source.row(edit.start),
        operator=operator,
        within=within,
        was=source.lines(edit.start, edit.end),
        becomes=Source(source.file, text).lines(edit.start, edit.start + len(edit.instead)),
        text=text,
    )


def _edits(rule: Rule, rules: tuple[Rule, ...], source: Source) -> Iterator[tuple[str, Edit]]:
    for body in bodies(rule):
        for expression in body.expressions:
            if not expression.get("generated"):
                yield from _of_expression(expression, source)
    for term in _terms(rule):
        yield from _of_term(term, source)
    if not rule.get("default") and [_name(one) for one in rules].count(_name(rule)) > 1:
        yield DROP_RULE, Edit(*source.span(rule), "")


def _terms(rule: Rule) -> Iterator[Term]:
    """Every term of a rule: its heads as one, what is in them, its expressions that are calls, and what is in those."""
    for branch in branches(rule):
        yield {"type": "head", "value": head_terms(branch)}
        yield from surface(head_terms(branch))
    for body in bodies(rule):
        for expression in body.expressions:
            if expression.get("generated"):
                continue
            yield expression
            yield from surface(expression.get("terms"))


def _of_expression(expression: Expression, source: Source) -> Iterator[tuple[str, Edit]]:
    called = call_of(expression)
    if _declares(expression) or (called and called[0] in _BINDINGS):
        return
    start, end = source.span(expression)
    written = source.text[start:end]
    yield DROP_CONDITION, Edit(start, end, "true")
    if expression.get("negated"):
        yield NEGATE, Edit(start, end, _NOT.sub("", written, count=1))
    elif "domain" not in _parts(expression):
        yield NEGATE, Edit(start, end, f"not {written}")


def _parts(expression: Expression) -> Term:
    terms = expression.get("terms")
    return terms if isinstance(terms, dict) else {}


def _declares(expression: Expression) -> bool:
    """`some x in xs` gives names; it is no condition of its own."""
    return "symbols" in _parts(expression)


def _of_term(term: Term, source: Source) -> Iterator[tuple[str, Edit]]:
    yield from _ordered(term, source)
    kind = term.get("type")
    if kind == "number":
        yield from _shifted(term, source)
    elif kind == "object":
        yield from _of_object(term, source)
    for part in _listed_words(term):
        yield from ((DROP_GLOB, edit) for edit in _without_one(part, source))


def _ordered(term: Term, source: Source) -> Iterator[tuple[str, Edit]]:
    if call_of(term) is None:
        return
    operator = (term.get("terms") or term["value"])[0]
    start, end = source.span(operator)
    if source.text[start:end] in _ORDERS:
        yield SWAP, Edit(start, end, _ORDERS[source.text[start:end]])


def _shifted(term: Term, source: Source) -> Iterator[tuple[str, Edit]]:
    start, end = source.span(term)
    if _WHOLE.fullmatch(source.text[start:end]):
        for other in (int(source.text[start:end]) + 1, int(source.text[start:end]) - 1):
            yield SHIFT, Edit(start, end, str(other))


def _of_object(term: Term, source: Source) -> Iterator[tuple[str, Edit]]:
    for key, value in term["value"]:
        if key.get("value") == "effect" and value.get("value") == "deny":
            yield SOFTEN, Edit(*source.span(value), _ASKED)
        if key.get("value") == "clauses" and value["type"] == "array":
            yield from ((DROP_CLAUSE, edit) for edit in _without_one(value, source))


def _listed_words(term: Term) -> Iterator[Term]:
    """The arrays and sets of words directly inside a term, but for the paths that facts are read by."""
    called = call_of(term)
    if called and called[0][-1] in _READERS:
        return
    inside = called[1] if called else _members(term)
    for part in inside:
        if part["type"] in {"array", "set"} and _all_words(part):
            yield part


def _members(term: Term) -> list[Term]:
    value = term.get("value")
    if term.get("type") == "object" and isinstance(value, list):
        return [one for _, one in value]
    return value if term.get("type") in {"array", "set", "head"} and isinstance(value, list) else []


def _all_words(term: Term) -> bool:
    return bool(term["value"]) and all(one["type"] == "string" for one in term["value"])


def _without_one(term: Term, source: Source) -> Iterator[Edit]:
    """The literal without each of its elements in turn."""
    start, end = source.span(term)
    spans = [source.span(one) for one in term["value"]]
    spans.sort()
    for left_out in spans:
        kept = ", ".join(source.text[a:b] for a, b in spans if (a, b) != left_out)
        empty = "set()" if term["type"] == "set" else "[]"
        opening, closing = source.text[start], source.text[end - 1]
        yield Edit(start, end, f"{opening}{kept}{closing}" if kept else empty)


def _name(rule: Rule) -> str:
    head = rule["head"]
    first = head["ref"][0]["value"] if head.get("ref") else head["name"]
    return str(first)
