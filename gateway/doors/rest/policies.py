"""`/v1/policies`: uploading policies, putting one in force, going back, the seal."""

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import StringConstraints

from gateway.core.actions import Request
from gateway.core.errors import ConflictError, MalformedError, OutOfScopeError
from gateway.core.model import Model
from gateway.core.policies import KeptPolicy, PolicyStanding, PolicyStep
from gateway.core.principals import Principal, Scope
from gateway.core.redaction import redact_text
from gateway.core.vocabulary import ActionType, System
from gateway.doors.rest.actions import answer
from gateway.doors.rest.authentication import AsAuthor, AsAuthorOrOperator, AsOperator, AsPerson
from gateway.doors.rest.context import Given, Neighbours
from gateway.doors.rest.documents import ActionDocument, Hex64, Sentence
from gateway.doors.rest.routes import StrictRoute

router = APIRouter(prefix="/v1/policies", tags=["policy"], route_class=StrictRoute)
_WAIT_S = 20.0
Base64 = Annotated[
    str, StringConstraints(min_length=4, max_length=22_000_000, pattern=r"^[A-Za-z0-9+/]+={0,2}$")
]


class PolicyUpload(Model):
    """Both signed bundles of a policy, as `loopgate policy build --sign` writes them (`tar.gz`), in base64."""

    wasm: Base64
    rego: Base64


class PolicyProposal(Model):
    """The policy that shall be in force, and why: what the approvers read."""

    digest: Hex64
    reason: Sentence


class RollbackProposal(Model):
    """Why the policy of before shall be in force again."""

    reason: Sentence


class PolicyList(Model):
    """The policies that are kept, newest first, which one is in force, and how it came so."""

    in_force: str | None
    previous: str | None
    sealed_ms: int | None
    items: tuple[KeptPolicy, ...]
    history: tuple[PolicyStep, ...]


class InForce(Model):
    """The policy in force after a change that needed no approval."""

    digest: str
    before: str | None
    changed: bool


@router.get("")
async def list_policies(given: Given, person: AsPerson) -> PolicyList:
    """The policies that are kept, and the one in force."""
    return _listed(await given.policies.standing(), await given.policies.kept())


@router.post("", status_code=201)
async def upload(body: PolicyUpload, given: Given, author: AsAuthor) -> KeptPolicy:
    """Keep a signed policy, after checking it; it judges nothing until it is activated."""
    return await given.policies.upload(_bytes("wasm", body.wasm), _bytes("rego", body.rego), by=author.id)


@router.post("/activate", response_model=ActionDocument, status_code=202, responses={200: {"model": InForce}})
async def activate(body: PolicyProposal, given: Given, author: AsAuthor) -> Response:
    """Put an uploaded policy in force.

    Before the seal it is done at once; after it, this is the action `policy.activate` in the author's name.
    """
    standing = await given.policies.standing()
    if standing.sealed:
        return await _proposed(given, author, ActionType.POLICY_ACTIVATE, body.digest, body.reason)
    changed = await given.policies.enter(body.digest, by=author.id)
    return _done(body.digest, standing, changed=changed)


@router.post("/rollback", response_model=ActionDocument, status_code=202, responses={200: {"model": InForce}})
async def rollback(body: RollbackProposal, given: Given, person: AsAuthorOrOperator) -> Response:
    """Go back to the policy that was in force before.

    Before the seal it is done at once; after it, this is the action `policy.rollback` in the person's name.
    """
    standing = await given.policies.standing()
    if standing.previous is None:
        raise ConflictError("No policy was in force before this one.")
    if standing.sealed:
        return await _proposed(given, person, ActionType.POLICY_ROLLBACK, standing.previous, body.reason)
    return _done(await given.policies.step_back(by=person.id), standing, changed=True)


@router.post("/seal")
async def seal(given: Given, operator: AsOperator) -> PolicyList:
    """From now on the policy changes by approval only; this cannot be undone."""
    sealed = await given.policies.seal(by=operator.id)
    return _listed(sealed, await given.policies.kept())


async def _proposed(
    given: Neighbours, person: Principal, kind: ActionType, digest: str, reason: str
) -> Response:
    if person.is_agent:
        raise OutOfScopeError("Agents do not change the policy; ask a person.")
    asked = Request(
        type=kind.value,
        target={"system": System.LOOPGATE.value},
        params={"digest": digest},
        intent=redact_text(reason, "/reason")[0],
    )
    # People hold no scope of their own: the route lends the one type of action it is there for.
    proposer = person.model_copy(update={"scope": Scope(action_types=(kind.value,))})
    outcome = await given.carrier.propose(asked, proposer, wait_s=_WAIT_S)
    return await answer(given, person, outcome, None)


def _done(digest: str, standing: PolicyStanding, *, changed: bool) -> Response:
    done = InForce(digest=digest, before=standing.active, changed=changed)
    return JSONResponse(done.model_dump(mode="json"), status_code=200)


def _listed(standing: PolicyStanding, kept: tuple[KeptPolicy, ...]) -> PolicyList:
    return PolicyList(
        in_force=standing.active,
        previous=standing.previous,
        sealed_ms=standing.sealed_ms,
        items=kept,
        history=standing.history,
    )


def _bytes(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise MalformedError(f"body/{name} is not base64.", field=f"/{name}") from error
