"""The composition root: the only file that knows every concrete class. It builds the gateway once, from settings."""

import asyncio
import hashlib
import hmac
import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from audit.errors import AuditError
from audit.keys import create_key, load_key
from audit.log import Log, Sources
from gateway.adapters.clock import SystemClock, UlidIds
from gateway.adapters.egress import Egress
from gateway.adapters.git.authorship import Authorship
from gateway.adapters.git.bounds import Bounds
from gateway.adapters.git.changes import GitChanges, ProjectShape
from gateway.adapters.git.commits import GitRepository
from gateway.adapters.git.content_scan import core_scanners
from gateway.adapters.git.inspection import Inspector
from gateway.adapters.git.mirrors import Mirrors
from gateway.adapters.git.proposals import Proposals as GitProposals
from gateway.adapters.git.remotes import Forge as GitForge
from gateway.adapters.git.runner import Git
from gateway.adapters.gitlab.forge import Forge
from gateway.adapters.gitlab.target import GitLabTarget
from gateway.adapters.identity.doorkeeper import Doorkeeper
from gateway.adapters.jira.site import Site
from gateway.adapters.jira.target import JiraTarget
from gateway.adapters.opa.built import BuiltPolicy
from gateway.adapters.opa.engine import Engine
from gateway.adapters.opa.server import ServerAddress, ServerPolicy
from gateway.adapters.opa.wasm import WasmPolicy
from gateway.adapters.store.genesis import boot, create
from gateway.adapters.store.sources import StoreSources
from gateway.adapters.store.store import Store
from gateway.adapters.unconnected import UnconnectedChanges, UnconnectedTarget
from gateway.adapters.vendor_secrets import VendorSecret, VendorSecrets
from gateway.carrier import Carrier
from gateway.core.actions import Request
from gateway.core.digests import digest_of
from gateway.core.errors import SettingsError
from gateway.core.listings import WorkItem
from gateway.core.outcomes import AnyOutcome
from gateway.core.principals import Door, Principal, Role, Scope
from gateway.core.vocabulary import ForgeIdentity, System
from gateway.doors.rest.context import Neighbours
from gateway.gathering import Gathering
from gateway.judging import Judge
from gateway.loop.intake import Intake
from gateway.pipeline import Road
from gateway.poller import Poller
from gateway.ports import Changes, Clock, Policy, Readiness, Target
from gateway.settings import CONFIG_NAME, SecretSource, Settings
from gateway.workbench.build import build

LOOP_AGENT = "agt_loop"
_INTAKE_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Created:
    """What `init` made: the operator's one-time code and the key to pin outside."""

    code: str
    person: str
    vkey: str


def create_home(home: Path, *, policies: Path, origin: str, operator: str) -> Created:
    """Make keys, database and log in a new home folder, and invite the roster's operator.

    Raises `SettingsError` when the folder is in use or the roster has no operator.
    """
    if home.exists() and any(home.iterdir()):
        raise SettingsError(f"{home} is not empty; `init` makes a new gateway in a new folder (--home).")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    built = build(policies, home / "policy")
    in_force = built.in_force("none", "0")
    person = next((p.id for p in in_force.roster.people if Role.OPERATOR in p.roles), None)
    if person is None:
        raise SettingsError(
            f"{policies}/data/people.yaml names nobody with the role operator; add one first."
        )
    _write_private(home / "keys" / "marker.key", secrets.token_bytes(32).hex())
    create_key(home / "keys" / "event.pem")
    create_key(home / "keys" / "checkpoint.pem")
    (home / CONFIG_NAME).write_text(
        f'origin = "{origin}"\n\n[policy]\nfolder = "{policies}"\n', encoding="utf-8"
    )
    settings = Settings(home=home, origin=origin)
    clock = SystemClock()
    log = _log(settings, UlidIds(clock), clock)
    create(settings.database, log, policy_digest=built.digest, roster_digest=digest_of(in_force.roster))
    (home / "log.vkey").write_text(log.vkey + "\n", encoding="utf-8")
    code = asyncio.run(_invite_operator(settings, built, person, operator))
    return Created(code=code, person=person, vkey=log.vkey)


