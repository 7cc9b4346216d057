"""Cutting secrets out of a request before anything of it is stored.

Free text and file contents keep their shape with `{redacted:<detector>}` in the secret's place; the action is denied
for it, so it does not matter that the text is no longer the agent's. A name (a branch, a path, a label) with a
secret in it is refused outright: cut, it would name another thing.
"""

import base64
import re
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from gateway.core.actions import Redaction
from gateway.core.errors import MalformedError
from gateway.core.params import UntypedParams, params_model
from gateway.core.secret_detectors import find, may_stand_in, redacted
from gateway.core.vocabulary import ActionType

_FREE = re.compile(
    r"/params/(?:title|description|body|message|link|link_title|content_base64|changes/[0-9]+/(?:content|content_base64))"
)
_Cuts = list[Redaction]


def redact_text(text: str, field: str, path: str | None = None) -> tuple[str, tuple[Redaction, ...]]:
    """The text without its secrets, and where they were."""
    hits = find(text)
    cuts = tuple(Redaction(field=field, detector=h.detector, line=h.line, path=path) for h in hits)
    return (redacted(text, hits), cuts) if hits else (text, ())


def redact_params(
    action_type: ActionType, params: dict[str, Any]
) -> tuple[dict[str, Any], tuple[Redaction, ...]]:
    """Checked params without their secrets. Raises `MalformedError` for a secret in a name."""
    written = orjson.dumps(params)
    if b"content_base64" not in written and not may_stand_in(written):
        return params, ()
    cuts: _Cuts = []
    everything = params_model(action_type) is UntypedParams

    def cut(text: str, field: str, path: str | None) -> str:
        if not everything and not _FREE.fullmatch(field):
            refuse_secrets([(field, text)])
            return text
        clean, found = (_redact_bytes if field.endswith("/content_base64") else redact_text)(
            text, field, path
        )
        cuts.extend(found)
        return clean

    return _mapped(params, "/params", None, cut), tuple(cuts)


def refuse_secrets(named: Iterable[tuple[str, str]]) -> None:
    """Raise `MalformedError` when a name holds a secret; each item is a JSON pointer and the text there."""
    for field, text in named:
        hits = find(text)
        if hits:
            raise MalformedError(
                f"{field} holds what looks like a secret ({hits[0].detector}); nothing was stored. "
                "Take it out, and replace the secret: it has left its place.",
                field=field,
            )


def _redact_bytes(encoded: str, field: str, path: str | None) -> tuple[str, tuple[Redaction, ...]]:
    """Latin-1 keeps every byte, so a secret in ASCII is found in any file and cut out without a trace elsewhere."""
    try:
        text = base64.b64decode(encoded, validate=True).decode("latin-1")
    except ValueError:  # untyped params may call anything content_base64
        return redact_text(encoded, field, path)
    clean, cuts = redact_text(text, field, path)
    return (base64.b64encode(clean.encode("latin-1")).decode() if cuts else encoded), cuts


def _mapped(value: Any, field: str, path: str | None, cut: Callable[[str, str, str | None], str]) -> Any:
    if isinstance(value, str):
        return cut(value, field, path)
    if isinstance(value, dict):
        inner = next((value[n] for n in ("path", "filename") if isinstance(value.get(n), str)), path)
        return {k: _mapped(v, f"{field}/{k}", inner, cut) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mapped(v, f"{field}/{n}", path, cut) for n, v in enumerate(value)]
    return value
