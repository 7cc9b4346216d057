"""Three gateways on one PostgreSQL: one log, one order, one act, and no way round by asking another."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.keys import create_key
from audit.note import parse_vkey
from audit.verify import verify_bundle
from gateway.app import create_home, open_gateway
from gateway.client.api import ApiError, Client, UnreachableError
from gateway.client.vote_keys import public_half, sign_challenge
from gateway.core.errors import SettingsError
from tests.city import Founded, built_city, found, notes_of, open_city
from tests.postgres import Cluster
from tests.town import OPERATOR, OWNER, RELEASE, Town, held_merge, open_merge_request, proposal, refusal

pytestmark = pytest.mark.slow
City = tuple[Town, ...]
AT_ONCE = 30


@pytest.fixture(scope="module")
def founded(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Founded:
    """A home and a database made by `init`."""
    return found(cluster, tmp_path_factory.mktemp("city"))


@pytest.fixture
def towns(founded: Founded, tmp_path: Path) -> Any:
    """Three homes on one database, not open."""
    with built_city(founded, tmp_path) as built:
        yield built


@pytest.fixture
async def city(towns: City) -> AsyncIterator[City]:
    """Three open gateways on one database."""
    async with open_city(towns) as opened:
        yield opened


def comment(text: str) -> dict[str, Any]:
    return proposal("issue.comment", {"body": text}, issue=1)


async def test_a_token_of_one_replica_opens_every_other_until_one_revokes_it(city: City) -> None:
    first, second, third = city
    async with await first.sign_in(OPERATOR) as operator:
        issued = await operator.issue_token("agt_fixer", {"projects": ["shop/*"]})
    clients = [town.client(issued["secret"]) for town in city]

    seen = [await client.me() for client in clients]
    await second.gateway.store.credentials.revoke(issued["id"], by=OPERATOR)

    assert len({answer["id"] for answer in seen}) == 1
    assert [(await refusal(client.me())).problem.status for client in clients] == [401] * 3
    for client in clients:
        await client.close()
    assert third.gateway.store.readiness().ok


async def test_a_challenge_of_one_replica_is_answered_at_another_and_once(city: City) -> None:
    first, second, third = city
    async with await first.sign_in(OPERATOR):
        citizen = first.citizens[OPERATOR]
    async with first.client() as at_first, second.client() as at_second, third.client() as at_third:
        challenge = await at_first.challenge(citizen.key_id)
        signature = sign_challenge(citizen.key, citizen.key_id, challenge)

        token = await at_second.sign_in(citizen.key_id, challenge, signature)
        again = await refusal(at_third.sign_in(citizen.key_id, challenge, signature))

    assert token
    assert again.problem.status == 401


async def test_a_stop_that_one_replica_acknowledged_holds_on_every_other_from_then_on(city: City) -> None:
    first, second, third = city
    async with await second.agent() as at_second, await third.agent() as at_third:
        before = await at_second.propose(comment("before"))
        async with await first.sign_in(OPERATOR) as operator:
            await operator.stop("everything", "", "It burns.")

        refused = [
            await refusal(client.propose(comment(f"after {n}")))
            for n, client in enumerate((at_second, at_third))
        ]

    assert before["status"] == "performed"
    assert [r.problem.status for r in refused] == [403, 403]
    assert not any(text.startswith("after") for text in notes_of(first.sandbox))


async def test_one_key_at_three_replicas_is_one_action(city: City) -> None:
    agents = [await town.agent() for town in city]

    answers = await asyncio.gather(*(a.propose(comment("once"), key="k-1") for a in agents))

    assert len({answer["action_id"] for answer in answers}) == 1
    assert (await city[0].settle(agents[0], answers[0]["action_id"]))["status"] == "performed"
    assert notes_of(city[0].sandbox)["once"] == 1
    for agent in agents:
        await agent.close()


async def test_what_one_replica_holds_another_counts_votes_for_and_any_carries_once(city: City) -> None:
    first, second, third = city
    async with await first.agent() as agent:
        opened = await open_merge_request(agent)
        held = await held_merge(agent, opened)
        await second.vote(OWNER, held["ticket"]["id"])
        await third.vote(RELEASE, held["ticket"]["id"])
        await asyncio.gather(*(town.look(5) for town in city))
        done = await first.settle(agent, held["action_id"])
    started = await second.gateway.store.archive.events(
        subject=held["action_id"], event_type="action.started", after=None, limit=9
    )

    assert done["status"] == "performed"
    assert len(started) == 1


async def test_replicas_write_one_log_that_verifies(city: City, tmp_path: Path) -> None:
    agents = [await town.agent() for town in city]
    await asyncio.gather(*(agents[n % 3].propose(comment(f"note {n}")) for n in range(9)))
    for agent in agents:
        await agent.close()
    async with await city[2].sign_in("prn_auditor") as auditor:
        await auditor.bundle(tmp_path / "bundle")
    async with await city[1].sign_in("prn_auditor") as auditor:
        vkey = (await auditor.keys())["vkey"]

    verdict = verify_bundle((tmp_path / "bundle").read_bytes(), [parse_vkey(vkey)])

    assert (verdict.ok, verdict.first_problem) == (True, None)
    assert verdict.range[0] == 0
    assert verdict.entries == verdict.range[1]
    assert sorted(t for t in notes_of(city[0].sandbox) if t.startswith("note ")) == [
        f"note {n}" for n in range(9)
    ]


async def refused_start(town: Town) -> str:
    """Why a gateway does not open."""
    with pytest.raises(SettingsError) as caught:
        async with open_gateway(town.settings):
            raise AssertionError("it opened")
    return caught.value.detail


@pytest.mark.parametrize("name", ["event", "checkpoint"])
async def test_a_replica_with_another_key_is_refused(towns: City, name: str) -> None:
    path = towns[1].home / "keys" / f"{name}.pem"
    path.unlink()
    create_key(path)

    said = await refused_start(towns[1])

    assert f"keys/{name}.pem is not what this database was made with" in said


async def test_a_replica_with_another_name_of_the_log_is_refused(towns: City) -> None:
    config = towns[1].home / "loopgate.toml"
    config.write_text(config.read_text().replace("city.test/log", "other.test/log"))

    assert "the setting `origin` is not what this database was made with" in await refused_start(towns[1])


async def test_a_replica_with_another_marker_key_is_refused(towns: City) -> None:
    async with towns[0].open():
        (towns[1].home / "keys" / "marker.key").write_text("00" * 32)

        assert "keys/marker.key is not what this database was made with" in await refused_start(towns[1])


def test_a_second_init_on_the_database_is_refused_and_changes_nothing(
    founded: Founded, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="holds a log already"):
        found_again(founded, tmp_path)


def found_again(founded: Founded, folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOOPGATE_DATABASE_URL", founded.cluster.url(founded.database))
        create_home(folder / "home", policies=founded.home.parent / "policies", origin="x.test", operator="x")


async def test_another_policy_takes_over_only_when_that_is_asked_for(towns: City, tmp_path: Path) -> None:
    first, second, _ = towns
    _own_policy(second, tmp_path)
    async with first.open():
        said = await refused_start(second)
        assert "--activate-policy" in said
        async with open_gateway(second.settings, activate=True) as other:
            active = await other.store.policies.active()
            # What the first judges by the old policy starts nothing; it hears of the change there, and judges again.
            async with await first.agent() as agent:
                done = await agent.propose(comment("by the new policy"))
        assert active == other.policy.in_force.version.digest

    assert done["ruling"]["policy_digest"] == active
    assert active == first.gateway.policy.in_force.version.digest
    assert notes_of(first.sandbox)["by the new policy"] == 1


def _own_policy(town: Town, folder: Path) -> None:
    """A policy folder that only this replica has, with one word changed."""
    policies = Path(shutil.copytree(town.settings.policy.folder, folder / "own-policies"))
    rates = policies / "data" / "params.yaml"
    rates.write_text(rates.read_text().replace("hour: {low: 30", "hour: {low: 29"))
    config = town.home / "loopgate.toml"
    config.write_text(config.read_text().replace(str(town.settings.policy.folder), str(policies)))


async def test_a_server_that_is_away_at_the_start_is_said(towns: City) -> None:
    config = towns[0].home / "loopgate.toml"
    config.write_text(config.read_text().replace("test_", "none_", 1))

    assert "The database cannot be read" in await refused_start(towns[0])


class Process:
    """A real `serve` on one of the homes."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self.url = ""

    async def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "gateway.cli.main",
            "serve",
            "--home",
            str(self._town.home),
            "--json",
        ]
        environment = {**os.environ, "LOOPGATE_SERVE__PORT": "0"}
        self._process = await asyncio.create_subprocess_exec(
            *command, stdout=subprocess.PIPE, env=environment
        )
        assert self._process.stdout is not None
        self.url = json.loads(await self._process.stdout.readline())["url"]

    async def stop(self, how: int = signal.SIGTERM) -> int:
        if self._process.returncode is None:
            self._process.send_signal(how)
        await self._process.communicate()
        return self._process.returncode or 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop(signal.SIGKILL)


