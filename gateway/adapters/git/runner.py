"""The one way git is run: argument lists, an environment made from nothing, limits, and git's own words.

Source of the environment: git-door.md "Inspection". Nothing of the operator's or the machine's git
configuration, hooks, credential helpers, proxies or replace objects takes part.
"""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.adapters.git.bounds import Bounds
from gateway.core.errors import SettingsError, TargetError

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_WORDS_BYTES = 64 * 1024
_CHUNK = 1 << 16
_GRACE_S = 5
# `ulimit` of POSIX sh, because a Python preexec function is unsafe beside threads.
_LIMITED = 'ulimit -v "$1" 2>/dev/null; [ "$2" = 0 ] || ulimit -t "$2"; shift 2; exec "$@"'
_CONFIG: tuple[tuple[str, str], ...] = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.excludesFile", "/dev/null"),
    ("core.askPass", ""),
    ("core.packedGitWindowSize", "32m"),
    ("core.packedGitLimit", "512m"),
    ("core.quotePath", "true"),
    # A bare repository may otherwise take attributes, and so "this text is binary", from its own HEAD.
    ("attr.tree", EMPTY_TREE),
    ("credential.helper", ""),
    ("protocol.allow", "never"),
    ("http.followRedirects", "false"),
    ("http.lowSpeedLimit", "1"),
    ("http.lowSpeedTime", "30"),
    ("fetch.recurseSubmodules", "no"),
    ("fetch.writeCommitGraph", "false"),
    ("submodule.recurse", "false"),
    ("transfer.bundleURI", "false"),
    ("init.defaultBranch", "main"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("pack.threads", "1"),
    ("push.followTags", "false"),
    ("push.gpgSign", "false"),
    ("commit.gpgSign", "false"),
    ("log.showSignature", "false"),
)


class GitError(TargetError):
    """Git ended badly; `detail` is what it said, `status` its exit status (negative: a signal)."""

    code = "git"

    def __init__(self, detail: str, *, status: int = 0) -> None:
        super().__init__(detail)
        self.status = status


class GitTimeoutError(GitError):
    """Git was ended because it took too long."""


class GitOutputError(GitError):
    """Git was ended because it said more than the limit."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What git answered: exit status, standard output, and its words on standard error."""

    status: int
    out: bytes
    words: str


@dataclass(frozen=True, slots=True)
class Call:
    """One question to git.

    `at` is the bare repository; `objects` an object directory that new objects go to instead of its own;
    `env` and `config` are added to the clean ones; `seconds` and `output_bytes` replace the bounds.
    """

    args: tuple[str, ...]
    at: Path | None = None
    stdin: bytes = b""
    objects: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    config: tuple[tuple[str, str], ...] = ()
    seconds: float | None = None
    output_bytes: int | None = None


