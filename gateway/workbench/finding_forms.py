"""What a team's findings may look like, and what a team's rules may look at.

The gate would refuse most of it with every decision (GATE-003); here the author hears of it, with the line.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gateway.workbench.complaints import Complaint
from gateway.workbench.syntax import SCALARS, Module, Rule, Term, bodies, branches, head_terms, row, surface
from gateway.workbench.totality import World

_EFFECTS = frozenset({"deny", "require_approval", "warn"})
_KEYS = frozenset({"code", "effect", "facts", "clauses", "retry", "until_ms"})
_CLOSED = frozenset({"rules", "gate", "registry", "exceptions", "modes", "grants", "contract"})
_NO_LAST_LINE = 1


def finding_forms(modules: Iterable[Module], codes: Mapping[str, frozenset[str]]) -> Iterator[Complaint]:
    """Everything wrong with the findings of rules; `codes` is package → the codes its METADATA names."""
    sources = tuple(module for module in modules if module.package[0] == "rules" and not module.is_test)
    for package in sorted({module.package for module in sources}):
        own = [module for module in sources if module.package == package]
        if not any(_findings(module) for module in own):
            yield _on(
                own[0],
                own[0].package_row,
                "the package has no rule named findings, so it says nothing",
                "write `findings contains {…} if {…}`",
            )
    for module in sources:
        for rule in _findings(module):
            yield from _of_head(rule, module, codes.get(".".join(module.package), frozenset()))


def closed_to_teams(modules: Iterable[Module]) -> Iterator[Complaint]:
    """Rules of teams that read other rules, the gate, or the data that governs them."""
    loaded = tuple(module for module in modules if not module.is_test)
    world = World(loaded)
    for module in loaded:
        if module.package[0] != "rules":
            continue
        for name, path in module.imports.items():
            if not path or _is_closed(("data", *path), module):
                yield _on(
                    module,
                    module.package_row,
                    f"the import {name} reads {'.'.join(path) or 'data whole'}",
                    _ONLY_FACTS,
                )
        for rule in module.rules:
            for term in _references(rule):
                yield from _reading(term, module, world)


_ONLY_FACTS = "a rule judges facts and its own parameters; bring what it needs as a fact"


def _references(rule: Rule) -> Iterator[Term]:
    nodes = [*(term for branch in branches(rule) for term in head_terms(branch))]
    nodes += [one for body in bodies(rule) for one in body.expressions]
    for node in nodes:
        yield from (term for term in surface(node) if term["type"] == "ref")
        yield from (term for one in node.get("with", ()) for term in surface(one) if term["type"] == "ref")


def _reading(term: Term, module: Module, world: World) -> Iterator[Complaint]:
    head, *rest = term["value"]
    if head.get("value") != "data" or head.get("type") != "var":
        return
    if not rest or rest[0]["type"] not in SCALARS:
        yield _on(module, row(term), "data is read whole, or by a computed name", _ONLY_FACTS)
        return
    path = ("data", *(str(part["value"]) for part in rest if part["type"] in SCALARS))
    if _is_closed(path, module) and world.resolved(path, module) is not None:
        yield _on(module, row(term), f"{'.'.join(path)} is read", _ONLY_FACTS)


def _is_closed(path: tuple[str, ...], module: Module) -> bool:
    own = ("data", *module.package)
    return len(path) > 1 and path[1] in _CLOSED and path[: len(own)] != own


def _findings(module: Module) -> list[Rule]:
    return [rule for rule in module.rules if rule["head"].get("name") == "findings"]


def _of_head(rule: Rule, module: Module, codes: frozenset[str]) -> Iterator[Complaint]:
    key = rule["head"].get("key")
    if not isinstance(key, dict) or key.get("type") != "object":
        return
    parts = {name["value"]: value for name, value in key["value"] if name["type"] == "string"}
    line = row(rule)
    unknown = sorted(parts.keys() - _KEYS)
    if unknown:
        yield _on(module, line, f"a finding has no {', '.join(unknown)}", f"its keys are {_listed(_KEYS)}")
    yield from _of_effect(parts, module, line)
    code = parts.get("code")
    if code and code["type"] == "string" and code["value"] not in codes:
        yield _on(
            module,
            row(code) or line,
            f"the finding's code {code['value']} is not this rule's",
            f"write the code of its METADATA: {_listed(codes) or 'there is none yet'}",
        )


def _of_effect(parts: Mapping[str, Any], module: Module, line: int) -> Iterator[Complaint]:
    effect = parts.get("effect")
    if effect is None:
        yield _on(module, line, "the finding has no effect", f"write one of {_listed(_EFFECTS)}")
        return
    if effect["type"] != "string":
        return
    if effect["value"] not in _EFFECTS:
        yield _on(
            module,
            row(effect) or line,
            f"{effect['value']} is no effect of a finding; only a grant permits",
            f"write one of {_listed(_EFFECTS)}",
        )
    if (effect["value"] == "require_approval") != ("clauses" in parts):
        yield _on(
            module,
            row(effect) or line,
            "clauses belong to require_approval, and to nothing else",
            "say who must approve, or take the clauses away",
        )


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))


def _on(module: Module, line: int, problem: str, remedy: str) -> Complaint:
    return Complaint(file=module.file, line=max(line, _NO_LAST_LINE), problem=problem, remedy=remedy)
