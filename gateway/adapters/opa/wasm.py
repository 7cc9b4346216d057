"""The engine in the process: the policy compiled to WASM, in instances of its own on threads of their own."""

import asyncio
import os
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import orjson

from audit.canonical import canonical_bytes
from gateway.adapters.opa.built import ENTRYPOINT, BuiltPolicy
from gateway.adapters.opa.engine import Engine, EngineFailureError
from gateway.adapters.opa.guest import Guest, GuestError, Program
from gateway.core.errors import SettingsError

_MOST_THREADS = 4


class WasmEvaluator:
    """Evaluates policy.wasm; at most `pool` evaluations run at once, each for at most `timeout_seconds`."""

    def __init__(self, wasm: bytes, data: dict[str, Any], *, pool: int, timeout_seconds: float) -> None:
        self._timeout_s = timeout_seconds
        self._data = canonical_bytes(data)
        self._program = Program(wasm)
        self._idle: queue.SimpleQueue[Guest] = queue.SimpleQueue()
        self._size = pool
        try:
            for _ in range(pool):
                self._idle.put(self._fresh())
        except GuestError:
            self._free()
            raise
        self._threads = ThreadPoolExecutor(max_workers=pool, thread_name_prefix="opa-wasm")

    @property
    def needs(self) -> tuple[str, ...]:
        """Builtins the policy wants from the host: there must be none, or the engines could differ."""
        return self._asked(lambda guest: guest.builtins)

    @property
    def answers(self) -> tuple[str, ...]:
        """The rules that can be asked."""
        return self._asked(lambda guest: guest.entrypoints)

    def replace_data(self, data: dict[str, Any]) -> None:
        """Judge with other data from now on; for the workbench's cases, never in a running gateway."""
        self._data = canonical_bytes(data)
        for _ in range(self._size):
            self._idle.get().close()
            self._idle.put(self._fresh())

    async def evaluate(self, document: bytes) -> Any:
        """The raw decision document for a policy input in canonical form."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._evaluated, document)
        except RuntimeError as error:
            raise EngineFailureError(str(error), reason="engine closed") from error

    def evaluate_now(self, document: dict[str, Any]) -> Any:
        """The raw decision document, on this thread."""
        return self._evaluated(orjson.dumps(document))

    async def close(self) -> None:
        """Stop the threads and free the instances."""
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """The same, for callers without an event loop."""
        self._threads.shutdown()
        self._free()

    def _evaluated(self, document: bytes) -> Any:
        guest = self._idle.get()
        try:
            answer = orjson.loads(guest.evaluate(document))
        except (GuestError, orjson.JSONDecodeError) as error:
            # Whatever it was in the middle of stays in its memory: the next evaluation gets another.
            guest.close()
            guest = self._fresh()
            raise EngineFailureError(str(error), reason="engine error") from error
        finally:
            self._idle.put(guest)
        if not answer:
            raise EngineFailureError("the decision is undefined", reason="undefined")
        return answer[0]["result"]

    def _asked(self, question: Callable[[Guest], tuple[str, ...]]) -> tuple[str, ...]:
        guest = self._idle.get()
        try:
            return question(guest)
        finally:
            self._idle.put(guest)

    def _fresh(self) -> Guest:
        return Guest(self._program, self._data, timeout_s=self._timeout_s)

    def _free(self) -> None:
        while not self._idle.empty():
            self._idle.get().close()
        self._program.close()


class WasmPolicy(Engine):
    """The port `Policy`, in this process."""

    @classmethod
    def load(
        cls, built: BuiltPolicy, *, pool: int | None = None, timeout_seconds: float = 0.5
    ) -> "WasmPolicy":
        """Load a built policy; red until its first self-test. One core is left to the rest of the gateway.

        Raises `SettingsError` when it does not load or wants builtins from the host.
        """
        pool = pool or max(1, min(_MOST_THREADS, (os.cpu_count() or 1) - 1))
        try:
            evaluator = WasmEvaluator(
                built.wasm_path.read_bytes(), built.data, pool=pool, timeout_seconds=timeout_seconds
            )
        except (OSError, GuestError) as error:
            raise SettingsError(
                f"{built.wasm_path} does not load: {error}; build the policy again"
            ) from error
        if evaluator.needs or evaluator.answers != (ENTRYPOINT,):
            wanted = ", ".join(evaluator.needs) or f"another entrypoint than {ENTRYPOINT}"
            evaluator.close_now()
            raise SettingsError(f"{built.wasm_path} uses what WASM does not have here: {wanted}")
        return cls(evaluator, built.in_force("opa-wasm", version("wasmtime")))
