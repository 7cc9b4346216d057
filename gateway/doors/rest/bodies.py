"""What is refused before a route sees it: bodies too large, too deep, not JSON as RFC 8259 means it, or with secrets.

A secret is refused where nothing else takes it out: proposals and reports lose theirs further on, and a stop must not
wait because its reason quotes what leaked. Signed words (a vote's reason) cannot lose a part, so they are refused.
"""

import json
import re
from collections import Counter
from itertools import chain
from typing import Any
from urllib.parse import unquote_plus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.core.secret_detectors import find, without_secrets
from gateway.doors.rest.problems import problem
from gateway.doors.rest.refusals import note

_MIB = 1024 * 1024
LIMIT = _MIB
COMMIT_LIMIT = 8 * _MIB
SIGNAL_LIMIT = 16 * _MIB
_DEEPEST = 64
_SURROGATE = re.compile("[\ud800-\udfff]")
POLICY_LIMIT = 32 * _MIB
# A policy's bundles are signed as they are; what they hold is for the policy's own checks.
_CLEARS_ITSELF = frozenset({"/v1/actions", "/v1/rulings", "/v1/stops", "/v1/policies"})
_TELLING_ADDRESS = (
    "The address of this request holds what looks like a secret; nothing was done. Replace the secret: addresses are "
    "logged on their way."
)


class BodyLimits:
    """Middleware: caps bodies (1 MiB; proposals 8 MiB for `commit.create`; reports 16 MiB; policies 32 MiB) and parses them strictly."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through what is well formed; answer the rest with a problem document."""
        if scope["type"] == "http" and _names_secret(scope):
            note(scope, "malformed")
            await problem(422, "malformed", _TELLING_ADDRESS)(scope, receive, send)
            return
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self._app(scope, receive, send)
            return
        limit = _limit(scope["path"])
        body = await _read(receive, limit)
        if body is None:
            refusal = problem(413, "too_large", f"The body is over {limit} bytes; nothing was done.")
            note(scope, "too_large")
            await refusal(scope, receive, send)
            return
        wrong = _wrong(body, scope["path"])
        if wrong:
            note(scope, "malformed")
            await problem(422, "malformed", wrong)(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)


def _names_secret(scope: Scope) -> bool:
    """Whether the address or the query holds a secret: both end in logs of proxies and here as filters."""
    query = scope["query_string"].decode("latin-1")
    return bool(find(scope["path"]) or (query and find(unquote_plus(query))))


def _limit(path: str) -> int:
    if path.startswith("/v1/signals/"):
        return SIGNAL_LIMIT
    if path == "/v1/policies":
        return POLICY_LIMIT
    return COMMIT_LIMIT if path in {"/v1/actions", "/v1/rulings"} else LIMIT


async def _read(receive: Receive, limit: int) -> bytes | None:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            return None
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _wrong(body: bytes, path: str) -> str | None:
    """What is wrong with a JSON body, as a sentence; None when it is fine."""
    if not body:
        return None
    try:
        parsed = json.loads(
            body.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_no_duplicates
        )
    except UnicodeDecodeError:
        return "The body is not UTF-8."
    except RecursionError:
        return "The body is nested too deeply."
    except ValueError as error:
        return f"The body is not JSON: {error}."
    clears = path in _CLEARS_ITSELF or path.startswith("/v1/signals/")
    return _wrong_inside(parsed, signal=path.startswith("/v1/signals/")) or (
        None if clears else _with_secret(parsed)
    )


def _with_secret(parsed: Any) -> str | None:
    if without_secrets(parsed) == parsed:
        return None
    return (
        "The body holds what looks like a secret; nothing was stored. Take it out, and replace the secret: "
        "it has left its place."
    )


def _wrong_inside(parsed: Any, *, signal: bool) -> str | None:
    level: list[Any] = [parsed]
    for _ in range(_DEEPEST):
        objects = [value for value in level if isinstance(value, dict)]
        texts = "".join([value for value in level if isinstance(value, str)])
        texts += "".join(chain.from_iterable(objects))
        if not texts.isascii() and _SURROGATE.search(texts):
            return "The body holds a lone surrogate, which is not text; send valid Unicode."
        if not signal and any(isinstance(value, float) and not value.is_integer() for value in level):
            return "Numbers here are integers; the body holds a fraction."
        arrays = chain.from_iterable([value for value in level if isinstance(value, list)])
        level = [*chain.from_iterable(map(dict.values, objects)), *arrays]
        if not level:
            return None
    return f"The body is nested more than {_DEEPEST} deep."


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"the member {twice!r} is given twice")
    return members
