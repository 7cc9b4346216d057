"""What is refused before any action is recorded, counted: who asked, at which door, with which code.

The counts become one `session.denied` event per source, code and minute, so that probing leaves a trace and a flood
does not fill the log. The source is the principal once the credential was believed, and the address before.
"""

from typing import Any

from starlette.types import Scope

from gateway.core.principals import Door, Principal

_WHO = "principal"


def believed(scope: Scope, principal: Principal) -> None:
    """Remember whose request this is."""
    scope.setdefault("state", {})[_WHO] = principal.id


def note(scope: Scope, code: str) -> None:
    """Count one refusal of this request."""
    given: Any = scope["app"].state.neighbours
    client = scope.get("client")
    source = scope.get("state", {}).get(_WHO) or (client[0] if client else "unknown")
    given.denials.count(source, Door.REST.value, code, given.clock.now_ms())
