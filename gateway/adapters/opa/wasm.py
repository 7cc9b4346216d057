"""The engine in the process: the policy compiled to WASM, in pooled instances on worker threads."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

from opapywasm import UNDEFINED, OpaWasmError, OpaWasmPolicy, PolicyConfig

from gateway.adapters.opa.built import ENTRYPOINT, BuiltPolicy
from gateway.adapters.opa.engine import Engine, EngineFailureError
from gateway.core.errors import SettingsError

_PAGE = 64 * 1024
_MEMORY_BYTES = 128 * 1024 * 1024
_INPUT_BYTES = 4 * 1024 * 1024


class WasmEvaluator:
    """Evaluates policy.wasm; at most `pool` evaluations run at once, each for at most `timeout_seconds`."""

    def __init__(self, wasm: bytes, data: dict[str, Any], *, pool: int, timeout_seconds: float) -> None:
        config = PolicyConfig(
            pool_size=pool,
            default_entrypoint=ENTRYPOINT,
            borrow_timeout_seconds=timeout_seconds * 4,
            max_input_bytes=_INPUT_BYTES,
            max_memory_pages=_MEMORY_BYTES // _PAGE,
            eval_timeout_seconds=timeout_seconds,
        )
        self._policy = OpaWasmPolicy.from_wasm_bytes(wasm, config)
        self._policy.set_data(data)
        self._threads = ThreadPoolExecutor(max_workers=pool, thread_name_prefix="opa-wasm")

    @property
    def needs(self) -> tuple[str, ...]:
        """Builtins the policy wants from the host: there must be none, or the engines could differ."""
        return tuple(sorted(self._policy.builtins))

    def replace_data(self, data: dict[str, Any]) -> None:
        """Judge with other data from now on; for the workbench's cases, never in a running gateway."""
        self._policy.set_data(data)

    async def evaluate(self, document: dict[str, Any]) -> Any:
        """The raw decision document."""
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, self.evaluate_now, document
            )
        except RuntimeError as error:
            raise EngineFailureError(str(error), reason="engine closed") from error

    def evaluate_now(self, document: dict[str, Any]) -> Any:
        """The raw decision document, on this thread."""
        try:
            answer = self._policy.evaluate(document)
        except OpaWasmError as error:
            raise EngineFailureError(f"{type(error).__name__}: {error}", reason="engine error") from error
        if answer is UNDEFINED:
            raise EngineFailureError("the decision is undefined", reason="undefined")
        return answer

    async def close(self) -> None:
        """Stop the worker threads and free the instances."""
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """The same, for callers without an event loop."""
        self._threads.shutdown()
        self._policy.close()


class WasmPolicy(Engine):
    """The port `Policy`, in this process."""

    @classmethod
    def load(cls, built: BuiltPolicy, *, pool: int = 2, timeout_seconds: float = 0.5) -> "WasmPolicy":
        """Load a built policy; red until its first self-test.

        Raises `SettingsError` when it does not load or wants builtins from the host.
        """
        try:
            evaluator = WasmEvaluator(
                built.wasm_path.read_bytes(), built.data, pool=pool, timeout_seconds=timeout_seconds
            )
        except (OSError, OpaWasmError) as error:
            raise SettingsError(
                f"{built.wasm_path} does not load: {error}; build the policy again"
            ) from error
        if evaluator.needs:
            raise SettingsError(
                f"{built.wasm_path} uses builtins WASM does not have: {', '.join(evaluator.needs)}"
            )
        return cls(evaluator, built.in_force("opa-wasm", version("opa-py-wasm")))
