"""One Jira Cloud site under the gateway's own account: the calls, and what a bad answer means.

Never the `jira` package, which repeats writes by itself (docs/adr). Source: Jira Cloud platform REST API v3.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.core.errors import (
    FactsMissingError,
    SettingsError,
    TargetError,
    TargetRefusedError,
    TargetUnclearError,
)
from gateway.ports import Clock

API = "/rest/api/3"
_LONGEST_WORDS = 500
_TOO_MANY = 429
_NOT_FOUND = 404
_TIMEOUT = 408
_SERVER_ERROR = 500
_DEFAULT_PAUSE_S = 60


class Answer(BaseModel):
    """The part of Jira's answer that is used; what else it says is ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


A = TypeVar("A", bound=Answer)


class NotThereError(FactsMissingError):
    """Jira knows nothing under that path, or shows it not to the gateway's account."""


class Site:
    """Jira as the gateway's account sees it. `email` is empty for a bearer token.

    `call_s` bounds each call as a whole, in seconds.
    """

    def __init__(
        self,
        http: httpx2.AsyncClient,
        email: str,
        token: Callable[[], str],
        clock: Clock,
        *,
        call_s: float = 30.0,
    ) -> None:
        self._http = http
        self._email = email
        self._token = token
        self._clock = clock
        self._call_s = call_s

    @property
    def clock(self) -> Clock:
        """The time, for windows of searches."""
        return self._clock

    async def get(self, path: str, kind: type[A], **query: str | int) -> A:
        """Read one thing. Raises `NotThereError` or `FactsMissingError`."""
        return await self._read(kind, "GET", path, params=query)

    async def find(self, path: str, kind: type[A], **query: str | int) -> A | None:
        """Read one thing that may not be there."""
        try:
            return await self.get(path, kind, **query)
        except NotThereError:
            return None

    async def ask(self, path: str, body: Mapping[str, Any], kind: type[A]) -> A:
        """Read by POST, as searches do."""
        return await self._read(kind, "POST", path, json=dict(body))

    async def post(self, path: str, body: Mapping[str, Any], kind: type[A]) -> A:
        """Write once. Raises `TargetRefusedError` or `TargetUnclearError`."""
        async with self._writing():
            answer = await self._send("POST", path, json=dict(body))
            _refuse_writing(answer)
            return kind.model_validate(answer.json() if answer.content else {})

    async def put(self, path: str, body: Mapping[str, Any], kind: type[A]) -> A:
        """Overwrite once. Raises `TargetRefusedError` or `TargetUnclearError`."""
        async with self._writing():
            answer = await self._send("PUT", path, json=dict(body))
            _refuse_writing(answer)
            return kind.model_validate(answer.json() if answer.content else {})

    async def upload(self, path: str, name: str, content: bytes, media_type: str, kind: type[A]) -> A:
        """Write one file; the list that is answered becomes the `items` of `kind`. Raises as `post` does."""
        async with self._writing():
            files, headers = {"file": (name, content, media_type)}, {"X-Atlassian-Token": "no-check"}
            answer = await self._send("POST", path, files=files, headers=headers)
            _refuse_writing(answer)
            return kind.model_validate({"items": answer.json()})

    async def listed(self, path: str, kind: type[A], **query: str | int) -> A:
        """Read a list, which becomes the `items` of `kind`."""
        return await self._read(kind, "GET", path, as_items=True, params=query)

    async def _read(
        self, kind: type[A], method: str, path: str, *, as_items: bool = False, **options: Any
    ) -> A:
        try:
            answer = await self._send(method, path, **options)
            self._refuse_reading(path, answer)
            return kind.model_validate({"items": answer.json()} if as_items else answer.json())
        except (httpx2.HTTPError, TimeoutError) as error:
            raise FactsMissingError(f"Jira did not answer {path}: {type(error).__name__}") from None
        except SettingsError as error:
            raise FactsMissingError(error.detail) from None
        except FactsMissingError:
            raise
        except TargetError as error:
            raise FactsMissingError(f"Jira did not answer {path}: {error.detail}") from None
        except (ValidationError, ValueError, RecursionError):
            raise FactsMissingError(f"Jira answered {path} in a form nobody documented.") from None

    async def _send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> httpx2.Response:
        headers = {"Accept": "application/json", **(headers or {})}
        token = await asyncio.to_thread(self._token)
        if not self._email:
            headers["Authorization"] = f"Bearer {token}"
        auth = httpx2.BasicAuth(self._email, token) if self._email else None
        async with asyncio.timeout(self._call_s):
            return await self._http.request(method, f"{API}{path}", headers=headers, auth=auth, **options)

    def _refuse_reading(self, path: str, answer: httpx2.Response) -> None:
        code, words = answer.status_code, words_of(answer)
        if answer.is_success:
            return
        if code == _TOO_MANY:
            until_ms = self._clock.now_ms() + _pause_s(answer.headers) * 1000
            raise FactsMissingError("Jira asks to slow down (429).", until_ms=until_ms)
        if code == _NOT_FOUND:
            raise NotThereError(f"Jira has no {path} that the gateway may see: {words}", retryable=False)
        raise FactsMissingError(
            f"Jira refused to show {path} ({code}): {words}",
            retryable=code >= _SERVER_ERROR or code == _TIMEOUT,
        )

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        try:
            yield
        except SettingsError as error:
            raise TargetRefusedError(error.detail) from None
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            name = type(error).__name__
            raise TargetRefusedError(
                f"Jira could not be reached, nothing was sent: {name}", retryable=True
            ) from None
        except (httpx2.HTTPError, TimeoutError) as error:
            raise TargetUnclearError(f"Jira's answer was lost: {type(error).__name__}") from None
        except (ValidationError, ValueError, RecursionError):
            raise TargetUnclearError(
                "Jira accepted the request but answered in a form nobody documented."
            ) from None


def _refuse_writing(answer: httpx2.Response) -> None:
    code = answer.status_code
    if answer.is_success:
        return
    if code == _TOO_MANY:
        raise TargetRefusedError("Jira asks to slow down (429).", retryable=True)
    told = f"Jira answered {code}: {words_of(answer)}"
    if code >= _SERVER_ERROR or code == _TIMEOUT:
        raise TargetUnclearError(told)
    raise TargetRefusedError(told)


def segment(value: str) -> str:
    """A value as one segment of a path."""
    return quote(value, safe="")


def words_of(answer: httpx2.Response) -> str:
    """Jira's own words in one line: `errorMessages`, then `errors` by field."""
    try:
        given = answer.json()
    except ValueError:
        return answer.reason_phrase
    if not isinstance(given, dict):
        return answer.reason_phrase
    messages, fields = given.get("errorMessages") or [], given.get("errors") or {}
    told = [str(m) for m in messages] if isinstance(messages, list) else []
    told += [f"{k}: {v}" for k, v in fields.items()] if isinstance(fields, dict) else []
    return " ".join("; ".join(told or [answer.reason_phrase]).split())[:_LONGEST_WORDS]


def _pause_s(headers: Mapping[str, str]) -> int:
    given = headers.get("Retry-After", "")
    return min(int(given), 3600) if given.isascii() and given.isdigit() else _DEFAULT_PAUSE_S
