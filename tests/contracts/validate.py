"""Judges HTTP messages by the vendors' own documents (extracts plus our reviewed overlay).

`validate_request` and `validate_response` raise `ContractError` with the reason. Beyond what the
documents say, a request may name only parameters and body members that the operation declares, so
that a misspelt one is found. Statuses that any vendor may answer anywhere need not be declared.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from jsonschema.exceptions import ValidationError
from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from tests.contracts.extract import HERE, Document

_ANYWHERE = frozenset({401, 403, 404, 429, *range(500, 600)})


class ContractError(AssertionError):
    """A message that the vendor's document does not allow."""


@cache
def overlay() -> tuple[Document, ...]:
    """The reviewed corrections."""
    return tuple(yaml.safe_load((HERE / "overlay.yaml").read_text()))


@cache
def contract(system: str) -> Document:
    """The extract of `gitlab` or `jira` with the overlay applied."""
    document: Document = json.loads((HERE / f"{system}.json").read_text())
    for entry in overlay():
        if entry["system"] == system:
            _correct(document, entry)
    return document


def _correct(document: Document, entry: Document) -> None:
    if "schema" in entry:
        schemas = document["components"]["schemas"]
        schemas[entry["schema"]] = merge(schemas.get(entry["schema"], {}), entry["patch"])
        return
    method, _, path = entry["operation"].partition(" ")
    item = document["paths"].setdefault(path, {})
    old = item.get(method.lower(), {})
    patch = dict(entry["patch"])
    by_name = {each["name"]: each for each in old.get("parameters", [])}
    parameters = list(merge(by_name, patch.pop("parameters", {})).values())
    item[method.lower()] = merge(old, patch) | {"parameters": parameters}


def merge(target: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


@cache
def _api(system: str) -> OpenAPI:
    unchecked = Config(spec_validator_cls=None)  # type: ignore[arg-type]  # the documents are wrong in places; None is the documented way
    return OpenAPI.from_dict(contract(system), config=unchecked)


def _request(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> MockRequest:
    parts = urlsplit(url)
    kind = {name.lower(): value for name, value in headers.items()}.get("content-type", "application/json")
    return MockRequest(
        f"{parts.scheme}://{parts.netloc}",
        method.lower(),
        parts.path,
        args=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers=dict(headers),
        data=body or None,
        # A form says in its type where its parts end.
        content_type=kind if kind.startswith("multipart/") else kind.partition(";")[0],
    )


def operation_of(system: str, method: str, url: str) -> tuple[str, Document]:
    """(`GET /path/{template}`, the operation) that a request is an instance of; literal segments win."""
    segments = urlsplit(url).path.split("/")
    fitting = [path for path in contract(system)["paths"] if _fits(path.split("/"), segments)]
    for path in sorted(fitting, key=lambda path: path.count("{")):
        found = contract(system)["paths"][path].get(method.lower())
        if found:
            return f"{method.upper()} {path}", found
    raise ContractError(f"{system}: no operation for {method.upper()} {urlsplit(url).path}")


def _fits(template: list[str], segments: list[str]) -> bool:
    same = len(template) == len(segments)
    return same and all(
        want == have or want.startswith("{") for want, have in zip(template, segments, strict=True)
    )


def validate_request(
    system: str, method: str, url: str, headers: Mapping[str, str], body: bytes | None
) -> str:
    """Judge a request that we send; gives the operation's name, or raises ContractError."""
    name, operation = operation_of(system, method, url)
    request = _request(method, url, headers, body)
    try:
        _api(system).validate_request(request)
    except OpenAPIError as error:
        raise ContractError(f"{system}: {name}: {_reasons(error)}") from error
    strangers = [*_unknown_query(operation, url), *_unknown_members(system, operation, body)]
    if strangers:
        raise ContractError(f"{system}: {name}: undeclared {', '.join(strangers)}")
    return name


def validate_response(
    system: str, method: str, url: str, status: int, headers: Mapping[str, str], body: bytes
) -> str:
    """Judge an answer to a request; gives the operation's name, or raises ContractError."""
    name, operation = operation_of(system, method, url)
    if str(status) not in operation["responses"]:
        if status in _ANYWHERE:
            return name
        raise ContractError(f"{system}: {name}: status {status} is not declared")
    if "content" not in operation["responses"][str(status)]:
        return name
    kind = {key.lower(): value for key, value in headers.items()}.get("content-type", "application/json")
    response = MockResponse(body, status, dict(headers), kind.partition(";")[0])
    try:
        _api(system).validate_response(_request(method, url, {}, None), response)
    except OpenAPIError as error:
        raise ContractError(f"{system}: {name}: {status}: {_reasons(error)}") from error
    return name


def _reasons(error: BaseException) -> str:
    """What is wrong and where, along the chain of causes; a schema error says so without the whole document."""
    problems = getattr(error, "schema_errors", None)
    if problems:
        return "; ".join(_place(problem) for problem in problems)
    cause = error.__cause__ or error.__context__
    return _reasons(cause) if cause else str(error)


def _place(problem: ValidationError) -> str:
    """The deepest error that explains this one."""
    inner = max(problem.context or [], key=lambda each: len(each.absolute_path), default=None)
    if inner is not None and len(inner.absolute_path) > len(problem.absolute_path):
        return _place(inner)
    return f"at {'/'.join(map(str, problem.absolute_path)) or 'the top'}: {problem.message[-160:]}"


def _unknown_query(operation: Document, url: str) -> Iterator[str]:
    declared = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
    for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True):
        if name.removesuffix("[]") not in declared and name not in declared:
            yield f"query parameter {name}"


def _unknown_members(system: str, operation: Document, body: bytes | None) -> Iterator[str]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if not body or content is None:
        return
    shape = _resolved(system, content["schema"])
    sent = json.loads(body)
    if isinstance(sent, dict) and "properties" in shape:
        yield from (f"body member {name}" for name in sent if name not in shape["properties"])


def _resolved(system: str, schema: Document) -> Document:
    while "$ref" in schema:
        schema = contract(system)["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema
