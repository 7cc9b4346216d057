"""An open gateway."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy.engine import make_url

from gateway.adapters.disk import Disk
from gateway.adapters.egress import Egress
from gateway.adapters.gitlab.target import GitLabTarget
from gateway.adapters.opa.active import ActivePolicy
from gateway.adapters.store.store import Store
from gateway.adapters.vendor_secrets import VendorSecrets
from gateway.app.following import Follower
from gateway.app.library import Library
from gateway.app.watching import Watch
from gateway.core.budgets import OpenPipeline, PipelineUse
from gateway.core.errors import FactsMissingError, LedgerUnavailableError
from gateway.core.notices import Channel
from gateway.core.principals import Role
from gateway.core.vocabulary import System
from gateway.doors.rest.context import Neighbours
from gateway.poller import Poller
from gateway.ports import Clock, Noticeboard, Notifier, Readiness, Target
from gateway.settings import Settings
from gateway.telling import Teller

_DAY_MS = 86_400_000


class Gateway:
    """A gateway that is open: its parts, what readiness asks, and its background work."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        policy: ActivePolicy,
        targets: dict[System, Target],
        clock: Clock,
    ) -> None:
        self.settings, self.store, self.policy, self.targets = settings, store, policy, targets
        self.clock = clock
        self.neighbours: Neighbours
        self.poller: Poller
        self.teller: Teller
        self.boards: dict[System, Noticeboard] = {}
        self.notifiers: dict[Channel, Notifier] = {}
        self.secrets: VendorSecrets
        self.egress: Egress
        self.watch: Watch
        self.new_request_id: Callable[[], str]
        self.library: Library
        self.follower: Follower
        self.policy_notice = ""
        self.beside_another = False
        self.disk = Disk(settings.home, *_database_folder(settings.database))

    async def pipeline_use(self, one: OpenPipeline) -> PipelineUse:
        """What the pipelines use that an action started. Raises `FactsMissingError`."""
        target = self.targets.get(System.GITLAB)
        if not isinstance(target, GitLabTarget):
            raise FactsMissingError("No GitLab is connected.")
        return await target.pipeline_use(one)

    async def all(self) -> dict[str, Readiness]:
        """What `/readyz` shows: policy, log, targets, clock."""
        policy = self.policy.readiness()
        answers = {
            "policy": self._noticed(policy if policy.ok else await self.policy.self_test()),
            "log": self.store.readiness(),
        }
        for system, target in self.targets.items():
            if system is System.LOOPGATE:
                continue  # that target is the store, which `log` speaks for
            answers[system.value] = await target.readiness()
        answers["clock"] = self._clock_readiness()
        answers["disk"] = self.disk.readiness()
        answers["reviews"] = Readiness(ok=True, detail=await self._reviews())
        return answers

    async def examine(self) -> dict[str, Readiness]:
        """What `doctor` shows: readiness, whether approvals can ever be given, and whether a gateway works here."""
        people = self.policy.in_force.roster.people
        approvers = [p for p in people if Role.APPROVER in p.roles]
        enough = len(approvers) > 1
        detail = (
            "" if enough else "One person alone cannot approve anything: add a second person to people.yaml."
        )
        checks = {**await self.all(), "people": Readiness(ok=enough, detail=detail)}
        late = checks["reviews"].detail
        checks["reviews"] = Readiness(ok=not late, detail=late)
        checks["notices"] = await self._notices()
        if self.beside_another:
            detail = "A gateway serves on this home. The files and neighbours were checked; ask its /readyz how it is."
            checks["serving"] = Readiness(ok=True, detail=detail)
        return checks

    def reload_secrets(self) -> None:
        """Read the vendor credentials anew at their next use (SIGHUP)."""
        self.secrets.reload()

    def clock_ok(self, now_ms: int) -> bool:
        """Whether the clock has not fallen behind the log's last time by more than five seconds."""
        return self.store.writer.clock_agrees(now_ms)

    def _noticed(self, policy: Readiness) -> Readiness:
        """The engine's readiness, with what the operator should know of the policy it evaluates."""
        return policy if policy.detail else policy.model_copy(update={"detail": self.policy_notice})

    async def _reviews(self) -> str:
        """Which reviews of break-glass are overdue; that stops nothing but the next break-glass."""
        try:
            late = await self.store.break_glass.overdue(self.clock.now_ms())
        except LedgerUnavailableError:
            return ""  # the log's own readiness says so
        return f"The review of {', '.join(late)} is overdue; no break-glass can be opened." if late else ""

    async def _notices(self) -> Readiness:
        """How people are told, and whether anything could not be told in the last day."""
        if not self.notifiers:
            detail = "Nobody is told of tickets and stops: set notify.comments or notify.webhook."
            return Readiness(ok=True, detail=detail)
        try:
            lost = await self.store.outbox.given_up(self.clock.now_ms() - _DAY_MS)
        except LedgerUnavailableError:
            lost = 0  # the log's own readiness says so
        if lost:
            detail = (
                f"{lost} notices of the last day could not be delivered; `loopgate audit events` says why."
            )
            return Readiness(ok=False, detail=detail)
        return Readiness(ok=True, detail=f"People are told by {' and '.join(sorted(self.notifiers))}.")

    def _clock_readiness(self) -> Readiness:
        ok = self.clock_ok(self.clock.now_ms())
        return Readiness(
            ok=ok, detail="" if ok else "The clock is behind the log by more than five seconds; mend it."
        )


def _database_folder(url: str) -> tuple[Path, ...]:
    """The folder of the database where it is a file on this machine."""
    parsed = make_url(url)
    return (Path(parsed.database).parent,) if parsed.drivername == "sqlite" and parsed.database else ()
