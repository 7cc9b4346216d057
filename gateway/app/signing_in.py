"""Sign-in by JWT for the issuers the settings trust."""

from collections.abc import Awaitable, Callable

import httpx2

from gateway.adapters.identity.jwks import KeySet, from_file
from gateway.adapters.identity.oidc import Issuer, OidcSignIn
from gateway.app.gateway import Gateway
from gateway.core.errors import TargetError
from gateway.settings import OidcIssuer


def oidc_sign_in(gateway: Gateway) -> OidcSignIn | None:
    """Sign-in by JWT for every issuer the settings trust."""

    def fetching(issuer: OidcIssuer) -> Callable[[], Awaitable[bytes]]:
        return from_file(issuer.jwks_file) if issuer.jwks_file else lambda: _fetched(gateway, issuer.jwks_url)

    issuers = [
        Issuer(
            issuer=i.issuer,
            audience=i.audience,
            keys=KeySet(fetching(i), gateway.clock),
            agent=i.agent,
            claims=tuple(sorted(i.claims.items())),
            once=i.once,
            doors=i.doors,
        )
        for i in gateway.settings.oidc
    ]
    return OidcSignIn(issuers, gateway.store.credentials, gateway.clock) if issuers else None


async def _fetched(gateway: Gateway, url: str) -> bytes:
    try:
        async with gateway.egress.async_client() as http:
            return (await http.get(url)).raise_for_status().content
    except (httpx2.HTTPError, TargetError) as error:
        raise OSError(str(error)) from error
