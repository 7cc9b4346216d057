"""Smart HTTP for the bare repositories: `git http-backend` as a streamed CGI, with the forge's rights."""

import asyncio
import base64
import binascii
import contextlib
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from gateway.sandbox.git.hooks import RefChange, read_report
from gateway.sandbox.git.repository import clean_environment

_CHUNK = 65536


@dataclass(frozen=True)
class Door:
    """What a credential may do with one repository.

    `no_push` and `no_force` are globs over full ref names; `pushed` is told of the refs that moved.
    """

    repository: Path
    user: str
    may_write: bool
    no_push: tuple[str, ...]
    no_force: tuple[str, ...]
    pushed: Callable[[tuple[RefChange, ...]], None]


@dataclass(frozen=True)
class NoDoor:
    """A refusal before git is asked."""

    status: int
    text: str


Opening = Callable[[str, str | None], Door | NoDoor]


def split_git_path(path: str) -> tuple[str, str] | None:
    """(`group/project`, `info/refs`) out of `/group/project.git/info/refs`, or None."""
    project, mark, service = path.lstrip("/").partition(".git/")
    known = ("info/refs", "git-upload-pack", "git-receive-pack")
    return (project, service) if mark and service in known else None


def password(authorization: str | None) -> str | None:
    """The password of HTTP Basic (the token, whatever the name), or the Bearer token."""
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() == "bearer":
        return value
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None


class GitHttp:
    """An ASGI app; `opening` says what a credential may do with a project path."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of the smart protocol."""
        request = Request(scope, receive)
        named = split_git_path(scope["path"])
        if named is None:
            await PlainTextResponse("Not Found", 404)(scope, receive, send)
            return
        project, service = named
        token = password(request.headers.get("authorization"))
        door = await anyio.to_thread.run_sync(self._opening, project, token)
        writing = "git-receive-pack" in (service, request.query_params.get("service"))
        if isinstance(door, Door) and writing and not door.may_write:
            door = NoDoor(403, "You are not allowed to push code to this project.")
        if isinstance(door, NoDoor):
            await _refusal(door)(scope, receive, send)
        else:
            await _serve(door, service, request, send)


def _refusal(refused: NoDoor) -> Response:
    headers = (
        {"WWW-Authenticate": 'Basic realm="GitLab"'} if refused.status == HTTPStatus.UNAUTHORIZED else None
    )
    return PlainTextResponse(f"{refused.text}\n", refused.status, headers)


async def _serve(door: Door, service: str, request: Request, send: Send) -> None:
    """Run the backend, feeding it the body while its answer is sent on.

    The answer is sent by hand: Starlette's StreamingResponse reads the request itself to notice a
    client that has gone, and what it reads of a push would be lost.
    """
    with tempfile.TemporaryDirectory(prefix="sandbox-push-") as folder:
        report = Path(folder) / "report"
        process = await asyncio.create_subprocess_exec(
            "git", "http-backend",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env=_environment(door, service, request, report), start_new_session=True,
        )  # fmt: skip
        feeding = asyncio.create_task(_feed(process, request))
        try:
            await _answer(process, send)
            changes = read_report(report)
            if changes:
                await anyio.to_thread.run_sync(door.pushed, changes)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            feeding.cancel()
            await _end(process)


async def _answer(process: asyncio.subprocess.Process, send: Send) -> None:
    """Send what the backend answers, all but the end."""
    status, headers = await _head(process)
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    async for chunk in _rest(process):
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await process.wait()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Leave no process behind, whatever happened to the client."""
    _kill(process)
    await process.wait()


def _kill(process: asyncio.subprocess.Process) -> None:
    """End the backend with its children: git's CGI never ends by itself when a body is cut short."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _environment(door: Door, service: str, request: Request, report: Path) -> dict[str, str]:
    headers = request.headers
    given = {
        "GIT_PROJECT_ROOT": str(door.repository),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{service}",
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.scope["query_string"].decode(),
        "REMOTE_USER": door.user,
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": headers.get("content-type", ""),
        "GIT_PROTOCOL": headers.get("git-protocol", ""),
        "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
        "SANDBOX_NO_PUSH": "\n".join(door.no_push),
        "SANDBOX_NO_FORCE": "\n".join(door.no_force),
        "SANDBOX_REPORT": os.fspath(report),
    }
    if "content-length" in headers:
        given["CONTENT_LENGTH"] = headers["content-length"]
    return clean_environment() | given


async def _feed(process: asyncio.subprocess.Process, request: Request) -> None:
    """Copy the request body to the backend; a backend that stops reading ends it, a client that goes away ends both."""
    if process.stdin is None:
        return
    try:
        async for chunk in request.stream():
            process.stdin.write(chunk)
            await process.stdin.drain()
    except ClientDisconnect:
        _kill(process)
    except (BrokenPipeError, ConnectionResetError):
        return
    finally:
        process.stdin.close()


async def _head(process: asyncio.subprocess.Process) -> tuple[int, dict[str, str]]:
    """The CGI header block; the status line is a header of its own."""
    status, headers = 200, {}
    while process.stdout and (line := (await process.stdout.readline()).decode().strip()):
        name, _, value = line.partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers[name] = value.strip()
    return status, headers


async def _rest(process: asyncio.subprocess.Process) -> AsyncIterator[bytes]:
    while process.stdout and (chunk := await process.stdout.read(_CHUNK)):
        yield chunk
