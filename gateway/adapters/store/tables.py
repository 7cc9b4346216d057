"""What the gateway remembers: SQLModel tables, the same on SQLite and PostgreSQL.

Documents are JSON text of the core's models; what is searched or guarded stands in columns of its own.
Times are milliseconds since 1970, UTC. Names, e-mail addresses and reasons are the columns that can be erased.
"""

from typing import cast

from sqlalchemy import BigInteger, Index, LargeBinary, Table, Text
from sqlmodel import Field, SQLModel

Milliseconds = BigInteger
Document = Text


class ActionRow(SQLModel, table=True):
    """An action, its state, and what `started` and its end recorded. `aim` is its target in canonical form."""

    __tablename__ = "actions"

    id: str = Field(primary_key=True)
    type: str
    agent: str = Field(index=True)
    owner: str
    system: str
    project: str | None = Field(default=None, index=True)
    aim: str
    trace: str = Field(index=True)
    digest: str
    state: str = Field(index=True)
    body: str = Field(sa_type=Document)
    ticket_id: str | None = None
    ruling_id: str | None = None
    preparation: str | None = Field(default=None, sa_type=Document)
    result: str = Field(default="{}", sa_type=Document)
    reason: str = Field(default="", sa_type=Document)
    retryable: bool = False
    until_ms: int | None = Field(default=None, sa_type=Milliseconds)
    created_ms: int = Field(sa_type=Milliseconds)
    started_ms: int | None = Field(default=None, sa_type=Milliseconds)
    expires_ms: int = Field(sa_type=Milliseconds)
    lease_ms: int = Field(sa_type=Milliseconds)


class IdempotencyRow(SQLModel, table=True):
    """An idempotency key of an agent and the action it stands for."""

    __tablename__ = "idempotency_keys"

    agent: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    action_id: str
    digest: str
    created_ms: int = Field(sa_type=Milliseconds, index=True)


class RulingRow(SQLModel, table=True):
    """A ruling, the policy input it was made on, and the digest of what it found."""

    __tablename__ = "rulings"

    id: str = Field(primary_key=True)
    action_id: str = Field(index=True)
    body: str = Field(sa_type=Document)
    document: str = Field(sa_type=Document)
    complaint: str
    judged_ms: int = Field(sa_type=Milliseconds)


class TicketRow(SQLModel, table=True):
    """A ticket. `body` holds the question as it was asked; state and votes are kept beside it."""

    __tablename__ = "tickets"

    id: str = Field(primary_key=True)
    action_id: str = Field(index=True)
    agent: str = Field(index=True)
    type: str
    aim: str
    state: str = Field(index=True)
    question_digest: str = Field(index=True)
    body: str = Field(sa_type=Document)
    predecessor: str | None = Field(default=None, index=True)
    opened_ms: int = Field(sa_type=Milliseconds)
    expires_ms: int = Field(sa_type=Milliseconds)


class VoteRow(SQLModel, table=True):
    """One person's vote on one ticket."""

    __tablename__ = "votes"

    ticket_id: str = Field(primary_key=True, foreign_key="tickets.id")
    voter: str = Field(primary_key=True)
    answer: str
    question_digest: str
    reason: str = Field(sa_type=Document)
    assurance: str
    cast_ms: int = Field(sa_type=Milliseconds)
    key_id: str | None = None
    signature: str | None = None


class BudgetRow(SQLModel, table=True):
    """How much of a budget an agent has used in one window (`core/budgets.py` names the windows)."""

    __tablename__ = "budgets"

    agent: str = Field(primary_key=True)
    budget: str = Field(primary_key=True)
    period: str = Field(primary_key=True)
    used: int


class ReservationRow(SQLModel, table=True):
    """What one action holds of a budget, so that it can be given back."""

    __tablename__ = "reservations"

    action_id: str = Field(primary_key=True)
    budget: str = Field(primary_key=True)
    period: str = Field(primary_key=True)
    agent: str
    amount: int


class StopRow(SQLModel, table=True):
    """An emergency stop; in force while `lifted_ms` is empty."""

    __tablename__ = "stops"

    id: str = Field(primary_key=True)
    scope: str
    value: str
    reason: str = Field(sa_type=Document)
    by: str
    engaged_ms: int = Field(sa_type=Milliseconds)
    lifted_ms: int | None = Field(default=None, sa_type=Milliseconds)
    lifted_by: str | None = None


