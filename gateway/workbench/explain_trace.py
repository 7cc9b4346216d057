"""How far each rule got with one policy input: which of its conditions held, and the first that did not.

Every body of every rule is asked again in pieces: a probe beside the rule holds its first condition, the first two, and
so on. OPA evaluates all probes at once; nothing of the policy itself is changed.
"""

import base64
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from audit.canonical import canonical_bytes
from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.command import run_opa
from gateway.core.errors import SettingsError
from gateway.core.model import Model
from gateway.workbench.build import stage_rego
from gateway.workbench.syntax import Expression, Module, Rule, call_of, modules, strings, surface
from gateway.workbench.totality import World

PROBE = "workbench_probe"
_DEEPEST = 3
_ASKED = ("rules", "lib")
_READERS = frozenset({("lib", "facts", "at"), ("lib", "facts", "listed")})
_PRESENT = ("lib", "facts", "present")
_ASSIGNED = frozenset({("assign",)})


class Condition(Model):
    """A condition of a rule that decided: its text and place, the facts it looks at, and what lies behind it."""

    text: str
    file: str
    line: int
    facts: dict[str, Any] = Field(default_factory=dict)
    behind: tuple["Condition", ...] = ()


class Traced(Model):
    """One package's own answer to an input: what it found, and where each body that found nothing stopped."""

    package: str
    file: str
    findings: tuple[dict[str, Any], ...]
    stopped: tuple[Condition, ...]


