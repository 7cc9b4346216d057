"""Break-glass: an hour at most in which fewer people are asked, and what it can never do. State as a table, no clock.

It narrows how many people a clause wants, to one. It never changes an effect, never removes a finding, never lets
anybody vote on their own work, and does not reach the gateway's own actions (lifting a stop).
"""

from enum import StrEnum

from gateway.core.aims import project_at
from gateway.core.emergency import wrong_with
from gateway.core.errors import ConflictError, MalformedError, OutOfScopeError
from gateway.core.model import Model
from gateway.core.principals import Roster
from gateway.core.rulings import Clause, Effect, Finding, Narrowing, Ruling
from gateway.core.tickets import merged
from gateway.core.vocabulary import SPECS, System

LONGEST_MINUTES = 60
CONFIRM_WITHIN_MS = 15 * 60_000
"""How long a second person has to confirm it; the hour begins when they do."""
REVIEW_WITHIN_MS = 24 * 3_600_000
_NEVER_NARROWED = ("SECRET-", "TRUST-", "SOD-001", "GATE-")


class GlassState(StrEnum):
    """Where a break-glass is in its life."""

    OPENED = "opened"
    IN_FORCE = "in_force"
    LAPSED = "lapsed"
    ENDED = "ended"
    REVIEWED = "reviewed"


class BreakGlass(Model):
    """Emergency rights for one agent, project or action type; `value` names which. Times in ms since 1970, UTC.

    `ticket` is the incident's reference elsewhere. `uses` counts the actions that started on it.
    """

    id: str
    scope: str
    value: str
    ticket: str
    reason: str
    minutes: int
    opened_by: str
    opened_ms: int
    confirmed_by: str | None = None
    confirmed_ms: int | None = None
    expires_ms: int
    closed_ms: int | None = None
    closed_by: str | None = None
    reviewed_by: str | None = None
    reviewed_ms: int | None = None
    justified: bool | None = None
    finding: str = ""
    uses: int = 0

    def state(self, now_ms: int) -> GlassState:
        """Where it stands at a moment; only `in_force` narrows anything."""
        if self.reviewed_ms is not None:
            return GlassState.REVIEWED
        over = self.closed_ms is not None or now_ms >= self.expires_ms
        if self.confirmed_ms is None:
            return GlassState.LAPSED if over else GlassState.OPENED
        return GlassState.ENDED if over else GlassState.IN_FORCE

    @property
    def review_due_ms(self) -> int | None:
        """When the review is due; None where nobody confirmed it, so that there is nothing to review."""
        return None if self.confirmed_ms is None else self.confirmed_ms + REVIEW_WITHIN_MS

    def is_overdue(self, now_ms: int) -> bool:
        """Whether its review should have been made by now."""
        due = self.review_due_ms
        return due is not None and self.reviewed_ms is None and now_ms >= due


def glass_value(scope: str, value: str, roster: Roster) -> str:
    """What a break-glass names, spelt as actions spell it. Raises `MalformedError` for what nothing could match."""
    wrong: str | None = "Break-glass is for one agent, project or action type, never for everything"
    if scope != "everything":
        wrong = _own_with(scope, value) or wrong_with(scope, value, roster)
    if wrong:
        raise MalformedError(f"{wrong}; nothing was opened.", field="/value")
    return project_at(value) or value if scope == "project" else value


def refuse_confirmation(glass: BreakGlass, by: str, now_ms: int) -> None:
    """Raise why this person cannot confirm it: `OutOfScopeError` or `ConflictError`; return when they can."""
    if by == glass.opened_by:
        raise OutOfScopeError("You opened it; a second person confirms.", code="self_approval")
    if glass.state(now_ms) is not GlassState.OPENED:
        raise ConflictError(f"This break-glass is {glass.state(now_ms).value}; nobody can confirm it now.")


def refuse_closing(glass: BreakGlass, now_ms: int) -> None:
    """Raise `ConflictError` when there is nothing to close any more."""
    if glass.state(now_ms) not in {GlassState.OPENED, GlassState.IN_FORCE}:
        raise ConflictError(f"This break-glass is {glass.state(now_ms).value} already.")


def refuse_review(glass: BreakGlass, by: str, now_ms: int) -> None:
    """Raise why this person cannot review it: `OutOfScopeError` or `ConflictError`; return when they can."""
    if by in {glass.opened_by, glass.confirmed_by}:
        raise OutOfScopeError("You opened or confirmed it; somebody else reviews.", code="self_approval")
    if glass.state(now_ms) is not GlassState.ENDED:
        raise ConflictError(
            f"This break-glass is {glass.state(now_ms).value}; only one that ended is reviewed."
        )


def can_narrow(ruling: Ruling, system: System) -> bool:
    """Whether break-glass would change anything about a ruling on an action in that system."""
    return system is not System.LOOPGATE and any(_narrows(f) for f in ruling.findings)


def narrowed(ruling: Ruling, glass_id: str) -> Ruling:
    """The ruling with every clause that may be narrowed asking one person, flagged with the break-glass.

    Effect, findings, roles, services and assurance stay as they are: what was denied stays denied.
    """
    codes = tuple(sorted({f.code for f in ruling.findings if _narrows(f)}))
    findings = tuple(_asking_one(f) if _narrows(f) else f for f in ruling.findings)
    clauses = merged(tuple(f.clauses for f in findings if f.effect is Effect.REQUIRE_APPROVAL))
    update = {"findings": findings, "clauses": clauses, "break_glass": Narrowing(id=glass_id, codes=codes)}
    return ruling.model_copy(update=update)


def _narrows(finding: Finding) -> bool:
    asks = finding.effect is Effect.REQUIRE_APPROVAL and any(c.count > 1 for c in finding.clauses)
    return asks and not finding.code.startswith(_NEVER_NARROWED)


def _asking_one(finding: Finding) -> Finding:
    clauses: tuple[Clause, ...] = tuple(c.model_copy(update={"count": 1}) for c in finding.clauses)
    return finding.model_copy(update={"clauses": clauses})


def _own_with(scope: str, value: str) -> str | None:
    own = {kind.value for kind, spec in SPECS.items() if spec.systems == (System.LOOPGATE,)}
    if scope == "action_type" and value in own:
        return "Break-glass does not reach the gateway's own actions"
    return None
