"""The policy input's model as OPA understands schemas, and its leaves one by one.

OPA's type checker silently ignores `anyOf` with null, `oneOf`, `enum` without `type` and `$ref` chains it cannot
follow; so the schema is flattened before `opa check` sees it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.core.model import Model
from gateway.core.policy_input import PolicyInput

Schema = Mapping[str, Any]
_REGO_TYPES = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
    "object": "object",
    "array": "array",
}
_JSON_TYPES = {str: "string", bool: "boolean", int: "integer", type(None): "null"}


class Leaf(Model):
    """One place of the policy input and what may stand there.

    `path` has `*` where a list is entered; `types` are Rego's type names, sorted; `words` is a closed set of
    values, empty when open; `least` is the smallest number allowed, `open` marks an object of any content.
    """

    path: tuple[str, ...]
    types: tuple[str, ...]
    words: tuple[str, ...] = ()
    least: int | None = None
    open: bool = False


def policy_input_schema() -> dict[str, Any]:
    """The JSON Schema of the policy input with every `$ref` written out in place."""
    schema = PolicyInput.model_json_schema()
    inlined: dict[str, Any] = _inline(schema, schema.get("$defs", {}))
    return inlined


def flattened_schema() -> dict[str, Any]:
    """The policy input's schema in the subset that `opa check --schema` really reads."""
    flat: dict[str, Any] = _flatten(policy_input_schema())
    return flat


def leaves() -> tuple[Leaf, ...]:
    """Every place of the policy input below the top, parents before children, in the model's order."""
    return tuple(_leaves(policy_input_schema(), ()))[1:]


def _inline(node: Any, definitions: Schema) -> Any:
    if isinstance(node, list):
        return [_inline(entry, definitions) for entry in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inline(definitions[node["$ref"].removeprefix("#/$defs/")], definitions)
    return {key: _inline(value, definitions) for key, value in node.items() if key != "$defs"}


def _flatten(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    node = _without_null(node)
    flat = {key: node[key] for key in ("type", "enum", "required", "additionalProperties") if key in node}
    if "type" not in flat and ("enum" in node or "const" in node):
        flat["type"] = _type_of_words(node)
    if "properties" in node:
        flat["properties"] = {name: _flatten(entry) for name, entry in node["properties"].items()}
        flat["additionalProperties"] = False
    if isinstance(node.get("items"), dict):
        flat["items"] = _flatten(node["items"])
    return flat


def _without_null(node: Schema) -> dict[str, Any]:
    if "anyOf" not in node:
        return dict(node)
    merged: dict[str, Any] = {}
    for choice in node["anyOf"]:
        if choice.get("type") != "null":
            merged |= choice
    return merged


def _type_of_words(node: Schema) -> str:
    words = node.get("enum", [node.get("const")])
    return _JSON_TYPES[type(words[0])]


def _leaves(node: Schema, path: tuple[str, ...]) -> Iterator[Leaf]:
    choices = node.get("anyOf", [node])
    properties = {name: entry for choice in choices for name, entry in choice.get("properties", {}).items()}
    yield Leaf(
        path=path,
        types=tuple(sorted({_rego_type(choice) for choice in choices})),
        words=tuple(word for choice in choices for word in _words(choice)),
        least=next((choice["minimum"] for choice in choices if "minimum" in choice), None),
        open="object" in {choice.get("type") for choice in choices} and not properties,
    )
    for name, entry in properties.items():
        yield from _leaves(entry, (*path, name))
    for choice in choices:
        if isinstance(choice.get("items"), dict):
            yield from _leaves(choice["items"], (*path, "*"))


def _rego_type(choice: Schema) -> str:
    return _REGO_TYPES[choice.get("type") or _type_of_words(choice)]


def _words(choice: Schema) -> list[str]:
    words: list[str] = choice.get("enum", [choice["const"]] if "const" in choice else [])
    return words
