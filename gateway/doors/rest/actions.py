"""`/v1/actions` and `/v1/rulings`: proposing, reading, cancelling, dry runs."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import JSONResponse

from gateway.core.actions import ActionState, Request
from gateway.core.errors import MalformedError, OutOfScopeError
from gateway.core.listings import ActionFilter
from gateway.core.outcomes import (
    AnyOutcome,
    Denied,
    Ended,
    Held,
    InDoubt,
    Performed,
    Refused,
    Stale,
    UnderWay,
    Waiting,
)
from gateway.core.principals import Principal, Role
from gateway.doors.rest.authentication import AsActionReader, AsAgent, AsCanceller, AsRehearser
from gateway.doors.rest.context import Given, Neighbours
from gateway.doors.rest.documents import ActionDocument, Page, Proposal, RulingDocument
from gateway.doors.rest.preferences import waiting_time
from gateway.doors.rest.problems import problem
from gateway.doors.rest.reading import may_see, page_of, refuse_foreign, ruling_for, visible, whole
from gateway.doors.rest.routes import StrictRoute
from gateway.doors.rest.shown import ShownJSON

router = APIRouter(prefix="/v1", tags=["actions"], route_class=StrictRoute)
ActionId = Annotated[str, Path(pattern=r"^act_[0-9A-Za-z]{1,64}$")]
IdempotencyKey = Annotated[str | None, Header(pattern=r"^[!-~]{1,200}$")]


@router.post(
    "/actions", status_code=201, response_model=ActionDocument, responses={202: {"model": ActionDocument}}
)
async def propose(
    body: Proposal,
    given: Given,
    principal: AsAgent,
    idempotency_key: IdempotencyKey = None,
    prefer: Annotated[str | None, Header(max_length=100)] = None,
) -> Response:
    """Propose an action; the answer is its outcome, or 202 while it is under way, held or waiting."""
    wait_s, applied = waiting_time(prefer)
    request = Request(**body.model_dump(), idempotency_key=idempotency_key)
    outcome = await given.carrier.propose(request, principal, wait_s=wait_s)
    return await answer(given, principal, outcome, applied)


@router.get("/actions", response_class=ShownJSON)
async def list_actions(
    given: Given,
    principal: AsActionReader,
    status: Annotated[list[ActionState] | None, Query()] = None,
    agent: Annotated[str | None, Query(max_length=80)] = None,
    project: Annotated[str | None, Query(max_length=300)] = None,
    trace: Annotated[str | None, Query(max_length=80)] = None,
    after: Annotated[str | None, Query(pattern=r"^act_[0-9A-Za-z]{1,64}$")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page:
    """The actions the principal may see, newest first."""
    own = None if _reads_all(principal) else principal.id
    if own and agent not in {None, own}:
        raise OutOfScopeError("An agent sees only its own actions; leave `agent` out.")
    refuse_foreign(principal, project)
    wanted = ActionFilter(
        states=tuple(status or ()),
        agent=own or agent,
        project=project.removeprefix("jira:") if project else None,
        trace=trace,
    )
    records, following = await page_of(
        lambda last, count: given.desk.actions(wanted, after=last, limit=count),
        lambda record: may_see(principal, record),
        lambda record: record.action.id,
        after=after,
        limit=limit,
    )
    items = tuple(ActionDocument.of(record).model_dump(mode="json") for record in records)
    return Page(items=items, after=following)


@router.get("/actions/{action_id}", response_class=ShownJSON)
async def read_action(action_id: ActionId, given: Given, principal: AsActionReader) -> ActionDocument:
    """One action: ruling, ticket, outcome, evidence, and what to do next."""
    return await whole(given, await visible(given, principal, action_id), principal)


@router.post("/actions/{action_id}/cancel")
async def cancel(action_id: ActionId, given: Given, principal: AsCanceller) -> ActionDocument:
    """Withdraw an action before it has started: the agent itself, its owner, or an operator."""
    record = await visible(given, principal, action_id)
    action = record.action
    if principal.id not in {action.agent, action.on_behalf_of} and Role.OPERATOR not in principal.roles:
        raise OutOfScopeError("Only the agent, its owner or an operator may cancel this action.")
    await given.desk.cancel(action_id, by=principal.id)
    return await whole(given, await visible(given, principal, action_id), principal)


@router.post("/rulings")
async def rehearse(
    body: Proposal,
    given: Given,
    principal: AsRehearser,
    bundle: Annotated[str | None, Query(pattern=r"^(draft|[0-9a-f]{64})$")] = None,
    agent: Annotated[str | None, Query(pattern=r"^agt_[0-9A-Za-z_]{1,64}$")] = None,
) -> RulingDocument:
    """A dry run: how the action would be judged now. Nothing is recorded or done.

    Policy authors try a policy that is not in force: `bundle` is its digest, or `draft` for the one they uploaded last,
    and `agent` whose proposal it would be. That is recorded as `policy.draft_used`.
    """
    request = Request(**body.model_dump())
    if principal.is_agent and (bundle or agent):
        raise OutOfScopeError("Only policy authors try a policy that is not in force; leave `bundle` out.")
    if principal.is_agent:
        judgement = await given.road.preview(request, principal)
    elif bundle is None or agent is None:
        raise MalformedError("Name the policy in `bundle` and the agent in `agent`.", field="/bundle")
    else:
        named = None if bundle == "draft" else bundle
        judgement = await given.policies.rehearse(request, principal, policy=named, agent=agent)
    return ruling_for(judgement.ruling, principal)


async def answer(  # noqa: PLR0911 - one return for each outcome
    given: Neighbours, principal: Principal, outcome: AnyOutcome, applied: str | None
) -> Response:
    """The HTTP answer of an outcome (api.md "Outcome of POST /v1/actions")."""
    record = await visible(given, principal, outcome.action_id)
    settled = None if isinstance(outcome, UnderWay) else outcome
    document = await whole(given, record, principal, settled)
    headers = {"Preference-Applied": applied} if applied else {}
    match outcome:
        case Performed():
            return _document(201, document, headers)
        case Held() | Waiting() | UnderWay():
            return _document(202, document, {**headers, "Location": f"/v1/actions/{outcome.action_id}"})
        case Denied():
            return _denial(document, headers)
        case Refused():
            return _problem(409, "target_refused", outcome.reason, document, headers)
        case InDoubt():
            detail = f"It may have happened ({outcome.reason}); it is being reconciled. Do not repeat it."
            return _problem(504, "in_doubt", detail, document, headers)
        case Stale():
            moved = "The world moved after this was proposed; look again and propose it for the new state."
            return _problem(409, "stale", outcome.reason or moved, document, headers)
        case Ended():
            return _problem(
                409, outcome.state.value, outcome.reason or "This action is closed.", document, headers
            )


def _reads_all(principal: Principal) -> bool:
    return bool({Role.APPROVER, Role.AUDITOR, Role.OPERATOR} & set(principal.roles))


def _document(status: int, document: ActionDocument, headers: dict[str, str]) -> Response:
    return JSONResponse(document.model_dump(mode="json"), status_code=status, headers=headers)


def _denial(document: ActionDocument, headers: dict[str, str]) -> Response:
    codes = {f.code for f in document.ruling.findings} if document.ruling else set()
    if "POLICY_UNAVAILABLE" in codes:
        detail = "The policy engine does not answer; this was recorded as denied. Try again with a new key."
        return _problem(503, "policy_unavailable", detail, document, {**headers, "Retry-After": "5"})
    if "OVER_BUDGET" in codes:
        return _problem(403, "over_budget", _reasons(document), document, headers)
    return _problem(403, "denied", _reasons(document), document, headers)


def _reasons(document: ActionDocument) -> str:
    found = [f for f in document.ruling.findings if f.effect == "deny"] if document.ruling else []
    return " ".join(f.message for f in found) or "Denied by policy."


def _problem(
    status: int, code: str, detail: str, document: ActionDocument, headers: dict[str, str]
) -> Response:
    plain = document.model_dump(mode="json")
    findings: list[dict[str, Any]] = plain["ruling"]["findings"] if plain["ruling"] else []
    denied = next((f for f in findings if f["effect"] == "deny"), None)
    retry = {"kind": denied["retry"], "wait_until_ms": denied["until_ms"]} if denied else None
    return problem(
        status,
        code,
        detail,
        headers=headers,
        action_id=document.action_id,
        ticket_id=plain["ticket"]["id"] if plain["ticket"] else None,
        findings=findings,
        retry=retry,
        next=plain["next"],
        action=plain,
    )
