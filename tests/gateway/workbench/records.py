"""Recorded rulings made for one test."""

import hashlib
from typing import Any

from gateway.core.digests import input_bytes
from gateway.core.recorded import RecordedFinding, RecordedRuling
from gateway.core.rulings import Clause, Effect, Reservation, Retry

SRE = Clause(count=1, any_of_roles=("sre",))
ACTIONS = Reservation(budget="actions", window="hour", amount=1, limit=30)


def found(code: str, effect: Effect = Effect.DENY, **facts: Any) -> RecordedFinding:
    return RecordedFinding(code=code, effect=effect, facts=facts, message=f"{code} found something.")


def for_now(code: str) -> RecordedFinding:
    """A denial that ends by itself."""
    return found(code).model_copy(update={"retry": Retry.WAIT_UNTIL})


def ruling(**change: Any) -> RecordedRuling:
    """An allowed action of agt_fixer in shop/checkout, with what a test wants otherwise."""
    document = change.get("document", {"version": 1})
    digest = hashlib.sha256(input_bytes(document)).hexdigest() if document else "0" * 64
    plain: dict[str, Any] = {
        "id": "rul_1",
        "action_id": "act_1",
        "agent": "agt_fixer",
        "action_type": "commit.create",
        "place": "shop/checkout",
        "judged_ms": 1_800_000_000_000,
        "effect": Effect.ALLOW,
        "grants": ("basics",),
        "reserve": (ACTIONS,),
        "policy_digest": "d" * 64,
        "input_digest": digest,
        "document": document,
    }
    return RecordedRuling.model_validate({**plain, **change})
