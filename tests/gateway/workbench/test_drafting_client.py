"""Asking a model: whatever the endpoint does, it is named, bounded in time and size, and the key is told to nobody."""

import threading
import time
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from gateway.core.errors import SettingsError
from gateway.workbench.drafting_client import MOST_BYTES, Endpoint, ask
from gateway.workbench.drafting_words import Message
from tests.gateway.workbench.scripted_model import KEY, Model, Script, completion, serving

SAID = (Message(role="user", content="Hello."),)


@pytest.fixture
def model() -> Iterator[Model]:
    with serving() as made:
        yield made


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (lambda _: (500, "text/plain", b"down"), "answered 500; check model and key"),
        (lambda _: (401, "application/json", b'{"error": {"message": "no"}}'), "answered 401"),
        (lambda _: (307, "text/plain", b""), "answered 307"),
        (lambda _: b"<html>", "did not answer with a chat completion"),
        (lambda _: b'{"choices": []}', "did not answer with a chat completion"),
        (lambda _: b"[" * 100_000, "did not answer with a chat completion"),
        (lambda _: completion(None), "answered without text"),
        (lambda _: b"x" * (MOST_BYTES + 1), "is over 1000000 bytes"),
    ],
    ids=["500", "401", "a redirect", "a page", "no choice", "brackets", "no text", "a huge answer"],
)
def test_an_endpoint_that_does_not_answer_as_it_should_is_named(
    model: Model, script: Script, problem: str
) -> None:
    model.script = [script]

    with pytest.raises(SettingsError, match=problem) as raised:
        ask(model.endpoint(), SAID)
    assert KEY not in str(raised.value)
    assert len(model.headers) == 1


def test_an_endpoint_that_is_silent_is_given_up(model: Model) -> None:
    over = threading.Event()
    model.script = [lambda _: completion("late") if over.wait(5) else b""]
    began = time.monotonic()

    with pytest.raises(SettingsError, match="did not answer in 1 s"):
        ask(model.endpoint(seconds=1), SAID)
    over.set()
    assert time.monotonic() - began < 4
    assert len(model.asked) == 1


def test_an_address_where_nobody_is_is_named() -> None:
    nowhere = Endpoint(url="http://127.0.0.1:9/v1", model="m", key=SecretStr(KEY), seconds=5)

    with pytest.raises(SettingsError, match="cannot be asked: APIConnectionError"):
        ask(nowhere, SAID)
