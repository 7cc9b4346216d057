"""Opening a gateway: building the policy, checking the log, putting the road together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from audit.log import Log
from gateway.adapters.clock import SystemClock, UlidIds
from gateway.adapters.identity.doorkeeper import Doorkeeper
from gateway.adapters.opa.active import ActivePolicy
from gateway.adapters.store.genesis import boot
from gateway.adapters.store.sources import StoreSources
from gateway.adapters.store.store import Store
from gateway.app.choosing import Choice, choose
from gateway.app.following import Follower, catching_up
from gateway.app.gateway import Gateway
from gateway.app.library import Library, engine_of
from gateway.app.loop_agent import LoopAgent, StoredSignals
from gateway.app.policy_desk import AuthorsDesk
from gateway.app.replicas import check_database, join
from gateway.app.signing_in import oidc_sign_in
from gateway.app.sources import memory_of, open_log, store_sources
from gateway.app.upkeep import claimed, refuse_no_gateway
from gateway.app.vendors import connect
from gateway.app.watching import (
    CommitTimes,
    Watch,
    tracer_for,
    watched_changes,
    watched_ledger,
    watched_port,
    watched_probes,
    watched_target,
)
from gateway.carrier import Carrier
from gateway.core.errors import SettingsError
from gateway.doors.metrics import Meters
from gateway.doors.rest.context import Neighbours
from gateway.gathering import Gathering
from gateway.judging import Judge
from gateway.loop.intake import Intake
from gateway.pipeline import Road
from gateway.poller import Poller
from gateway.ports import Changes, Clock
from gateway.settings import Settings
from gateway.settling import Settling
from gateway.telling import Teller


@asynccontextmanager
async def open_gateway(
    settings: Settings, clock: Clock | None = None, *, looking: bool = False, activate: bool = False
) -> AsyncIterator[Gateway]:
    """Build the policy, check the log, connect the neighbours; closes everything on the way out.

    `clock` is the machine's unless another is handed in. Only one process may work on a home. `looking` only looks: it
    may be beside a process that works there, builds the policy elsewhere, puts none in force and takes nothing up.
    `activate` puts the policy in force for every process on a shared database.

    Raises `SettingsError`. A damaged log does not raise: readiness is red and nothing is recorded or done.
    """
    refuse_no_gateway(settings.home)
    clock = clock or SystemClock()
    ids = UlidIds(clock)
    async with AsyncExitStack() as stack:
        works = not looking and stack.enter_context(claimed(settings.home))
        if not (works or looking):
            raise SettingsError(
                f"Another process works on {settings.home}; stop it first, or name another --home."
            )
        await asyncio.to_thread(check_database, settings)
        folder = _scratch(stack) if looking else settings.home
        memory, served = memory_of(settings), Served()
        # Who only looks remembers nothing.
        sources = store_sources(
            clock, lambda: served.policy.in_force.bench, lambda: served.bundles, memory if works else None
        )
        meters = Meters()
        log = open_log(settings, ids, clock, memory.notes)
        store = await asyncio.to_thread(_booted, settings, log, sources, meters, alone=works)
        stack.callback(store.close)
        gateway, choice = await _judging(settings, store, served, folder, clock, stack, activate=activate)
        _watch(gateway, meters, ids, stack)
        gateway.beside_another = looking and _is_worked_on(settings.home)
        changes = await connect(gateway, stack)
        _compose(gateway, changes, ids)
        if works and store.readiness().ok:
            await join(settings, store, gateway.policy, choice, activate=activate)
        stack.push_async_callback(gateway.neighbours.carrier.finish)
        yield gateway


class Served:
    """The policy that judges here, and the Rego bundle of each that did, by digest."""

    policy: ActivePolicy

    def __init__(self) -> None:
        self.bundles: dict[str, bytes] = {}


async def _judging(
    settings: Settings,
    store: Store,
    served: Served,
    folder: Path,
    clock: Clock,
    stack: AsyncExitStack,
    *,
    activate: bool,
) -> tuple[Gateway, Choice]:
    """The gateway with the policy that it begins with, and what follows the one in force; `folder` is for both."""
    library = Library(store.policies, settings.policy, folder / "policies", clock)
    stack.push_async_callback(library.close)
    choice = await choose(store.policies, library, settings.policy, folder / "policy", activate=activate)
    policy = served.policy = ActivePolicy(engine_of(settings.policy, choice.built))
    stack.push_async_callback(policy.close)
    # Read once: another process that looks at this home builds into the same folder.
    served.bundles[choice.built.digest] = await asyncio.to_thread(choice.built.rego_bundle.read_bytes)
    await policy.self_test()
    gateway = Gateway(settings, store, policy, {}, clock)
    gateway.policy_notice, gateway.library = choice.notice, library
    gateway.follower = Follower(store.policies, library, policy, served.bundles.__setitem__)
    return gateway, choice


def _booted(settings: Settings, log: Log, sources: StoreSources, meters: Meters, *, alone: bool) -> Store:
    times = CommitTimes(meters)
    return boot(settings.database, log, sources, limit=settings.serve.queue, alone=alone, after=times.after)


def _watch(gateway: Gateway, meters: Meters, ids: UlidIds, stack: AsyncExitStack) -> None:
    tracer = tracer_for(gateway.settings, stack)
    gateway.watch = Watch(meters, tracer, gateway.store.desk.evidence_of)
    gateway.new_request_id = lambda: ids.new("req")


def _is_worked_on(home: Path) -> bool:
    """Whether another process works on this home; makes no claim that lasts."""
    if not (home / "lock").exists():
        return False
    with claimed(home) as ours:
        return not ours


def _scratch(stack: AsyncExitStack) -> Path:
    return Path(stack.enter_context(TemporaryDirectory(prefix="loopgate-look-")))


def _road(gateway: Gateway, changes: Changes, ids: UlidIds) -> Road:
    """Put the road together."""
    store, policy, clock, watch = gateway.store, gateway.policy, gateway.clock, gateway.watch
    targets = {system: watched_target(target, watch, system) for system, target in gateway.targets.items()}
    ledger = watched_ledger(store.ledger, watch, lambda: clock.now_ms() / 1000)
    ledger = catching_up(ledger, gateway.follower.look)
    gathering = Gathering(
        targets=targets,
        changes=watched_changes(changes, watch),
        counters=store.counters,
        clock=clock,
        policy=policy,
        clock_ok=gateway.clock_ok,
    )
    judging = watched_port(policy, watch, "policy", "decide")
    judge = Judge(policy=judging, gathering=gathering, clock=clock, ids=ids)
    serve = gateway.settings.serve
    pace = store.pace(
        clock, proposals_per_minute=serve.proposals_per_minute, dry_runs_per_hour=serve.dry_runs_per_hour
    )
    return Road(ids=ids, clock=clock, ledger=ledger, judge=judge, targets=targets, pace=pace)


def _compose(gateway: Gateway, changes: Changes, ids: UlidIds) -> None:
    """Hand every door its neighbours, the road first."""
    store, policy, clock = gateway.store, gateway.policy, gateway.clock
    road = _road(gateway, changes, ids)
    carrier = Carrier(road)
    poll_s = gateway.settings.serve.poll_s
    settling = Settling(store.accounts, gateway.pipeline_use, clock)
    gateway.poller = Poller(road.ledger, store.desk, carrier, clock, every_s=poll_s, settling=settling)
    gateway.teller = _teller(gateway, poll_s)
    intake = Intake(
        proposals=LoopAgent(carrier, policy), items=store.work_items, new_trace=lambda: ids.new("trc")
    )
    gateway.neighbours = Neighbours(
        road=road,
        carrier=carrier,
        identity=Doorkeeper(
            tokens=store.credentials,
            denials=store.sessions,
            clock=clock,
            roster=lambda: policy.in_force.roster,
            oidc=oidc_sign_in(gateway),
        ),
        desk=store.desk,
        credentials=store.credentials,
        denials=store.sessions,
        emergency=store.emergency,
        break_glass=store.break_glass,
        archive=store.archive,
        signals=StoredSignals(intake, store),
        policy=policy,
        policies=AuthorsDesk(store.policies, gateway.library, gateway.follower, road),
        counters=store.counters,
        clock=clock,
        probes=watched_probes(gateway, gateway.watch),
    )


def _teller(gateway: Gateway, every_s: float) -> Teller:
    gateway.store.outbox.open(gateway.notifiers)
    base_url = gateway.settings.notify.base_url
    return Teller(gateway.store.outbox, gateway.notifiers, base_url=base_url, every_s=every_s)