async def _invite_operator(settings: Settings, built: BuiltPolicy, person: str, name: str) -> str:
    clock = SystemClock()
    bench = built.in_force("none", "0").bench
    store = boot(
        settings.database, _log(settings, UlidIds(clock), clock), _store_sources(clock, lambda: bench)
    )
    try:
        return await store.credentials.invite(person, name=name, email="", by="init")
    finally:
        store.close()


class Gateway:
    """A gateway that is open: its parts, what readiness asks, and its background work."""

    def __init__(
        self, settings: Settings, store: Store, policy: Engine, targets: dict[System, Target], clock: Clock
    ) -> None:
        self.settings, self.store, self.policy, self.targets = settings, store, policy, targets
        self.clock = clock
        self.neighbours: Neighbours
        self.poller: Poller
        self.secrets: VendorSecrets

    async def all(self) -> dict[str, Readiness]:
        """What `/readyz` shows: policy, log, targets, clock."""
        policy = self.policy.readiness()
        answers = {
            "policy": policy if policy.ok else await self.policy.self_test(),
            "log": self.store.readiness(),
        }
        for system, target in self.targets.items():
            answers[system.value] = await target.readiness()
        answers["clock"] = self._clock_readiness()
        return answers

    async def examine(self) -> dict[str, Readiness]:
        """What `doctor` shows: readiness, and whether approvals can ever be given."""
        people = self.policy.in_force.roster.people
        approvers = [p for p in people if Role.APPROVER in p.roles]
        enough = len(approvers) > 1
        detail = (
            "" if enough else "One person alone cannot approve anything: add a second person to people.yaml."
        )
        return {**await self.all(), "people": Readiness(ok=enough, detail=detail)}

    def reload_secrets(self) -> None:
        """Read the vendor credentials anew at their next use (SIGHUP)."""
        self.secrets.reload()

    def clock_ok(self, now_ms: int) -> bool:
        """Whether the clock has not fallen behind the log's last time by more than five seconds."""
        return self.store.writer.clock_agrees(now_ms)

    def _clock_readiness(self) -> Readiness:
        ok = self.clock_ok(self.clock.now_ms())
        return Readiness(
            ok=ok, detail="" if ok else "The clock is behind the log by more than five seconds; mend it."
        )


@asynccontextmanager
async def open_gateway(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Gateway]:
    """Build the policy, check the log, connect the neighbours; closes everything on the way out.

    `clock` is the machine's unless another is handed in.

    Raises `SettingsError`. A damaged log does not raise: readiness is red and nothing is recorded or done.
    """
    if not (settings.home / "keys" / "event.pem").exists():
        raise SettingsError(f"{settings.home} holds no gateway; run `loopgate init --operator NAME` first.")
    clock = clock or SystemClock()
    ids = UlidIds(clock)
    async with AsyncExitStack() as stack:
        built = await asyncio.to_thread(build, settings.policy.folder, settings.home / "policy")
        policy = _engine(settings, built)
        stack.push_async_callback(policy.close)
        sources = _store_sources(clock, lambda: policy.in_force.bench)
        store = await asyncio.to_thread(
            lambda: boot(settings.database, _log(settings, ids, clock), sources, limit=settings.serve.queue)
        )
        stack.callback(store.close)
        await policy.self_test()
        targets: dict[System, Target] = {}
        gateway = Gateway(settings, store, policy, targets, clock)
        changes = await _connect(gateway, stack)
        _compose(gateway, changes, ids, stack)
        if store.readiness().ok:
            roster = digest_of(policy.in_force.roster)
            await store.policies.activate(policy.in_force.version, by="serve", roster_digest=roster)
        stack.push_async_callback(gateway.neighbours.carrier.finish)
        yield gateway


