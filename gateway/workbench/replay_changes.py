"""What another judgement of the same input changes: the effect, whom it asks, what it reserves, and by which rules.

Only what the policy itself said is compared. What the gateway added then (a merge request that moved, a question
nobody could answer) is the same whatever the policy says, and would hide that the policy has become laxer.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from gateway.core.gateway_codes import GATEWAY_CARDS
from gateway.core.model import Model
from gateway.core.recorded import RecordedRuling
from gateway.core.rulings import ASSURANCE_ORDER, Clause, Effect, Reservation, Retry

STRICTNESS = (Effect.ALLOW, Effect.REQUIRE_APPROVAL, Effect.DENY)
_MILD = frozenset({Effect.ALLOW, Effect.REQUIRE_APPROVAL})


class Turn(StrEnum):
    """Which way a decision went. What cannot be shown to be at least as strict as before is looser."""

    LOOSER = "looser"
    STRICTER = "stricter"


class FailOn(StrEnum):
    """What makes a replay end with exit code 1."""

    LOOSENING = "loosening"
    TIGHTENING = "tightening"
    UNREPLAYABLE = "unreplayable"
    NONE = "none"


class Cause(Model):
    """A rule that made the difference, and how: it finds nothing any more, is waived by EX-1, is in shadow now."""

    code: str
    how: str


class Flip(Model):
    """A recorded decision that would go otherwise now.

    `was` and `now` are effects of the policy; `asked` and `asks` whom it asked for approval, `what` in a few words
    what changed.
    """

    ruling_id: str
    action_id: str
    agent: str
    action_type: str
    place: str | None
    judged_ms: int
    turn: Turn
    what: str
    was: Effect
    now: Effect
    asked: tuple[Clause, ...] = ()
    asks: tuple[Clause, ...] = ()
    causes: tuple[Cause, ...] = ()


def flip_of(before: RecordedRuling, after: RecordedRuling) -> Flip | None:
    """What changed between two rulings on one input; None when nothing that matters did."""
    changed = _change(before, after)
    if changed is None:
        return None
    turn, what = changed
    return Flip(
        ruling_id=before.id,
        action_id=before.action_id,
        agent=before.agent,
        action_type=before.action_type,
        place=before.place,
        judged_ms=before.judged_ms,
        turn=turn,
        what=what,
        was=policy_effect(before),
        now=policy_effect(after),
        asked=before.clauses,
        asks=after.clauses,
        causes=tuple(_causes(before, after, what)),
    )


def policy_effect(ruling: RecordedRuling) -> Effect:
    """What the policy itself decided, without the gateway's own denials."""
    effects = set(found_effects(ruling).values())
    if Effect.DENY in effects or not ruling.grants:
        return Effect.DENY
    return Effect.REQUIRE_APPROVAL if Effect.REQUIRE_APPROVAL in effects else Effect.ALLOW


def only_waits(ruling: RecordedRuling) -> bool:
    """Whether the policy denied for now alone: every denial ends by itself, and what it asks is asked meanwhile."""
    denials = [f for f in ruling.findings if f.code not in GATEWAY_CARDS and f.effect not in _MILD]
    return bool(denials and ruling.grants) and all(f.retry is Retry.WAIT_UNTIL for f in denials)


def found_effects(ruling: RecordedRuling) -> dict[str, Effect]:
    """The strictest effect of each rule's findings; an unknown effect denies, as the gate has it."""
    found: dict[str, Effect] = {}
    for finding in ruling.findings:
        if finding.code in GATEWAY_CARDS and finding.code != "POLICY_UNAVAILABLE":
            continue
        effect = finding.effect if finding.effect in STRICTNESS else Effect.DENY
        found[finding.code] = max(effect, found.get(finding.code, effect), key=STRICTNESS.index)
    return found


def _change(before: RecordedRuling, after: RecordedRuling) -> tuple[Turn, str] | None:
    was, now = policy_effect(before), policy_effect(after)
    if was is not now:
        looser = STRICTNESS.index(now) < STRICTNESS.index(was)
        return (Turn.LOOSER if looser else Turn.STRICTER), f"{_word(was)} → {_word(now)}"
    if now is Effect.DENY and not (only_waits(before) and only_waits(after)):
        return _change_of_waiting(before, after)
    return _change_of_asking(before, after) or _budget_change(before.reserve, after.reserve)


