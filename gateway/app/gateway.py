"""An open gateway."""

from gateway.adapters.egress import Egress
from gateway.adapters.opa.engine import Engine
from gateway.adapters.store.store import Store
from gateway.adapters.vendor_secrets import VendorSecrets
from gateway.core.principals import Role
from gateway.core.vocabulary import System
from gateway.doors.rest.context import Neighbours
from gateway.poller import Poller
from gateway.ports import Clock, Readiness, Target
from gateway.settings import Settings


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
        self.egress: Egress
        self.beside_another = False

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
        """What `doctor` shows: readiness, whether approvals can ever be given, and whether a gateway works here."""
        people = self.policy.in_force.roster.people
        approvers = [p for p in people if Role.APPROVER in p.roles]
        enough = len(approvers) > 1
        detail = (
            "" if enough else "One person alone cannot approve anything: add a second person to people.yaml."
        )
        checks = {**await self.all(), "people": Readiness(ok=enough, detail=detail)}
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

    def _clock_readiness(self) -> Readiness:
        ok = self.clock_ok(self.clock.now_ms())
        return Readiness(
            ok=ok, detail="" if ok else "The clock is behind the log by more than five seconds; mend it."
        )
