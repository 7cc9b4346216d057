"""`/v1/agents`, `/v1/people`, `/v1/tokens`: credentials. Secrets are shown once."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field, StringConstraints

from gateway.core.credentials import Token, VoteKey
from gateway.core.errors import NotFoundError
from gateway.core.model import Model
from gateway.core.principals import Door, Scope
from gateway.doors.rest.authentication import AsOperator
from gateway.doors.rest.context import Given
from gateway.doors.rest.documents import Identifier, WholeNumber
from gateway.doors.rest.routes import StrictRoute

router = APIRouter(prefix="/v1", tags=["credentials"], route_class=StrictRoute)
Base64Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$")]
Base64Signature = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{86}==$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{16,100}$")]
Glob = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.*:/-]{1,200}$")]


class TokenRequest(Model):
    """A gateway token for an agent: projects and action types as globs, good at one door."""

    projects: tuple[Glob, ...] = Field(min_length=1, max_length=100)
    action_types: tuple[Glob, ...] = Field(default=("*",), min_length=1, max_length=50)
    door: Door = Door.REST
    lifetime_s: WholeNumber = Field(default=30 * 86400, ge=60, le=366 * 86400)


class PersonRequest(Model):
    """A person of the roster; name and e-mail are erasable rows, never in the log."""

    id: Annotated[str, StringConstraints(pattern=r"^prn_[0-9A-Za-z_]{1,60}$")]
    name: Annotated[str, StringConstraints(max_length=200)] = ""
    email: Annotated[str, StringConstraints(max_length=320)] = ""


class Invitation(Model):
    """A one-time code for `loopgate login`."""

    person: str
    code: str


class KeyRequest(Model):
    """Registers a vote key with a one-time code: the public half, 32 bytes in base64."""

    code: Code
    public_key: Base64Key


class Challenge(Model):
    """What to sign to get a short token."""

    challenge: str


class ChallengeRequest(Model):
    """Asks for a challenge for one key."""

    key_id: Identifier


class SignInRequest(Model):
    """Answers a challenge: an Ed25519 signature over its bytes."""

    key_id: Identifier
    challenge: Code
    signature: Base64Signature


class Revocation(Model):
    """A token that is now worthless."""

    token: str


@router.post("/agents/{agent_id}/tokens", status_code=201)
async def issue_token(
    agent_id: Annotated[str, Path(pattern=r"^agt_[0-9A-Za-z_]{1,60}$")],
    body: TokenRequest,
    given: Given,
    operator: AsOperator,
) -> Token:
    """Make a token for an agent of the roster."""
    if given.policy.in_force.roster.agent(agent_id) is None:
        raise NotFoundError("The policy in force has no such agent; add it with `loopgate agents add`.")
    scope = Scope(projects=body.projects, action_types=body.action_types)
    return await given.credentials.issue(
        agent_id, scope, door=body.door, lifetime_s=body.lifetime_s, by=operator.id
    )


@router.delete("/tokens/{token_id}")
async def revoke_token(
    token_id: Annotated[str, Path(pattern=r"^tok_[0-9A-Za-z]{1,64}$")], given: Given, operator: AsOperator
) -> Revocation:
    """Make a token worthless at once."""
    await given.credentials.revoke(token_id, by=operator.id)
    return Revocation(token=token_id)


@router.post("/people", status_code=201)
async def invite(body: PersonRequest, given: Given, operator: AsOperator) -> Invitation:
    """Invite a person of the roster; the code is shown once."""
    if given.policy.in_force.roster.person(body.id) is None:
        raise NotFoundError("The policy in force has no such person; add it with `loopgate people add`.")
    code = await given.credentials.invite(body.id, name=body.name, email=body.email, by=operator.id)
    return Invitation(person=body.id, code=code)


@router.post("/people/keys", status_code=201)
async def register_key(body: KeyRequest, given: Given) -> VoteKey:
    """Register a vote key; the one-time code says whose it is."""
    return await given.credentials.register_key(body.code, body.public_key)


@router.post("/tokens", status_code=201, response_model=Token | Challenge)
async def sign_in(body: SignInRequest | ChallengeRequest, given: Given) -> Token | Challenge:
    """First with a key id alone: a challenge. Then with its signature: a token of 15 minutes at most."""
    if isinstance(body, ChallengeRequest):
        return Challenge(challenge=await given.credentials.challenge(body.key_id))
    return await given.credentials.sign_in(body.key_id, body.challenge, body.signature)
