"""A scripted model: an HTTP server with the wire format of chat completions."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import SecretStr

from gateway.workbench.drafting_client import Endpoint, ask
from gateway.workbench.drafting_words import Message

KEY = "sk-invented-for-a-test"
Script = Callable[[dict[str, Any]], Any]


@dataclass
class Model:
    """A scripted endpoint: each request takes the next line of the script, the last one again and again."""

    script: list[Script] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def endpoint(self, seconds: float = 20) -> Endpoint:
        return Endpoint(url=self.url, model="scripted", key=SecretStr(KEY), seconds=seconds)

    def answer(self, said: tuple[Message, ...]) -> str:
        return ask(self.endpoint(), said)


def completion(content: Any) -> bytes:
    """A chat completion with one choice."""
    message = {"role": "assistant", "content": content}
    return json.dumps({"object": "chat.completion", "choices": [{"index": 0, "message": message}]}).encode()


@contextmanager
def serving() -> Iterator[Model]:
    """A model that listens for the length of a block."""
    made = Model()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made.asked.append(body)
            made.headers.append(
                {"path": self.path, **{name.lower(): value for name, value in self.headers.items()}}
            )
            answered = made.script[min(len(made.asked), len(made.script)) - 1](body)
            status, kind, content = (
                answered if isinstance(answered, tuple) else (200, "application/json", answered)
            )
            self.send_response(status)
            self.send_header("Content-Type", kind)
            if status in {301, 307}:
                self.send_header("Location", made.url + "/elsewhere")
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            made.headers.append({"path": self.path})
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    yield made
    server.shutdown()
    server.server_close()
    thread.join()
