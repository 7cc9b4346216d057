"""Which policy a start begins with, and that a broken one never takes a gateway down or past the seal."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.adapters.opa.bundles import read_files, write_files
from gateway.adapters.opa.signatures import signed
from gateway.app import open_gateway
from gateway.core.errors import SettingsError
from tests.gateway.app.shipping import AUTHOR, NO_BRANCHES, STRANGER, Shipped, in_force, trust, upload
from tests.gateway.app.test_activation import activated, branch, events_of
from tests.town import OPERATOR, Town, built_town, refusal

pytestmark = pytest.mark.slow


@pytest.fixture
def closed(home_template: Path, tmp_path: Path) -> Iterator[Town]:
    """A gateway that is not open, with a policy folder of its own and a key it believes."""
    with built_town(home_template, tmp_path) as town:
        trust(town)
        own = Path(shutil.copytree(town.settings.policy.folder, tmp_path / "own-policies"))
        config = town.home / "loopgate.toml"
        config.write_text(config.read_text().replace(str(town.settings.policy.folder), str(own)))
        yield town


def damage(town: Town) -> None:
    (town.settings.policy.folder / "gate" / "gate.rego").write_text("package gate\n\ndecision := {", "utf-8")


def in_database(town: Town, statement: str, *values: bytes) -> None:
    """What somebody does who can write to the database."""
    database = sqlite3.connect(town.home / "loopgate.db")
    with database:
        database.execute(statement, values)
    database.close()


async def notice(town: Town) -> str:
    policy = (await town.gateway.all())["policy"]
    assert policy.ok
    return policy.detail


async def seal(town: Town, shipped: Shipped) -> None:
    await upload(town, shipped)
    async with await town.sign_in(OPERATOR) as operator:
        await operator.seal_policies()


async def test_a_broken_folder_leaves_the_policy_of_before_in_force(closed: Town) -> None:
    async with closed.open():
        before = await in_force(closed)
    damage(closed)

    async with closed.open():
        assert await in_force(closed) == before
        assert "does not build, so the policy of before goes on" in await notice(closed)
        assert await branch(closed) == "performed"


async def test_a_folder_that_breaks_while_it_serves_changes_nothing(closed: Town) -> None:
    async with closed.open():
        damage(closed)
        for name in ("wasm.tar.gz", "rego.tar.gz", "policy.wasm"):
            (closed.home / "policy" / name).write_bytes(b"broken")
        await closed.gateway.follower.look()
        assert await branch(closed) == "performed"
        assert await notice(closed) == ""


async def test_without_a_policy_of_before_a_broken_folder_is_refused_with_file_and_line(closed: Town) -> None:
    damage(closed)
    in_database(closed, "DELETE FROM policy_bundles")
    with pytest.raises(SettingsError, match=r"gate\.rego:3"):
        async with closed.open():
            pass


async def test_what_an_author_activated_outlives_a_start_and_a_changed_folder_is_news(
    closed: Town, strict: Shipped, third: Shipped
) -> None:
    async with closed.open():
        await upload(closed, strict)
        async with await closed.sign_in(AUTHOR) as author:
            await author.activate_policy(strict.digest, "No more branches.")
    async with closed.open():
        assert await in_force(closed) == strict.digest
        assert "GATE-001" in await branch(closed)

    shutil.rmtree(closed.settings.policy.folder)
    shutil.copytree(third.folder, closed.settings.policy.folder)
    async with closed.open():
        assert await in_force(closed) == third.digest
        assert (await events_of(closed, third.digest)) == ["policy.activated"]


async def test_after_the_seal_the_folder_decides_nothing_and_need_not_even_be_there(
    closed: Town, same: Shipped
) -> None:
    async with closed.open():
        await seal(closed, same)
    NO_BRANCHES(closed.settings.policy.folder)
    async with closed.open():
        assert await in_force(closed) == same.digest
    shutil.rmtree(closed.settings.policy.folder)
    async with closed.open():
        assert await in_force(closed) == same.digest
        assert await branch(closed) == "performed"


async def test_after_the_seal_a_start_cannot_activate(closed: Town, same: Shipped) -> None:
    async with closed.open():
        await seal(closed, same)
    with pytest.raises(SettingsError, match="sealed on this database"):
        async with open_gateway(closed.settings, activate=True):
            pass


async def test_sealing_wants_a_signed_policy(closed: Town) -> None:
    async with closed.open():
        async with await closed.sign_in(OPERATOR) as operator:
            refused = await refusal(operator.seal_policies())
        assert refused.problem.code == "bundle_refused"
        assert "not signed" in refused.problem.detail


async def test_a_policy_whose_key_the_settings_forgot_keeps_a_sealed_gateway_from_starting(
    closed: Town, same: Shipped
) -> None:
    async with closed.open():
        await seal(closed, same)
    config = closed.home / "loopgate.toml"
    kept = config.read_text()
    config.write_text(kept.replace("keys = [", "keys = [] # "))
    with pytest.raises(SettingsError, match=r"put the key that signed it back into policy\.keys"):
        async with closed.open():
            pass
    config.write_text(kept)
    async with closed.open():
        assert await in_force(closed) == same.digest


async def test_bundles_that_rot_in_the_database_are_taken_from_the_home(closed: Town, same: Shipped) -> None:
    async with closed.open():
        await seal(closed, same)
        await closed.gateway.library.built(same.digest, signed=True)
    in_database(closed, "UPDATE policy_bundles SET wasm = substr(wasm, 1, 1000)")
    async with closed.open():
        assert await in_force(closed) == same.digest
        assert await branch(closed) == "performed"


async def test_forged_bundles_in_the_database_are_refused(closed: Town, same: Shipped) -> None:
    """Whoever writes to the database can put other bundles there, signed by a key of their own: nothing starts."""
    async with closed.open():
        await seal(closed, same)
    forged = {
        name: write_files(signed(read_files(getattr(same.release, name)), STRANGER))
        for name in ("wasm", "rego")
    }
    in_database(closed, "UPDATE policy_bundles SET wasm = ?, rego = ?", forged["wasm"], forged["rego"])
    shutil.rmtree(closed.home / "policies", ignore_errors=True)
    with pytest.raises(SettingsError, match="not among the settings"):
        async with closed.open():
            pass


async def test_a_sealed_gateway_goes_on_with_the_approved_policy_after_a_start(
    closed: Town, same: Shipped, strict: Shipped
) -> None:
    async with closed.open():
        await seal(closed, same)
        done = await activated(closed, strict)
        assert done["status"] == "performed"
    async with closed.open():
        assert await in_force(closed) == strict.digest
        assert "GATE-001" in await branch(closed)
