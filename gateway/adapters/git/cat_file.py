"""Objects by a git process that stays: no process is started per decision."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from gateway.adapters.git.kept import Kept
from gateway.adapters.git.runner import Call, Git, GitError, GitOutputError, GitTimeoutError, end

MODE_TREE = "040000"
_OID = re.compile(r"[0-9a-f]{40}")
_CHUNK = 1 << 16
_TREES_KEPT = 2048
_SMALL_KEPT = 256
_SMALL_BYTES = 8 << 10
_TREE_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Info:
    """What an object is: `commit`, `tree`, `blob` or `tag`, and its size in bytes."""

    kind: str
    size: int


class Entry(NamedTuple):
    """One entry of a tree. `mode` is git's six octal digits, `name` raw bytes without a slash."""

    mode: str
    name: bytes
    oid: str

    @property
    def is_tree(self) -> bool:
        """Whether this is a folder."""
        return self.mode == MODE_TREE


class Objects(Protocol):
    """Where objects are read from."""

    async def read(self, oid: str, *, cap: int) -> tuple[Info, bytes] | None:
        """An object with at most `cap` bytes of its content, or None when there is no such object."""
        ...

    async def info(self, oid: str) -> Info | None:
        """What an object is, or None when there is no such object."""
        ...

    async def tree(self, oid: str) -> tuple[Entry, ...]:
        """The entries of a tree. Raises `GitError`."""
        ...


class CatFile:
    """`git cat-file --batch-command` over one repository, started when needed and again after it died.

    One question at a time; a question that ends early ends the process too, for its answer would be read as the
    next one's.
    """

    def __init__(self, git: Git, at: Path, objects: Path | None = None) -> None:
        self._git = git
        self._call = Call(("cat-file", "--batch-command"), at=at, objects=objects)
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()
        self._trees: Kept[str, tuple[Entry, ...]] = Kept(_TREES_KEPT)
        self._small: Kept[str, tuple[Info, bytes]] = Kept(_SMALL_KEPT)

    @property
    def running(self) -> bool:
        """Whether the process is there now."""
        return self._process is not None and self._process.returncode is None

    async def read(self, oid: str, *, cap: int) -> tuple[Info, bytes] | None:
        """An object with at most `cap` bytes of its content, or None when there is no such object."""
        kept = self._small.known(oid)
        if kept is not None and kept[0].size <= cap:
            return kept
        answer = await self._ask("contents", oid, cap)
        if answer is not None and answer[0].size <= min(cap, _SMALL_BYTES):
            self._small.keep(oid, answer)
        return answer

    async def info(self, oid: str) -> Info | None:
        """What an object is, or None when there is no such object."""
        answer = await self._ask("info", oid, 0)
        return answer[0] if answer else None

    async def tree(self, oid: str) -> tuple[Entry, ...]:
        """The entries of a tree, in git's order. Raises `GitError`."""
        return await self._trees.get(oid, lambda: self._read_tree(oid))

    async def close(self) -> None:
        """End the process; the next question starts another."""
        process, self._process = self._process, None
        if process is not None:
            await end(process)

    async def rest(self) -> None:
        """End the process unless a question is being answered."""
        if not self._lock.locked():
            await self.close()

    async def _read_tree(self, oid: str) -> tuple[Entry, ...]:
        answer = await self.read(oid, cap=_TREE_BYTES)
        if answer is None or answer[0].kind != "tree":
            raise GitError(f"there is no tree {oid}")
        if answer[0].size > _TREE_BYTES:
            raise GitOutputError(f"tree {oid} is larger than {_TREE_BYTES} bytes")
        try:
            return parsed_tree(answer[1])
        except ValueError as broken:
            raise GitError(f"tree {oid} is malformed") from broken

    async def _ask(self, command: str, oid: str, cap: int) -> tuple[Info, bytes] | None:
        if not _OID.fullmatch(oid):
            raise GitError(f"{oid!r} is not an object id")
        async with self._lock:
            try:
                async with asyncio.timeout(self._git.bounds.local_s):
                    return await self._converse(command, oid, cap)
            except TimeoutError as late:
                await self.close()
                raise GitTimeoutError(f"git cat-file took too long over {oid}") from late
            except (OSError, asyncio.IncompleteReadError) as broken:
                await self.close()
                raise GitError(f"git cat-file ended while it read {oid}") from broken
            except BaseException:
                await self.close()
                raise

    async def _converse(self, command: str, oid: str, cap: int) -> tuple[Info, bytes] | None:
        process = await self._running()
        if process.stdin is None or process.stdout is None:  # pragma: no cover  (both are pipes)
            raise GitError("git cat-file has no pipes")
        process.stdin.write(f"{command} {oid}\n".encode())
        await process.stdin.drain()
        words = (await process.stdout.readuntil(b"\n")).decode().split()
        if words[-1] == "missing":
            return None
        info = Info(words[1], int(words[2]))
        return info, await _content(process.stdout, info.size, cap) if command == "contents" else b""

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            await self.close()
            self._process = await self._git.stay(self._call)
        return self._process


def parsed_tree(raw: bytes) -> tuple[Entry, ...]:
    """The entries of a tree object: `<mode> <name> NUL <20 bytes>`, one after the other."""
    entries: list[Entry] = []
    at = 0
    while at < len(raw):
        space, zero = raw.index(b" ", at), raw.index(b"\0", at)
        mode = raw[at:space].decode("ascii").rjust(6, "0")
        entries.append(Entry(mode, raw[space + 1 : zero], raw[zero + 1 : zero + 21].hex()))
        at = zero + 21
    return tuple(entries)


async def _content(stream: asyncio.StreamReader, size: int, cap: int) -> bytes:
    """The first `cap` bytes; the rest, and the line break after it, are read and dropped."""
    kept = await stream.readexactly(min(size, cap))
    left = size - len(kept) + 1
    while left:
        chunk = await stream.read(min(left, _CHUNK))
        if not chunk:
            raise asyncio.IncompleteReadError(kept, size)
        left -= len(chunk)
    return kept
