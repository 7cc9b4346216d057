"""The model that drafts: any endpoint of the chat completions' wire format, asked through the `openai` client."""

import json
import time
from types import ModuleType
from typing import Any, Protocol, cast

import httpx2
from pydantic import SecretStr

from gateway.core.errors import SettingsError
from gateway.core.model import Model
from gateway.workbench.drafting_words import Message

MOST_BYTES = 1_000_000
_ALIVE_SECONDS = 30.0


class Endpoint(Model):
    """Where the model is, which one, and how long it may take, in seconds. Trust: it reads the sentence and the library's forms."""

    url: str
    model: str
    key: SecretStr
    seconds: float = 120.0


class _Streamed(Protocol):
    def iter_bytes(self) -> Any:
        """The body as it comes."""
        ...


def ask(endpoint: Endpoint, messages: tuple[Message, ...]) -> str:
    """The text the model answers.

    Raises `SettingsError` when the client is not installed, and when the endpoint refuses, is silent, too slow, says too
    much, or answers something else. Never asks twice, and follows no redirect.
    """
    openai = _client_library()
    until = time.monotonic() + endpoint.seconds
    patience = httpx2.Timeout(min(_ALIVE_SECONDS, endpoint.seconds), read=endpoint.seconds)
    with httpx2.Client(follow_redirects=False, trust_env=False, timeout=patience) as wire:
        client = openai.OpenAI(
            api_key=endpoint.key.get_secret_value(),
            base_url=endpoint.url,
            max_retries=0,
            timeout=patience,
            http_client=wire,
        )
        try:
            with client.chat.completions.with_streaming_response.create(
                model=endpoint.model,
                messages=[one.model_dump() for one in messages],
                response_format={"type": "json_object"},
            ) as response:
                body = _bounded(cast("_Streamed", response), until)
        except openai.APITimeoutError as error:
            raise SettingsError(f"{endpoint.url} did not answer in {endpoint.seconds:.0f} s") from error
        except openai.APIStatusError as error:
            raise SettingsError(
                f"{endpoint.url} answered {error.status_code}; check model and key"
            ) from error
        except (openai.APIError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise SettingsError(f"{endpoint.url} cannot be asked: {type(error).__name__}") from error
    return _content(body, endpoint.url)


def _client_library() -> ModuleType:
    try:
        import openai
    except ImportError as error:
        raise SettingsError("drafting needs the openai client: pip install 'loopgate[draft]'") from error
    return openai


def _bounded(response: _Streamed, until: float) -> bytes:
    body = bytearray()
    for part in response.iter_bytes():
        body += part
        if len(body) > MOST_BYTES:
            raise SettingsError(f"the model's answer is over {MOST_BYTES} bytes; nothing of it was used")
        if time.monotonic() > until:
            raise SettingsError("the model's answer did not end in time; nothing of it was used")
    return bytes(body)


def _content(body: bytes, url: str) -> str:
    """The first choice's text."""
    try:
        content = json.loads(body)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise SettingsError(
            f"{url} did not answer with a chat completion; is it the right address?"
        ) from error
    if not isinstance(content, str):
        raise SettingsError(f"{url} answered without text")
    return content
