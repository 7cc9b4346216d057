"""What the road needs from outside. Each port lets only its own errors out (core/errors.py)."""

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import Field

from gateway.core.actions import Action, ActionState
from gateway.core.actions import Target as Aim
from gateway.core.budgets import Allowance, OpenPipeline
from gateway.core.catalogue import Catalogue
from gateway.core.changes import Change
from gateway.core.duplicates import SimilarFacts
from gateway.core.facts import (
    BranchFacts,
    DeploymentFacts,
    IssueFacts,
    JobFacts,
    MergeRequestFacts,
    MissingFact,
    PipelineFacts,
    ProjectFacts,
    Standing,
    TagFacts,
    UsageFacts,
)
from gateway.core.lineage import Asked, CommitTrace, Known
from gateway.core.model import Model
from gateway.core.notices import Matter, Notice
from gateway.core.outcomes import AnyOutcome
from gateway.core.params import CommitCreate
from gateway.core.permits import Permit
from gateway.core.principals import Door, Principal, Roster
from gateway.core.rulings import Decision, PolicyVersion, RuleCard
from gateway.core.steps import Blocked, Performance, Preparation, Step
from gateway.core.tickets import Bench, Ticket
from gateway.core.vocabulary import ForgeIdentity, System


class Clock(Protocol):
    """The time."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        ...


class Ids(Protocol):
    """Fresh names."""

    def new(self, prefix: str) -> str:
        """`<prefix>_<ULID>`; prefixes are those of api.md."""
        ...


class Readiness(Model):
    """Whether a neighbour can do its part, and the sentence for the operator when not."""

    ok: bool
    detail: str = ""


class PolicyInForce(Model):
    """The policy that judges now: version, rule cards by code, roster, catalogue. Each swap begins another `era`."""

    version: PolicyVersion
    cards: dict[str, RuleCard]
    roster: Roster
    catalogue: Catalogue
    weights: dict[str, Any] = Field(default_factory=dict)
    ticket_ttl_ms: int = 8 * 3600 * 1000
    carry_over_clean_rebase: bool = False
    allowances: tuple[Allowance, ...] = ()
    time_zone: str = "UTC"
    era: int = 0

    @property
    def bench(self) -> Bench:
        """The people who can vote under this policy."""
        return Bench(roster=self.roster, catalogue=self.catalogue)


class Policy(Protocol):
    """Rego. Never raises: any failure is a Decision that denies with POLICY_UNAVAILABLE."""

    @property
    def in_force(self) -> PolicyInForce:
        """The active policy and its data."""
        ...

    async def decide(self, document: Mapping[str, Any]) -> Decision:
        """Judge one policy input."""
        ...

    def readiness(self) -> Readiness:
        """Red after any failure, until a self-test passes again."""
        ...


class Admitted(Model):
    """The answer to an admission: `known` when the idempotency key had this very action already."""

    action: Action
    known: AnyOutcome | None = None


class ActionRecord(Model):
    """An action as it is stored: its state, its ticket, and what `started` recorded."""

    action: Action
    state: ActionState
    ticket_id: str | None = None
    ruling_id: str | None = None
    preparation: Preparation | None = None
    started_ms: int | None = None
    result: dict[str, Any] = Field(default_factory=dict)
    reason: str = ""
    until_ms: int | None = None


class Ledger(Protocol):
    """State and evidence together. Returning means durable and signed; else `LedgerUnavailableError`."""

    async def admit(self, action: Action) -> Admitted:
        """Record `requested` once per (agent, idempotency key).

        Another digest under a key raises `ConflictError` (`idempotency_mismatch`).
        """
        ...

    async def record(self, step: Step) -> AnyOutcome | Blocked:
        """Record one step as one unit: guards, state and events, or nothing at all."""
        ...

    async def find(self, action_id: str) -> ActionRecord | None:
        """The stored action, if there is one."""
        ...

    async def ticket_for(self, action_id: str) -> Ticket | None:
        """The newest ticket of an action with its votes, if it ever had one."""
        ...

    async def predecessor_for(self, action: Action) -> Ticket | None:
        """The newest stale ticket of the same agent, type and target, when no successor answers it yet."""
        ...

    async def rebased(self, action: Action, before: str, after: str) -> bool:
        """Whether this gateway rebased the action's merge request from one head to the other."""
        ...

    async def rejected_before(self, question_digest: str) -> str | None:
        """The reason a person gave for rejecting this very question, if one did."""
        ...

    async def outcome_of(self, action_id: str) -> AnyOutcome:
        """The outcome as it stands."""
        ...

    async def claim_due(self, *, lease_ms: int, limit: int) -> tuple[ActionRecord, ...]:
        """Lease the resumable rows whose lease has lapsed and whose time has come."""
        ...


