"""JSON in which nothing is hidden: what has no shape of its own is written as an escape, and means the same."""

import json
import re
from typing import Any

from fastapi.responses import JSONResponse

from gateway.core.text import is_unseen

_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")


class ShownJSON(JSONResponse):
    r"""A JSON answer for people's eyes: bidirectional, invisible and control characters stand there as `\u202e`."""

    def render(self, content: Any) -> bytes:
        """The document's bytes. Parsed, they are the very strings that were given."""
        plain = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return _BEYOND_ASCII.sub(_escaped, plain).encode()


def _escaped(found: re.Match[str]) -> str:
    character = found.group()
    return json.dumps(character)[1:-1] if is_unseen(character) else character
