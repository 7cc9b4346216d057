"""A target in memory, with one switch per failure. It passes the same contract suite as the real ones."""

from dataclasses import dataclass, field

from gateway.core.actions import Action
from gateway.core.changes import Change
from gateway.core.digests import sha256_text
from gateway.core.errors import TargetRefusedError, TargetUnclearError
from gateway.core.facts import MergeRequestFacts, MissingFact
from gateway.core.params import CommitCreate
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.core.vocabulary import ForgeIdentity, System
from gateway.ports import ActionRecord, Inspection, Readiness, Reconciliation

WORDS = "the target's own words"


@dataclass
class Switches:
    """What goes wrong from now on, until it is switched off.

    `lose_reply`: the act happens, its answer is lost. `lose_request`: nothing happens and nothing is heard.
    `refuse`: a clear no. `rate_limit`: 429 to reads and writes. `garbage`: answers nobody can read, and no act.
    `unpreparable`: `prepare` refuses. `blind`: a later look proves nothing. `broken`: an error of no known family.
    """

    lose_reply: bool = False
    lose_request: bool = False
    refuse: bool = False
    rate_limit: bool = False
    garbage: bool = False
    unpreparable: bool = False
    blind: bool = False
    broken: bool = False


@dataclass
class FakeTarget:
    """Performs into `story`: the one ordered list of what really happened, shared with the other fakes.

    `seen` is what `inspect` tells. `until_ms` is what a 429 says about when to come back.
    """

    system: System = System.GITLAB
    seen: Inspection = field(default_factory=Inspection)
    story: list[str] = field(default_factory=list)
    switches: Switches = field(default_factory=Switches)
    until_ms: int = 1_800_000_060_000
    done: dict[str, list[Performance]] = field(default_factory=dict)
    permits: list[Permit] = field(default_factory=list)

    async def inspect(self, action: Action) -> Inspection:
        """What was set as `seen`, unless reading fails."""
        if self.switches.rate_limit:
            return Inspection(missing=(self._missing("slow down (429)", self.until_ms),))
        if self.switches.garbage:
            return Inspection(missing=(self._missing(f"{action.target.system} answered nonsense", None),))
        return self.seen

    async def prepare(self, permit: Permit) -> Preparation:
        """A marker; nothing outside changes."""
        if self.switches.unpreparable:
            raise TargetRefusedError(WORDS)
        return Preparation(marker=f"lg-{permit.action.id}", before={"was": "as before"})

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Act once into the story, or fail as the switches say."""
        self.permits.append(permit)
        self._fail_before()
        performance = Performance(result={"id": len(self.done) + 1, "marker": preparation.marker})
        self.done.setdefault(permit.action.id, []).append(performance)
        self.story.append("PERFORMED")
        if self.switches.lose_reply:
            raise TargetUnclearError("The answer was lost.")
        return performance

    async def reconcile(self, record: ActionRecord) -> Reconciliation:
        """Look into the story's outcome."""
        if self.switches.blind:
            return Reconciliation(happened=None, reason="Nothing can be proved.")
        found = self.done.get(record.action.id, [])
        if not found:
            return Reconciliation(happened=False, reason="It did not happen.")
        return Reconciliation(happened=True, performance=found[0])

    async def readiness(self) -> Readiness:
        """Ready unless it answers nonsense."""
        return Readiness(ok=not self.switches.garbage, detail="nonsense" if self.switches.garbage else "")

    def times(self, action_id: str) -> int:
        """How many times the action really happened."""
        return len(self.done.get(action_id, []))

    def _fail_before(self) -> None:
        switches = self.switches
        if switches.broken:
            raise RuntimeError("a defect in the target's code")
        if switches.refuse:
            raise TargetRefusedError(WORDS)
        if switches.rate_limit:
            raise TargetRefusedError("slow down (429)", retryable=True)
        if switches.lose_request or switches.garbage:
            raise TargetUnclearError("Nothing was heard.")

    def _missing(self, reason: str, until_ms: int | None) -> MissingFact:
        return MissingFact(path="project", reason=reason, retry="wait_until", until_ms=until_ms)


@dataclass
class FakeChanges:
    """Measures every change as the one that was set, or raises what was set."""

    change: Change = field(default_factory=lambda: Change(base="0" * 40, head="1" * 40))
    error: Exception | None = None
    asked: list[tuple[str, ...]] = field(default_factory=list)

    async def of_merge_request(self, project: str, request: MergeRequestFacts, agent: str) -> Change:
        """The set change, for a merge request."""
        return self._answer("merge_request", project, str(request.iid), agent)

    async def of_commit(self, project: str, branch: str, params: CommitCreate, agent: str) -> Change:  # noqa: ARG002 - the port's form
        """The set change, for a commit to be."""
        return self._answer("commit", project, branch, agent)

    async def of_branches(self, project: str, source: str, target: str, agent: str) -> Change:
        """The set change, for two branches."""
        return self._answer("branches", project, source, target, agent)

    async def of_revert(self, project: str, branch: str, commit: str, agent: str) -> Change:
        """The set change, for a revert."""
        return self._answer("revert", project, branch, commit, agent)

    async def of_cherry_pick(self, project: str, branch: str, commit: str, agent: str) -> Change:  # noqa: ARG002 - the port's form
        """The set change, for a commit repeated elsewhere."""
        return self._answer("cherry_pick", project, branch, agent)

    def _answer(self, *asked: str) -> Change:
        self.asked.append(asked)
        if self.error:
            raise self.error
        return self.change


@dataclass
class FakeRepository:
    """Branches in memory: enough for what only asks where a branch is."""

    heads: dict[tuple[str, str], str] = field(default_factory=dict)

    async def head_of(self, project: str, branch: str) -> str | None:
        """Where the branch is, if it is anywhere."""
        return self.heads.get((project, branch))

    async def build_commit(
        self, project: str, branch: str, params: CommitCreate, author: str, marker: str
    ) -> str:
        """An id made of what the commit would hold."""
        return sha256_text(f"{project} {branch} {params.model_dump_json()} {author} {marker}")[:40]

    async def build_revert(self, project: str, branch: str, commit: str, author: str, marker: str) -> str:
        """An id made of what the revert would hold."""
        return sha256_text(f"{project} {branch} {commit} {author} {marker}")[:40]

    async def build_cherry_pick(
        self, project: str, branch: str, commit: str, author: str, marker: str
    ) -> str:
        """An id made of what the commit would hold."""
        return sha256_text(f"again {project} {branch} {commit} {author} {marker}")[:40]

    async def ref_of(self, project: str, ref: str) -> str | None:
        """Where the ref is, if it is anywhere."""
        return self.heads.get((project, ref))

    async def move(
        self,
        project: str,
        ref: str,
        new: str | None,
        *,
        expected: str | None,
        identity: ForgeIdentity = ForgeIdentity.ROAD,  # noqa: ARG002 - the port's form
    ) -> None:
        """Move or delete the ref, unless it has moved."""
        if self.heads.get((project, ref)) != expected:
            raise TargetRefusedError("The ref has moved.", code="stale")
        if new is None:
            del self.heads[project, ref]
        else:
            self.heads[project, ref] = new

    async def push(self, project: str, branch: str, new: str, *, expected: str | None) -> None:
        """Move the branch, unless it has moved."""
        if self.heads.get((project, branch)) != expected:
            raise TargetRefusedError("The branch has moved.", code="stale")
        self.heads[project, branch] = new
