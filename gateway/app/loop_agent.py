"""The loop on the road, and the port `Signals`."""

from dataclasses import dataclass

from gateway.adapters.store.store import Store
from gateway.carrier import Carrier
from gateway.core.actions import Request
from gateway.core.errors import SettingsError
from gateway.core.listings import WorkItem
from gateway.core.outcomes import AnyOutcome
from gateway.core.principals import Door, Principal, Role, Scope
from gateway.core.session_sources import SourceKind
from gateway.loop.intake import Intake
from gateway.ports import Policy

LOOP_AGENT = "agt_loop"
_INTAKE_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class LoopAgent:
    """The loop's own agent on the road: an agent of the roster like any other."""

    carrier: Carrier
    policy: Policy

    async def propose(self, request: Request) -> AnyOutcome:
        """Propose as the roster's loop agent; raises `SettingsError` when the roster has none."""
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
class StoredSignals:
    """The port `Signals`: the intake, and the list of what it opened."""

    intake: Intake
    store: Store

    async def trivy(
        self, report: bytes, *, project: str, tracker: str, by: Principal
    ) -> tuple[WorkItem, ...]:
        """Import a Trivy report."""
        return await self.intake.trivy(report, project=project, tracker=tracker, by=by.id)

    async def work_items(self, *, after: str | None, limit: int) -> tuple[WorkItem, ...]:
        """A page of work items, newest first."""
        return await self.store.work_items.work_items(after=after, limit=limit)

    async def read_by(self, agent: str) -> None:
        """Note that an agent was served work items."""
        await self.store.session_sources.served(agent, SourceKind.WORK_ITEM)