def _compose(gateway: Gateway, changes: Changes, ids: UlidIds, stack: AsyncExitStack) -> None:
    """Put the road together and hand every door its neighbours."""
    store, policy, clock = gateway.store, gateway.policy, gateway.clock
    gathering = Gathering(
        targets=gateway.targets,
        changes=changes,
        counters=store.counters,
        clock=clock,
        policy=policy,
        clock_ok=gateway.clock_ok,
    )
    judge = Judge(policy=policy, gathering=gathering, clock=clock, ids=ids)
    road = Road(ids=ids, clock=clock, ledger=store.ledger, judge=judge, targets=gateway.targets)
    carrier = Carrier(road)
    poll_s = gateway.settings.serve.poll_s
    gateway.poller = Poller(store.ledger, store.desk, carrier, clock, every_s=poll_s)
    intake = Intake(
        proposals=_LoopAgent(carrier, policy), items=store.work_items, new_trace=lambda: ids.new("trc")
    )
    gateway.neighbours = Neighbours(
        road=road,
        carrier=carrier,
        identity=Doorkeeper(
            tokens=store.credentials,
            denials=store.sessions,
            clock=clock,
            roster=lambda: policy.in_force.roster,
        ),
        desk=store.desk,
        credentials=store.credentials,
        emergency=store.emergency,
        archive=store.archive,
        signals=_Signals(intake, store),
        policy=policy,
        counters=store.counters,
        clock=clock,
        probes=gateway,
    )


@dataclass(frozen=True, slots=True)
class _LoopAgent:
    """The loop's own agent on the road: an agent of the roster like any other."""

    carrier: Carrier
    policy: Policy

    async def propose(self, request: Request) -> AnyOutcome:
        agent = self.policy.in_force.roster.agent(LOOP_AGENT)
        if agent is None:
            raise SettingsError(
                f"The roster has no {LOOP_AGENT}; add it so that the loop can open work items."
            )
        scope = Scope(projects=agent.projects, action_types=("issue.*",))
        principal = Principal(
            id=agent.id, roles=(Role.AGENT,), owner=agent.owner, scope=scope, door=Door.LOOP
        )
        return await self.carrier.propose(request, principal, wait_s=_INTAKE_WAIT_S)


@dataclass(frozen=True, slots=True)
class _Signals:
    """The port `Signals`: the intake, and the list of what it opened."""

    intake: Intake
    store: Store

    async def trivy(
        self, report: bytes, *, project: str, tracker: str, by: Principal
    ) -> tuple[WorkItem, ...]:
        return await self.intake.trivy(report, project=project, tracker=tracker, by=by.id)

    async def work_items(self, *, after: str | None, limit: int) -> tuple[WorkItem, ...]:
        return await self.store.work_items.work_items(after=after, limit=limit)


async def _connect(gateway: Gateway, stack: AsyncExitStack) -> Changes:
    """Connect GitLab, Jira and the mirrors as far as the settings name them."""
    settings = gateway.settings
    sources = {
        "gitlab.road": settings.gitlab.road,
        "gitlab.merge": settings.gitlab.merge,
        "jira.token": settings.jira.token,
    }
    gateway.secrets = VendorSecrets(tuple(_secret(n, s) for n, s in sources.items() if s != SecretSource()))
    marker = _marker(settings.home / "keys" / "marker.key")
    egress = Egress(
        loopback=settings.egress.loopback,
        allow=settings.egress.allow,
        timeout_s=settings.egress.timeout_s,
        max_bytes=settings.egress.max_bytes,
    )
    gateway.targets[System.JIRA] = await _jira(gateway, egress, marker, stack)
    if not settings.gitlab.url:
        gateway.targets[System.GITLAB] = UnconnectedTarget(System.GITLAB)
        return UnconnectedChanges()
    return await _gitlab(gateway, egress, marker, stack)


