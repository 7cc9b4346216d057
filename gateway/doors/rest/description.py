"""The OpenAPI document: FastAPI's own, with the problem documents every route can really answer."""

from typing import Any

from fastapi import FastAPI

from gateway.core.model import Model
from gateway.doors.rest.problems import MEDIA_TYPE, TITLES

_EVERYWHERE = (400, 422)
_SIGNED_IN = (401, 403, 404, 409, 503)
_WITH_A_BODY = (413,)
_PROPOSING = (504,)
_PUBLIC_POSTS = (401, 503)
_FRAMEWORK = ("HTTPValidationError", "ValidationError")


class ProblemDocument(Model):
    """RFC 9457 with our members; docs/reference/errors.md lists the codes."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    field: str | None = None
    action_id: str | None = None
    ticket_id: str | None = None
    findings: tuple[dict[str, Any], ...] | None = None
    retry: dict[str, Any] | None = None
    next: dict[str, Any] | None = None
    action: dict[str, Any] | None = None


def describe(app: FastAPI) -> None:
    """Make the app tell its whole truth at its OpenAPI address."""
    plain = app.openapi

    def told() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _with_problems(plain())
        return app.openapi_schema

    app.openapi = told  # type: ignore[method-assign]  # FastAPI's documented way to change its document


def _with_problems(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document["components"]["schemas"]
    for name in _FRAMEWORK:
        schemas.pop(name, None)
    schemas["ProblemDocument"] = ProblemDocument.model_json_schema()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            operation["responses"].pop("422", None)
            for status in _statuses(path, method, operation):
                operation["responses"].setdefault(str(status), _problem(status))
    return document


def _statuses(path: str, method: str, operation: dict[str, Any]) -> tuple[int, ...]:
    proposing = _PROPOSING if path == "/v1/actions" and method == "post" else ()
    body = _WITH_A_BODY if "requestBody" in operation else ()
    signed_in = _SIGNED_IN if "security" in operation else _PUBLIC_POSTS if method == "post" else (503,)
    return (*_EVERYWHERE, *signed_in, *body, *proposing)


def _problem(status: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    return {"description": TITLES.get(status, "Error"), "content": content}
