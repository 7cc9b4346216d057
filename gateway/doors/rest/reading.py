"""Reads in scope: what of the stored actions a principal may see, and the full document of one."""

from gateway.core.aims import place_of
from gateway.core.errors import NotFoundError
from gateway.core.globs import GlobError
from gateway.core.normalise import in_scope
from gateway.core.principals import Principal, Role
from gateway.core.rulings import Ruling
from gateway.doors.rest.context import Neighbours
from gateway.doors.rest.documents import ActionDocument, RulingDocument, TicketDocument
from gateway.ports import ActionRecord

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


async def visible(given: Neighbours, principal: Principal, action_id: str) -> ActionRecord:
    """The stored action; `NotFoundError` also when the principal may not see it, so that ids tell nothing."""
    record = await given.desk.action(action_id)
    if record is None or not may_see(principal, record):
        raise NotFoundError("There is no such action that you may see.")
    return record


async def whole(given: Neighbours, record: ActionRecord, principal: Principal) -> ActionDocument:
    """The action with ruling, ticket, next step and evidence indices."""
    document = ActionDocument.of(record)
    ruling = await given.desk.ruling(record.ruling_id) if record.ruling_id else None
    ticket = await given.desk.ticket(record.ticket_id) if record.ticket_id else None
    outcome = await given.road.ledger.outcome_of(record.action.id)
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