class Git:
    """Runs the git binary. `executable` is a name to look up or a full path."""

    def __init__(self, bounds: Bounds | None = None, executable: str = "git") -> None:
        found = shutil.which(executable)
        if found is None:
            raise SettingsError(f"There is no {executable} on PATH: install git 2.38 or newer.")
        self._path = found
        self.bounds = bounds or Bounds()

    async def run(self, call: Call) -> bytes:
        """Standard output of a call that must succeed. Raises `GitError`."""
        answer = await self.ask(call)
        if answer.status:
            raise GitError(
                answer.words or f"git {call.args[0]} ended with {answer.status}", status=answer.status
            )
        return answer.out

    async def ask(self, call: Call) -> Answer:
        """The answer with whatever exit status. Raises `GitTimeoutError` and `GitOutputError`."""
        cap = call.output_bytes or self.bounds.output_bytes
        process = await self._start(call, self.bounds.cpu_s, asyncio.subprocess.PIPE)
        try:
            async with asyncio.timeout(call.seconds or self.bounds.local_s):
                out, words = await _converse(process, call.stdin, cap)
                status = await process.wait()
        except TimeoutError as late:
            raise GitTimeoutError(f"git {call.args[0]} took too long and was ended") from late
        finally:
            await end(process)
        if len(out) > cap:
            raise GitOutputError(f"git {call.args[0]} said more than {cap} bytes and was ended")
        return Answer(status, out, words)

    async def stay(self, call: Call) -> asyncio.subprocess.Process:
        """A git that stays to be asked many times; the caller ends it. Its processor time has no limit."""
        return await self._start(call, 0, asyncio.subprocess.DEVNULL)

    async def _start(self, call: Call, cpu_s: int, stderr: int) -> asyncio.subprocess.Process:
        # Cancelled while it starts a process, asyncio waits for that process to end by itself. Ours is ended.
        starting = asyncio.ensure_future(self._spawn(call, cpu_s, stderr))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            await end(await starting)
            raise

    async def _spawn(self, call: Call, cpu_s: int, stderr: int) -> asyncio.subprocess.Process:
        limits = (str(self.bounds.memory_bytes // 1024), str(cpu_s))
        return await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            _LIMITED,
            "sh",
            *limits,
            self._path,
            *call.args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            cwd=call.at or "/",
            env=self._environment(call),
            start_new_session=True,
        )

    async def version(self) -> tuple[int, ...]:
        """The version of the binary, such as (2, 39, 5)."""
        words = (await self.run(Call(("version",)))).decode().split()
        return tuple(int(part) for part in words[2].split(".")[:3] if part.isdigit())

    def _environment(self, call: Call) -> dict[str, str]:
        env = {
            "PATH": f"{Path(self._path).parent}:/usr/bin:/bin",
            "HOME": "/nonexistent",
            "LC_ALL": "C",
            "TZ": "UTC",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_SYSTEM": "/dev/null",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
        }
        if call.at is not None:
            env["GIT_DIR"] = str(call.at)
        if call.objects is not None:
            env["GIT_OBJECT_DIRECTORY"] = str(call.objects)
        return {**env, **_config_environment((*_CONFIG, *call.config)), **call.env}


async def end(process: asyncio.subprocess.Process) -> None:
    """End the process and everything it started, and wait until it and its pipes are gone."""
    if process.returncode is None:
        _kill(process)
    if process.stdin is not None:
        process.stdin.close()
    # A pipe is closed for good only when its end has been read; a child that left the group may keep it open.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GRACE_S):
            for stream in (process.stdout, process.stderr):
                await _drain(stream)
    await process.wait()


async def _drain(stream: asyncio.StreamReader | None) -> None:
    while stream is not None and await stream.read(_CHUNK):
        pass


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _config_environment(config: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Configuration by environment, so that a credential is never an argument."""
    env = {"GIT_CONFIG_COUNT": str(len(config))}
    for number, (key, value) in enumerate(config):
        env[f"GIT_CONFIG_KEY_{number}"] = key
        env[f"GIT_CONFIG_VALUE_{number}"] = value
    return env


async def _converse(process: asyncio.subprocess.Process, stdin: bytes, cap: int) -> tuple[bytes, str]:
    _, out, words = await asyncio.gather(
        _feed(process.stdin, stdin),
        _read_capped(process, cap),
        _read_words(process.stderr),
    )
    return out, words


async def _feed(stream: asyncio.StreamWriter | None, data: bytes) -> None:
    if stream is None:  # pragma: no cover  (every process here has a pipe)
        return
    # Git may answer, or fail, before it has read everything.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stream.write(data)
        await stream.drain()
    stream.close()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        await stream.wait_closed()


async def _read_capped(process: asyncio.subprocess.Process, cap: int) -> bytes:
    """Output up to one byte over `cap`; the process is killed when there is more."""
    parts: list[bytes] = []
    room = cap + 1
    while process.stdout is not None and (chunk := await process.stdout.read(_CHUNK)):
        parts.append(chunk[:room])
        room -= len(parts[-1])
        if not room:
            _kill(process)
            break
    return b"".join(parts)


async def _read_words(stream: asyncio.StreamReader | None) -> str:
    """The first part of what is said on standard error; the rest is read and dropped."""
    kept = b""
    while stream is not None and (chunk := await stream.read(_CHUNK)):
        kept += chunk[: _WORDS_BYTES - len(kept)]
    return kept.decode("utf-8", "backslashreplace").strip()