def traced(folder: Path, data: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[Traced, ...]:
    """Every rule's own answer to a policy input, with the whole data document of the built policy.

    Raises `SettingsError` with OPA's own words when the folder does not compile.
    """
    loaded = tuple(module for module in modules(folder) if not module.is_test)
    answers = _evaluated(folder, loaded, data, document)
    trace = _Trace(loaded, answers, document)
    return tuple(
        trace.of(module) for module in loaded if module.package[0] == "rules" and trace.has_findings(module)
    )


def _evaluated(
    folder: Path, loaded: Iterable[Module], data: Mapping[str, Any], document: Mapping[str, Any]
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="loopgate-explain-") as scratch:
        stage = Path(scratch) / "stage"
        stage.mkdir()
        stage_rego(folder, stage)
        for place, module in enumerate(m for m in loaded if m.package[0] in _ASKED):
            (stage / f"{PROBE}_{place}.rego").write_text(_probes(module), encoding="utf-8")
        (stage / "data.json").write_bytes(canonical_bytes(dict(data)))
        (Path(scratch) / "input.json").write_bytes(json.dumps(dict(document)).encode())
        query = "{" + ", ".join(f'"{root}": data.{root}' for root in _ASKED) + "}"
        ran = run_opa(
            opa_binary(), ["eval", "-b", ".", "-i", "../input.json", "--format", "json", query], cwd=stage
        )
    if ran.status != 0:
        raise SettingsError(f"opa eval: {(ran.err or ran.out).strip()}")
    answer: dict[str, Any] = json.loads(ran.out)["result"][0]["expressions"][0]["value"]
    return answer


def _probes(module: Module) -> str:
    """A module beside `module` with a probe for every beginning of every body."""
    lines = [f"package {'.'.join(module.package)}", ""]
    lines += [f"import {_imported(path)} as {name}" for name, path in sorted(module.imports.items())]
    lines += ["", f'{PROBE} contains {{"rule": -1, "step": 0, "vars": {{}}}}', ""]
    for number, rule in enumerate(module.rules):
        if _can_be_asked(rule):
            lines += _steps(number, rule["body"])
    return "\n".join(lines) + "\n"


def _imported(path: tuple[str, ...]) -> str:
    return ".".join(path if path[0] in {"input", "rego", "future"} else ("data", *path))


def _can_be_asked(rule: Rule) -> bool:
    """Whether a rule has conditions of its own that depend on nothing but the input: no function, no default."""
    return not rule.get("default") and not rule["head"].get("args") and bool(rule.get("body"))


def _steps(number: int, body: list[Expression]) -> Iterator[str]:
    texts = ["" if _only_declares(expression) else _text(expression) for expression in body]
    for step in range(1, len(body) + 1):
        names = ", ".join(f'"{name}": {name}' for name in _bound(body[:step]))
        yield f'{PROBE} contains {{"rule": {number}, "step": {step}, "vars": {{{names}}}}} if {{'
        yield from texts[:step]
        yield "}"


def _text(expression: Expression) -> str:
    return base64.b64decode(expression.get("location", {}).get("text", "")).decode("utf-8", "replace")


def _only_declares(expression: Expression) -> bool:
    """Whether an expression is `some x` without `in`: OPA refuses it where the beginning of a body does not use x."""
    terms = expression.get("terms")
    symbols = terms.get("symbols", []) if isinstance(terms, dict) else []
    return bool(symbols) and all(symbol["type"] == "var" for symbol in symbols)


def _bound(body: Iterable[Expression]) -> list[str]:
    """The names a body gives by `:=`; none where it goes through a list, whose every element would be told."""
    names = []
    for expression in body:
        if isinstance(expression.get("terms"), dict):
            if "symbols" in expression["terms"]:
                return []
            continue
        called = call_of(expression)
        if called and called[0] in _ASSIGNED and called[1][0]["type"] == "var":
            names.append(called[1][0]["value"])
    return names


class _Trace:
    """The probes' answers, put together with the rules they stand for."""

    def __init__(
        self, loaded: tuple[Module, ...], answers: Mapping[str, Any], document: Mapping[str, Any]
    ) -> None:
        self._loaded, self._answers, self._document = loaded, answers, document
        self._world = World(loaded)
        self._rules: dict[tuple[str, ...], list[tuple[Module, int, Rule]]] = {}
        for module in loaded:
            for number, rule in enumerate(module.rules):
                name = (*module.package, *strings(rule["head"]["ref"])[:1])
                self._rules.setdefault(name, []).append((module, number, rule))

    def has_findings(self, module: Module) -> bool:
        return "findings" in self._values(module)

    def of(self, module: Module) -> Traced:
        values = self._values(module)
        stopped = (
            self._stop(module, number, rule, 0)
            for number, rule in enumerate(module.rules)
            if strings(rule["head"]["ref"])[:1] == ("findings",)
        )
        return Traced(
            package=".".join(module.package),
            file=module.file,
            findings=tuple(values["findings"]),
            stopped=tuple(one for one in stopped if one is not None),
        )

    def _values(self, module: Module) -> dict[str, Any]:
        found: Any = self._answers
        for part in module.package:
            found = found.get(part, {}) if isinstance(found, dict) else {}
        return found if isinstance(found, dict) else {}

    def _stop(self, module: Module, number: int, rule: Rule, depth: int) -> Condition | None:
        """The first condition of a rule's body that did not hold; None when all of them did."""
        probes = [p for p in self._values(module).get(PROBE, ()) if p["rule"] == number]
        reached = max((p["step"] for p in probes), default=0)
        body = rule.get("body", [])
        if not _can_be_asked(rule) or reached >= len(body):
            return None
        bound: dict[str, Any] = next((p["vars"] for p in probes if p["step"] == reached), {})
        return self._condition(module, body[reached], bound, depth)

    def _condition(
        self, module: Module, expression: Expression, bound: Mapping[str, Any], depth: int
    ) -> Condition:
        used = {term["value"] for term in surface(expression.get("terms")) if term["type"] == "var"}
        facts = {name: value for name, value in bound.items() if name in used}
        facts |= {".".join(path): self._fact(path) for path in self._read(module, expression)}
        return Condition(
            text=" ".join(_text(expression).split()),
            file=module.file,
            line=int(expression.get("location", {}).get("row", 1)),
            facts=facts,
            behind=self._behind(module, expression, depth) if depth < _DEEPEST else (),
        )

    def _behind(self, module: Module, expression: Expression, depth: int) -> tuple[Condition, ...]:
        """Why the helpers that a condition names are as they are: where each stopped, or all that held."""
        found: list[Condition] = []
        for name in self._named(module, expression):
            for home, number, rule in self._rules.get(name, ()):
                stop = self._stop(home, number, rule, depth + 1)
                if expression.get("negated") and stop is None and _can_be_asked(rule):
                    found += (self._condition(home, one, {}, _DEEPEST) for one in rule["body"])
                elif not expression.get("negated") and stop is not None:
                    found.append(stop)
        return tuple(found)

    def _named(self, module: Module, node: Any) -> list[tuple[str, ...]]:
        """The rules that a condition reads, in the order of its text."""
        names: list[tuple[str, ...]] = []
        for term in surface(node.get("terms")):
            said = (
                (term["value"],)
                if term["type"] == "var"
                else strings(term["value"])
                if term["type"] == "ref"
                else ()
            )
            path = self._world.resolved(said, module) if said else None
            if path and path in self._rules and path not in names:
                names.append(path)
        return names

    def _read(self, module: Module, node: Any) -> Iterator[tuple[str, ...]]:
        """The paths of facts that a condition reads by the library's helpers, directly or by a plain rule of theirs."""
        for term in (node, *surface(node.get("terms"))):
            called = call_of(term)
            if not called or not called[1]:
                continue
            name, argument = self._world.resolved(called[0], module), called[1][0]
            if name == _PRESENT and argument["type"] == "string":
                yield (argument["value"],)
            if name in _READERS and argument["type"] == "array":
                yield tuple(str(part["value"]) for part in argument["value"] if part["type"] == "string")
        for name in self._named(module, node):
            if name[:2] == ("lib", "facts"):
                yield from self._value_path(name)

    def _value_path(self, name: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """The fact behind a name such as `facts.action_type`, whose value is one read of the input."""
        for home, _, rule in self._rules.get(name, ()):
            value = rule["head"].get("value")
            if isinstance(value, dict) and value.get("type") == "call":
                yield from self._read(home, {"terms": value})

    def _fact(self, path: tuple[str, ...]) -> Any:
        found: Any = self._document
        for part in path:
            found = found.get(part) if isinstance(found, Mapping) else None
        return found
