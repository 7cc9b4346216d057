"""Telling by a webhook: Slack-shaped JSON, signed, at least once.

Signature: `v1=` and the hexadecimal HMAC-SHA256, under the shared secret, of `v1:`, the timestamp, `:` and the body,
as Slack signs its own requests. `Loopgate-Delivery` is the same for every attempt, so a receiver can drop repeats.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable

import httpx2

from gateway.core.digests import sha256_text
from gateway.core.errors import TargetError, TargetRefusedError, TargetUnclearError
from gateway.core.notices import Matter, Notice, as_slack
from gateway.ports import Clock


class WebhookNotifier:
    """The port `Notifier` over one address. `url` and `secret` are read at each use; `call_s` bounds a call."""

    def __init__(
        self,
        http: httpx2.AsyncClient,
        url: Callable[[], str],
        secret: Callable[[], str],
        clock: Clock,
        *,
        call_s: float = 20.0,
    ) -> None:
        self._http, self._url, self._secret, self._clock = http, url, secret, clock
        self._call_s = call_s

    async def tell(self, matter: Matter, notice: Notice) -> None:
        """Send it. Raises `TargetError` unless the receiver answers with success, or `SettingsError`."""
        url, secret = await asyncio.to_thread(lambda: (self._url(), self._secret()))
        body = json.dumps(as_slack(notice), ensure_ascii=True, separators=(",", ":")).encode()
        moment = str(self._clock.now_ms() // 1000)
        headers = {
            "Content-Type": "application/json",
            "Loopgate-Event": matter.occasion.value,
            "Loopgate-Delivery": sha256_text(matter.key),
            "Loopgate-Timestamp": moment,
            "Loopgate-Signature": sign(secret, moment, body),
        }
        await self._post(url, body, headers)

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        """The address is a secret at some receivers, so no message names it."""
        try:
            async with asyncio.timeout(self._call_s):
                answer = await self._http.post(url, content=body, headers=headers)
        except TargetError as error:
            raise TargetRefusedError(
                f"The webhook's address was not called: {type(error).__name__}"
            ) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError) as error:
            raise TargetUnclearError(f"The webhook did not answer: {type(error).__name__}") from None
        if not answer.is_success:
            raise TargetRefusedError(f"The webhook answered {answer.status_code}.", retryable=True)


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature of a body sent at a time (seconds since 1970, as text)."""
    signed = b"v1:" + timestamp.encode() + b":" + body
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