def _change_of_waiting(before: RecordedRuling, after: RecordedRuling) -> tuple[Turn, str] | None:
    """Denied both times: for now or for good."""
    if only_waits(after):
        return Turn.LOOSER, "DENY → WAIT"
    return (Turn.STRICTER, "WAIT → DENY") if only_waits(before) else None


def _change_of_asking(before: RecordedRuling, after: RecordedRuling) -> tuple[Turn, str] | None:
    stricter = _at_least(after.clauses, before.clauses)
    if stricter and _at_least(before.clauses, after.clauses):
        return None
    return (Turn.STRICTER if stricter else Turn.LOOSER), "asks others"


def _at_least(these: Sequence[Clause], those: Sequence[Clause]) -> bool:
    """Whether whoever satisfies `these` clauses satisfies `those` too, each by one that implies it."""
    return all(any(_implies(one, other) for one in these) for other in those)


def _implies(one: Clause, other: Clause) -> bool:
    return (
        one.count >= other.count
        and set(one.any_of_roles) <= set(other.any_of_roles)
        and other.for_service in {None, one.for_service}
        and ASSURANCE_ORDER.index(one.assurance) >= ASSURANCE_ORDER.index(other.assurance)
    )


def _budget_change(
    before: Sequence[Reservation] | None, after: Sequence[Reservation] | None
) -> tuple[Turn, str] | None:
    """Whether a permitted action draws otherwise on its budgets; not asked where that was not recorded."""
    if before is None or after is None or sorted(map(repr, before)) == sorted(map(repr, after)):
        return None
    held = {(r.budget, r.window): r for r in after}
    kept = all(_as_tight(held.get((r.budget, r.window)), r) for r in before)
    return (Turn.STRICTER if kept else Turn.LOOSER), "other budgets"


def _as_tight(now: Reservation | None, was: Reservation) -> bool:
    return now is not None and now.amount >= was.amount and now.limit <= was.limit


def _causes(before: RecordedRuling, after: RecordedRuling, what: str) -> Iterable[Cause]:
    was, now = found_effects(before), found_effects(after)
    for code in sorted(was.keys() - now.keys()):
        yield Cause(code=code, how=_gone(code, after))
    for code in sorted(now.keys() - was.keys()):
        yield Cause(code=code, how=f"now {_verb(now[code])}")
    for code in sorted(was.keys() & now.keys()):
        if was[code] is not now[code]:
            yield Cause(code=code, how=f"{_verb(now[code])} instead of {_verb(was[code], gerund=True)}")
    if what == "other budgets":
        yield from _budget_causes(before.reserve or (), after.reserve or ())
    elif what == "asks others" and was == now:
        yield Cause(
            code=", ".join(sorted(c for c, e in now.items() if e is Effect.REQUIRE_APPROVAL)), how=what
        )


def _gone(code: str, after: RecordedRuling) -> str:
    by = sorted({one for waived in after.waived if waived.code == code for one in waived.by})
    if by:
        return f"waived by {', '.join(by)}"
    if any(f.code == code for f in after.shadow):
        return "in shadow now"
    return "only warns now" if any(f.code == code for f in after.warnings) else "finds nothing any more"


def _budget_causes(before: Sequence[Reservation], after: Sequence[Reservation]) -> Iterable[Cause]:
    was, now = ({f"{r.budget} per {r.window}": r for r in each} for each in (before, after))
    for name in sorted(was.keys() | now.keys()):
        if was.get(name) != now.get(name):
            yield Cause(code=f"budget {name}", how=f"{_drawn(was.get(name))} → {_drawn(now.get(name))}")


def _drawn(reservation: Reservation | None) -> str:
    return f"{reservation.amount} of {reservation.limit}" if reservation else "nothing"


def _word(effect: Effect) -> str:
    return {Effect.DENY: "DENY", Effect.REQUIRE_APPROVAL: "ASK", Effect.ALLOW: "ALLOW"}[effect]


def _verb(effect: Effect, *, gerund: bool = False) -> str:
    plain, continuing = {
        Effect.DENY: ("denies", "denying"),
        Effect.REQUIRE_APPROVAL: ("asks", "asking"),
        Effect.ALLOW: ("allows", "allowing"),
    }[effect]
    return continuing if gerund else plain
