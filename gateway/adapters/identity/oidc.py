"""OIDC sign-in of agents: CI jobs, service accounts, any issuer the operator trusts.

The signature, the issuer, the audience and the times are checked first, then the claims the operator demands; a
`jti` counts once where the issuer's entry says so. Only asymmetric algorithms: a shared secret signs nobody in.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jwt

from gateway.adapters.identity.jwks import KeySet
from gateway.core.errors import UnauthenticatedError
from gateway.core.principals import Door
from gateway.ports import Clock

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_LEEWAY_S = 30
_LONGEST_LIFE_S = 24 * 3600
_OURS = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "require": ["iss", "aud", "exp"]}


class SeenOnce(Protocol):
    """Memory of what may be used one time only."""

    async def see_once(self, issuer: str, jti: str, expires_ms: int) -> bool:
        """Whether this `jti` is new; from now on it is not."""
        ...


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose JWTs sign in which agent. `claims` must all be equal; `once` wants a fresh `jti` each time."""

    issuer: str
    audience: str
    keys: KeySet
    agent: str
    claims: tuple[tuple[str, str], ...] = ()
    once: bool = False
    doors: tuple[Door, ...] = (Door.REST,)


class OidcSignIn:
    """Checks JWTs against the issuers the operator trusts."""

    def __init__(self, issuers: Sequence[Issuer], seen: SeenOnce, clock: Clock) -> None:
        self._issuers, self._seen, self._clock = tuple(issuers), seen, clock

    async def sign_in(self, token: str, door: Door) -> tuple[str, int]:
        """The agent a JWT signs in and when it ends (milliseconds since 1970); raises `UnauthenticatedError`."""
        trusted = [i for i in self._issuers if i.issuer == _claimed_issuer(token) and door in i.doors]
        if not trusted:
            raise _refused("This gateway trusts no such JWT issuer at this door.", "unknown_issuer")
        refusal = _refused("", "bad_jwt")
        for issuer in trusted:
            try:
                claims = await self._verify(token, issuer)
            except UnauthenticatedError as error:
                refusal = error
            else:
                await self._spend(claims, issuer)
                return issuer.agent, int(claims["exp"]) * 1000
        raise refusal

    async def _verify(self, token: str, issuer: Issuer) -> dict[str, Any]:
        try:
            key = await issuer.keys.key(jwt.get_unverified_header(token).get("kid"))
            claims = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=issuer.audience,
                issuer=issuer.issuer,
                options=_OURS,  # type: ignore[arg-type]
            )
        except jwt.PyJWTError as error:
            raise _refused(f"The JWT does not hold: {error}.", "bad_jwt") from error
        self._check_times(claims)
        _check_claims(claims, issuer)
        return claims

    def _check_times(self, claims: dict[str, Any]) -> None:
        """`exp`, `nbf` and `iat` against our own clock, with half a minute of leeway (RFC 7519 section 4.1)."""
        now_s = self._clock.now_ms() // 1000
        expires, not_before, issued = (_seconds(claims, name) for name in ("exp", "nbf", "iat"))
        if expires is None or expires + _LEEWAY_S <= now_s:
            raise _refused("The JWT has expired; ask its issuer for a new one.", "token_expired")
        if expires - now_s > _LONGEST_LIFE_S:
            raise _refused(
                "The JWT is good for more than a day; ask its issuer for a shorter one.", "bad_jwt"
            )
        if any(moment is not None and moment - _LEEWAY_S > now_s for moment in (not_before, issued)):
            raise _refused("The JWT is not good yet; compare the clocks.", "bad_jwt")

    async def _spend(self, claims: dict[str, Any], issuer: Issuer) -> None:
        if not issuer.once:
            return
        jti = claims.get("jti")
        if not isinstance(jti, str) or not jti:
            raise _refused("The JWT needs a `jti`, because each is accepted one time only.", "bad_jwt")
        until_ms = (int(claims["exp"]) + _LEEWAY_S) * 1000
        if not await self._seen.see_once(issuer.issuer, jti, until_ms):
            raise _refused("This JWT was used already; ask its issuer for a new one.", "bad_jwt")


def _claimed_issuer(token: str) -> str | None:
    """Whose JWT it says it is: only to choose the keys it is then verified with."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, RecursionError) as error:
        raise _refused(f"This is no JWT: {error}.", "bad_jwt") from error
    issuer = claims.get("iss")
    return issuer if isinstance(issuer, str) else None


def _check_claims(claims: dict[str, Any], issuer: Issuer) -> None:
    for name, wanted in issuer.claims:
        if _plain(claims.get(name)) != wanted:
            raise _refused(f"The JWT's claim `{name}` is not the one this gateway asks for.", "bad_jwt")


def _plain(value: Any) -> str | None:
    """A claim as the settings write it: GitLab sends `ref_protected` as text, others as a boolean."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int) else None


def _seconds(claims: dict[str, Any], name: str) -> int | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _refused(f"The JWT's `{name}` is no time.", "bad_jwt")
    return int(value)


def _refused(detail: str, code: str) -> UnauthenticatedError:
    return UnauthenticatedError(detail, code=code)
