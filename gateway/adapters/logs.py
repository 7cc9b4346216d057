"""Logs as JSON lines on standard error, every string of them without secrets, uvicorn's and the libraries' included.

`request_id` and `action_id` are bound to the task that works on a request, so that every line of it names both.
"""

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any, TextIO

import structlog

from gateway.core.secret_detectors import find, redacted

_LONGEST = 20_000
_QUIET = ("opentelemetry", "urllib3", "httpcore", "httpx2", "alembic")


def set_up_logging(*, form: str, level: str, stream: TextIO | None = None) -> Callable[[], None]:
    """Send every log line of this process through here; call what is returned to undo it.

    `form` is `json`, or `text` for a person's eyes; `level` a level's name in lower case.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_formatter(form))
    root = logging.getLogger()
    before, level_before = root.handlers[:], root.level
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)

    def undo() -> None:
        root.handlers[:] = before
        root.setLevel(level_before)
        structlog.contextvars.clear_contextvars()

    return undo


def bind(**ids: str) -> None:
    """Name these in every further line of the present task."""
    structlog.contextvars.bind_contextvars(**ids)


def unbind_all() -> None:
    """Forget what was bound: a new request begins."""
    structlog.contextvars.clear_contextvars()


def without_secrets(_logger: object, _method: str, event: Any) -> Any:
    """A structlog processor: every string of the line with `{redacted:<detector>}` where a secret was."""
    return {key: _clean(value) for key, value in event.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        short = value[:_LONGEST]
        hits = find(short)
        return redacted(short, hits) if hits else short
    if isinstance(value, Mapping):
        return {str(_clean(str(key))): _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(inner) for inner in value]
    return value if isinstance(value, int | float | bool | None) else _clean(repr(value))


def _formatter(form: str) -> structlog.stdlib.ProcessorFormatter:
    renderer: Any = (
        structlog.processors.JSONRenderer(sort_keys=True)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            without_secrets,
            renderer,
        ],
    )
