"""Objects by a process that stays: one process, many questions, and a new one after it died."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from gateway.adapters.git.cat_file import CatFile, Info, parsed_tree
from gateway.adapters.git.runner import Call, Git, GitError
from tests.gateway.adapters.git.workshop import Upstream


class CountingGit(Git):
    """Git that counts how many processes stay."""

    started = 0
    last: asyncio.subprocess.Process | None = None

    async def stay(self, call: Call) -> asyncio.subprocess.Process:
        self.started += 1
        self.last = await super().stay(call)
        return self.last


@pytest.fixture
def git() -> CountingGit:
    return CountingGit()


@pytest.fixture
async def objects(git: CountingGit, upstream: Upstream) -> AsyncIterator[CatFile]:
    made = CatFile(git, upstream.path)
    yield made
    await made.close()


async def test_many_questions_at_once_are_answered_by_one_process(
    upstream: Upstream, git: CountingGit, objects: CatFile
) -> None:
    names = upstream.git("ls-tree", "-r", "main").split("\n")
    oids = [line.split()[2] for line in names] * 20
    answers = await asyncio.gather(*(objects.read(oid, cap=1 << 20) for oid in oids))
    for oid, answer in zip(oids, answers, strict=True):
        assert answer is not None
        assert answer[0].size == len(answer[1])
        assert upstream.git("hash-object", "--stdin", stdin=answer[1]) == oid
    assert git.started == 1


async def test_what_is_not_there_is_none_and_what_is_no_id_is_an_error(objects: CatFile) -> None:
    assert await objects.read("1" * 40, cap=10) is None
    assert await objects.info("1" * 40) is None
    for name in ("HEAD", "main:README.md", "", "1" * 40 + "\ncontents HEAD", "A" * 40):
        with pytest.raises(GitError, match="not an object id"):
            await objects.read(name, cap=10)


async def test_only_the_asked_part_of_a_large_object_is_kept(upstream: Upstream, objects: CatFile) -> None:
    oid = upstream.git("hash-object", "-w", "--stdin", stdin=b"ab" * 500_000)
    answer = await objects.read(oid, cap=10)
    assert answer is not None
    assert (answer[0].size, answer[1]) == (1_000_000, b"ababababab")
    info = await objects.info(oid)
    assert info is not None
    assert (info.kind, info.size) == ("blob", 1_000_000)


async def test_a_process_that_died_is_started_again(
    upstream: Upstream, git: CountingGit, objects: CatFile
) -> None:
    head = upstream.head("main")
    assert await objects.info(head)
    assert git.last is not None
    os.killpg(git.last.pid, signal.SIGKILL)
    # Whether the death is noticed before or after the next question is a matter of luck; not the one after it.
    first = await asyncio.gather(objects.info(head), return_exceptions=True)
    assert isinstance(first[0], GitError | Info)
    assert await objects.info(head)
    assert git.started == 2


async def test_an_asker_that_goes_away_does_not_leave_its_answer_to_the_next(
    upstream: Upstream, objects: CatFile
) -> None:
    big = upstream.git("hash-object", "-w", "--stdin", stdin=b"z" * 3_000_000)
    small = upstream.git("hash-object", "-w", "--stdin", stdin=b"small")
    for _ in range(5):
        task = asyncio.create_task(objects.read(big, cap=1 << 30))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        answer = await objects.read(small, cap=100)
        assert answer is not None
        assert answer[1] == b"small"


async def test_a_tree_that_is_malformed_is_an_error(upstream: Upstream, objects: CatFile) -> None:
    broken = upstream.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=b"100644 half")
    with pytest.raises(GitError, match="malformed"):
        await objects.tree(broken)
    with pytest.raises(GitError, match="no tree"):
        await objects.tree(upstream.head("main"))


def test_trees_are_read_as_git_writes_them() -> None:
    entries = parsed_tree(b"40000 a\0" + b"\1" * 20 + b"100755 b \n\0" + b"\2" * 20)
    assert [(e.mode, e.name, e.oid, e.is_tree) for e in entries] == [
        ("040000", b"a", "01" * 20, True),
        ("100755", b"b \n", "02" * 20, False),
    ]
