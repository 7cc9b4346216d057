"""Rego as a syntax tree: what `opa parse` says, and ways to walk it.

A term is OPA's own JSON: `{"type": …, "value": …, "location": {"row": …}}`. A call is a list, operator first, either
bare in an expression's `terms` or as the value of a term of type `call`.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.command import run_opa
from gateway.core.errors import SettingsError
from gateway.core.model import Model

Term = dict[str, Any]
Expression = dict[str, Any]
Rule = dict[str, Any]
SCALARS = frozenset({"string", "number", "boolean", "null"})
COMPREHENSIONS = frozenset({"arraycomprehension", "setcomprehension", "objectcomprehension"})
_SOURCES = ("gate", "lib", "rules")
_PARSERS = 2


class Module(Model):
    """One file of Rego. `package` is without `data`; `imports` maps the name used to the full path without `data`."""

    file: str
    package: tuple[str, ...]
    package_row: int
    imports: dict[str, tuple[str, ...]]
    rules: tuple[Rule, ...]

    @property
    def is_test(self) -> bool:
        """Whether this is a `_test.rego` file."""
        return self.file.endswith("_test.rego")


class Body(Model):
    """A list of expressions that must all hold, and the expressions of the bodies it lies in."""

    expressions: tuple[Expression, ...]
    around: tuple[Expression, ...] = ()

    @property
    def known(self) -> tuple[Expression, ...]:
        """Everything that holds where this body is true."""
        return (*self.around, *self.expressions)


def modules(folder: Path) -> tuple[Module, ...]:
    """Every module below gate, lib and rules, tests included, by file name.

    Raises `SettingsError` with OPA's own words when one does not parse.
    """
    paths = [path for part in _SOURCES for path in sorted((folder / part).rglob("*.rego"))]
    with ThreadPoolExecutor(_PARSERS) as pool:
        return tuple(pool.map(lambda path: parsed(path, folder), paths))


def parsed(path: Path, folder: Path) -> Module:
    """One module.

    Raises `SettingsError` with OPA's own words when it does not parse.
    """
    file = path.relative_to(folder).as_posix()
    ran = run_opa(
        opa_binary(), ["parse", "--format", "json", "--json-include", "locations", file], cwd=folder
    )
    if ran.status != 0:
        raise SettingsError(first_error(ran.err or ran.out, file))
    tree = json.loads(ran.out)
    return Module(
        file=file,
        package=strings(tree["package"]["path"])[1:],
        package_row=tree["package"].get("location", {}).get("row", 1),
        imports=dict(_import(entry) for entry in tree.get("imports", ())),
        rules=tuple(tree.get("rules", ())),
    )


def first_error(printed: str, file: str) -> str:
    """The first error OPA printed as JSON, as `file:line: message`; what it printed when it is not JSON."""
    try:
        first = json.loads(printed)["errors"][0]
    except (ValueError, KeyError, IndexError, TypeError):
        return f"{file}:1: {printed.strip()}"
    place = first.get("location") or {}
    return f"{place.get('file', file)}:{place.get('row', 1)}: {first.get('message', '')}"


def _import(entry: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    path = strings(entry["path"]["value"])
    return entry.get("alias") or path[-1], path[1:] if path[0] == "data" else path


def strings(parts: list[Term]) -> tuple[str, ...]:
    """The head and the plain string parts of a reference, up to the first that is computed."""
    plain: list[str] = []
    for place, part in enumerate(parts):
        if part["type"] != "string" and (place > 0 or part["type"] != "var"):
            break
        plain.append(part["value"])
    return tuple(plain)


def row(node: Any) -> int:
    """The line a term, expression or rule starts on; 0 where OPA does not say."""
    place = node.get("location", {}) if isinstance(node, dict) else {}
    return int(place.get("row", 0))


def branches(rule: Rule) -> Iterator[Rule]:
    """A rule and each of its `else` branches."""
    current: Rule | None = rule
    while current:
        yield current
        current = current.get("else")


def bodies(rule: Rule) -> Iterator[Body]:
    """Every body of a rule: its own, those of `else`, of `every`, and of comprehensions in bodies and heads."""
    for branch in branches(rule):
        own = Body(expressions=tuple(branch.get("body", ())))
        yield own
        yield from _inner_bodies([*own.expressions, *head_terms(branch)], own.known)


def _inner_bodies(nodes: list[Any], around: tuple[Expression, ...]) -> Iterator[Body]:
    for node in nodes:
        for inner in _own_bodies(node):
            body = Body(expressions=tuple(inner), around=around)
            yield body
            yield from _inner_bodies(list(inner), body.known)


def _own_bodies(node: Any) -> Iterator[list[Expression]]:
    """The bodies directly inside a node, not those inside these bodies."""
    if isinstance(node, list):
        for entry in node:
            yield from _own_bodies(entry)
    elif isinstance(node, dict):
        if isinstance(node.get("body"), list):
            yield node["body"]
        for key, entry in node.items():
            if key not in {"body", "location"}:
                yield from _own_bodies(entry)


def head_terms(rule: Rule) -> list[Term]:
    """What a rule's head computes: key, value, and the computed parts of its name."""
    head = rule["head"]
    parts = [part for part in head.get("ref", ())[1:] if part["type"] not in SCALARS]
    return [head[name] for name in ("key", "value") if isinstance(head.get(name), dict)] + parts


def surface(node: Any) -> Iterator[Term]:
    """Every term of a node, parents first, without going into the bodies of `every` and comprehensions."""
    if isinstance(node, list):
        for entry in node:
            yield from surface(entry)
    elif isinstance(node, dict):
        if isinstance(node.get("type"), str):
            yield node
        for key, entry in node.items():
            if key not in {"body", "location"}:
                yield from surface(entry)


def call_of(node: Any) -> tuple[tuple[str, ...], list[Term]] | None:
    """Operator and arguments of an expression or term that is a call; None for anything else."""
    parts = (
        node.get("terms") if "terms" in node else node.get("value") if node.get("type") == "call" else None
    )
    if not isinstance(parts, list) or not parts or parts[0].get("type") != "ref":
        return None
    return strings(parts[0]["value"]), parts[1:]


def text_of(term: Term) -> str:
    """A term as a key for comparing: the same text means the same term."""
    return json.dumps(_without_places(term), sort_keys=True)


def _without_places(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_places(entry) for entry in node]
    if isinstance(node, dict):
        return {key: _without_places(entry) for key, entry in node.items() if key != "location"}
    return node