class Inspection(Model):
    """What one system told about an action's target. `subject` is what it would overwrite; `authors` made what it brings."""

    project: ProjectFacts | None = None
    branch: BranchFacts | None = None
    merge_request: MergeRequestFacts | None = None
    pipeline: PipelineFacts | None = None
    issue: IssueFacts | None = None
    deployment: DeploymentFacts | None = None
    job: JobFacts | None = None
    tag: TagFacts | None = None
    similar: SimilarFacts | None = None
    subject: dict[str, Any] = Field(default_factory=dict)
    texts: dict[str, str] = Field(default_factory=dict)
    concurrent: int = 0
    job_seconds: int | None = None
    authors: tuple[str, ...] = ()
    missing: tuple[MissingFact, ...] = ()


class Reconciliation(Model):
    """What a later look proved: it happened (with its result), it did not, or nothing can be proved."""

    happened: bool | None
    performance: Performance | None = None
    reason: str = ""


class Target(Protocol):
    """A system actions take effect in. Reads need no permit; `perform` takes nothing else."""

    @property
    def system(self) -> System:
        """Which system this is."""
        ...

    async def inspect(self, action: Action) -> Inspection:
        """Read what the ruling needs; what cannot be read is in `missing`, never guessed."""
        ...

    async def prepare(self, permit: Permit) -> Preparation:
        """Do everything that changes nothing outside: build the commit, note what undoing needs."""
        ...

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Act once. Raises `TargetRefusedError` (nothing happened) or `TargetUnclearError`."""
        ...

    async def reconcile(self, record: ActionRecord) -> Reconciliation:
        """Look whether a started action happened, by the marks of architecture.md "In doubt"."""
        ...

    async def readiness(self) -> Readiness:
        """Whether the system answers with our credentials."""
        ...


class Changes(Protocol):
    """Measured changes, the same whichever door they came through. Raises `FactsMissingError`."""

    async def of_merge_request(self, project: str, request: MergeRequestFacts, agent: str) -> Change:
        """What merging that request would change: merge base to head."""
        ...

    async def of_commit(self, project: str, branch: str, params: CommitCreate, agent: str) -> Change:
        """What the branch would change against the default branch once this commit is on it."""
        ...

    async def of_branches(self, project: str, source: str, target: str, agent: str) -> Change:
        """What `source` changes against `target`."""
        ...

    async def of_revert(self, project: str, branch: str, commit: str, agent: str) -> Change:
        """What reverting `commit` on `branch` would change."""
        ...

    async def of_cherry_pick(self, project: str, branch: str, commit: str, agent: str) -> Change:
        """What putting `commit` of another branch on `branch` would change."""
        ...


class Repository(Protocol):
    """Git plumbing in the mirror: building commits and moving refs with a lease."""

    async def head_of(self, project: str, branch: str) -> str | None:
        """The commit a branch points at upstream now, or None when there is no such branch."""
        ...

    async def build_commit(
        self, project: str, branch: str, params: CommitCreate, author: str, marker: str
    ) -> str:
        """Build the commit object locally and return its id; nothing leaves the mirror."""
        ...

    async def build_revert(self, project: str, branch: str, commit: str, author: str, marker: str) -> str:
        """Build the commit that reverts `commit` on top of `branch`, locally; return its id."""
        ...

    async def build_cherry_pick(
        self, project: str, branch: str, commit: str, author: str, marker: str
    ) -> str:
        """Build the commit that repeats `commit` on top of `branch`, locally; return its id."""
        ...

    async def ref_of(self, project: str, ref: str) -> str | None:
        """The object a full ref (`refs/tags/v1`) holds upstream now, or None when there is no such ref."""
        ...

    async def move(
        self,
        project: str,
        ref: str,
        new: str | None,
        *,
        expected: str | None,
        identity: ForgeIdentity = ForgeIdentity.ROAD,
    ) -> None:
        """Move a full ref from `expected` (None: must not exist) to `new` (None: delete it) with a lease.

        Raises `TargetRefusedError` or `TargetUnclearError`.
        """
        ...

    async def push(self, project: str, branch: str, new: str, *, expected: str | None) -> None:
        """Move `branch` from `expected` (None: must not exist) to `new` with `--force-with-lease`.

        Raises `TargetRefusedError` or `TargetUnclearError`.
        """
        ...


class LineageIndex(Protocol):
    """Who made the commits and file versions that the gateway has seen. Raises `FactsMissingError`."""

    async def known(self, project: str, asked: Asked) -> Known:
        """What the index holds of these commits, patches, file versions and paths."""
        ...

    async def remember(self, project: str, traces: tuple[CommitTrace, ...]) -> None:
        """Add commits; makers of one that is known already are joined, never taken away."""
        ...


class Counters(Protocol):
    """What the database knows about an agent's use and the emergency stops."""

    async def usage(self, agent: str, now_ms: int) -> UsageFacts:
        """Budgets used, over every door."""
        ...

    async def drawn(self, agent: str, now_ms: int) -> dict[tuple[str, str], int]:
        """What is used of every budget in the windows of now, by budget and window (`hour`, `day`, `open`)."""
        ...

    async def break_glass_on(self, action: Action, now_ms: int) -> str | None:
        """Id of the break-glass in force that matches this action, the oldest if there are several."""
        ...

    async def current_tier(self, agent: str) -> str | None:
        """The tier set at run time, when one was set below the ceiling."""
        ...

    async def standing(self, action: Action, now_ms: int) -> Standing:
        """What holds for the action's agent now, all of one moment."""
        ...


