"""From what arrived to what is meant: the one normal form, or an error that says exactly what to mend.

Order: well-formed → type → target → params → scope → secrets cut out. Whatever a caller sends, the answer is an
`Action` or a `CallerError`; nothing is stored or shown before the secrets are out.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from gateway.core.actions import Action, Request
from gateway.core.aims import aim, places_of
from gateway.core.errors import MalformedError, OutOfScopeError
from gateway.core.forms import check_characters, fill
from gateway.core.globs import GlobError, matches_any
from gateway.core.principals import Principal, Scope
from gateway.core.redaction import redact_params, redact_text, refuse_secrets
from gateway.core.vocabulary import ActionType
from gateway.core.wellformed import check_values, strings

MAX_INTENT = 2000
_TRACE = re.compile(r"trc_[0-9A-Za-z_]{1,60}")
_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")


def normalise(request: Request, principal: Principal, *, action_id: str, trace: str, now_ms: int) -> Action:
    """The action a request means, with every secret in it replaced by `{redacted:<detector>}`.

    What was cut out is in `redactions`; such an action is recorded and denied. `now_ms` is the admission time in
    milliseconds since 1970, UTC. Raises `MalformedError` or `OutOfScopeError`.
    """
    check_values(request.model_dump())
    action_type = _type(request.type)
    target = aim(action_type, request.target)
    params = fill(action_type, request.params)
    _check_envelope(request, trace)
    for place in places_of(target, params) or (None,):
        _check_scope(principal, action_type, place)
    refuse_secrets(_names(request, trace))
    intent, in_intent = redact_text(request.intent, "/intent")
    clean, in_params = redact_params(action_type, request.params)
    return Action(
        id=action_id,
        type=action_type,
        target=target,
        params=fill(action_type, clean) if in_params else params,
        intent=intent,
        agent=principal.id,
        on_behalf_of=_owner(principal),
        door=principal.door,
        trace=trace,
        created_ms=now_ms,
        idempotency_key=request.idempotency_key,
        redactions=(*in_intent, *in_params),
        when_ready=request.when_ready,
        sources=request.sources,
    )


def _type(name: str) -> ActionType:
    known = [t.value for t in ActionType]
    if name in known:
        return ActionType(name)
    close = get_close_matches(name[:60], known, n=1)
    hint = f" Did you mean {close[0]}?" if close else " `GET /v1/me` lists the types you may use."
    raise MalformedError(f"/type is not a type of action.{hint}", field="/type")


def _check_envelope(request: Request, trace: str) -> None:
    if len(request.intent) > MAX_INTENT:
        raise MalformedError(f"/intent is longer than {MAX_INTENT} characters.", field="/intent")
    check_characters(request.intent, "/intent")
    if not _TRACE.fullmatch(trace):
        raise MalformedError("/trace must be an id such as trc_01KA….", field="/trace")
    key = request.idempotency_key
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise MalformedError(
            "The idempotency key must be 1 to 255 visible ASCII characters.", field="/idempotency_key"
        )


def _names(request: Request, trace: str) -> Iterator[tuple[str, str]]:
    """What is neither free text nor params, and so cannot be redacted without becoming another thing."""
    refs = [source.ref for source in request.sources]
    key = request.idempotency_key
    yield from strings({"target": request.target, "trace": trace, "idempotency_key": key, "sources": refs})


def in_scope(scope: Scope, place: str) -> bool:
    """Whether a project (`shop/checkout`, `jira:SHOP`) is in a scope: for reads as for actions. Raises `GlobError`."""
    return matches_any(_canonical(scope.projects), place if place.startswith("jira:") else place.lower())


def type_in_scope(scope: Scope, action_type: str) -> bool:
    """Whether a scope covers a type: `.` between its words (`issue.*`), a lone `*` meaning all. Raises `GlobError`."""
    return "*" in scope.action_types or matches_any(scope.action_types, action_type, separator=".")


def _check_scope(principal: Principal, action_type: ActionType, place: str | None) -> None:
    try:
        allowed = _covers(principal.scope, action_type.value, place)
    except GlobError as error:
        raise OutOfScopeError(
            f"This credential's scope cannot be read ({error}); ask for a new one."
        ) from error
    if not allowed:
        where = f" in {place}" if place else ""
        raise OutOfScopeError(
            f"This credential may not propose {action_type.value}{where}. {_may(principal.scope)}"
        )


def _covers(scope: Scope, action_type: str, place: str | None) -> bool:
    return type_in_scope(scope, action_type) and (place is None or in_scope(scope, place))


def _canonical(projects: tuple[str, ...]) -> tuple[str, ...]:
    """GitLab finds projects whatever the case, so their globs are compared in lower case, as targets are."""
    return tuple(p if p.startswith("jira:") else p.lower() for p in projects)


def _may(scope: Scope) -> str:
    types = ", ".join(scope.action_types) or "nothing"
    return f"It may propose {types} in {', '.join(scope.projects) or 'no project'}."


def _owner(principal: Principal) -> str:
    if not principal.is_agent:
        return principal.id
    if principal.owner is None:
        raise OutOfScopeError(
            "This agent has no owner, so nobody answers for it; ask an operator to give it one."
        )
    return principal.owner
