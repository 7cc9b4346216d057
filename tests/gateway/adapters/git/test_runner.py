"""The one way git is run: nothing from outside takes part, and nothing runs away."""

import asyncio
from pathlib import Path

import pytest

from gateway.adapters.git.bounds import Bounds
from gateway.adapters.git.runner import Call, Git, GitError, GitOutputError, GitTimeoutError
from gateway.core.errors import SettingsError


def shell(script: str, **more: object) -> Call:
    """A call whose git runs a shell command: what a child of git sees."""
    return Call(("-c", f"alias.look=!{script}", "look"), **more)  # type: ignore[arg-type]


async def test_the_environment_is_made_from_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_text("[user]\nname = Outside\n[core]\nhooksPath = /evil\n")
    outside = {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "GIT_DIR": "/evil",
        "GIT_SSH_COMMAND": "evil",
        "GIT_ASKPASS": "evil",
        "GIT_CONFIG_PARAMETERS": "'core.pager=evil'",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": "/evil",
        "GIT_REPLACE_REF_BASE": "refs/evil",
        "http_proxy": "http://evil",
        "LD_PRELOAD": "",
        "SECRET": "evil",
    }
    for name, value in outside.items():
        monkeypatch.setenv(name, value)
    seen = (await Git().run(shell("env"))).decode()
    assert "evil" not in seen.replace("alias.look", "")
    assert "Outside" not in (await Git().run(Call(("config", "--list")))).decode()


async def test_the_configuration_is_ours_alone() -> None:
    listed = (
        await Git().run(Call(("config", "--list"), config=(("protocol.https.allow", "always"),)))
    ).decode()
    lines = set(listed.split("\n"))
    assert {
        "core.hookspath=/dev/null",
        "credential.helper=",
        "protocol.allow=never",
        "protocol.https.allow=always",
        "http.followredirects=false",
    } <= lines


async def test_a_protocol_that_was_not_allowed_is_not_spoken(tmp_path: Path) -> None:
    for url in (
        f"file://{tmp_path}",
        "ext::sh -c evil",
        "ssh://x/y",
        "git://127.0.0.1/x",
        "https://127.0.0.1:1/x",
    ):
        with pytest.raises(GitError, match="transport"):
            await Git().run(Call(("ls-remote", url)))


async def test_a_failure_is_told_in_gits_own_words() -> None:
    with pytest.raises(GitError, match="not a git repository") as failed:
        await Git().run(Call(("rev-parse", "HEAD"), at=Path("/nonexistent").parent))
    assert failed.value.status == 128


async def test_output_beyond_the_limit_ends_git() -> None:
    with pytest.raises(GitOutputError):
        await Git().run(shell("yes", output_bytes=10_000))
    assert await Git().run(shell("printf 12345", output_bytes=5)) == b"12345"
    with pytest.raises(GitOutputError):
        await Git().run(shell("printf 123456", output_bytes=5))


async def test_words_without_end_do_not_fill_the_memory() -> None:
    answer = await Git().ask(shell("head -c 3000000 /dev/zero >&2"))
    assert len(answer.words) <= 64 * 1024


async def test_git_and_its_children_end_when_time_is_up(tmp_path: Path) -> None:
    with pytest.raises(GitTimeoutError):
        await Git().run(shell(f"sh -c 'echo $$ > {tmp_path}/pid; exec sleep 60'", seconds=0.5))
    await asyncio.wait_for(asyncio.to_thread(_wait_until_gone, (tmp_path / "pid").read_text().strip()), 10)


async def test_a_caller_that_goes_away_ends_git(tmp_path: Path) -> None:
    call = shell(f"sh -c 'echo $$ > {tmp_path}/pid; exec sleep 60'")
    task = asyncio.create_task(Git().run(call))
    await asyncio.wait_for(asyncio.to_thread(_wait_until_there, tmp_path / "pid"), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(asyncio.to_thread(_wait_until_gone, (tmp_path / "pid").read_text().strip()), 10)


async def test_memory_and_processor_time_are_limited() -> None:
    git = Git(Bounds(memory_bytes=512 << 20, cpu_s=7))
    assert (await git.run(shell("ulimit -v; ulimit -t"))).split() == [b"524288", b"7"]


async def test_input_that_git_does_not_read_is_no_error() -> None:
    assert await Git().run(shell("true", stdin=b"x" * 1_000_000)) == b""


async def test_the_binary_has_a_version_and_must_be_there() -> None:
    assert await Git().version() >= (2, 38)
    with pytest.raises(SettingsError, match="install git"):
        Git(executable="no-such-git")


def _wait_until_there(path: Path) -> None:
    while not path.exists() or not path.read_text().strip():
        pass


def _wait_until_gone(pid: str) -> None:
    stat = Path(f"/proc/{pid}/stat")
    while stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z":
        pass
