"""A PostgreSQL whose disk is full: the one its tables are on, and the one it keeps everything on."""

import asyncio
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import DiskFull

from gateway.core.errors import LedgerUnavailableError
from gateway.settings import CONFIG_NAME
from tests.city import found
from tests.failures.scene import Scene, Stage, fault
from tests.postgres import Cluster, give_away, need_postgresql, running_cluster

_TABLES = 64 << 20
_WHOLE = 192 << 20
_NOISE = "INSERT INTO settings SELECT 'noise', string_agg(md5(n::text), '') FROM generate_series(1, 4000) n"
_REFUSE = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$
"""


@contextmanager
def small_file_system(folder: Path, size: int) -> Iterator[bool]:
    """A tmpfs of that many bytes, the database server's; False where only root may mount and we are not."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0
    give_away(folder)
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Leave not one block free."""
    (folder / "filler").write_bytes(b"x" * shutil.disk_usage(folder).free)


class Tables:
    """The gateway's tables on a small file system, on a server that has room for everything else.

    Where nothing can be mounted a trigger raises SQLSTATE 53100, with which the server itself says that a disk is
    full: the same class of error and the same aborted transaction, without a disk that is really full.
    """

    def __init__(self, cluster: Cluster, database: str, folder: Path, *, mounted: bool) -> None:
        self.cluster, self.database, self.folder, self.mounted = cluster, database, folder, mounted
        if mounted:
            cluster.run(f"CREATE TABLESPACE small LOCATION '{folder}'")
            cluster.run(f"ALTER DATABASE {database} SET TABLESPACE small")

    def fill(self) -> None:
        """Take all the room, and see that the server says so in its own words."""
        if self.mounted:
            fill(self.folder)
        else:
            self._refuse()
        with pytest.raises(DiskFull):
            self.cluster.run(_NOISE, self.database)

    def make_room(self) -> None:
        """Give it back."""
        if self.mounted:
            (self.folder / "filler").unlink()
        else:
            self.cluster.run("DROP FUNCTION no_room() CASCADE", self.database)

    def _refuse(self) -> None:
        self.cluster.run(_REFUSE, self.database)
        for table in ("settings", "audit_leaves"):
            trigger = f"CREATE TRIGGER no_room BEFORE INSERT ON {table} EXECUTE FUNCTION no_room()"
            self.cluster.run(trigger, self.database)


async def on_cluster(stage: Stage, cluster: Cluster) -> str:
    """Give the stage's town a home that `init` made on this cluster, with the same vendors; its database."""
    home, connected = stage.town.home, (stage.town.home / CONFIG_NAME).read_text()
    founded = await asyncio.to_thread(found, cluster, stage.town.home.parent / "founded")
    shutil.rmtree(home)
    shutil.copytree(founded.home, home)
    with (home / CONFIG_NAME).open("a") as file:
        file.write("\n[gitlab]" + connected.partition("\n[gitlab]")[2])
    return founded.database


@asynccontextmanager
async def unrecorded(scene: Scene) -> AsyncIterator[None]:
    """While this lasts the poller cannot record either, and readiness stays red however often it is asked."""
    for _ in range(3):
        with pytest.raises(LedgerUnavailableError):
            await scene.town.gateway.poller.look()
        await scene.witness()
    yield
    await scene.town.gateway.poller.look()


@fault("postgresql-disk-full")
async def tables_full(stage: Stage) -> None:
    with running_cluster() as cluster:
        folder = cluster.folder / "small"
        folder.mkdir()
        database = await on_cluster(stage, cluster)
        with small_file_system(folder, _TABLES) as mounted:
            tables = Tables(cluster, database, folder, mounted=mounted)
            async with stage.open() as scene:
                tables.fill()
                await scene.suffer()
                async with unrecorded(scene):
                    tables.make_room()
                await scene.recover()


@fault("postgresql-server-full")
async def server_full(stage: Stage) -> None:
    """The server cannot even write its own log and ends itself; without the right to mount, it is ended as by a crash."""
    need_postgresql()
    with (
        tempfile.TemporaryDirectory(prefix="lg-pg-") as name,
        small_file_system(Path(name), _WHOLE) as mounted,
    ):
        cluster = Cluster(Path(name))
        cluster.make()
        cluster.start()
        try:
            await on_cluster(stage, cluster)
            async with stage.open() as scene:
                _overwhelm(cluster, mounted=mounted)
                await scene.suffer(probe=False)
                async with unrecorded(scene):
                    (cluster.folder / "filler").unlink(missing_ok=True)
                    cluster.start()
                await scene.recover()
        finally:
            cluster.stop()


def _overwhelm(cluster: Cluster, *, mounted: bool) -> None:
    if not mounted:
        cluster.stop(signal.SIGQUIT)
        return
    fill(cluster.folder)
    with pytest.raises(psycopg.OperationalError):
        cluster.run("SELECT pg_switch_wal(), pg_logical_emit_message(true, 'x', repeat('x', 20000000))")
    cluster.died()
