"""What both engines really do when a fact is missing: the measurements that the lint and the gate are built on.

When an upgrade of OPA or of the WASM runtime changes one of these, docs/reference/policy-engines.md is wrong.
"""

from pathlib import Path

import pytest

from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.process import opa_server
from gateway.adapters.opa.server import ServerEvaluator
from gateway.adapters.opa.wasm import WasmEvaluator
from gateway.workbench.build import build
from gateway.workbench.fail_open import fail_open
from tests.gateway.workbench.trees import tree

TRAPS = (
    "not f(input.x)",
    'not startswith(input.x, "a")',
    "not is_number(input.x)",
    "not input.x < 3",
    'not input.x in {"a"}',
    "not f(data.y)",
    "input.x != 3",
    'not f(lower(object.get(input, ["x"], null)))',
    "x := [input.x, 1]",
    "some c in input.commits\n\tnot f(c.author)",
)
"""Each reads as «not proven safe» and is silent when the fact is missing: an action would go through."""

HOLD = (
    "not input.x",
    "not input.x == 3",
    "not _proof",
    'not f(object.get(input, ["x"], null))',
    'x := object.get(input, ["x"], null)\n\tnot f(x)',
    'object.get(input, ["x"], null) != 3',
    "every x in input.commits { not x.author }",
    "null < 5",
)
"""Each is true when the fact is missing."""

HEAD = """package gate

f(x) if x == "a"

_proof if input.x == "a"

"""


def policy(forms: tuple[str, ...]) -> str:
    """A policy whose decision says which forms were true."""
    rules = "\n".join(f"fires contains {place} if {{\n\t{form}\n}}\n" for place, form in enumerate(forms))
    return f'{HEAD}{rules}\ndecision := {{"fires": sort([place | some place in fires])}}\n'


@pytest.mark.parametrize(
    ("forms", "expected"), [(TRAPS, []), (HOLD, list(range(len(HOLD))))], ids=["traps", "hold"]
)
async def test_a_missing_fact_means_the_same_to_both_engines(
    tmp_path: Path, forms: tuple[str, ...], expected: list[int]
) -> None:
    built = build(tree(tmp_path, {"gate/gate.rego": policy(forms)}), tmp_path / "out")
    document = b'{"commits":[{}]}'
    wasm = WasmEvaluator(built.wasm_path.read_bytes(), built.data, pool=1, timeout_seconds=5)
    async with opa_server(opa_binary(), built.rego_bundle) as running:
        server = ServerEvaluator(running.address, digest=built.digest, timeout_seconds=5)
        assert await server.evaluate(document) == {"fires": expected}
        assert await wasm.evaluate(document) == {"fires": expected}
        await server.close()
    await wasm.close()


INDEXED = """package gate

for_code(code) := {e.id |
	waivable(code)
	some e in [{"id": "1", "code": "A"}]
	e.code == code
}

default waivable(_) := false

waivable(code) if data.modes[code].mode == "off"

decision := [for_code("BB-001"), for_code("A")]
"""


async def test_opa_answers_some_comprehensions_from_an_index_made_for_another_value(tmp_path: Path) -> None:
    data = 'modes: {BB-001: {mode: "off"}}\n'
    files = {"gate/gate.rego": INDEXED, "data/modes.yaml": data}
    built = build(tree(tmp_path, files), tmp_path / "out")
    wasm = WasmEvaluator(built.wasm_path.read_bytes(), built.data, pool=1, timeout_seconds=5)
    async with opa_server(opa_binary(), built.rego_bundle) as running:
        server = ServerEvaluator(running.address, digest=built.digest, timeout_seconds=5)
        assert await server.evaluate(b"{}") == [[], ["1"]]
        assert await wasm.evaluate(b"{}") == [[], []]
        await server.close()
    await wasm.close()


@pytest.mark.parametrize("form", TRAPS)
def test_the_lint_finds_every_trap(tmp_path: Path, form: str) -> None:

    assert fail_open(tree(tmp_path, {"gate/gate.rego": policy((form,))}))
