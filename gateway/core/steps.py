"""The steps of the road that are recorded: each is one unit of evidence and state together."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from gateway.core.judgements import Judgement
from gateway.core.model import Model
from gateway.core.permits import Permit
from gateway.core.secret_detectors import without_secrets
from gateway.core.tickets import Ticket

Recorded = Annotated[dict[str, Any], AfterValidator(without_secrets)]
"""Words and values of a target as they are stored: without what looks like a secret."""


class Preparation(Model):
    """What is known before the act and recorded with `started`, so that the act can be recognised later.

    `marker` is what the gateway leaves at the vendor; `commit` the commit a ref will point at; `before` what
    undoing needs (old values, old commit).
    """

    marker: str
    commit: str | None = None
    before: Recorded = Field(default_factory=dict)


class Performance(Model):
    """What the target answered: ids, links, commits. JSON, integers only."""

    result: Recorded = Field(default_factory=dict)


class Deny(Model):
    """Denied by the policy, or by the gateway itself (its code is a finding of the ruling)."""

    judgement: Judgement


class Hold(Model):
    """Held: a ticket opens. `superseded` is the ticket that went stale for it, if any.

    `approved` says that the votes it carries fill it already.
    """

    judgement: Judgement
    ticket: Ticket
    superseded: Ticket | None = None
    approved: bool = False


class Wait(Model):
    """Something must end first; looked at again at `until_ms` or on the next change."""

    judgement: Judgement
    until_ms: int | None
    ticket: Ticket | None = None


class Supersede(Model):
    """The question moved on and the action's own params name the old state: both end stale."""

    judgement: Judgement
    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Start:
    """About to act. Its unit checks the guards of architecture.md and claims the action.

    The judgement is the one the permit was granted for; it is recorded as `judged` in the same unit.
    """

    judgement: Judgement
    permit: Permit
    preparation: Preparation


class Finish(Model):
    """The act is over. `outcome` is performed, refused or in_doubt; `reason` the target's own words."""

    action_id: str
    outcome: str
    performance: Performance | None = None
    reason: str = ""
    retryable: bool = False
    reconciled: bool = False


Step = Deny | Hold | Wait | Supersede | Start | Finish


class Blocked(Model):
    """A guard of a `Start` or `Hold` unit failed; nothing was recorded or changed by it.

    `guard` is one of permit, state, stop, policy, ruling_age, budget, break_glass, rejected_before. `until_ms` for budgets.
    """

    guard: str
    detail: str
    code: str | None = None
    until_ms: int | None = None
