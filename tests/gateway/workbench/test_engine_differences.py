"""Each known difference between the engines is banned, or taken out: docs/reference/policy-engines.md, last table."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.opa.answers import POLICY_UNAVAILABLE
from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.built import BuiltPolicy
from gateway.adapters.opa.engine import MOST_BYTES
from gateway.adapters.opa.guest import GuestError, Program
from gateway.adapters.opa.pattern_cache import UnknownModuleError, without_eviction
from gateway.adapters.opa.process import OpaServer, opa_server
from gateway.adapters.opa.server import ServerEvaluator
from gateway.adapters.opa.wasm import WasmEvaluator, WasmPolicy
from gateway.core.errors import SettingsError
from gateway.workbench.build import build
from gateway.workbench.check import check
from gateway.workbench.differential_lint import engine_differences
from gateway.workbench.syntax import modules
from tests.gateway.workbench.trees import FAULTY_GATE, tree

ABSENT = (
    *(
        "time.now_ns() > 0",
        'time.weekday(0) == "Monday"',
        'semver.is_valid("1.0.0")',
        'sprintf("%d", [1]) == "1"',
    ),
    *('regex.replace("a", "a", "b") == "b"', 'walk({"a": 1}, [["a"], 1])', "numbers.range(1, 9) == []"),
    *('graph.reachable({"a": []}, {"a"}) == set()', 'format_int(7, 2) == "111"', 'rand.intn("x", 9) > 3'),
    *(
        'http.send({"method": "get", "url": "http://a"}).status_code == 200',
        "opa.runtime().env.HOME",
        'trace("x")',
    ),
    *(
        'net.lookup_ip_addr("a")',
        'crypto.sha256("a") == "b"',
        'io.jwt.decode("a")',
        'glob.quote_meta("*") == "x"',
    ),
    *('json.unmarshal("01") == 0', 'json.is_valid("1_000")', 'json.marshal({"b": 1, "a": 2}) == "x"'),
    *('json.filter({"a": 1}, [""]) == {}', 'json.remove({"a": 1}, [""]) == {}', "object.union_n([]) == {}"),
    *(
        'strings.replace_n({"": "x"}, "é") == "x"',
        'to_number("+1") == 1',
        "product([4294967296, 4294967296]) > 1",
    ),
)
"""What a rule may not call: absent from WASM, wrong there, or answered from the world outside."""

UNEVEN = {
    "names := [name | some name in _names]": "a list is made from a set or object",
    "names := [name | some name in {facts.agent, facts.tier}]": "a list is made from a set or object",
    'names := [key | some key, _ in facts.at(["action", "params"])]': "a list is made from keys and values",
    'them := object.keys(facts.at(["action"]))\n\tnames := [name | some name in them]': "a list is made from a set",
    'names := $"{facts.at(["commits"])}"': "a template string holds what may be a list",
    'regex.match("\\\\C", facts.agent)\n\tnames := 1': "read this pattern differently",
    'regex.match("a\\u0000b", facts.agent)\n\tnames := 1': "read this pattern differently",
    'names := replace("abc", facts.agent, "x")': "replace looks for a text that may be empty",
    'names := indexof("abc", "")': "indexof looks for a text that may be empty",
    'names := glob.match("{a", [], facts.agent)': "the answer of glob.match is used as a value",
    "names := _names": "a finding holds a set",
    'names := {"a"} | _names': "a finding holds a set",
}
EVEN = (
    "names := sort([name | some name in _names])",
    "names := count([name | some name in _names])",
    'names := [name | some name in facts.listed(["authors"])]',
    'names := [place | some place, _ in facts.listed(["authors"])]',
    "names := sort(_names)",
    'is_string(facts.agent)\n\tnames := $"a {facts.agent}"',
    "regex.match(`[\\x00-\\x1f]`, facts.agent)\n\tnames := 1",
    'names := replace("abc", "b", "x")',
    'glob.match("{a,b}", [], facts.agent)\n\tnames := 1',
)

RULE = """package rules.demo.rule

import data.lib.facts

_names contains name if some name in facts.listed(["authors"])

findings contains {{"code": "X-001", "effect": "deny", "facts": {{"names": names}}}} if {{
	{body}
}}
"""


def with_rule(folder: Path, body: str) -> Path:
    gate = "package gate\n\ndecision := data.rules.demo.rule.findings\n"
    return tree(folder, {"gate/gate.rego": gate, "rules/demo/rule/rule.rego": RULE.format(body=body)})


@pytest.fixture(scope="module")
def absent(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What `opa check` says to one rule that calls them all."""
    calls = "\n".join(f"_call_{place} if {call}\n" for place, call in enumerate(ABSENT))
    folder = tmp_path_factory.mktemp("absent")
    return "\n".join(map(str, check(with_rule(folder, f"names := 1\n}}\n\n{calls}\n_end if {{\n\ttrue"))))


@pytest.mark.parametrize("call", ABSENT)
def test_what_wasm_lacks_or_answers_wrongly_is_not_among_the_builtins(absent: str, call: str) -> None:
    assert f"{call.split('(', maxsplit=1)[0]} is not among the builtins" in absent


def test_a_banned_builtin_does_not_build(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"json\.unmarshal"):
        build(with_rule(tmp_path / "p", 'names := json.unmarshal("01")'), tmp_path / "out")


