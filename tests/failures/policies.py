"""The policy folder does not build any more, with and without a policy of before to go on with."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from tests.failures.held import own_policies
from tests.failures.processes import refused_to_serve
from tests.failures.scene import Stage, fault
from tests.town import proposal

_OTHER = proposal("branch.create", {"from": "main"}, branch="agent/y")


@contextmanager
def broken(stage: Stage) -> Iterator[None]:
    """A policy folder of its own that does not build, until it is mended at the end."""
    gate = own_policies(stage) / "gate" / "gate.rego"
    kept = gate.read_text(encoding="utf-8")
    gate.write_text("package gate\n\ndecision := {\n", encoding="utf-8")
    yield
    gate.write_text(kept, encoding="utf-8")


@fault("policy-broken")
async def policy_broken(stage: Stage) -> None:
    with broken(stage):
        async with stage.open() as scene:
            await scene.suffer()
            said = (await scene.town.gateway.all())["policy"].detail
            assert "the policy of before goes on" in said
            assert "gate/gate.rego:" in said
    async with stage.open(scene.token) as mended:
        await mended.recover(_OTHER)


@fault("policy-lost")
async def policy_lost(stage: Stage) -> None:
    with broken(stage):
        database = sqlite3.connect(stage.town.home / "loopgate.db")
        with database:
            database.execute("DELETE FROM policy_bundles")
        database.close()
        refused_to_serve(stage, "gate/gate.rego:")
    async with stage.open() as scene:
        await scene.recover()
