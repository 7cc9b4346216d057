"""Policies in the store: kept once, changed in one unit with their event, never alone after the seal."""

from collections.abc import Awaitable, Callable

import pytest

from gateway.adapters.store.policies import Bundles, Entry
from gateway.adapters.store.store import Store
from gateway.core.errors import ConflictError, LedgerUnavailableError
from gateway.core.permits import Permit
from gateway.core.policies import KeptPolicy, PolicyStepKind
from gateway.core.rulings import PolicyVersion
from tests.gateway.adapters.store.crashing import PHASES
from tests.gateway.adapters.store.test_crashes import Crash
from tests.gateway.adapters.store.world import OWNER, POLICY, World, vote

NEXT, AFTER = "e" * 64, "f" * 64
BUNDLES = Bundles(wasm=b"wasm", rego=b"rego")


def kept(digest: str = NEXT, **more: object) -> KeptPolicy:
    named = {"revision": "r1", "sha256": "1" * 64, "wasm_sha256": "2" * 64, "key_id": "3" * 64}
    return KeptPolicy.model_validate({"digest": digest, **named, "by": OWNER, "kept_ms": 0, **more})


def entry(digest: str = NEXT, kind: PolicyStepKind = PolicyStepKind.ACTIVATED) -> Entry:
    version = PolicyVersion(digest=digest, revision="r1", engine="any", engine_version="0")
    return Entry(kind=kind, version=version, roster_digest="4" * 64, by=OWNER)


async def recorded(store: Store, *types: str) -> list[tuple[str, str]]:
    rows = await store.archive.events(subject=None, event_type=None, after=None, limit=200)
    return [(row.type, row.subject) for row in rows if row.type in types or not types]


async def started(world: World, store: Store, *, approved: bool) -> Permit:
    """The permit of an action that has started, with votes or without."""
    action = world.action()
    await store.ledger.admit(action)
    ticket = None
    if approved:
        hold = world.hold(action)
        await store.ledger.record(hold)
        ticket = await store.desk.cast(hold.ticket.id, vote(hold.ticket))
    start = world.start(action, ticket)
    await store.ledger.record(start)
    return start.permit


async def test_what_is_kept_is_found_as_it_came_and_kept_once(world: World) -> None:
    with world.store() as store:
        first = await store.policies.keep(kept(), BUNDLES)
        again = await store.policies.keep(kept(by="prn_other"), BUNDLES)

        assert first == again
        assert await store.policies.bundles(NEXT) == BUNDLES
        assert await store.policies.bundles(AFTER) is None
        assert await store.policies.kept() == (first,)
        assert (await store.policies.find(NEXT), await store.policies.find(AFTER)) == (first, None)
        assert await recorded(store, "policy.uploaded") == [("policy.uploaded", NEXT)]


async def test_other_wasm_under_a_digest_that_is_kept_is_refused(world: World) -> None:
    with world.store() as store:
        await store.policies.keep(kept(), BUNDLES)
        with pytest.raises(ConflictError, match="compiled otherwise"):
            await store.policies.keep(kept(wasm_sha256="9" * 64), Bundles(wasm=b"x", rego=b"y"))
        assert await store.policies.bundles(NEXT) == BUNDLES


async def test_a_signed_policy_takes_the_place_of_the_one_built_at_a_start_and_never_the_reverse(
    world: World,
) -> None:
    unsigned, signed = Bundles(wasm=b"w", rego=b"unsigned"), Bundles(wasm=b"w", rego=b"signed")
    with world.store() as store:
        await store.policies.keep(kept(key_id=None), unsigned)
        assert await recorded(store, "policy.uploaded") == []
        await store.policies.keep(kept(), signed)
        await store.policies.keep(kept(key_id=None), unsigned)
        assert await store.policies.bundles(NEXT) == signed


async def test_before_the_seal_a_policy_is_entered_with_its_event_once(world: World) -> None:
    with world.store() as store:
        await store.policies.keep(kept(), BUNDLES)
        assert await store.policies.enter(entry())
        assert not await store.policies.enter(entry())
        standing = await store.policies.standing()

        rows = await store.archive.events(subject=NEXT, event_type="policy.activated", after=None, limit=9)
    assert (standing.active, standing.previous, standing.sealed) == (NEXT, POLICY, False)
    assert [row.leaf["data"]["before"] for row in rows] == [POLICY]
    assert rows[0].leaf["data"]["key_id"] == "3" * 64


async def test_a_new_store_begins_with_its_policy(world: World) -> None:
    with world.store() as store:
        standing = await store.policies.standing()
    assert standing.active == POLICY
    assert standing.previous is None


