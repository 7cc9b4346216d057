"""Both engines asked the same, many times over: every answer must be the same document, byte for byte."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from audit.canonical import CanonicalError
from gateway.adapters.opa.answers import decision_bytes
from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.built import BuiltPolicy
from gateway.adapters.opa.engine import EngineFailureError, Evaluator
from gateway.adapters.opa.process import opa_server
from gateway.adapters.opa.server import ServerEvaluator
from gateway.adapters.opa.wasm import WasmEvaluator
from gateway.core.digests import input_bytes
from gateway.core.model import Model

NO_ANSWER = "no answer"
"""What stands for every way of not answering: each is a denial."""

_SECONDS = 5.0

Named = tuple[str, dict[str, Any]]
"""A policy input and what it is called in a report."""


class Difference(Model):
    """One input that the engines answer differently, and the canonical form of each answer."""

    name: str
    ours: str
    theirs: str


class Comparison(Model):
    """`judged` inputs reached both engines; `refused` have no canonical form, so neither ever sees them.

    `unanswered` of the judged ones got no decision from either engine: a denial both times. `seen` counts the effects
    and codes of the decisions, so that a reader knows what was compared.
    """

    judged: int
    refused: int
    unanswered: int
    seen: dict[str, int]
    differences: tuple[Difference, ...]


async def compare(built: BuiltPolicy, inputs: Iterable[Named]) -> Comparison:
    """Ask the engine in this process and an OPA server about every input, under the data as built."""
    wasm = WasmEvaluator(built.wasm_path.read_bytes(), built.data, pool=1, timeout_seconds=_SECONDS)
    try:
        async with opa_server(opa_binary(), built.rego_bundle) as running:
            server = ServerEvaluator(running.address, digest=built.digest, timeout_seconds=_SECONDS)
            try:
                return await _compared(wasm, server, inputs)
            finally:
                await server.close()
    finally:
        await wasm.close()


async def _compared(ours: Evaluator, theirs: Evaluator, inputs: Iterable[Named]) -> Comparison:
    judged = refused = unanswered = 0
    found: list[Difference] = []
    seen: Counter[str] = Counter()
    for name, document in inputs:
        try:
            given = input_bytes(document)
        except CanonicalError:
            refused += 1
            continue
        # Side by side: the server works while the guest does.
        first, second = await asyncio.gather(told(ours, given), told(theirs, given))
        judged += 1
        unanswered += first == second == NO_ANSWER
        seen.update(() if first == NO_ANSWER else _marks(json.loads(first)))
        if first != second:
            found.append(Difference(name=name, ours=first, theirs=second))
    return Comparison(
        judged=judged,
        refused=refused,
        unanswered=unanswered,
        seen=dict(sorted(seen.items())),
        differences=tuple(found),
    )


def _marks(answer: dict[str, Any]) -> set[str]:
    parts = (answer[part] for part in ("findings", "warnings", "shadow", "waived"))
    return {answer["effect"], *(entry["code"] for part in parts for entry in part)}


async def told(evaluator: Evaluator, given: bytes) -> str:
    """The canonical text of an engine's answer; the same words for every way of not answering, which all deny."""
    try:
        return decision_bytes(await evaluator.evaluate(given)).decode()
    except (EngineFailureError, CanonicalError):
        return NO_ANSWER


def told_differences(found: Iterable[Difference], *, most: int = 3) -> Iterator[str]:
    """The first differences as a person reads them: the name, and both answers from where they part."""
    for one in islice(found, most):
        place = next((i for i, (a, b) in enumerate(zip(one.ours, one.theirs, strict=False)) if a != b), 0)
        begin = max(0, place - 40)
        yield f"{one.name}: WASM …{one.ours[begin : place + 80]}, OPA …{one.theirs[begin : place + 80]}"