def test_print_is_refused_by_check_because_the_build_takes_it_out(tmp_path: Path) -> None:
    folder = with_rule(tmp_path / "p", 'print("x")\n\tnames := 1')

    build(folder, tmp_path / "out")
    assert any("print is for debugging" in one.problem for one in check(folder))


@pytest.mark.parametrize("body", UNEVEN)
def test_a_form_that_the_engines_answer_differently_is_refused(tmp_path: Path, body: str) -> None:
    found = tuple(engine_differences(modules(with_rule(tmp_path, body))))

    assert any(UNEVEN[body] in one.problem for one in found)
    assert all(one.line >= 7 and one.remedy and one.file.endswith("rule.rego") for one in found)


@pytest.mark.parametrize("body", EVEN)
def test_a_form_that_both_answer_alike_is_let_through(tmp_path: Path, body: str) -> None:
    assert tuple(engine_differences(modules(with_rule(tmp_path, body)))) == ()


PATTERNS = """package gate

m contains p if {
	some p in input.patterns
	some n in input.names
	glob.match(p, ["/"], n)
}

decision := {"m": sort(m)}
"""


async def test_more_than_a_hundred_patterns_in_one_decision_are_all_matched(tmp_path: Path) -> None:
    """OPA's WASM frees patterns in use when its cache of a hundred is full; ours never drops one."""
    built = build(tree(tmp_path / "p", {"gate/gate.rego": PATTERNS}), tmp_path / "out")
    wasm = WasmEvaluator(built.wasm_path.read_bytes(), built.data, pool=1, timeout_seconds=5)
    try:
        for count in (99, 100, 101, 300, 1000):
            patterns = [f"dir{place}/*.txt" for place in range(count)]
            names = [f"dir{place}/a.txt" for place in range(0, count, 7)]
            wanted = sorted(f"dir{place}/*.txt" for place in range(0, count, 7))
            assert wasm.evaluate_now({"patterns": patterns, "names": names}) == {"m": wanted}
    finally:
        await wasm.close()


def test_a_module_of_another_form_is_not_loaded(tmp_path: Path) -> None:
    built = build(tree(tmp_path / "p", {"gate/gate.rego": PATTERNS}), tmp_path / "out")
    wasm = built.wasm_path.read_bytes()
    mended = without_eviction(wasm)

    assert len(mended) == len(wasm)
    assert sum(a != b for a, b in zip(wasm, mended, strict=True)) == 4
    with pytest.raises(UnknownModuleError, match="in 0 places, not in 2"):
        without_eviction(mended)
    with pytest.raises(GuestError, match="build it with the OPA this gateway knows"):
        Program(mended)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> BuiltPolicy:
    folder = tmp_path_factory.mktemp("faulty")
    return build(tree(folder, {"gate/gate.rego": FAULTY_GATE}), folder / "out")


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"fault": "none", "x": "\ud800"}, "input not canonical"),
        ({"fault": "none", "x": float("nan")}, "input not canonical"),
        ({"fault": "none", "x": 2**53}, "input not canonical"),
        ({"fault": "none", "x": "x" * MOST_BYTES}, "input too large"),
    ],
    ids=["a lone surrogate", "not a number", "beyond 2^53", "over 4 MiB"],
)
async def test_what_the_engines_read_differently_reaches_neither(
    faulty: BuiltPolicy, document: dict[str, Any], reason: str
) -> None:
    policy = WasmPolicy.load(faulty, timeout_seconds=2.0)
    try:
        await policy.self_test()
        (finding,) = (await policy.decide(document)).findings

        assert (finding.code, finding.facts["reason"]) == (POLICY_UNAVAILABLE, reason)
        assert policy.readiness().ok
    finally:
        await policy.close()


def test_the_server_is_started_without_strict_builtin_errors(faulty: BuiltPolicy) -> None:
    """With them it answers 500 where WASM's answer is undefined."""

    async def command_line() -> bytes:
        async with opa_server(opa_binary(), faulty.rego_bundle) as server:
            assert isinstance(server, OpaServer)
            assert server._process is not None
            return await asyncio.to_thread(Path(f"/proc/{server._process.pid}/cmdline").read_bytes)

    assert b"strict-builtin-errors" not in asyncio.run(command_line())


async def test_numbers_beyond_a_double_are_denied_by_both(tmp_path: Path) -> None:
    """`*` is exact in OPA and a float in WASM: neither has a canonical form, and so neither is a decision."""
    gate = 'package gate\n\ndecision := {"x": input.a * input.b}\n'
    built = build(tree(tmp_path / "p", {"gate/gate.rego": gate}), tmp_path / "out")
    wasm = WasmEvaluator(built.wasm_path.read_bytes(), built.data, pool=1, timeout_seconds=5)
    document = b'{"a": 9007199254740991, "b": 9007199254740991}'
    try:
        async with opa_server(opa_binary(), built.rego_bundle) as running:
            server = ServerEvaluator(running.address, digest=None, timeout_seconds=5)
            answers = [await engine.evaluate(document) for engine in (wasm, server)]
            await server.close()
    finally:
        await wasm.close()

    assert isinstance(answers[0]["x"], float)
    assert isinstance(answers[1]["x"], int)
    assert answers[1]["x"] >= 2**53
