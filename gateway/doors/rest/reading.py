"""Reads in scope: what of the stored things a principal may see, whole pages of it, and the full document of one.

An agent's read ends at its token's projects. Outside them it gets the very answer it would get if nothing were there.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from gateway.core.aims import place_of
from gateway.core.errors import NotFoundError, OutOfScopeError
from gateway.core.globs import GlobError
from gateway.core.normalise import in_scope
from gateway.core.outcomes import AnyOutcome
from gateway.core.principals import Principal, Role
from gateway.core.rulings import Ruling
from gateway.doors.rest.context import Neighbours
from gateway.doors.rest.documents import ActionDocument, RulingDocument, TicketDocument
from gateway.ports import ActionRecord

T = TypeVar("T")
_SEES_ALL = frozenset({Role.APPROVER, Role.AUDITOR, Role.OPERATOR})


def may_see(principal: Principal, record: ActionRecord) -> bool:
    """Agents see their own actions, in the projects of their token; approvers, auditors and operators see all."""
    if _SEES_ALL & set(principal.roles):
        return True
    place = place_of(record.action.target)
    return record.action.agent == principal.id and (place is None or project_in_scope(principal, place))


def project_in_scope(principal: Principal, project: str) -> bool:
    """Whether a project (`shop/checkout`, `jira:SHOP`) is in the token's scope."""
    try:
        return in_scope(principal.scope, project)
    except GlobError:
        return False


def refuse_foreign(principal: Principal, project: str | None) -> None:
    """Raise `OutOfScopeError` when an agent names a project its token does not hold, whether there is one or not.

    Trackers may be named with or without `jira:` before their key.
    """
    if project is None or not principal.is_agent:
        return
    if not (project_in_scope(principal, project) or project_in_scope(principal, f"jira:{project}")):
        held = ", ".join(principal.scope.projects) or "nothing"
        raise OutOfScopeError(f"Your token holds {held}; the project you name is not among it.")


async def page_of(
    fetch: Callable[[str | None, int], Awaitable[Sequence[T]]],
    keep: Callable[[T], bool],
    name: Callable[[T], str],
    *,
    after: str | None,
    limit: int,
) -> tuple[tuple[T, ...], str | None]:
    """A full page of what is kept, and where the next one begins (None at the end).

    Left out rows cost nothing on the page and are named nowhere: the cursor is always a row the reader has seen.
    """
    kept: list[T] = []
    while len(kept) <= limit:
        rows = await fetch(after, limit + 1)
        kept += [row for row in rows if keep(row)]
        if len(rows) <= limit:
            break
        after = name(rows[-1])
    return tuple(kept[:limit]), name(kept[limit - 1]) if len(kept) > limit else None


async def visible(given: Neighbours, principal: Principal, action_id: str) -> ActionRecord:
    """The stored action; `NotFoundError` also when the principal may not see it, so that ids tell nothing."""
    record = await given.desk.action(action_id)
    if record is None or not may_see(principal, record):
        raise NotFoundError("There is no such action that you may see.")
    return record


async def whole(
    given: Neighbours, record: ActionRecord, principal: Principal, outcome: AnyOutcome | None = None
) -> ActionDocument:
    """The action with ruling, ticket, next step and evidence indices; `outcome` where it is at hand."""
    document = ActionDocument.of(record)
    ruling = await given.desk.ruling(record.ruling_id) if record.ruling_id else None
    ticket = await given.desk.ticket(record.ticket_id) if record.ticket_id else None
    outcome = outcome or await given.road.ledger.outcome_of(record.action.id)
    return document.model_copy(
        update={
            "ruling": ruling_for(ruling, principal) if ruling else None,
            "ticket": TicketDocument.of(ticket) if ticket else None,
            "next": outcome.next,
            "evidence": await given.desk.evidence_of(record.action.id),
        }
    )


def ruling_for(ruling: Ruling, principal: Principal) -> RulingDocument:
    """The ruling as this principal sees it: agents do not see the budgets' limits."""
    document = RulingDocument.of(ruling)
    return document.model_copy(update={"reserve": ()}) if principal.is_agent else document