async def _jira(
    gateway: Gateway, egress: Egress, marker: Callable[[str], str], stack: AsyncExitStack
) -> Target:
    settings = gateway.settings.jira
    if not settings.url:
        return UnconnectedTarget(System.JIRA)
    http = await stack.enter_async_context(egress.async_client(base_url=settings.url))
    site = Site(http, settings.email, gateway.secrets["jira.token"], gateway.clock)
    return JiraTarget(site, marker=marker, browse=settings.url)


async def _gitlab(
    gateway: Gateway, egress: Egress, marker: Callable[[str], str], stack: AsyncExitStack
) -> Changes:
    settings, clock, vault = gateway.settings.gitlab, gateway.clock, gateway.secrets
    people = {
        email: person for person, (_, email) in (await gateway.store.credentials.names()).items() if email
    }
    authorship = Authorship(gateway.settings.origin, gateway=settings.gateway_emails, people=people)

    async def credential(identity: ForgeIdentity) -> str:
        return await asyncio.to_thread(vault[f"gitlab.{identity.value}"])

    def forge(username: str, name: str) -> Forge:
        session: requests.Session = stack.enter_context(egress.session())
        return Forge(settings.url, username, vault[name], session, clock)

    git = Git(Bounds())
    remote = GitForge(settings.url, credential, loopback=gateway.settings.egress.loopback)
    mirrors = Mirrors(git, remote, gateway.settings.home / "mirrors")
    stack.push_async_callback(mirrors.close)
    inspector = Inspector(git, authorship, core_scanners())
    proposals = GitProposals(git, inspector)
    target = GitLabTarget(
        forge(settings.road_username, "gitlab.road"),
        forge(settings.merge_username, "gitlab.merge"),
        GitRepository(mirrors, inspector, proposals, clock),
        clock=clock,
        marker=marker,
        people=settings.people.get,
    )
    gateway.targets[System.GITLAB] = target

    async def shape(project: str) -> ProjectShape:
        protected, ci_path = await target.branch_rules(project)
        return ProjectShape(protected=protected, ci_path=ci_path)

    return GitChanges(mirrors, inspector, proposals, shape)


def _engine(settings: Settings, built: BuiltPolicy) -> Engine:
    if settings.policy.engine == "wasm":
        return WasmPolicy.load(built)
    server = urlsplit(settings.policy.server_url)
    if server.scheme not in {"http", "https"} or not server.hostname:
        raise SettingsError(
            "policy.engine is `server`: name the OPA server in policy.server_url, as http://host:port."
        )
    tls = server.scheme == "https"
    address = ServerAddress(host=server.hostname, port=server.port or (443 if tls else 80), tls=tls)
    return ServerPolicy.connect(built, address)


def _log(settings: Settings, ids: UlidIds, clock: Clock) -> Log:
    keys = settings.home / "keys"
    sources = Sources(
        clock_ms=clock.now_ms,
        new_id=lambda: ids.new("evt"),
        new_nonce=lambda: secrets.token_hex(16),
        new_salt=lambda: secrets.token_urlsafe(16),
    )
    try:
        return Log(settings.origin, load_key(keys / "event.pem"), load_key(keys / "checkpoint.pem"), sources)
    except AuditError as error:
        raise SettingsError(str(error)) from error


def _store_sources(clock: Clock, bench: Callable[[], Any]) -> StoreSources:
    ids = UlidIds(clock)
    return StoreSources(clock=clock, ids=ids, new_secret=lambda: secrets.token_urlsafe(32), bench=bench)


def _secret(name: str, source: SecretSource) -> VendorSecret:
    return VendorSecret(name, file=source.file, environment=source.environment, command=source.command)


def _marker(path: Path) -> Callable[[str], str]:
    """`lg-` + HMAC-SHA256 of a text under the gateway's own key: what it recognises its effects by."""
    key = bytes.fromhex(path.read_text(encoding="utf-8"))
    return lambda text: "lg-" + hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