class Load:
    """Agents that comment without a pause, each text under its own key, until every one is done."""

    def __init__(self, replicas: list[Process], token: str) -> None:
        self._replicas, self._token = replicas, token
        self.done: dict[str, str] = {}
        self.enough, self._news = asyncio.Event(), asyncio.Event()
        self._turns = asyncio.Semaphore(0)
        self._at = 0

    async def work(self, name: str) -> None:
        count = 0
        while True:
            await self._turns.acquire()
            if self.enough.is_set():
                return
            await self._one(f"{name} {count}")
            count += 1

    def go_on(self, turns: int = AT_ONCE) -> None:
        """Let so many more be asked for; an agent may do 120 things an hour."""
        for _ in range(turns):
            self._turns.release()

    async def reached(self, count: int, agents: list["asyncio.Task[None]"]) -> None:
        """Return when so many are done, or raise what ended an agent."""
        while len(self.done) < count:
            self._news.clear()
            await asyncio.wait(
                [asyncio.create_task(self._news.wait()), *agents], return_when="FIRST_COMPLETED"
            )
            for ended in agents:
                if ended.done():
                    ended.result()

    async def _one(self, text: str) -> None:
        """Ask until there is an answer, at one replica after the other, under the same key."""
        while text not in self.done:
            self._at += 1
            try:
                async with Client(self._replicas[self._at % len(self._replicas)].url, self._token) as client:
                    answer = await client.propose(comment(text), key=text.replace(" ", "-"))
            except UnreachableError:
                continue
            except ApiError as error:
                if error.problem.status not in {409, 503}:
                    raise
                continue
            if answer["status"] == "performed":
                self.done[text] = answer["action_id"]
                self._news.set()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_a_rolling_restart_under_load_loses_nothing_and_does_nothing_twice(
    towns: City, how: int
) -> None:
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(Process(town)) for town in towns]
        load = Load(replicas, await operator_token(towns[0], replicas[0].url))
        agents = [asyncio.create_task(load.work(f"load{n}")) for n in range(2)]
        for replica in replicas:
            before = len(load.done)
            load.go_on()
            await load.reached(before + 2, agents)
            await replica.stop(how)
            await load.reached(before + 5, agents)
            await replica.start()
            await load.reached(before + AT_ONCE, agents)
        load.enough.set()
        load.go_on()
        await asyncio.gather(*agents)
        codes = [await replica.stop() for replica in replicas]

    effects = notes_of(towns[0].sandbox)
    assert codes == [0, 0, 0]
    assert len(load.done) == 3 * AT_ONCE
    assert {text: effects[text] for text in load.done} == dict.fromkeys(load.done, 1)
    assert not [text for text, count in effects.items() if text.startswith("load") and count > 1]
    async with towns[0].open() as town:
        exported = await town.gateway.store.archive.export(0, None, by="test")
        vkey = (await town.gateway.store.archive.keys())["vkey"]
        assert verify_bundle(exported.content, [parse_vkey(vkey)]).ok


async def operator_token(town: Town, url: str) -> str:
    """Log the operator in over HTTP and issue a token for the agent."""
    code = json.loads((town.home / "code.json").read_text())["code"]
    key = Ed25519PrivateKey.generate()
    async with Client(url) as client:
        key_id = (await client.register_key(code, public_half(key)))["id"]
        challenge = await client.challenge(key_id)
        secret = await client.sign_in(key_id, challenge, sign_challenge(key, key_id, challenge))
    async with Client(url, secret) as operator:
        return str((await operator.issue_token("agt_fixer", {"projects": ["shop/*"]}))["secret"])
