"""Who asks, and whether a route is for them: least privilege per route."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from gateway.core.errors import OutOfScopeError, UnauthenticatedError
from gateway.core.principals import Door, Principal, Role
from gateway.doors.rest.context import Given
from gateway.doors.rest.refusals import believed, note

_bearer = HTTPBearer(auto_error=False, description="A gateway token (`lg_…`) or an OIDC JWT.")
Bearer = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


async def signed_in(request: Request, given: Given, bearer: Bearer) -> Principal:
    """The principal of this request; raises `UnauthenticatedError`."""
    if bearer is None:
        note(request.scope, UnauthenticatedError.code)
        raise UnauthenticatedError(
            "Send `Authorization: Bearer <token>`. People read a ticket with `loopgate tickets show --web`."
        )
    source = request.client.host if request.client else "unknown"
    principal = await given.identity.authenticate(bearer.credentials, door=Door.REST, source=source)
    believed(request.scope, principal)
    return principal


SignedIn = Annotated[Principal, Depends(signed_in)]


def only(*roles: Role) -> Callable[[Principal], Awaitable[Principal]]:
    """A dependency that lets only these roles through; raises `OutOfScopeError` naming them."""

    async def check(principal: SignedIn) -> Principal:
        if not set(roles) & set(principal.roles):
            wanted = ", ".join(sorted(r.value for r in roles))
            has = ", ".join(sorted(r.value for r in principal.roles))
            raise OutOfScopeError(f"This route is for {wanted}; your token's roles are {has}.")
        return principal

    return check


AsAgent = Annotated[Principal, Depends(only(Role.AGENT))]
AsReader = Annotated[Principal, Depends(only(Role.AGENT, Role.APPROVER, Role.AUDITOR, Role.OPERATOR))]
AsActionReader = Annotated[
    Principal, Depends(only(Role.AGENT, Role.APPROVER, Role.AUDITOR, Role.OPERATOR, Role.POLICY_AUTHOR))
]
AsCanceller = Annotated[
    Principal, Depends(only(Role.AGENT, Role.APPROVER, Role.OPERATOR, Role.POLICY_AUTHOR))
]
AsApprover = Annotated[Principal, Depends(only(Role.APPROVER, Role.OPERATOR))]
AsTicketReader = Annotated[Principal, Depends(only(Role.APPROVER, Role.AUDITOR, Role.OPERATOR))]
AsAuditor = Annotated[Principal, Depends(only(Role.AUDITOR))]
AsPolicyReader = Annotated[Principal, Depends(only(Role.POLICY_AUTHOR, Role.AUDITOR))]
AsOperator = Annotated[Principal, Depends(only(Role.OPERATOR))]
AsSystem = Annotated[Principal, Depends(only(Role.SYSTEM, Role.OPERATOR))]
AsPerson = Annotated[Principal, Depends(only(Role.APPROVER, Role.AUDITOR, Role.OPERATOR, Role.POLICY_AUTHOR))]
AsAuthor = Annotated[Principal, Depends(only(Role.POLICY_AUTHOR))]
AsAuthorOrOperator = Annotated[Principal, Depends(only(Role.POLICY_AUTHOR, Role.OPERATOR))]
AsRehearser = Annotated[Principal, Depends(only(Role.AGENT, Role.POLICY_AUTHOR))]
