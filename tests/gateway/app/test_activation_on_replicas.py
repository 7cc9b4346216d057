"""Several gateways on one PostgreSQL: a change of policy reaches each within a second, and none judges by two."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from gateway.client.api import ApiError
from tests.city import Founded, built_city, found, open_city
from tests.gateway.app.shipping import APPROVER, AUTHOR, Shipped, trust, upload
from tests.postgres import Cluster
from tests.town import OPERATOR, Town, proposal

pytestmark = pytest.mark.slow
City = tuple[Town, ...]
_PATIENCE_S = 60
_AT_ONCE = 12


@pytest.fixture(scope="module")
def founded(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Founded:
    return found(cluster, tmp_path_factory.mktemp("city"))


@pytest.fixture
async def city(founded: Founded, tmp_path: Path, same: Shipped) -> AsyncIterator[City]:
    """Gateways that follow one another, sealed."""
    async with AsyncExitStack() as stack:
        towns = stack.enter_context(built_city(founded, tmp_path))
        for town in towns:
            trust(town)
        opened = await stack.enter_async_context(open_city(towns))
        await upload(opened[0], same)
        async with await opened[0].sign_in(OPERATOR) as operator:
            await operator.seal_policies()
        following = [asyncio.create_task(town.gateway.follower.run()) for town in opened]
        yield opened
        for town in opened:
            town.gateway.follower.stop()
        await asyncio.gather(*following)


async def approved(town: Town, shipped: Shipped) -> str:
    """Ask for a policy and approve it; the action's id. It is carried on the replica of the vote."""
    async with await town.sign_in(AUTHOR) as author:
        held = await author.activate_policy(shipped.digest, "As agreed.")
    await town.vote(APPROVER, held["ticket"]["id"])
    return str(held["action_id"])


def judging(town: Town) -> str:
    return town.gateway.policy.in_force.version.digest


async def all_judge_by(city: City, digest: str) -> None:
    await until(city[0], lambda: {judging(town) for town in city} == {digest})


async def until(town: Town, holds: Callable[[], bool]) -> None:
    """Wait for the followers, which look by themselves."""
    async with asyncio.timeout(_PATIENCE_S):
        while not holds():
            await town.gateway.store.policies.active()


async def carried(town: Town) -> None:
    await town.gateway.poller.look()
    await town.gateway.neighbours.carrier.finish()


async def test_every_replica_judges_by_the_new_policy_a_moment_later(city: City, strict: Shipped) -> None:
    """Each has loaded it when it was uploaded, so taking it up costs a look and little processor time."""
    await upload(city[0], strict)
    await until(city[0], lambda: all(strict.digest in town.gateway.library._warm for town in city))
    began = time.process_time()
    await approved(city[0], strict)
    await carried(city[0])
    entered, worked = time.monotonic(), time.process_time() - began
    await all_judge_by(city, strict.digest)

    # All replicas share this process and this machine: a second for each, if the clock can be believed.
    assert time.monotonic() - entered < 3 or time.process_time() - began - worked < 1
    for town in city:
        async with await town.agent() as agent:
            with pytest.raises(ApiError) as denied:
                await agent.propose(proposal("branch.create", {"from": "main"}, branch="agent/x"))
        assert "GATE-001" in {f["code"] for f in denied.value.problem.findings}


async def test_what_is_judged_meanwhile_is_judged_by_one_policy_and_started_by_the_one_in_force(
    city: City, strict: Shipped
) -> None:
    """Agents never stop asking while the policy changes; each ruling names one policy, each start the one in force."""
    first = city[0]
    await upload(first, strict)
    clients = [await town.agent() for town in city]
    stopping = asyncio.Event()

    async def ask(number: int) -> None:
        client = clients[number % len(clients)]
        for turn in range(200):
            if stopping.is_set():
                return
            wanted = proposal("branch.create", {"from": "main"}, branch=f"agent/b{number}-{turn}")
            with contextlib.suppress(ApiError):
                await client.propose(wanted)

    asking = [asyncio.create_task(ask(number)) for number in range(3)]
    await approved(first, strict)
    await carried(first)
    await all_judge_by(city, strict.digest)
    stopping.set()
    await asyncio.gather(*asking)
    for client in clients:
        await client.close()

    await assert_every_start_was_of_the_policy_in_force(first)


async def assert_every_start_was_of_the_policy_in_force(town: Town) -> None:
    """Read from the log: the policy of each judged event that led to a start is the last one activated before it."""
    rows: list[Any] = []
    while page := await town.gateway.store.archive.events(
        subject=None, event_type=None, after=rows[-1].index if rows else None, limit=200
    ):
        rows += page
    active, judged, starts = "", {}, Counter[str]()
    for row in rows:
        data = row.leaf["data"]
        if row.type == "log.opened":
            active = data["policy_digest"]
        elif row.type in {"policy.activated", "policy.rolled_back"}:
            active = data["digest"]
        elif row.type == "action.judged":
            judged[row.subject] = data["policy"]["digest"]
        elif row.type == "action.started":
            assert judged[row.subject] == active, row.subject
            starts[active] += 1
    assert sum(starts.values()) > 0


async def test_a_replica_that_has_not_heard_of_it_starts_nothing_by_the_old_policy(
    city: City, strict: Shipped
) -> None:
    """Its follower stands still: the guard inside `started` tells it, it catches up, and judges once more."""
    first, second, _ = city
    second.gateway.follower.stop()
    await upload(first, strict)
    await approved(first, strict)
    await carried(first)
    before = judging(second)
    assert before != strict.digest

    async with await second.agent() as agent:
        with pytest.raises(ApiError) as denied:
            await agent.propose(proposal("branch.create", {"from": "main"}, branch="agent/late"))

    assert "GATE-001" in {f["code"] for f in denied.value.problem.findings}
    assert denied.value.problem.action is not None
    assert judging(second) == strict.digest


async def test_a_replica_that_does_not_believe_the_key_goes_red_and_starts_nothing(
    founded: Founded, tmp_path: Path, same: Shipped, strict: Shipped
) -> None:
    with built_city(founded, tmp_path) as towns:
        trust(towns[0])
        async with open_city(towns[:2]) as (first, second):
            await upload(first, same)
            async with await first.sign_in(OPERATOR) as operator:
                await operator.seal_policies()
            await upload(first, strict)
            await approved(first, strict)
            await carried(first)
            assert judging(first) == strict.digest

            async with await second.agent() as agent:
                with pytest.raises(ApiError) as refused:
                    await agent.propose(proposal("branch.create", {"from": "main"}, branch="agent/y"))
            policy = (await second.gateway.all())["policy"]

    assert {f["code"] for f in refused.value.problem.findings} & {"GUARD_FAILED", "POLICY_UNAVAILABLE"}
    assert not policy.ok
    assert "cannot be taken up here" in policy.detail