class BreakGlassRow(SQLModel, table=True):
    """A break-glass (`core/break_glass.py`); `overdue_ms` is when its review was said to be overdue."""

    __tablename__ = "break_glass"

    id: str = Field(primary_key=True)
    scope: str
    value: str
    ticket: str
    reason: str = Field(sa_type=Document)
    minutes: int
    opened_by: str
    opened_ms: int = Field(sa_type=Milliseconds)
    confirmed_by: str | None = None
    confirmed_ms: int | None = Field(default=None, sa_type=Milliseconds)
    expires_ms: int = Field(sa_type=Milliseconds)
    closed_ms: int | None = Field(default=None, sa_type=Milliseconds)
    closed_by: str | None = None
    reviewed_by: str | None = None
    reviewed_ms: int | None = Field(default=None, sa_type=Milliseconds)
    justified: bool | None = None
    finding: str = Field(default="", sa_type=Document)
    overdue_ms: int | None = Field(default=None, sa_type=Milliseconds)


class BreakGlassUseRow(SQLModel, table=True):
    """An action that started on a break-glass."""

    __tablename__ = "break_glass_uses"

    glass_id: str = Field(primary_key=True)
    action_id: str = Field(primary_key=True)


class AgentRow(SQLModel, table=True):
    """What changes of an agent at run time: suspension and current tier."""

    __tablename__ = "agents_runtime"

    agent: str = Field(primary_key=True)
    suspended: bool = False
    tier: str | None = None
    changed_ms: int = Field(sa_type=Milliseconds)


class PersonRow(SQLModel, table=True):
    """A person's name and e-mail address: an erasable row, joined to roster ids in Python."""

    __tablename__ = "people"

    id: str = Field(primary_key=True)
    name: str
    email: str
    changed_ms: int = Field(sa_type=Milliseconds)


class TokenRow(SQLModel, table=True):
    """A gateway token by the SHA-256 of its secret; `scope` is JSON of `core.principals.Scope`."""

    __tablename__ = "tokens"

    id: str = Field(primary_key=True)
    secret_sha256: str = Field(unique=True)
    principal: str = Field(index=True)
    scope: str = Field(sa_type=Document)
    door: str
    created_ms: int = Field(sa_type=Milliseconds)
    expires_ms: int = Field(sa_type=Milliseconds)
    revoked_ms: int | None = Field(default=None, sa_type=Milliseconds)


class VoteKeyRow(SQLModel, table=True):
    """The public half of a person's vote key: Ed25519, 32 bytes in base64."""

    __tablename__ = "vote_keys"

    id: str = Field(primary_key=True)
    person: str = Field(index=True)
    public_key: str
    added_ms: int = Field(sa_type=Milliseconds)
    retired_ms: int | None = Field(default=None, sa_type=Milliseconds)


class OneTimeRow(SQLModel, table=True):
    """Something good once: a login code, a sign-in challenge, or the `jti` of a JWT.

    `digest` is SHA-256 of the kind and the secret; `holder` the person, the key id or the issuer.
    """

    __tablename__ = "one_time"

    digest: str = Field(primary_key=True)
    kind: str
    holder: str
    expires_ms: int = Field(sa_type=Milliseconds, index=True)
    used_ms: int | None = Field(default=None, sa_type=Milliseconds)


class WorkItemRow(SQLModel, table=True):
    """A work item that the loop opened, by the key its findings share."""

    __tablename__ = "work_items"

    id: str = Field(primary_key=True)
    key: str = Field(unique=True)
    project: str = Field(index=True)
    tracker: str
    issue: str | None = None
    title: str = Field(sa_type=Document)
    severity: str
    state: str
    trace: str
    opened_ms: int = Field(sa_type=Milliseconds)


class FindingRow(SQLModel, table=True):
    """A finding of a work item and whether the last scan still saw it (`open`, `gone`)."""

    __tablename__ = "findings"

    work_item_id: str = Field(primary_key=True, foreign_key="work_items.id")
    key: str = Field(primary_key=True)
    state: str
    body: str = Field(sa_type=Document)


