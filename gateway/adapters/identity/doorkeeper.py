"""Who asks: the port `Identity` over gateway tokens and OIDC JWTs.

A credential is good at one door. Whatever is wrong with one, the caller learns only what it needs to mend it, and
the failure is counted (per source and minute, one event).
"""

from collections.abc import Callable
from typing import Protocol

from gateway.adapters.identity.oidc import OidcSignIn
from gateway.core.credentials import StoredToken
from gateway.core.errors import UnauthenticatedError
from gateway.core.principals import Door, Principal, Role, Roster, Scope
from gateway.ports import Clock

TOKEN_PREFIX = "lg_"  # noqa: S105 - the visible beginning of every token, not a secret
_LONGEST = 16_384
_JWT_DOTS = 2


class Tokens(Protocol):
    """What is kept of gateway tokens."""

    async def token(self, secret: str) -> StoredToken | None:
        """The token with that secret."""
        ...


class Denials(Protocol):
    """The count of failed sign-ins."""

    def count(self, source: str, door: str, code: str, now_ms: int) -> None:
        """Note one."""
        ...


class Doorkeeper:
    """Turns a bearer credential into a principal. `roster` gives the people and agents of the policy in force."""

    def __init__(
        self,
        tokens: Tokens,
        denials: Denials,
        clock: Clock,
        roster: Callable[[], Roster],
        oidc: OidcSignIn | None = None,
    ) -> None:
        self._tokens, self._denials, self._clock, self._roster, self._oidc = (
            tokens,
            denials,
            clock,
            roster,
            oidc,
        )

    async def authenticate(self, credential: str, *, door: Door, source: str) -> Principal:
        """The principal behind a credential; raises `UnauthenticatedError` and counts it."""
        try:
            return await self._recognise(credential, door)
        except UnauthenticatedError as error:
            self._denials.count(source, door.value, error.code, self._clock.now_ms())
            raise

    async def _recognise(self, credential: str, door: Door) -> Principal:
        believable = credential.isascii() and len(credential) <= _LONGEST
        if believable and credential.startswith(TOKEN_PREFIX):
            return await self._by_token(credential, door)
        if believable and self._oidc and credential.count(".") == _JWT_DOTS:
            agent, expires_ms = await self._oidc.sign_in(credential, door)
            projects = self._projects_of(agent)
            return self._principal(
                agent, Scope(projects=projects, action_types=("*",)), door, expires_ms, None
            )
        raise UnauthenticatedError(
            "This is no credential of this gateway: send a token (`lg_…`) or an OIDC JWT."
        )

    async def _by_token(self, secret: str, door: Door) -> Principal:
        token = await self._tokens.token(secret)
        if token is None or token.revoked:
            raise UnauthenticatedError("This token is unknown or was revoked; ask an operator for a new one.")
        if token.expires_ms <= self._clock.now_ms():
            detail = (
                "This token has expired; people run `loopgate login`, agents ask an operator for a new one."
            )
            raise UnauthenticatedError(detail, code="token_expired")
        if token.door != door.value:
            detail = (
                f"This token is for the door {token.door}, not for {door.value}; use one made for this door."
            )
            raise UnauthenticatedError(detail, code="wrong_door")
        return self._principal(token.principal, token.scope, door, token.expires_ms, token.id)

    def _principal(
        self, principal: str, scope: Scope, door: Door, expires_ms: int, token_id: str | None
    ) -> Principal:
        roles, owner = self._standing(principal)
        return Principal(
            id=principal,
            roles=roles,
            owner=owner,
            scope=scope,
            door=door,
            token_id=token_id,
            expires_ms=expires_ms,
        )

    def _standing(self, principal: str) -> tuple[tuple[Role, ...], str | None]:
        """Roles and owner, from the roster in force; systems stand for themselves."""
        if principal.startswith("sys_"):
            return (Role.SYSTEM,), None
        roster = self._roster()
        agent, person = roster.agent(principal), roster.person(principal)
        if agent is not None:
            return (Role.AGENT,), agent.owner
        if person is not None:
            return person.roles, None
        detail = f"{principal} is not in the roster of the policy in force; ask an operator to add it and activate."
        raise UnauthenticatedError(detail, code="not_in_roster")

    def _projects_of(self, agent: str) -> tuple[str, ...]:
        entry = self._roster().agent(agent)
        return entry.projects if entry else ()