async def sealed(store: Store) -> None:
    await store.policies.keep(kept(POLICY), BUNDLES)
    await store.policies.seal(by=OWNER, policy=kept(POLICY))


async def test_the_seal_is_one_event_and_cannot_be_repeated(world: World) -> None:
    with world.store() as store:
        await sealed(store)
        with pytest.raises(ConflictError, match="sealed already"):
            await store.policies.seal(by=OWNER, policy=kept(POLICY))
        assert (await store.policies.standing()).sealed_ms == world.clock.now_ms()
        assert await recorded(store, "policy.sealed") == [("policy.sealed", POLICY)]
    with world.store() as store:
        assert (await store.policies.standing()).sealed


async def test_another_policy_than_the_one_looked_at_is_not_sealed(world: World) -> None:
    with world.store() as store:
        with pytest.raises(ConflictError, match="meanwhile"):
            await store.policies.seal(by=OWNER, policy=kept())
        assert not (await store.policies.standing()).sealed


async def test_after_the_seal_neither_an_author_nor_a_start_changes_the_policy(world: World) -> None:
    with world.store() as store:
        await sealed(store)
        with pytest.raises(ConflictError) as entered:
            await store.policies.enter(entry())
        with pytest.raises(ConflictError):
            await store.policies.activate(entry().version, by="serve")
        assert entered.value.code == "policy_sealed"
        assert await store.policies.active() == POLICY


async def test_an_approved_action_changes_it_and_is_named_as_its_cause(world: World) -> None:
    with world.store() as store:
        await sealed(store)
        permit = await started(world, store, approved=True)
        await store.policies.perform(entry(), permit, POLICY)

        step = await store.policies.done_by(permit.action.id)
        rows = await store.archive.events(subject=NEXT, event_type="policy.activated", after=None, limit=9)
        assert await store.policies.done_by("act_other") is None
    assert step is not None
    assert (step.digest, step.before, step.kind) == (NEXT, POLICY, PolicyStepKind.ACTIVATED)
    data = rows[0].leaf["data"]
    assert (data["action"], data["ticket"]) == (permit.action.id, permit.ticket_id)


async def test_nobody_changes_it_alone_after_the_seal_whatever_the_policy_allowed(world: World) -> None:
    with world.store() as store:
        await sealed(store)
        permit = await started(world, store, approved=False)
        with pytest.raises(ConflictError, match="Nobody approved this"):
            await store.policies.perform(entry(), permit, POLICY)
        assert await store.policies.active() == POLICY


async def test_a_policy_that_changed_meanwhile_or_an_action_that_is_over_changes_nothing(
    world: World,
) -> None:
    with world.store() as store:
        permit = await started(world, store, approved=True)
        with pytest.raises(ConflictError, match="meanwhile"):
            await store.policies.perform(entry(), permit, AFTER)
        await store.policies.perform(entry(), permit, POLICY)
        other = world.start(world.action()).permit
        with pytest.raises(ConflictError, match="no longer under way"):
            await store.policies.perform(entry(AFTER), other, NEXT)
        assert await store.policies.active() == NEXT


Change = Callable[[World, Store], Awaitable[object]]


async def _enter(_: World, store: Store) -> object:
    return await store.policies.enter(entry())


async def _roll_back(_: World, store: Store) -> object:
    return await store.policies.enter(entry(kind=PolicyStepKind.ROLLED_BACK))


async def _serve(_: World, store: Store) -> object:
    return await store.policies.activate(entry().version, by="serve")


@pytest.mark.parametrize("change", [_enter, _roll_back, _serve])
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(
    "world", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)
async def test_a_crash_leaves_the_old_policy_or_the_new_one_and_its_event_with_it(
    world: World, phase: str, change: Change
) -> None:
    with world.store() as store:
        await store.policies.keep(kept(), BUNDLES)
    crash = Crash(phase)
    world.after = crash
    store = world.boot()
    crash.armed = True
    try:
        with pytest.raises(LedgerUnavailableError):
            await change(world, store)
    finally:
        store.close()
        world.after = None

    with world.store() as store:
        standing = await store.policies.standing()
        told = await recorded(store, "policy.activated", "policy.rolled_back")
        assert standing.active == (NEXT if phase == "committed" else POLICY)
        assert len(standing.history) == 1 + len(told) == (2 if phase == "committed" else 1)

        await change(world, store)
        assert await store.policies.active() == NEXT
        assert len(await recorded(store, "policy.activated", "policy.rolled_back")) == 1
