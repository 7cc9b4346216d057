"""A small typed client of the REST door. It retries nothing: proposing twice is the caller's decision."""

from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx2

from gateway.core.errors import MalformedError
from gateway.core.model import Model

_TIMEOUT_S = 150


class Problem(Model):
    """An RFC 9457 problem document of the gateway."""

    status: int
    code: str
    detail: str
    action_id: str | None = None
    ticket_id: str | None = None
    findings: tuple[dict[str, Any], ...] = ()
    retry: dict[str, Any] | None = None
    next: dict[str, Any] | None = None
    action: dict[str, Any] | None = None


class ApiError(Exception):
    """The gateway answered with a problem; `problem` says what and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class UnreachableError(Exception):
    """The gateway did not answer at all."""


class Client:
    """Talks to one gateway as one principal. `transport` lets tests and the demo hand in an ASGI app."""

    def __init__(
        self, url: str, token: str | None = None, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        if token and not (token.isascii() and token.isprintable() and " " not in token):
            raise MalformedError("That token holds characters no token has; copy it again.")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx2.AsyncClient(
            base_url=url, headers=headers, timeout=_TIMEOUT_S, follow_redirects=False, transport=transport
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let the connections go."""
        await self._http.aclose()

    async def propose(
        self, proposal: dict[str, Any], *, key: str | None = None, wait_s: int | None = None
    ) -> dict[str, Any]:
        """Propose an action; the action document (status 201 or 202). Raises `ApiError` for every other outcome."""
        headers = {"Idempotency-Key": key} if key else {}
        if wait_s is not None:
            headers["Prefer"] = f"wait={wait_s}"
        return await self._json("POST", "/v1/actions", json=proposal, headers=headers)

    async def rehearse(self, proposal: dict[str, Any]) -> dict[str, Any]:
        """A dry run: the ruling the proposal would get."""
        return await self._json("POST", "/v1/rulings", json=proposal)

    async def action(self, action_id: str) -> dict[str, Any]:
        """One action."""
        return await self._json("GET", f"/v1/actions/{_part(action_id)}")

    async def actions(self, **filters: Any) -> dict[str, Any]:
        """A page of actions; filters as in api.md."""
        return await self._json("GET", "/v1/actions", params=_given(filters))

    async def cancel(self, action_id: str) -> dict[str, Any]:
        """Withdraw an action that has not started."""
        return await self._json("POST", f"/v1/actions/{_part(action_id)}/cancel")

    async def tickets(self, *, mine: bool = False, after: str | None = None) -> dict[str, Any]:
        """A page of tickets."""
        return await self._json(
            "GET", "/v1/tickets", params=_given({"mine": str(mine).lower(), "after": after})
        )

    async def ticket(self, ticket_id: str) -> dict[str, Any]:
        """One ticket."""
        return await self._json("GET", f"/v1/tickets/{_part(ticket_id)}")

    async def ticket_page(self, ticket_id: str) -> str:
        """The ticket as the HTML page people read."""
        answer = await self._send("GET", f"/v1/tickets/{_part(ticket_id)}", headers={"Accept": "text/html"})
        return str(answer.text)

    async def vote(self, ticket_id: str, ballot: dict[str, Any]) -> dict[str, Any]:
        """Cast a vote; the ticket afterwards."""
        return await self._json("POST", f"/v1/tickets/{_part(ticket_id)}/votes", json=ballot)

    async def issue_token(self, agent: str, request: dict[str, Any]) -> dict[str, Any]:
        """A token for an agent; its secret is shown this once."""
        return await self._json("POST", f"/v1/agents/{_part(agent)}/tokens", json=request)

    async def invite(self, person: str, *, name: str = "", email: str = "") -> str:
        """A one-time code for a person of the roster."""
        return await self._word("code", "/v1/people", {"id": person, "name": name, "email": email})

    async def register_key(self, code: str, public_key: str) -> dict[str, Any]:
        """Register the public half of a vote key with a one-time code."""
        return await self._json("POST", "/v1/people/keys", json={"code": code, "public_key": public_key})

    async def challenge(self, key_id: str) -> str:
        """What to sign for a short token."""
        return await self._word("challenge", "/v1/tokens", {"key_id": key_id})

    async def sign_in(self, key_id: str, challenge: str, signature: str) -> str:
        """A short token for a signed challenge; never store it."""
        body = {"key_id": key_id, "challenge": challenge, "signature": signature}
        return await self._word("secret", "/v1/tokens", body)

    async def stops(self) -> dict[str, Any]:
        """The stops in force."""
        return await self._json("GET", "/v1/stops")

    async def stop(self, scope: str, value: str, reason: str) -> dict[str, Any]:
        """Engage a stop."""
        return await self._json("POST", "/v1/stops", json={"scope": scope, "value": value, "reason": reason})

    async def lift(self, stop_id: str, reason: str) -> dict[str, Any]:
        """Ask to lift a stop; the action that waits for two operators."""
        return await self._json("POST", f"/v1/stops/{_part(stop_id)}/lift", json={"reason": reason})

    async def policies(self) -> dict[str, Any]:
        """The policies that are kept, and the one in force."""
        return await self._json("GET", "/v1/policies")

    async def upload_policy(self, wasm: bytes, rego: bytes) -> dict[str, Any]:
        """Keep a signed policy; what is kept of it."""
        body = {"wasm": b64encode(wasm).decode(), "rego": b64encode(rego).decode()}
        return await self._json("POST", "/v1/policies", json=body)

    async def activate_policy(self, digest: str, reason: str) -> dict[str, Any]:
        """Put a policy in force before the seal, or the action that asks for it after."""
        return await self._json("POST", "/v1/policies/activate", json={"digest": digest, "reason": reason})

    async def roll_back_policy(self, reason: str) -> dict[str, Any]:
        """Go back to the policy of before, or the action that asks for it."""
        return await self._json("POST", "/v1/policies/rollback", json={"reason": reason})

    async def seal_policies(self) -> dict[str, Any]:
        """From now on the policy changes by approval only."""
        return await self._json("POST", "/v1/policies/seal")

    async def rehearse_draft(
        self, proposal: dict[str, Any], *, agent: str, bundle: str = "draft"
    ) -> dict[str, Any]:
        """The ruling that a policy which is not in force would give a proposal of that agent."""
        named = {"bundle": bundle, "agent": agent}
        return await self._json("POST", "/v1/rulings", json=proposal, params=named)

    async def break_glass(self, **filters: Any) -> dict[str, Any]:
        """A page of break-glass."""
        return await self._json("GET", "/v1/break-glass", params=_given(filters))

    async def open_break_glass(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Open break-glass; it is in force once a second person confirms it."""
        return await self._json("POST", "/v1/break-glass", json=wanted)

    async def confirm_break_glass(self, glass_id: str) -> dict[str, Any]:
        """Confirm it as the second person."""
        return await self._json("POST", f"/v1/break-glass/{_part(glass_id)}/confirm")

    async def close_break_glass(self, glass_id: str) -> dict[str, Any]:
        """End it early."""
        return await self._json("POST", f"/v1/break-glass/{_part(glass_id)}/close")

    async def review_break_glass(self, glass_id: str, review: dict[str, Any]) -> dict[str, Any]:
        """Review it as a third person."""
        return await self._json("POST", f"/v1/break-glass/{_part(glass_id)}/review", json=review)

    async def rulings(self, **filters: Any) -> dict[str, Any]:
        """A page of recorded rulings with their policy inputs; for policy authors and auditors."""
        return await self._json("GET", "/v1/rulings", params=_given(filters))

    async def events(self, **filters: Any) -> dict[str, Any]:
        """A page of events of the log."""
        return await self._json("GET", "/v1/audit/events", params=_given(filters))

    async def keys(self) -> dict[str, Any]:
        """The log's verifier key and event keys."""
        return await self._json("GET", "/v1/audit/keys")

    async def checkpoint(self) -> str:
        """The newest signed checkpoint."""
        return str((await self._send("GET", "/audit/log/checkpoint")).text)

    async def bundle(self, into: Path, *, first: int = 0, end: int | None = None) -> int:
        """Export an evidence bundle into a file; returns its size in bytes. The file appears when it is whole."""
        partial = into.with_name(into.name + ".part")
        try:
            with partial.open("wb") as file:
                async for part in self._stream("/v1/audit/bundles", {"first": first, "end": end}):
                    file.write(part)
            return partial.replace(into).stat().st_size
        finally:
            partial.unlink(missing_ok=True)

    async def me(self) -> dict[str, Any]:
        """Who I am here."""
        return await self._json("GET", "/v1/me")

    async def rules(self) -> dict[str, Any]:
        """The rules in force."""
        return await self._json("GET", "/v1/rules")

    async def ready(self) -> dict[str, Any]:
        """Readiness, green or red; raises only when nothing answers."""
        return _parsed(await self._request("GET", "/readyz"))

    async def import_trivy(self, report: bytes, *, project: str, tracker: str) -> dict[str, Any]:
        """Import a Trivy report; the work items made of it."""
        headers = {"Content-Type": "application/json"}
        query = {"project": project, "tracker": tracker}
        return await self._json("POST", "/v1/signals/trivy", content=report, params=query, headers=headers)

    async def work_items(self) -> dict[str, Any]:
        """Work items."""
        return await self._json("GET", "/v1/work-items")

    async def _stream(self, path: str, body: dict[str, Any]) -> AsyncIterator[bytes]:
        try:
            async with self._http.stream("POST", path, json=body) as answer:
                if answer.status_code >= 400:  # noqa: PLR2004 - the HTTP boundary between success and error
                    await answer.aread()
                    raise _error(answer)
                async for part in answer.aiter_bytes():
                    yield part
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error

    async def _json(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        return _parsed(await self._send(method, path, **kwargs))

    async def _word(self, name: str, path: str, body: dict[str, Any]) -> str:
        """One text member of the answer to a POST."""
        return str((await self._json("POST", path, json=body)).get(name, ""))

    async def _send(self, method: str, path: str, **kwargs: Any) -> httpx2.Response:
        answer = await self._request(method, path, **kwargs)
        if answer.status_code >= 400:  # noqa: PLR2004 - same
            raise _error(answer)
        return answer

    async def _request(self, method: str, path: str, **kwargs: Any) -> httpx2.Response:
        try:
            return await self._http.request(method, path, **kwargs)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error
        except (httpx2.InvalidURL, ValueError, RecursionError) as error:
            raise MalformedError(f"This cannot be sent: {error}.") from error

    def _unreachable(self, error: Exception) -> UnreachableError:
        return UnreachableError(
            f"No answer from {self._http.base_url}: {error}. Is `loopgate serve` running?"
        )


def _given(filters: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in filters.items() if v not in (None, "", [])}


def _part(text: str) -> str:
    """A text as one part of a path, so that no id can name another route."""
    return quote(text, safe="")


def _parsed(answer: httpx2.Response) -> dict[str, Any]:
    try:
        parsed = answer.json()
    except ValueError as error:
        raise _unreadable(answer) from error
    if not isinstance(parsed, dict):
        raise _unreadable(answer)
    return parsed


def _error(answer: httpx2.Response) -> ApiError:
    try:
        known = {k: v for k, v in _parsed(answer).items() if k in Problem.model_fields}
        return ApiError(Problem(**known))
    except (ApiError, ValueError):
        return _unreadable(answer)


def _unreadable(answer: httpx2.Response) -> ApiError:
    detail = (
        f"{answer.url} does not answer like a Loopgate gateway; check --url. It said: {answer.text[:200]}"
    )
    return ApiError(Problem(status=answer.status_code, code="unreadable", detail=detail))
