"""What stands in for a system nobody has connected yet: every read is a missing fact, so every action is denied."""

from gateway.core.actions import Action
from gateway.core.changes import Change
from gateway.core.errors import FactsMissingError, TargetRefusedError
from gateway.core.facts import MergeRequestFacts, MissingFact
from gateway.core.params import CommitCreate
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.core.vocabulary import System
from gateway.ports import ActionRecord, Inspection, Readiness, Reconciliation


class UnconnectedTarget:
    """The port `Target` for a system without an address in the settings."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._sentence = f"{system.value} is not connected; set `{system.value}.url` in loopgate.toml."

    @property
    def system(self) -> System:
        """The system that is missing."""
        return self._system

    async def inspect(self, action: Action) -> Inspection:  # noqa: ARG002 - the port's form
        """Nothing can be read."""
        missing = MissingFact(path="project", reason=self._sentence, retry="never")
        return Inspection(missing=(missing,))

    async def prepare(self, permit: Permit) -> Preparation:  # noqa: ARG002 - the port's form
        """Nothing can be prepared."""
        raise TargetRefusedError(self._sentence)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:  # noqa: ARG002 - the port's form
        """Nothing can be done."""
        raise TargetRefusedError(self._sentence)

    async def reconcile(self, record: ActionRecord) -> Reconciliation:  # noqa: ARG002 - the port's form
        """Nothing can be proved."""
        return Reconciliation(happened=None, reason=self._sentence)

    async def readiness(self) -> Readiness:
        """Red, with what to do."""
        return Readiness(ok=False, detail=self._sentence)


class UnconnectedChanges:
    """The port `Changes` where there is no forge."""

    async def of_merge_request(self, project: str, request: MergeRequestFacts, agent: str) -> Change:
        """No change can be measured."""
        raise _unmeasured(project, request.iid, agent)

    async def of_commit(self, project: str, branch: str, params: CommitCreate, agent: str) -> Change:
        """No change can be measured."""
        raise _unmeasured(project, branch, params, agent)

    async def of_branches(self, project: str, source: str, target: str, agent: str) -> Change:
        """No change can be measured."""
        raise _unmeasured(project, source, target, agent)

    async def of_revert(self, project: str, branch: str, commit: str, agent: str) -> Change:
        """No change can be measured."""
        raise _unmeasured(project, branch, commit, agent)

    async def of_cherry_pick(self, project: str, branch: str, commit: str, agent: str) -> Change:
        """No change can be measured."""
        raise _unmeasured(project, branch, commit, agent)


def _unmeasured(project: str, *_: object) -> FactsMissingError:
    return FactsMissingError(f"{project} cannot be measured: gitlab is not connected.", retryable=False)