class Pace(Protocol):
    """How often an agent may ask. Raises `TooManyRequestsError`."""

    async def propose(self, agent: str, door: str) -> None:
        """Count a proposal."""
        ...

    async def rehearse(self, agent: str, door: str) -> None:
        """Count a dry run."""
        ...


class Accounts(Protocol):
    """The budgets of pipelines, for settling them when they are over."""

    async def open_pipelines(self, *, limit: int) -> tuple[OpenPipeline, ...]:
        """The performed actions that still hold a place among the pipelines, oldest first."""
        ...

    async def settle(self, action_id: str, minutes: int) -> bool:
        """Give back the place, and settle the minutes; whether that was still to do."""
        ...


class Identity(Protocol):
    """Who asks."""

    async def authenticate(self, credential: str, *, door: Door, source: str) -> Principal:
        """The principal behind a bearer credential presented at a door from a network address.

        Raises `UnauthenticatedError`; failures are counted per source and minute into one event.
        """
        ...


class Noticeboard(Protocol):
    """Where the gateway comments on one system: an issue or a merge request, named by a target."""

    async def bears(self, place: Aim, marker: str, *, since_ms: int) -> bool:
        """Whether a comment of ours since then bears the marker. Raises `FactsMissingError` when nobody can tell."""
        ...

    async def post(self, place: Aim, markdown: str, marker: str) -> None:
        """Comment once. Raises `TargetRefusedError` or `TargetUnclearError`."""
        ...


class Notifier(Protocol):
    """One way to tell people."""

    async def tell(self, matter: Matter, notice: Notice) -> None:
        """Tell them; whatever it raises as `LoopgateError` is a failure that is tried again."""
        ...


class Outbox(Protocol):
    """Notices that were committed with their cause. Each method is a unit; else `LedgerUnavailableError`."""

    async def claim(self, *, lease_ms: int, limit: int) -> tuple[Matter, ...]:
        """Lease what is due, oldest first; each attempt is counted before it is made."""
        ...

    async def sent(self, matter: Matter) -> None:
        """Note that people were told."""
        ...

    async def failed(self, matter: Matter, reason: str, *, pause_ms: int | None) -> None:
        """Note a failure; to be tried again after `pause_ms`, or never when that is None."""
        ...
