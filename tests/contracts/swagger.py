"""Turns the parts of a Swagger 2.0 document that GitLab uses into OpenAPI 3.1."""

from typing import Any

Document = dict[str, Any]
_REF = ("#/definitions/", "#/components/schemas/")


def operation(old: Document) -> Document:
    """An operation: body and form parameters become a request body, response schemas get a media type."""
    listed = old.get("parameters", [])
    new: Document = {
        "operationId": old["operationId"],
        "parameters": [_parameter(each) for each in listed if each["in"] in ("path", "query", "header")],
        "responses": {code: _response(answer) for code, answer in old["responses"].items()},
    }
    body = _body([each for each in listed if each["in"] in ("body", "formData")])
    return new | ({"requestBody": body} if body else {})


def _parameter(old: Document) -> Document:
    kept = {name: old[name] for name in ("name", "in", "required") if name in old}
    return kept | {
        "schema": schema({name: old[name] for name in ("type", "format", "enum", "items") if name in old})
    }


def _body(listed: list[Document]) -> Document | None:
    if not listed:
        return None
    if listed[0]["in"] == "body":
        return {"content": {"application/json": {"schema": schema(listed[0]["schema"])}}}
    fields = {each["name"]: _parameter(each)["schema"] for each in listed}
    needed = sorted(each["name"] for each in listed if each.get("required"))
    made = {"type": "object", "properties": fields} | ({"required": needed} if needed else {})
    return {"content": {"application/json": {"schema": made}}}


def _response(old: Document) -> Document:
    if "schema" not in old:
        return {"description": old.get("description", "")}
    return {
        "description": old.get("description", ""),
        "content": {"application/json": {"schema": schema(old["schema"], nullable=True)}},
    }


def schema(old: Document, *, nullable: bool = False) -> Document:
    """A schema; `nullable` lets each property be null, which Swagger 2.0 cannot say and GitLab's answers are."""
    if "$ref" in old:
        return {"$ref": old["$ref"].replace(*_REF)}
    new: Document = {name: old[name] for name in ("type", "format", "enum", "required") if name in old}
    if new.get("type") == "file":
        new = {"type": "string"}
    if "items" in old:
        new["items"] = schema(old["items"], nullable=nullable)
    if "properties" in old:
        shaped = {name: schema(each, nullable=nullable) for name, each in old["properties"].items()}
        new["properties"] = {name: or_null(each) for name, each in shaped.items()} if nullable else shaped
    return new


def or_null(shape: Document) -> Document:
    """The same schema, or null."""
    if "type" in shape and isinstance(shape["type"], str) and "enum" not in shape:
        return shape | {"type": [shape["type"], "null"]}
    return {"anyOf": [shape, {"type": "null"}]}


def is_request(name: str) -> bool:
    """Whether a definition describes a request body: GitLab names those after their operation."""
    return name.startswith(("post", "put", "patch", "delete"))
