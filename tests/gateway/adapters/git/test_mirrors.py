"""Mirrors follow the forge, and fetch only when something moved."""

import asyncio
from pathlib import Path

import pytest

from gateway.adapters.git.bounds import Bounds
from gateway.adapters.git.mirrors import Mirrors
from gateway.adapters.git.runner import Answer, Call, Git
from gateway.core.errors import SettingsError
from tests.gateway.adapters.git.workshop import PROJECT, Upstream, local


class ListeningGit(Git):
    """Git that notes what it was asked."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        super().__init__(bounds)
        self.asked: list[str] = []

    async def ask(self, call: Call) -> Answer:
        self.asked.append(call.args[0])
        return await super().ask(call)


def mirrors_of(folder: Path, git: Git | None = None) -> Mirrors:
    return Mirrors(git or Git(), local(folder / "forge"), folder / "mirrors")


async def test_it_fetches_only_when_a_ref_differs(upstream: Upstream, tmp_path: Path) -> None:
    git = ListeningGit()
    mirrors = mirrors_of(tmp_path, git)
    mirror = await mirrors.mirror(PROJECT)
    await mirrors.sync(mirror)
    git.asked.clear()
    await mirrors.sync(mirror)
    assert git.asked == ["ls-remote"]
    upstream.commit("main", {"a": b"a\n"})
    git.asked.clear()
    seen = await mirrors.sync(mirror)
    assert git.asked == ["ls-remote", "fetch", "for-each-ref"]
    assert seen.branch("main") == upstream.head("main")


async def test_a_restarted_gateway_goes_on_with_the_mirror_it_has(upstream: Upstream, tmp_path: Path) -> None:
    first = mirrors_of(tmp_path)
    await first.sync(await first.mirror(PROJECT))
    git = ListeningGit()
    second = mirrors_of(tmp_path, git)
    seen = await second.sync(await second.mirror(PROJECT))
    assert seen.branch("main") == upstream.head("main")
    assert "fetch" not in git.asked
    assert "init" not in git.asked


async def test_branches_that_are_gone_or_rewritten_are_followed(upstream: Upstream, tmp_path: Path) -> None:
    mirrors = mirrors_of(tmp_path)
    mirror = await mirrors.mirror(PROJECT)
    base = upstream.head("main")
    upstream.commit("agent/x", {"a": b"a\n"}, start=base)
    upstream.git("tag", "v1", "main")
    assert (await mirrors.sync(mirror)).branch("agent/x")
    upstream.git("update-ref", "-d", "refs/heads/agent/x")
    upstream.git("update-ref", "-d", "refs/tags/v1")
    rewritten = upstream.commit("agent", {"b": b"b\n"}, start=base)
    seen = await mirrors.sync(mirror)
    assert dict(seen.branches) == {"agent": rewritten, "main": base}
    assert "refs/tags/v1" not in seen.refs


async def test_the_default_branch_is_where_head_points(upstream: Upstream, tmp_path: Path) -> None:
    mirrors = mirrors_of(tmp_path)
    mirror = await mirrors.mirror(PROJECT)
    upstream.commit("trunk", {"a": b"a\n"}, start=upstream.head("main"))
    assert (await mirrors.sync(mirror)).default_branch == "main"
    upstream.git("symbolic-ref", "HEAD", "refs/heads/trunk")
    assert (await mirrors.sync(mirror)).default_branch == "trunk"
    upstream.git("symbolic-ref", "HEAD", "refs/heads/not-born")
    assert (await mirrors.sync(mirror)).default_branch is None


async def test_other_refs_of_the_forge_do_not_enter_the_mirror(upstream: Upstream, tmp_path: Path) -> None:
    mirrors = mirrors_of(tmp_path)
    mirror = await mirrors.mirror(PROJECT)
    upstream.commit("7/head", {"a": b"a\n"}, start=upstream.head("main"), ref="refs/merge-requests/")
    upstream.commit("8/head", {"b": b"b\n"}, start=upstream.head("main"), ref="refs/merge-requests/")
    upstream.git("update-ref", "refs/replace/x", "main")
    assert set((await mirrors.sync(mirror)).refs) == {"refs/heads/main"}
    seen = await mirrors.sync(mirror, merge_request=7)
    assert set(seen.refs) == {"refs/heads/main", "refs/merge-requests/7/head"}
    assert seen.merge_request(8) is None


async def test_many_askers_at_once_fetch_once(upstream: Upstream, tmp_path: Path) -> None:
    del upstream
    git = ListeningGit()
    mirrors = mirrors_of(tmp_path, git)
    mirror = await mirrors.mirror(PROJECT)
    seen = await asyncio.gather(*(mirrors.sync(mirror) for _ in range(5)))
    assert git.asked.count("fetch") == 1
    assert len({s.branch("main") for s in seen}) == 1


async def test_reading_processes_of_mirrors_not_used_lately_end(tmp_path: Path) -> None:
    projects = [f"shop/{n}" for n in range(4)]
    mirrors = mirrors_of(tmp_path, Git(Bounds(readers=2)))
    for project in projects:
        head = Upstream(tmp_path / "forge", project).commit("main", {"a": b"a\n"})
        mirror = await mirrors.mirror(project)
        await mirrors.sync(mirror)
        assert await mirror.objects.info(head)
    running = [(await mirrors.mirror(p)).objects.running for p in reversed(projects)]
    assert running == [True, True, False, False]
    await mirrors.close()
    assert [(await mirrors.mirror(p)).objects.running for p in projects] == [False] * 4


async def test_a_mirror_has_a_name_no_project_can_choose(tmp_path: Path) -> None:
    mirrors = mirrors_of(tmp_path)
    mirror = await mirrors.mirror("shop/a")
    assert mirror.path.parent == tmp_path / "mirrors"
    for project in ("../x", "a/../../b", "/x", ""):
        with pytest.raises(SettingsError):
            await mirrors.mirror(project)


async def test_a_lock_that_a_killed_git_left_does_not_stop_the_mirror(
    upstream: Upstream, tmp_path: Path
) -> None:
    mirrors = mirrors_of(tmp_path)
    mirror = await mirrors.mirror(PROJECT)
    await mirrors.sync(mirror)
    (mirror.path / "refs" / "heads" / "main.lock").touch()
    head = upstream.commit("main", {"a": b"a\n"})
    assert (await mirrors.sync(mirror)).branch("main") == head
