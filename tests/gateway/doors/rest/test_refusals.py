"""Whose refusals are counted: the principal's once believed, the connection's before, never a header's."""

from types import SimpleNamespace
from typing import Any

import pytest

from gateway.core.principals import Door, Principal, Role
from gateway.doors.rest.refusals import believed, note

AGENT = Principal(id="agt_fixer", roles=(Role.AGENT,), owner="prn_dev", door=Door.REST)


class Counting:
    """Keeps what is counted."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str, int]] = []

    def count(self, source: str, door: str, code: str, now_ms: int) -> None:
        self.seen.append((source, door, code, now_ms))


def scope_of(counting: Counting, client: tuple[str, int] | None) -> dict[str, Any]:
    given = SimpleNamespace(denials=counting, clock=SimpleNamespace(now_ms=lambda: 7))
    return {"app": SimpleNamespace(state=SimpleNamespace(neighbours=given)), "client": client}


@pytest.mark.parametrize(
    ("client", "known", "source"),
    [
        (("192.0.2.1", 5), True, "agt_fixer"),
        (("192.0.2.1", 5), False, "192.0.2.1"),
        (None, False, "unknown"),
    ],
)
def test_a_refusal_is_counted_for_who_is_known(
    client: tuple[str, int] | None, source: str, *, known: bool
) -> None:
    counting = Counting()
    scope = scope_of(counting, client)
    if known:
        believed(scope, AGENT)

    note(scope, "out_of_scope")

    assert counting.seen == [(source, "rest", "out_of_scope", 7)]
