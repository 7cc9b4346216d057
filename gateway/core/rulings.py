"""Rulings: a decision and everything it was based on."""

from enum import StrEnum
from typing import Any

from pydantic import Field

from gateway.core.model import Model


class Effect(StrEnum):
    """What a finding does to an action; any other word is a denial."""

    DENY = "deny"
    REQUIRE_APPROVAL = "require_approval"
    WARN = "warn"
    ALLOW = "allow"


class Retry(StrEnum):
    """What an agent can do about a denial."""

    FIX_AND_RETRY = "fix_and_retry"
    NEEDS_APPROVAL = "needs_approval"
    WAIT_UNTIL = "wait_until"
    NEVER = "never"


class Binding(StrEnum):
    """Whether a finding is part of the question (state) or judged afresh each time (moment)."""

    STATE = "state"
    MOMENT = "moment"


class Assurance(StrEnum):
    """How a vote is proven, weakest first."""

    TOKEN = "token"  # noqa: S105 - the name of an assurance level, not a secret
    SIGNED = "signed"
    WEBAUTHN = "webauthn"


ASSURANCE_ORDER = (Assurance.TOKEN, Assurance.SIGNED, Assurance.WEBAUTHN)


class Clause(Model):
    """What an approval must contain: `count` distinct eligible people, each holding one of the roles."""

    count: int = Field(ge=1, le=9)
    any_of_roles: tuple[str, ...] = Field(min_length=1)
    for_service: str | None = None
    assurance: Assurance = Assurance.TOKEN


class RawFinding(Model):
    """A finding as the policy returns it. `retry` and `until_ms` override the rule's METADATA."""

    code: str
    effect: Effect
    facts: dict[str, Any] = Field(default_factory=dict)
    clauses: tuple[Clause, ...] = ()
    retry: Retry | None = None
    until_ms: int | None = None


class Waived(Model):
    """A finding that exceptions silenced; shown, never dropped."""

    code: str
    by: tuple[str, ...]
    facts: dict[str, Any] = Field(default_factory=dict)


class Reservation(Model):
    """A budget the decision wants reserved: `amount` more of `limit` per `window` (hour, day, open)."""

    budget: str
    window: str
    amount: int = Field(ge=0)
    limit: int = Field(ge=0)


class Decision(Model):
    """The decision document, exactly as both engines return it (policy.md "Decision document")."""

    effect: Effect
    findings: tuple[RawFinding, ...] = ()
    waived: tuple[Waived, ...] = ()
    shadow: tuple[RawFinding, ...] = ()
    warnings: tuple[RawFinding, ...] = ()
    grants: tuple[str, ...] = ()
    reserve: tuple[Reservation, ...] = ()
    missing: tuple[str, ...] = ()


class RuleCard(Model):
    """What a rule's METADATA says of it, joined to its findings by code."""

    code: str
    title: str
    description: str = ""
    severity: str
    remediation: str
    retry: Retry
    binding: Binding
    bound_facts: tuple[str, ...] = ()
    assurance: Assurance = Assurance.TOKEN
    chainable: bool = False
    waivable: bool = True
    controls: tuple[str, ...] = ()
    owner: str = "platform"


class Finding(Model):
    """One rule's complaint, with what a person or agent needs to act on it."""

    code: str
    effect: Effect
    facts: dict[str, Any] = Field(default_factory=dict)
    clauses: tuple[Clause, ...] = ()
    retry: Retry
    until_ms: int | None = None
    title: str
    severity: str
    remediation: str
    message: str
    binding: Binding
    bound_facts: tuple[str, ...] = ()
    docs: str = ""


class PolicyVersion(Model):
    """Which policy judged: its digest, revision, engine and the engine's version."""

    digest: str
    revision: str
    engine: str
    engine_version: str


class Narrowing(Model):
    """The break-glass a ruling was narrowed by, and the codes whose clauses ask one person because of it."""

    id: str
    codes: tuple[str, ...]


class Ruling(Model):
    """A decision, joined with METADATA, and all it was based on.

    `input_digest` is SHA-256 over the RFC 8785 form of the policy input; `judged_ms` the time of judging.
    """

    id: str
    action_id: str
    effect: Effect
    findings: tuple[Finding, ...] = ()
    waived: tuple[Waived, ...] = ()
    shadow: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    grants: tuple[str, ...] = ()
    reserve: tuple[Reservation, ...] = ()
    clauses: tuple[Clause, ...] = ()
    break_glass: Narrowing | None = None
    policy: PolicyVersion
    input_digest: str
    judged_ms: int
