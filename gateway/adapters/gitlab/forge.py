"""One GitLab under one identity: the calls, and what a bad answer to a read or to a write means.

python-gitlab is synchronous: everything here runs in a worker thread. It must neither wait out a 429 nor repeat a
request by itself, because a repeated POST is a second comment.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import quote

import gitlab
import requests
from gitlab._backends.requests_backend import RequestsBackend
from pydantic import BaseModel, ConfigDict, ValidationError
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from gateway.core.errors import (
    FactsMissingError,
    SettingsError,
    TargetError,
    TargetRefusedError,
    TargetUnclearError,
)
from gateway.ports import Clock

_LONGEST_WORDS = 500
_TOO_MANY = 429
_NOT_FOUND = 404
_CONFLICT = 409
_SERVER_ERROR = 500
_UNCLEAR = frozenset({408})
_DEFAULT_PAUSE_S = 60


class Answer(BaseModel):
    """The part of a vendor's answer that is used; what else it says is ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


A = TypeVar("A", bound=Answer)


class NotThereError(FactsMissingError):
    """GitLab knows nothing under that path, or shows it not to this identity."""


class _RateLimitedError(Exception):
    """GitLab answered 429; `pause_s` is when to come back."""

    def __init__(self, pause_s: int) -> None:
        super().__init__("GitLab asks to slow down (429).")
        self.pause_s = pause_s


class _Backend(RequestsBackend):
    """python-gitlab's backend, keeping the header that its own error forgets."""

    def http_request(self, *args: Any, **kwargs: Any) -> Any:
        answer = super().http_request(*args, **kwargs)
        if answer.status_code == _TOO_MANY:
            raise _RateLimitedError(_pause_s(answer.headers))
        return answer


class Forge:
    """GitLab as one of the gateway's identities sees it. `username` is that identity's name there."""

    def __init__(
        self, url: str, username: str, token: Callable[[], str], session: requests.Session, clock: Clock
    ) -> None:
        self.username = username
        self._url = url
        self._token = token
        self._session = session
        self._clock = clock
        self._client: tuple[str, gitlab.Gitlab] | None = None

    def get(self, path: str, kind: type[A], **query: Any) -> A:
        """Read one thing. Raises `NotThereError` or `FactsMissingError`."""
        with self._reading(path):
            return kind.model_validate(self._gitlab().http_get(path, query_data=query))

    def find(self, path: str, kind: type[A], **query: Any) -> A | None:
        """Read one thing that may not be there."""
        try:
            return self.get(path, kind, **query)
        except NotThereError:
            return None

    def list(self, path: str, kind: type[A], *, limit: int = 500, **query: Any) -> tuple[A, ...]:
        """Read a list, page by page, up to `limit` members."""
        with self._reading(path):
            rows = self._gitlab().http_list(
                path, query_data={"per_page": min(limit, 100), **query}, iterator=True
            )
            return tuple(kind.model_validate(row) for row in islice(rows, limit))

    def whole(self, path: str, kind: type[A]) -> tuple[A, ...]:
        """Read a list that GitLab does not cut into pages."""
        with self._reading(path):
            return tuple(kind.model_validate(row) for row in self._gitlab().http_get(path))

    def post(self, path: str, body: Mapping[str, Any], kind: type[A]) -> A:
        """Write once. Raises `TargetRefusedError` or `TargetUnclearError`."""
        with _writing():
            return kind.model_validate(self._gitlab().http_post(path, post_data=dict(body)))

    def put(self, path: str, body: Mapping[str, Any], kind: type[A]) -> A:
        """Write once. Raises `TargetRefusedError` or `TargetUnclearError`."""
        with _writing():
            return kind.model_validate(self._gitlab().http_put(path, post_data=dict(body)))

    def upload(self, path: str, name: str, content: bytes, content_type: str, kind: type[A]) -> A:
        """Send one file once. Raises `TargetRefusedError` or `TargetUnclearError`."""
        with _writing():
            files = {"file": (name, content, content_type)}
            return kind.model_validate(self._gitlab().http_post(path, files=files))

    def _gitlab(self) -> gitlab.Gitlab:
        """The client for the token as it is now; a reloaded token makes a new one."""
        token = self._token()
        if self._client is None or self._client[0] != token:
            client = gitlab.Gitlab(
                self._url,
                private_token=token,
                backend=_Backend,
                session=self._session,
                retry_transient_errors=False,
                keep_base_url=True,
            )
            self._client = (token, client)
        return self._client[1]

    @contextmanager
    def _reading(self, path: str) -> Iterator[None]:
        try:
            yield
        except _RateLimitedError as error:
            until_ms = self._clock.now_ms() + error.pause_s * 1000
            raise FactsMissingError(str(error), until_ms=until_ms) from None
        except gitlab.exceptions.GitlabParsingError:
            raise FactsMissingError(f"GitLab answered {path} with something that is not JSON.") from None
        except gitlab.exceptions.GitlabError as error:
            raise _unread(path, error) from None
        except SettingsError as error:
            raise FactsMissingError(error.detail) from None
        except (requests.RequestException, TargetError) as error:
            raise FactsMissingError(f"GitLab did not answer {path}: {_plain(error)}") from None
        except (ValidationError, TypeError, AttributeError, RecursionError):
            raise FactsMissingError(f"GitLab answered {path} in a form nobody documented.") from None


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except _RateLimitedError as error:
        raise TargetRefusedError(str(error), retryable=True) from None
    except SettingsError as error:
        raise TargetRefusedError(error.detail) from None
    except gitlab.exceptions.GitlabParsingError:
        raise TargetUnclearError("GitLab accepted the request but its answer is not JSON.") from None
    except gitlab.exceptions.GitlabError as error:
        raise _unwritten(error) from None
    except requests.RequestException as error:
        raise _unsent(error) from None
    except (ValidationError, TypeError, AttributeError, RecursionError):
        raise TargetUnclearError(
            "GitLab accepted the request but answered in a form nobody documented."
        ) from None


