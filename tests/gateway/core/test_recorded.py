"""Decisions as they are judged again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.recorded import RecordedRuling, id_before, recorded
from gateway.core.rulings import (
    Binding,
    Clause,
    Effect,
    Finding,
    Narrowing,
    PolicyVersion,
    Reservation,
    Retry,
    Ruling,
    Waived,
)

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
HOUR_MS = 3_600_000


def finding(code: str, effect: Effect) -> Finding:
    return Finding(
        code=code,
        effect=effect,
        facts={"files": 45},
        retry=Retry.NEEDS_APPROVAL,
        title="Files",
        severity="medium",
        remediation="Split it.",
        message=f"{code} Files: files 45.",
        binding=Binding.STATE,
    )


RULING = Ruling(
    id="rul_1",
    action_id="act_1",
    effect=Effect.REQUIRE_APPROVAL,
    findings=(finding("BLAST-001", Effect.REQUIRE_APPROVAL),),
    waived=(Waived(code="BLAST-002", by=("EX-1",)),),
    shadow=(finding("BLAST-003", Effect.DENY),),
    warnings=(finding("TEXT-005", Effect.WARN),),
    grants=("basics",),
    reserve=(Reservation(budget="actions", window="hour", amount=1, limit=30),),
    clauses=(Clause(count=1, any_of_roles=("sre",)),),
    policy=PolicyVersion(digest="d" * 64, revision="", engine="opa-wasm", engine_version="1"),
    input_digest="e" * 64,
    judged_ms=7,
)


def taken(ruling: Ruling) -> RecordedRuling:
    return recorded(
        ruling, agent="agt_fixer", action_type="commit.create", place="shop/checkout", document={"version": 1}
    )


def test_nothing_that_counts_for_a_replay_is_lost() -> None:
    kept = taken(RULING)

    assert (kept.id, kept.action_id, kept.judged_ms) == ("rul_1", "act_1", 7)
    assert (kept.agent, kept.action_type, kept.place) == ("agt_fixer", "commit.create", "shop/checkout")
    assert [(f.code, f.effect, f.facts, f.message) for f in kept.findings] == [
        ("BLAST-001", Effect.REQUIRE_APPROVAL, {"files": 45}, "BLAST-001 Files: files 45.")
    ]
    assert [f.code for f in kept.shadow] == ["BLAST-003"]
    assert [f.code for f in kept.warnings] == ["TEXT-005"]
    assert (kept.waived, kept.grants, kept.clauses, kept.reserve) == (
        RULING.waived,
        RULING.grants,
        RULING.clauses,
        RULING.reserve,
    )
    assert (kept.policy_digest, kept.input_digest, kept.document) == ("d" * 64, "e" * 64, {"version": 1})
    assert kept.break_glass is None


def test_break_glass_is_named() -> None:
    ruling = RULING.model_copy(update={"break_glass": Narrowing(id="bgl_1", codes=("BLAST-001",))})

    assert taken(ruling).break_glass == "bgl_1"


@given(st.integers(0, 2**47), st.integers(0, 2**80 - 1))
def test_every_id_of_a_period_lies_behind_its_beginning(time_ms: int, chance: int) -> None:
    value = time_ms << 80 | chance
    ulid = "".join(ALPHABET[(value >> (5 * place)) & 31] for place in reversed(range(26)))

    assert id_before("rul", time_ms) < f"rul_{ulid}"
    assert id_before("rul", time_ms + 2 * HOUR_MS) > f"rul_{ulid}"


@pytest.mark.parametrize("time_ms", [0, 1, HOUR_MS])
def test_the_beginning_of_time_is_before_every_id(time_ms: int) -> None:
    assert id_before("rul", time_ms) == "rul_0000000000"
