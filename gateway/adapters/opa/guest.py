"""One instance of a policy compiled to WASM, called as OPA documents it.

Source: OPA's documentation, "WebAssembly", ABI 1.3: `opa_eval` takes the input as text and gives the answer as text in
one call of the guest. Parsed data stays where it is; each evaluation begins with the heap above it. The interpreter's
lock is free while the guest runs.
"""

import ctypes
import json
import threading
from collections.abc import Callable
from typing import Any, cast

import wasmtime

from gateway.adapters.opa.pattern_cache import UnknownModuleError, without_eviction

ENTRYPOINT_ID = 0
_PAGE = 64 * 1024
_FIRST_PAGES = 64
_MEMORY_PAGES = 2048
_INPUT_BYTES = 4 * 1024 * 1024
_TICK_S = 0.05
_FAR = 1 << 40
_ENV = "env"
_ANSWER_BYTES = 16 * 1024


class GuestError(Exception):
    """The guest did not answer: it trapped, ran out of time or memory, or the input is too large."""


class Program:
    """A compiled policy, shared by its instances, and the clock that ends evaluations that take too long."""

    def __init__(self, wasm: bytes) -> None:
        config = wasmtime.Config()
        config.epoch_interruption = True
        self.engine = wasmtime.Engine(config)
        try:
            self.module = wasmtime.Module(self.engine, without_eviction(wasm))
        except UnknownModuleError as error:
            raise GuestError(str(error)) from error
        except wasmtime.WasmtimeError as error:
            raise GuestError(f"this is no policy: {str(error).splitlines()[0]}") from error
        self._stop = threading.Event()
        self._ticking = threading.Thread(target=self._tick, name="opa-wasm-clock", daemon=True)
        self._ticking.start()

    def close(self) -> None:
        """Stop the clock."""
        self._stop.set()
        self._ticking.join()

    def _tick(self) -> None:
        while not self._stop.wait(_TICK_S):
            self.engine.increment_epoch()


class Guest:
    """An instance with its data; for one thread at a time. A guest that failed is not used again."""

    def __init__(self, program: Program, data: bytes, *, timeout_s: float) -> None:
        self._store = wasmtime.Store(program.engine)
        self._store.set_epoch_deadline(_FAR)
        self._ticks = int(timeout_s / _TICK_S) + 1
        limits = wasmtime.Limits(_FIRST_PAGES, _MEMORY_PAGES)
        self._memory = wasmtime.Memory(self._store, wasmtime.MemoryType(limits))
        try:
            self._exports = (
                self._linked(program).instantiate(self._store, program.module).exports(self._store)
            )
            self._eval = self._function("opa_eval")
            self._data = self._parsed(data)
            self._heap = int(self._function("opa_heap_ptr_get")(self._store))
        except (wasmtime.WasmtimeError, wasmtime.Trap, KeyError) as error:
            raise GuestError(f"this policy cannot be used: {_words(error)}") from error

    @property
    def builtins(self) -> tuple[str, ...]:
        """The builtins the policy wants from the host."""
        return tuple(sorted(self._names("builtins")))

    @property
    def entrypoints(self) -> tuple[str, ...]:
        """The rules that can be asked."""
        return tuple(sorted(self._names("entrypoints")))

    def evaluate(self, document: bytes) -> bytes:
        """The answer for an input in JSON: `[{"result": …}]`, or `[]` when it is undefined. Raises `GuestError`."""
        size = len(document)
        if size > _INPUT_BYTES:
            raise GuestError(f"the input of {size} bytes is over {_INPUT_BYTES}")
        self._store.set_epoch_deadline(self._ticks)
        try:
            self._put(document, self._heap)
            answer = self._eval(
                self._store, 0, ENTRYPOINT_ID, self._data, self._heap, size, self._heap + size, 0
            )
            return self._text(answer)
        except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
            raise GuestError(_words(error)) from error
        finally:
            self._store.set_epoch_deadline(_FAR)

    def close(self) -> None:
        """Free the instance and its memory."""
        self._store.close()

    def _linked(self, program: Program) -> wasmtime.Linker:
        linker = wasmtime.Linker(program.engine)
        linker.define(self._store, _ENV, "memory", self._memory)
        for wanted in program.module.imports:
            if wanted.module == _ENV and isinstance(wanted.type, wasmtime.FuncType) and wanted.name:
                host = self._abort if wanted.name == "opa_abort" else _no_builtin
                linker.define(self._store, _ENV, wanted.name, wasmtime.Func(self._store, wanted.type, host))
        return linker

    def _abort(self, address: int) -> None:
        raise GuestError(self._text(address).decode("utf-8", "replace")[:500])

    def _function(self, name: str) -> Callable[..., Any]:
        return cast("wasmtime.Func", self._exports[name])

    def _parsed(self, data: bytes) -> int:
        address = int(self._function("opa_malloc")(self._store, len(data)))
        self._put(data, address)
        return int(self._function("opa_json_parse")(self._store, address, len(data)))

    def _names(self, export: str) -> dict[str, int]:
        value = self._function(export)(self._store)
        text = self._text(self._function("opa_json_dump")(self._store, value))
        names: dict[str, int] = json.loads(text)
        return names

    def _put(self, content: bytes, address: int) -> None:
        missing = address + len(content) - self._memory.data_len(self._store)
        if missing > 0:
            self._memory.grow(self._store, missing // _PAGE + 1)
        ctypes.memmove(self._base() + address, content, len(content))

    def _text(self, address: int) -> bytes:
        """The text at an address, which ends with NUL or with the memory."""
        left = self._memory.data_len(self._store) - address
        if address < 0 or left <= 0:
            raise GuestError("the answer lies outside the guest's memory")
        size = _ANSWER_BYTES
        while True:
            text, nul, _ = ctypes.string_at(self._base() + address, min(size, left)).partition(b"\0")
            if nul or size >= left:
                return text
            size *= 16

    def _base(self) -> int:
        return ctypes.addressof(self._memory.data_ptr(self._store).contents)


def _no_builtin(*_: int) -> int:
    raise GuestError("the policy asked the host for a builtin")


def _words(error: Exception) -> str:
    said = error.message if isinstance(error, wasmtime.Trap) else str(error)
    return (said.splitlines() or [type(error).__name__])[-1].strip()
