"""Gateway tokens at the doors, over a real store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.adapters.identity.doorkeeper import Doorkeeper
from gateway.adapters.store.store import Store
from gateway.core.errors import UnauthenticatedError
from gateway.core.principals import Door, Role, Scope
from tests.gateway.adapters.store.world import AGENT, OWNER, ROSTER, VOTERS, World

SCOPE = Scope(projects=("shop/*",), action_types=("issue.*",))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A world whose store exists."""
    made = World(tmp_path)
    made.create()
    return made


@pytest.fixture
def store(world: World) -> Iterator[Store]:
    """Its store, open."""
    with world.store() as opened:
        yield opened


def doorkeeper(world: World, store: Store) -> Doorkeeper:
    """A doorkeeper without OIDC."""
    return Doorkeeper(store.credentials, store.sessions, world.clock, lambda: ROSTER)


async def refusal(
    keeper: Doorkeeper, credential: str, door: Door = Door.REST, source: str = "203.0.113.9"
) -> str:
    """The code a credential is refused with."""
    with pytest.raises(UnauthenticatedError) as caught:
        await keeper.authenticate(credential, door=door, source=source)
    assert caught.value.detail
    return caught.value.code


async def test_a_token_signs_its_agent_in_with_owner_and_scope(world: World, store: Store) -> None:
    token = await store.credentials.issue(AGENT, SCOPE, door="rest", lifetime_s=60, by=OWNER)

    principal = await doorkeeper(world, store).authenticate(token.secret, door=Door.REST, source="x")

    assert token.secret.startswith("lg_")
    assert (principal.id, principal.owner, principal.roles) == (AGENT, OWNER, (Role.AGENT,))
    assert principal.scope == SCOPE
    assert principal.expires_ms == world.clock.ms + 60_000
    assert principal.token_id == token.id


async def test_a_person_has_the_roles_of_the_roster(world: World, store: Store) -> None:
    token = await store.credentials.issue(VOTERS[0], SCOPE, door="rest", lifetime_s=60, by=OWNER)

    principal = await doorkeeper(world, store).authenticate(token.secret, door=Door.REST, source="x")

    assert principal.roles == (Role.APPROVER,)
    assert principal.owner is None


async def test_a_system_stands_for_itself(world: World, store: Store) -> None:
    token = await store.credentials.issue("sys_trivy", SCOPE, door="rest", lifetime_s=60, by=OWNER)

    principal = await doorkeeper(world, store).authenticate(token.secret, door=Door.REST, source="x")

    assert principal.roles == (Role.SYSTEM,)


async def test_a_token_is_good_at_one_door_only(world: World, store: Store) -> None:
    token = await store.credentials.issue(AGENT, SCOPE, door="mcp", lifetime_s=60, by=OWNER)
    keeper = doorkeeper(world, store)

    assert await refusal(keeper, token.secret, Door.REST) == "wrong_door"
    assert await refusal(keeper, token.secret, Door.GIT) == "wrong_door"
    assert (await keeper.authenticate(token.secret, door=Door.MCP, source="x")).door is Door.MCP


async def test_a_token_ends_at_its_time_to_the_millisecond(world: World, store: Store) -> None:
    token = await store.credentials.issue(AGENT, SCOPE, door="rest", lifetime_s=60, by=OWNER)
    keeper = doorkeeper(world, store)

    world.clock.pass_ms(59_999)
    assert (await keeper.authenticate(token.secret, door=Door.REST, source="x")).id == AGENT
    world.clock.pass_ms(1)
    assert await refusal(keeper, token.secret) == "token_expired"


async def test_a_revoked_token_is_worthless_at_once(world: World, store: Store) -> None:
    token = await store.credentials.issue(AGENT, SCOPE, door="rest", lifetime_s=60, by=OWNER)

    await store.credentials.revoke(token.id, by=OWNER)

    assert await refusal(doorkeeper(world, store), token.secret) == "unauthenticated"


@pytest.mark.parametrize(
    "credential",
    ["", "lg_unknown", "glpat-x", "a.b.c", "lg_" + "x" * 20_000, "lg_\x00", "lg_\ud800", "\ud800.b.c"],
)
async def test_what_is_no_credential_is_refused(world: World, store: Store, credential: str) -> None:
    assert await refusal(doorkeeper(world, store), credential) == "unauthenticated"


async def test_somebody_who_left_the_roster_is_refused(world: World, store: Store) -> None:
    token = await store.credentials.issue("prn_gone", SCOPE, door="rest", lifetime_s=60, by=OWNER)

    assert await refusal(doorkeeper(world, store), token.secret) == "not_in_roster"


async def test_a_flood_of_failures_is_one_event_per_source_and_minute(world: World, store: Store) -> None:
    keeper = doorkeeper(world, store)
    for _ in range(500):
        await refusal(keeper, "nonsense")
    await refusal(keeper, "nonsense", source="198.51.100.1")

    early = await store.sessions.flush(world.clock.ms)
    world.clock.pass_ms(60_000)
    await store.desk.expire_due(world.clock.ms)

    events = await store.archive.events(subject=None, event_type="session.denied", after=None, limit=10)
    assert early == 0
    assert sorted((e.leaf["data"]["count"], e.disclosures["source"]) for e in events) == [
        (1, "198.51.100.1"),
        (500, "203.0.113.9"),
    ]
    assert "203.0.113.9" not in str([e.leaf for e in events])
    assert await store.sessions.flush(world.clock.ms) == 0


async def test_more_sources_than_anyone_can_list_are_counted_together(world: World, store: Store) -> None:
    for number in range(1500):
        store.sessions.count(f"source-{number}", "rest", "unauthenticated", world.clock.ms)
    world.clock.pass_ms(60_000)

    assert await store.sessions.flush(world.clock.ms) == 1001


async def test_what_is_counted_when_the_gateway_stops_is_recorded(world: World) -> None:
    with world.store() as store:
        await refusal(doorkeeper(world, store), "nonsense")
    with world.store() as again:
        events = await again.archive.events(subject=None, event_type="session.denied", after=None, limit=10)

    assert [e.leaf["data"]["count"] for e in events] == [1]
