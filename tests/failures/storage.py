"""Where the records go: full, nearly full, locked, gone, too slow for what is queued; and the mirrors of git."""

import asyncio
import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import InvalidRequestError

from gateway.adapters.disk import WARN_AT
from gateway.adapters.store.unit import Unit
from gateway.client.api import ApiError
from gateway.core.errors import LedgerUnavailableError
from tests.failures.scene import Scene, Stage, fault
from tests.town import proposal

_SIZE = 16 << 20
_FEW = 10
ISSUE = proposal("issue.create", {"title": "Once"})


def database_in(stage: Stage, folder: Path) -> None:
    """Move the gateway's database into a folder of its own."""
    shutil.move(stage.town.home / "loopgate.db", folder / "loopgate.db")
    settings = stage.town.home / "loopgate.toml"
    settings.write_text(f'database_url = "sqlite:///{folder}/loopgate.db"\n' + settings.read_text())


class SmallDisk:
    """A file system of 16 MB. Only root may mount one: elsewhere a quota of the database does for a full disk."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(folder)]
        self.folder = folder
        self.mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0

    async def fill(self, scene: Scene, *, share: float) -> None:
        """Use up this share of it."""
        if self.mounted:
            total, used, _ = shutil.disk_usage(self.folder)
            (self.folder / "filler").write_bytes(b"x" * (int(total * share) - used))
            return
        scene.town.gateway.disk.usage = lambda _: (100, int(share * 100), int(100 - share * 100))
        if share == 1:
            self._cap(scene)
            await scene.town.gateway.store.writer.run(_cap_now)

    def make_room(self, scene: Scene) -> None:
        """Take it away again."""
        if self.mounted:
            (self.folder / "filler").unlink()
            return
        scene.town.gateway.disk.usage = shutil.disk_usage
        with contextlib.suppress(InvalidRequestError):
            event.remove(scene.town.gateway.store.writer._engine, "connect", _capped)

    def _cap(self, scene: Scene) -> None:
        event.listen(scene.town.gateway.store.writer._engine, "connect", _capped)


def _cap_now(unit: Unit) -> None:
    unit.connection.exec_driver_sql(f"PRAGMA max_page_count={_FEW}")


def _capped(connection: Any, _: Any) -> None:
    # Fewer pages than there are: SQLite takes the present number, so that no page can be added.
    connection.execute(f"PRAGMA max_page_count={_FEW}").close()


@contextmanager
def small_disk(stage: Stage) -> Iterator[SmallDisk]:
    """The database on a small disk of its own."""
    disk = SmallDisk(stage.town.home.parent / "disk")
    try:
        database_in(stage, disk.folder)
        yield disk
    finally:
        if disk.mounted:
            subprocess.run(["umount", "--lazy", str(disk.folder)], check=True)


@fault("disk-full")
async def disk_full(stage: Stage) -> None:
    with small_disk(stage) as disk:
        async with stage.open() as scene:
            await disk.fill(scene, share=1)
            await scene.suffer()
            with pytest.raises(LedgerUnavailableError):
                await scene.town.gateway.poller.look()
            assert await scene.unwell() == ("log",)
            disk.make_room(scene)
            await scene.town.gateway.poller.look()
            await scene.recover()


@fault("disk-nearly-full")
async def disk_nearly_full(stage: Stage) -> None:
    with small_disk(stage) as disk:
        async with stage.open() as scene:
            await disk.fill(scene, share=0.92)
            await scene.suffer()
            assert scene.town.gateway.disk.used_share() > WARN_AT
            disk.make_room(scene)
            await scene.recover(ISSUE)


@fault("database-locked")
async def locked(stage: Stage) -> None:
    async with stage.open() as scene:
        with contextlib.closing(
            sqlite3.connect(stage.town.home / "loopgate.db", isolation_level=None)
        ) as other:
            other.execute("BEGIN IMMEDIATE")
            await scene.suffer()
            other.execute("ROLLBACK")
        await scene.town.gateway.poller.look()
        await scene.recover()


@fault("database-gone")
async def gone(stage: Stage) -> None:
    folder, away = stage.town.home.parent / "data", stage.town.home.parent / "away"
    folder.mkdir()
    database_in(stage, folder)
    async with stage.open() as scene:
        folder.rename(away)
        await scene.suffer()
        away.rename(folder)
        await scene.town.gateway.poller.look()
        await scene.recover()


@fault("queue-full")
async def queue_full(stage: Stage) -> None:
    stage.configure("serve", queue="10")
    async with stage.open() as scene:
        with contextlib.closing(
            sqlite3.connect(stage.town.home / "loopgate.db", isolation_level=None)
        ) as other:
            other.execute("BEGIN IMMEDIATE")
            bodies = [proposal("issue.create", {"title": f"Number {n}"}) for n in range(60)]
            waiting = [asyncio.create_task(scene.agent.propose(body)) for body in bodies]
            done, left = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            await scene.suffer()
            other.execute("ROLLBACK")
        answers = await asyncio.gather(*done, *left, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, ApiError)]
        assert {error.problem.code for error in refused} == {"busy"}
        done_titles = sorted(
            issue.title for issue in scene.project.issues.values() if "Number" in issue.title
        )
        assert len(done_titles) == len(set(done_titles)) == len(bodies) - len(refused) > 0
        await scene.recover()


def commit(name: str) -> dict[str, Any]:
    """One new file on the branch, which is measured in the mirror."""
    changes = [{"op": "create", "path": f"docs/{name}.md", "content": f"{name}\n"}]
    return proposal("commit.create", {"message": name, "changes": changes}, branch="agent/note")


async def mirror_of(scene: Scene) -> Path:
    """The mirror of the project, once a change has been measured in it."""
    await scene.agent.propose(proposal("branch.create", {"from": "main"}, branch="agent/note"))
    await scene.agent.propose(commit("first"))
    (mirror,) = (scene.town.home / "mirrors").glob("*.git")
    return mirror


def spoil(mirror: Path) -> None:
    """Noise in place of every object."""
    for path in (mirror / "objects").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(os.urandom(path.stat().st_size))


@fault("mirror-deleted")
async def mirror_deleted(stage: Stage) -> None:
    async with stage.open() as scene:
        shutil.rmtree(await mirror_of(scene))
        await scene.suffer(commit("second"))
        await scene.recover(commit("third"))


@fault("mirror-objects-lost")
async def mirror_objects_lost(stage: Stage) -> None:
    async with stage.open() as scene:
        mirror = await mirror_of(scene)
        shutil.rmtree(mirror / "objects")
        (mirror / "objects").mkdir()
        await scene.suffer(commit("second"))
        await scene.recover(commit("third"))


@fault("mirror-corrupt")
async def mirror_corrupt(stage: Stage) -> None:
    async with stage.open() as scene:
        spoil(await mirror_of(scene))
        await scene.suffer(commit("second"))
        await scene.recover(commit("third"))


@fault("mirror-corrupt-restart")
async def mirror_corrupt_restart(stage: Stage) -> None:
    """Damaged while nobody served: found at the first use."""
    async with stage.open() as scene:
        mirror = await mirror_of(scene)
    spoil(mirror)
    async with stage.open(scene.token) as second:
        await second.suffer(commit("second"))
        await second.recover(commit("third"))
