"""Errors as RFC 9457 problem documents, one map from our errors to HTTP."""

import logging
import re
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from gateway.core.errors import (
    CallerError,
    ConflictError,
    LedgerUnavailableError,
    LoopgateError,
    MalformedError,
    NotFoundError,
    OutOfScopeError,
    TooManyRequestsError,
    UnauthenticatedError,
)
from gateway.core.secret_detectors import without_secrets
from gateway.core.text import show
from gateway.doors.rest.refusals import note

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
DOCS = "https://loopgate.example/errors/"
_STATUS: tuple[tuple[type[LoopgateError], int], ...] = (
    (MalformedError, 422),
    (UnauthenticatedError, 401),
    (OutOfScopeError, 403),
    (NotFoundError, 404),
    (ConflictError, 409),
    (TooManyRequestsError, 429),
    (CallerError, 400),
    (LedgerUnavailableError, 503),
)
TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "Malformed request",
    429: "Too many requests",
    500: "Internal error",
    503: "Not available now",
    504: "In doubt",
}
# Whoever raises these counts them, under what was tried.
_COUNTED = (UnauthenticatedError, TooManyRequestsError)
_ROUTING = {404: "not_found", 405: "method_not_allowed"}


def problem(
    status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **members: Any
) -> Response:
    """One problem document; `members` are added as they are (findings, retry, action_id …)."""
    body = {
        "type": DOCS + code,
        "title": TITLES.get(status, "Error"),
        "status": status,
        "code": code,
        "detail": detail,
    }
    content = orjson.dumps({**body, **members})
    return Response(content, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def of_error(error: LoopgateError) -> Response:
    """The problem document of one of our errors."""
    status = next((s for kind, s in _STATUS if isinstance(error, kind)), 500)
    if error.code == "idempotency_mismatch":
        status = 422
    members = {"field": error.field} if isinstance(error, MalformedError) and error.field else {}
    headers = _headers(status)
    if isinstance(error, TooManyRequestsError):
        headers = {"Retry-After": str(error.retry_after_s)}
    return problem(status, error.code, show(error.detail), headers=headers, **members)


def install(app: FastAPI) -> None:
    """Make every error of the app a problem document; nothing a caller sends becomes a traceback."""

    async def ours(request: Request, error: Exception) -> Response:
        if isinstance(error, CallerError) and not isinstance(error, _COUNTED):
            note(request.scope, error.code)
        return of_error(error) if isinstance(error, LoopgateError) else _unexpected(error)

    async def malformed(request: Request, error: Exception) -> Response:
        note(request.scope, MalformedError.code)
        return _malformed(error) if isinstance(error, RequestValidationError) else _unexpected(error)

    async def routing(request: Request, error: Exception) -> Response:
        return _routed(request, error) if isinstance(error, HTTPException) else _unexpected(error)

    async def unexpected(_: Request, error: Exception) -> Response:
        return _unexpected(error)

    app.add_exception_handler(LoopgateError, ours)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(HTTPException, routing)
    app.add_exception_handler(Exception, unexpected)


def _headers(status: int) -> dict[str, str] | None:
    if status == 401:  # noqa: PLR2004 - the HTTP status itself
        return {"WWW-Authenticate": 'Bearer realm="loopgate"'}
    return {"Retry-After": "2"} if status == 503 else None  # noqa: PLR2004 - same


def _malformed(error: RequestValidationError) -> Response:
    first = error.errors()[0]
    pointer = "/" + "/".join(str(part) for part in first["loc"][1:])
    detail = f"{first['loc'][0]}{pointer if pointer != '/' else ''}: {first['msg']}"
    # A field's name is the caller's word too.
    detail, pointer = without_secrets(detail), without_secrets(pointer)
    return problem(422, "malformed", show(detail), field=show(pointer))


def _routed(request: Request, error: HTTPException) -> Response:
    code = _ROUTING.get(error.status_code, "malformed")
    note(request.scope, code)
    detail = {
        "not_found": "There is no such route; the OpenAPI document lists those there are.",
        "method_not_allowed": "This route does not answer that method.",
    }.get(code, str(error.detail))
    headers = {"Allow": _allowed(request)} if code == "method_not_allowed" else dict(error.headers or {})
    return problem(error.status_code, code, detail, headers=headers)


def _allowed(request: Request) -> str:
    """Every method of the path (RFC 9110 section 10.2.1); the framework names only those of one route."""
    paths = request.app.openapi()["paths"]
    served = (set(methods) for path, methods in paths.items() if _serves(path, request.url.path))
    return ", ".join(sorted(method.upper() for methods in served for method in methods))


def _serves(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) is not None


def _unexpected(error: Exception) -> Response:
    log.error("a request broke the gateway", exc_info=error)
    return problem(
        500, "internal", "The gateway has a defect; nothing more was done. The operator's log names it."
    )
