"""Only `grant()` makes a permit, and only for what is allowed."""

import ast
import copy
import dataclasses
import re
from pathlib import Path

import pytest

from gateway.core import permits
from gateway.core.permits import RULING_LIFETIME_MS, Permit, PermitRefusedError, grant
from gateway.core.rulings import Effect, Reservation
from gateway.core.tickets import TicketState
from tests.gateway.core.making import action, bench, finding, judgement, ruling, ticket, vote

ROOT = Path(__file__).parents[3]
PEOPLE = bench(sam=("sre",))
ALLOWED = judgement(
    ruling(Effect.ALLOW, reserve=(Reservation(budget="actions", window="hour", amount=1, limit=3),))
)
ASKED = judgement(ruling(Effect.REQUIRE_APPROVAL, (finding(effect=Effect.REQUIRE_APPROVAL),)))
OPEN = ticket(ASKED)
APPROVED = OPEN.model_copy(update={"state": TicketState.APPROVED, "votes": (vote("prn_sam", OPEN),)})


def test_a_permit_carries_what_the_started_step_checks() -> None:
    permit = grant(ALLOWED, None, PEOPLE)

    assert permit.action == ALLOWED.action
    assert permit.facts == ALLOWED.facts
    assert (permit.ruling_id, permit.judged_ms) == (ALLOWED.ruling.id, ALLOWED.ruling.judged_ms)
    assert permit.policy_digest == ALLOWED.ruling.policy.digest
    assert permit.question_digest == ALLOWED.question.digest
    assert permit.reserve == ALLOWED.ruling.reserve
    assert permit.ticket_id is None
    assert grant(ASKED, APPROVED, PEOPLE).ticket_id == "tkt_1"


def test_a_ruling_is_good_for_thirty_seconds() -> None:
    assert RULING_LIFETIME_MS == 30_000


def test_what_is_not_allowed_gets_no_permit() -> None:
    for held in (None, OPEN, APPROVED.model_copy(update={"votes": ()})):
        with pytest.raises(PermitRefusedError, match="do not allow"):
            grant(ASKED, held, PEOPLE)
    with pytest.raises(PermitRefusedError):
        grant(ASKED, APPROVED, bench())
    with pytest.raises(PermitRefusedError):
        grant(judgement(ruling(Effect.DENY, (finding(),))), None, PEOPLE)


def test_a_ruling_or_a_ticket_of_another_action_gives_no_permit() -> None:
    other = ALLOWED.model_copy(update={"action": action(id="act_2")})

    with pytest.raises(PermitRefusedError, match="another action"):
        grant(other, None, PEOPLE)
    with pytest.raises(PermitRefusedError, match="another action"):
        grant(ASKED, APPROVED.model_copy(update={"action_id": "act_2"}), PEOPLE)


def test_nothing_but_grant_makes_a_permit() -> None:
    given = grant(ALLOWED, None, PEOPLE)
    members = {f.name: getattr(given, f.name) for f in dataclasses.fields(Permit)}

    with pytest.raises(PermitRefusedError):
        Permit(**members, _seal=object())
    with pytest.raises((TypeError, ValueError)):
        Permit(**members)
    with pytest.raises((TypeError, ValueError)):
        dataclasses.replace(given, action=action(id="act_2"))  # type: ignore[call-arg]
    with pytest.raises(dataclasses.FrozenInstanceError):
        given.action = action(id="act_2")  # type: ignore[misc]


def test_a_copy_of_a_permit_is_for_the_same_action() -> None:
    given = grant(ALLOWED, None, PEOPLE)

    assert copy.copy(given).action == given.action


def calls_of(tree: ast.AST, name: str) -> int:
    """How often the name is called in the tree, as `name(…)` or `….name(…)`."""
    called = [n.func for n in ast.walk(tree) if isinstance(n, ast.Call)]
    return sum(
        (isinstance(f, ast.Name) and f.id == name) or (isinstance(f, ast.Attribute) and f.attr == name)
        for f in called
    )


def test_no_other_file_of_the_product_makes_a_permit_or_touches_the_seal() -> None:
    own = Path(permits.__file__)
    for path in [p for folder in ("gateway", "audit") for p in (ROOT / folder).rglob("*.py")]:
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)

        assert calls_of(tree, "Permit") == (1 if path == own else 0), path
        assert path == own or not re.search(r"\b_SEAL\b", source), path
