"""The generated half of the contract: the type of every fact, from the model of the policy input."""

from typing import Any

from gateway.workbench.schema import Leaf, leaves

# These carry free text or what a rule looks for in it; control characters there are facts, not forgeries.
_TEXTUAL = frozenset({"text", "missing"})
_DEPTH_OF_ITEM = 1


class ContractShapeError(ValueError):
    """The model of the policy input has a form the gate's contract cannot check; the message names the path."""


def typed_contract() -> dict[str, Any]:
    """`fields`, `items`, `totals` and `plain` of `data.contract`, and `total`, how many entries they have.

    Raises `ContractShapeError` when the model nests lists, or lacks the place of a total.
    """
    every = leaves()
    parts: dict[str, list[Any]] = {
        "fields": [_field(leaf, every) for leaf in every if "*" not in leaf.path],
        "items": [_item(leaf) for leaf in every if "*" in leaf.path],
        "totals": _totals(every),
        "plain": _plain(every),
    }
    return {**parts, "total": sum(len(entries) for entries in parts.values())}


def _field(leaf: Leaf, every: tuple[Leaf, ...]) -> dict[str, Any]:
    group = _nullable_group(leaf, every)
    return {"path": list(leaf.path), **_limits(leaf), **({"group": group} if group else {})}


def _nullable_group(leaf: Leaf, every: tuple[Leaf, ...]) -> str | None:
    above = [other for other in every if leaf.path[: len(other.path)] == other.path and other is not leaf]
    nullable = [other for other in above if "null" in other.types]
    if any(len(other.path) > 1 for other in nullable):
        raise ContractShapeError(f"{'.'.join(leaf.path)} lies in a nullable group below the top")
    return nullable[0].path[0] if nullable else None


def _item(leaf: Leaf) -> dict[str, Any]:
    where = leaf.path.index("*")
    rest = leaf.path[where + 1 :]
    if len(rest) > _DEPTH_OF_ITEM or "*" in rest:
        raise ContractShapeError(f"{'.'.join(leaf.path)} nests deeper than a list of flat objects")
    return {"path": list(leaf.path[:where]), **_limits(leaf), **({"part": list(rest)} if rest else {})}


def _limits(leaf: Leaf) -> dict[str, Any]:
    limits: dict[str, Any] = {"types": list(leaf.types)}
    if leaf.words:
        limits["words"] = [*leaf.words, None] if "null" in leaf.types else list(leaf.words)
    if "number" in leaf.types:
        # Everything that is counted, dated or numbered in the policy input starts at nought.
        limits["least"] = leaf.least or 0
    return limits


def _totals(every: tuple[Leaf, ...]) -> list[dict[str, Any]]:
    lists = {leaf.path for leaf in every if "array" in leaf.types and "*" not in leaf.path}
    beside = [
        {"lists": [list(path)], "total": [*path[:-1], f"{path[-1]}_total"]}
        for path in sorted(lists)
        if any(leaf.path == (*path[:-1], f"{path[-1]}_total") for leaf in every)
    ]
    return [*beside, *(_grand_total(leaf, lists) for leaf in every if leaf.path[1:] == ("total",))]


def _grand_total(leaf: Leaf, lists: set[tuple[str, ...]]) -> dict[str, Any]:
    return {
        "lists": [list(path) for path in sorted(lists) if path[:-1] == leaf.path[:-1]],
        "total": list(leaf.path),
    }


def _plain(every: tuple[Leaf, ...]) -> list[list[str]]:
    """Lists of strings that may hold no control character: WASM's `**` does not match a line break, OPA's does."""
    return [
        list(leaf.path[:-1])
        for leaf in every
        if leaf.path[-1] == "*" and leaf.types == ("string",) and leaf.path[0] not in _TEXTUAL
    ]