class LineageCommitRow(SQLModel, table=True):
    """A commit the gateway has seen or built, and who made it: a JSON list of roster ids and pseudonyms."""

    __tablename__ = "lineage_commits"
    __table_args__ = (Index("ix_lineage_commits_patch", "project", "patch_id"),)

    project: str = Field(primary_key=True)
    commit_id: str = Field(primary_key=True)
    patch_id: str | None = None
    makers: str = Field(sa_type=Document)
    built: bool
    seen_ms: int = Field(sa_type=Milliseconds)


class LineageFileRow(SQLModel, table=True):
    """What such a commit put at a path. `path_key` is the SHA-256 of the path; forty zeros mean it was removed."""

    __tablename__ = "lineage_files"
    __table_args__ = (
        Index("ix_lineage_files_blob", "project", "blob"),
        Index("ix_lineage_files_path", "project", "path_key"),
    )

    project: str = Field(primary_key=True)
    commit_id: str = Field(primary_key=True)
    path_key: str = Field(primary_key=True)
    blob: str


class NotificationRow(SQLModel, table=True):
    """Something people are to be told on one channel; `place` is where a comment goes, `reason` the last failure.

    `due_ms` is when it may be tried, and while it is tried when the lease ends.
    """

    __tablename__ = "notifications"
    __table_args__ = (Index("ix_notifications_due", "state", "due_ms"),)

    occasion: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    action_id: str | None = None
    place: str | None = Field(default=None, sa_type=Document)
    state: str
    attempts: int
    due_ms: int = Field(sa_type=Milliseconds)
    reason: str = Field(default="", sa_type=Document)
    created_ms: int = Field(sa_type=Milliseconds)
    ended_ms: int | None = Field(default=None, sa_type=Milliseconds)


class PolicyBundleRow(SQLModel, table=True):
    """A policy by its digest: both bundles as they came. `sha256` is of both; never changed once it is here."""

    __tablename__ = "policy_bundles"

    digest: str = Field(primary_key=True)
    revision: str
    sha256: str
    wasm_sha256: str
    key_id: str | None = None
    wasm: bytes = Field(sa_type=LargeBinary)
    rego: bytes = Field(sa_type=LargeBinary)
    by: str
    kept_ms: int = Field(sa_type=Milliseconds)


class PolicyStepRow(SQLModel, table=True):
    """A change of the policy in force (`core/policies.py`)."""

    __tablename__ = "policy_steps"

    number: int = Field(primary_key=True)
    kind: str
    digest: str
    before: str | None = None
    by: str
    action_id: str | None = Field(default=None, unique=True)
    at_ms: int = Field(sa_type=Milliseconds)


class SessionSourceRow(SQLModel, table=True):
    """A kind of text that an agent has read under a trace; the empty trace is any."""

    __tablename__ = "session_sources"

    agent: str = Field(primary_key=True)
    trace: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    at_ms: int = Field(sa_type=Milliseconds)


class SettingRow(SQLModel, table=True):
    """A value in force that is not a row of its own: the digest of the active policy, since when it is sealed."""

    __tablename__ = "settings"

    name: str = Field(primary_key=True)
    value: str = Field(sa_type=Document)


def of(model: type[SQLModel]) -> Table:
    """The Core table of a model."""
    return cast("Table", model.__table__)  # type: ignore[attr-defined]


actions = of(ActionRow)
idempotency_keys = of(IdempotencyRow)
rulings = of(RulingRow)
tickets = of(TicketRow)
votes = of(VoteRow)
budgets = of(BudgetRow)
reservations = of(ReservationRow)
stops = of(StopRow)
break_glass = of(BreakGlassRow)
break_glass_uses = of(BreakGlassUseRow)
agents = of(AgentRow)
people = of(PersonRow)
tokens = of(TokenRow)
vote_keys = of(VoteKeyRow)
one_time = of(OneTimeRow)
work_items = of(WorkItemRow)
findings = of(FindingRow)
lineage_commits = of(LineageCommitRow)
lineage_files = of(LineageFileRow)
notifications = of(NotificationRow)
policy_bundles = of(PolicyBundleRow)
policy_steps = of(PolicyStepRow)
session_sources = of(SessionSourceRow)
settings = of(SettingRow)
