"""One defect of OPA's WASM, taken out as the policy is loaded: the cache of compiled patterns.

The module keeps at most a hundred compiled patterns in an evaluation. When it is full, using one again first frees an
arbitrary pattern, which may be the very one, and then puts it back: what is matched after that is freed memory. It traps,
or answers wrongly (OPA 1.22.2, `wasm/src/regex.cc`, `reuse`). A library of many rules, or a CI configuration with many
includes, comes there. Without the bound nothing is freed during an evaluation; memory is bounded by the instance's own.
"""

import re

# i32.load (the size), i32.const 100, i32.lt_u, br_if 0: the only comparison of that form in the module.
_FULL = re.compile(re.escape(b"\x28\x02\x0c\x41\xe4\x00\x49\x0d\x00"))
_NEVER_FULL = b"\x28\x02\x0c\x41\xff\x7f\x49\x0d\x00"
_USERS = (b"opa_regex_match", b"opa_glob_match")


class UnknownModuleError(ValueError):
    """The module is not of the form this knows: another version of OPA made it."""


def without_eviction(wasm: bytes) -> bytes:
    """The module with a cache of patterns that never drops one.

    Raises `UnknownModuleError` when the comparison is not found once for each function that has it in OPA 1.22.2.
    """
    mended, places = _FULL.subn(lambda _: _NEVER_FULL, wasm)
    wanted = sum(name in wasm for name in _USERS)
    if places != wanted:
        raise UnknownModuleError(
            f"it compares the size of its pattern cache in {places} places, not in {wanted}: "
            "build it with the OPA this gateway knows"
        )
    return mended
