"""What keeps a process from starting, and what a tracker wants before it moves an issue."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.failures.scene import Stage, fault
from tests.gateway.cli.shell import Said, loopgate
from tests.town import proposal


def refused_to_serve(stage: Stage, sentence: str) -> None:
    """`loopgate serve` ends at once with a sentence."""
    said: Said = loopgate("serve", "--home", str(stage.town.home))
    assert sentence in " ".join(said.err.split()), said.err
    assert said.err.startswith("error: ")
    stage.seen.answer, stage.seen.exit = sentence, said.code


@fault("marker-key-unreadable")
async def marker(stage: Stage) -> None:
    key = stage.town.home / "keys/marker.key"
    kept = key.read_text()
    key.write_text("no key at all")
    refused_to_serve(stage, "restore it from the backup of the home")
    key.write_text(kept)
    async with stage.open() as scene:
        await scene.recover()


@contextmanager
def read_only(home: Path) -> Iterator[None]:
    """The home on a file system mounted read-only; without the right to mount, its folders closed for writing."""
    kept = home.with_name("kept")
    home.rename(kept)
    home.mkdir(mode=0o700)
    mounted = subprocess.run(
        ["mount", "--bind", "-o", "ro", str(kept), str(home)], check=False, capture_output=True
    )
    if mounted.returncode:
        home.rmdir()
        kept.rename(home)
        home.chmod(0o500)
    try:
        yield
    finally:
        if mounted.returncode:
            home.chmod(0o700)
        else:
            subprocess.run(["umount", str(home)], check=True)
            home.rmdir()
            shutil.move(kept, home)


@fault("home-read-only")
async def home_read_only(stage: Stage) -> None:
    with read_only(stage.town.home):
        refused_to_serve(stage, "cannot be written")
    async with stage.open() as scene:
        await scene.recover()


@fault("jira-wants-fields")
async def jira_wants_fields(stage: Stage) -> None:
    async with stage.open() as scene:
        site = scene.sandbox.site
        move = proposal("issue.transition", {"to": "Done"}, jira=True, issue="SHOP-1")
        site.screens["31"] = {"root_cause": True}
        document = await scene.suffer(move)
        assert "Root cause" in str(document)
        (issue,) = (each for each in site.issues.values() if each.key == "SHOP-1")
        assert issue.status.name != "Done"
        site.screens.clear()
        await scene.recover(move)
