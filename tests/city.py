"""Several gateways on one PostgreSQL: homes with the same keys, one sandbox, the same people and agents."""

import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.app import create_home
from gateway.sandbox.server import Sandbox
from tests.postgres import Cluster
from tests.town import ROOT, Town, _connect

REPLICAS = 3


@dataclass(frozen=True)
class Founded:
    """A home that `init` made on PostgreSQL, and the name of its database; both are copied for each test."""

    home: Path
    database: str
    cluster: Cluster


def found(cluster: Cluster, folder: Path) -> Founded:
    """Run `init` with its database on the cluster."""
    home, policies, database = folder / "home", folder / "policies", cluster.new()
    shutil.copytree(ROOT / "policies", policies)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOOPGATE_DATABASE_URL", cluster.url(database))
        made = create_home(home, policies=policies, origin="city.test/log", operator="The operator")
    (home / "code.json").write_text(json.dumps({"code": made.code}))
    return Founded(home, database, cluster)


@contextmanager
def built_city(founded: Founded, folder: Path) -> Iterator[tuple[Town, ...]]:
    """Towns that are not open, each with a home of its own and all on one new copy of the database."""
    database = founded.cluster.new(founded.database)
    with Sandbox(folder / "sandbox") as sandbox:
        towns = tuple(_town(founded, database, folder / f"replica{n}", sandbox) for n in range(REPLICAS))
        for town in towns:
            town.clock, town.citizens = towns[0].clock, towns[0].citizens
        yield towns
    founded.cluster.drop(database)


def _town(founded: Founded, database: str, folder: Path, sandbox: Sandbox) -> Town:
    home = Path(shutil.copytree(founded.home, folder / "home"))
    config = home / "loopgate.toml"
    cluster = founded.cluster
    text = config.read_text().replace(cluster.url(founded.database), cluster.url(database))
    assert cluster.url(database) in text
    config.write_text(text)
    _connect(home, folder, sandbox)
    return Town(home, sandbox)


@asynccontextmanager
async def open_city(towns: tuple[Town, ...]) -> AsyncIterator[tuple[Town, ...]]:
    """All towns open at once, in one process."""
    async with AsyncExitStack() as stack:
        for town in towns:
            await stack.enter_async_context(town.open())
        yield towns


def notes_of(sandbox: Sandbox) -> Counter[str]:
    """How often each text stands first in a note of the sandbox's GitLab."""
    with sandbox.clock.lock:
        issues = sandbox.forge.projects[1].issues.values()
        return Counter(note.body.split("\n")[0].strip() for issue in issues for note in issue.notes)