def segment(value: str | int) -> str:
    """A value as one segment of a path: `shop/checkout` → `shop%2Fcheckout`."""
    return quote(str(value), safe="")


def project_path(project: str | int, *rest: str | int) -> str:
    """The API path of a project, and of what is below it."""
    return "/".join(("/projects", segment(project), *(str(r) for r in rest)))


def _unread(path: str, error: gitlab.exceptions.GitlabError) -> FactsMissingError:
    code, words = error.response_code, _words(error.error_message)
    if code == _NOT_FOUND:
        return NotThereError(f"GitLab has no {path} that the gateway may see: {words}", retryable=False)
    retryable = code is None or code >= _SERVER_ERROR or code in _UNCLEAR
    return FactsMissingError(f"GitLab refused to show {path} ({code}): {words}", retryable=retryable)


def _unwritten(error: gitlab.exceptions.GitlabError) -> TargetError:
    code, words = error.response_code, _words(error.error_message)
    if code is None or code >= _SERVER_ERROR or code in _UNCLEAR:
        return TargetUnclearError(f"GitLab answered {code}: {words}")
    return TargetRefusedError(f"GitLab answered {code}: {words}", code="stale" if code == _CONFLICT else None)


def _unsent(error: requests.RequestException) -> TargetError:
    if isinstance(error, requests.ConnectTimeout) or _never_connected(error):
        return TargetRefusedError(
            f"GitLab could not be reached, nothing was sent: {_plain(error)}", retryable=True
        )
    return TargetUnclearError(f"GitLab's answer was lost: {_plain(error)}")


def _never_connected(error: requests.RequestException) -> bool:
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _pause_s(headers: Mapping[str, str]) -> int:
    given = headers.get("Retry-After", "")
    return min(int(given), 3600) if given.isascii() and given.isdigit() else _DEFAULT_PAUSE_S


def _plain(error: Exception) -> str:
    """What went wrong without addresses or headers, which the libraries like to print."""
    return error.detail if isinstance(error, TargetError) else type(error).__name__


def _words(message: object) -> str:
    """GitLab's own words in one line: its errors are a text, a list, or lists by field."""
    text = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False, default=str)
    return " ".join(text.split())[:_LONGEST_WORDS]
