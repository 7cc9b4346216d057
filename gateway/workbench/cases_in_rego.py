"""Cases written as Rego, so that OPA can be asked about all of them at once.

A case that changes data replaces parts of it, and parts of data can only be replaced by name: so each case has a rule
of its own. What a case holds lies beside the policy's data, under `workbench_cases`.
"""

from collections.abc import Mapping
from typing import Any

from gateway.workbench.cases import PlacedCase, patched_data


def held(placed: PlacedCase, data: Mapping[str, Any]) -> dict[str, Any]:
    """What a case needs in data: its input, what it expects, and the top-level parts of data that it changes."""
    patched = patched_data(data, placed.case) if placed.case.data else {}
    return {
        "input": placed.document,
        "effect": placed.case.effect,
        "data": {key: patched[key] for key in _parts(placed)},
    }


def given(place: int, placed: PlacedCase) -> str:
    """The `with` clauses under which a case is judged."""
    case = f'data.workbench_cases["{place}"]'
    parts = "".join(f" with data.{part} as {case}.data.{part}" for part in _parts(placed))
    return f" with input as {case}.input{parts}"


def _parts(placed: PlacedCase) -> list[str]:
    return sorted({path.split(".")[0] for path in placed.case.data})
