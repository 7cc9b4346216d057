"""What both engines share: every failure denies and turns readiness red until a self-test passes again."""

from collections.abc import Mapping
from typing import Any, Protocol

from audit.canonical import CanonicalError
from gateway.adapters.opa.answers import (
    SELF_TEST_INPUT,
    BadAnswerError,
    passes_self_test,
    read_decision,
    unavailable,
)
from gateway.core.digests import input_bytes
from gateway.core.rulings import Decision
from gateway.ports import PolicyInForce, Readiness

MOST_BYTES = 4 * 1024 * 1024
"""The largest policy input that is judged, the same for both engines."""

_UNTRIED = Readiness(ok=False, detail="the policy engine has not passed its self-test yet")
_CLOSED = Readiness(ok=False, detail="the policy engine is closed")


class EngineFailureError(Exception):
    """An engine did not answer. `reason` is what an agent may know; the message is for the operator."""

    def __init__(self, detail: str, *, reason: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Evaluator(Protocol):
    """One engine's own way of evaluating `gate/decision`; raises `EngineFailureError` and nothing else."""

    async def evaluate(self, document: bytes) -> Any:
        """The raw decision document for one policy input in canonical form."""
        ...

    async def close(self) -> None:
        """Give back threads, connections and memory."""
        ...


class Engine:
    """The port `Policy` over an evaluator.

    A red engine tries its self-test before the next decision; readiness probes call `self_test` themselves, so that
    an engine nobody asks any more can recover.
    """

    def __init__(self, evaluator: Evaluator, in_force: PolicyInForce) -> None:
        self._evaluator = evaluator
        self._in_force = in_force
        self._readiness = _UNTRIED
        self._closed = False

    @property
    def in_force(self) -> PolicyInForce:
        """The policy this engine evaluates, and its data."""
        return self._in_force

    def readiness(self) -> Readiness:
        """Red before the first self-test and after any failure, with the sentence for the operator."""
        return self._readiness

    async def decide(self, document: Mapping[str, Any]) -> Decision:
        """Judge one policy input; whatever goes wrong is a denial with POLICY_UNAVAILABLE."""
        try:
            given = input_bytes(document)
        except CanonicalError:
            # The input is at fault, not the engine: denied, but nobody can turn readiness red with a bad byte.
            return unavailable("input not canonical")
        if len(given) > MOST_BYTES:
            return unavailable("input too large")
        if not self._readiness.ok and not (await self.self_test()).ok:
            return unavailable("self-test failed")
        try:
            return read_decision(await self._evaluator.evaluate(given))
        except (EngineFailureError, BadAnswerError) as error:
            self._readiness = Readiness(ok=False, detail=f"policy engine: {error}")
            return unavailable(error.reason if isinstance(error, EngineFailureError) else "bad answer")

    async def self_test(self) -> Readiness:
        """Judge an action that must be denied, and believe the engine only if it is."""
        self._readiness = await self._tested()
        return self._readiness

    async def _tested(self) -> Readiness:
        if self._closed:
            return _CLOSED
        try:
            decision = read_decision(await self._evaluator.evaluate(input_bytes(SELF_TEST_INPUT)))
        except (EngineFailureError, BadAnswerError) as error:
            return Readiness(ok=False, detail=f"policy engine: self-test: {error}")
        if not passes_self_test(decision):
            return Readiness(ok=False, detail="policy engine: self-test: a forbidden action was not denied")
        return Readiness(ok=True)

    async def raw_answer(self, document: Mapping[str, Any]) -> Any:
        """The engine's answer as it came, for comparing engines.

        Raises `EngineFailureError` when there is none.
        """
        return await self._evaluator.evaluate(input_bytes(document))

    async def close(self) -> None:
        """Close the evaluator; every later decision is a denial."""
        self._readiness, self._closed = _CLOSED, True
        await self._evaluator.close()
