"""`loopgate policy explain`: a decision as people read it, with every rule that looked and why it spoke or did not."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gateway.core.digests import digest_of
from gateway.core.gateway_codes import GATEWAY_CARDS
from gateway.core.model import Model
from gateway.core.recorded import RecordedFinding, RecordedRuling
from gateway.core.rulings import Clause, Effect, Reservation, RuleCard
from gateway.workbench.explain_trace import Condition, Traced, traced
from gateway.workbench.formats import Level, Outcome, Report
from gateway.workbench.replay import Judge, Unreplayable, obstacle_to
from gateway.workbench.replay_changes import Flip, flip_of, only_waits, policy_effect
from gateway.workbench.replay_report import asked_of

TOOL = "loopgate policy explain"
_SAYS = {Effect.DENY: "denies", Effect.REQUIRE_APPROVAL: "asks", Effect.WARN: "warns", Effect.ALLOW: "denies"}
_LEVELS: dict[str, Level] = {"denies": "error", "asks": "warning", "warns": "note"}


class Look(Model):
    """What one rule made of an action.

    `outcome` is denies, asks, warns, in shadow, waived, off or quiet; `stopped` says where each of a quiet rule's
    bodies stopped, `helps` what helps against a finding.
    """

    code: str
    title: str
    file: str
    outcome: str
    message: str = ""
    helps: str = ""
    stopped: tuple[Condition, ...] = ()


class Explanation(Model):
    """A decision on one policy input, under one policy."""

    subject: str
    policy_digest: str
    effect: Effect
    waits: bool
    grants: tuple[str, ...]
    clauses: tuple[Clause, ...]
    reserve: tuple[Reservation, ...]
    missing: tuple[str, ...]
    looks: tuple[Look, ...]
    gateway: tuple[str, ...] = ()


class Difference(Model):
    """A recorded decision beside what another policy makes of it; `flip` is None where nothing that matters changed."""

    recorded_effect: Effect
    recorded_policy: str
    flip: Flip | None


async def explained(folder: Path, judge: Judge, document: dict[str, Any], subject: str) -> Explanation:
    """The decision of a policy folder on a policy input, rule by rule."""
    ruling = await judge.judge(_blank(subject, document), document)
    return _explanation(subject, ruling, judge, traced(folder, judge.built.data, document))


async def explained_again(
    folder: Path, judge: Judge, before: RecordedRuling
) -> tuple[Explanation, Difference] | Unreplayable:
    """A recorded decision under a policy folder, and what it changes; why not, where it cannot be judged again."""
    obstacle = obstacle_to(before)
    if obstacle:
        return obstacle
    document = before.document or {}
    after = await judge.judge(before, document)
    looks = traced(folder, judge.built.data, document)
    own = tuple(f.message or f.code for f in before.findings if f.code in GATEWAY_CARDS)
    explanation = _explanation(before.action_id, after, judge, looks)
    difference = Difference(
        recorded_effect=before.effect,
        recorded_policy=before.policy_digest,
        flip=flip_of(before, after),
    )
    return explanation.model_copy(update={"gateway": own}), difference


def _blank(subject: str, document: dict[str, Any]) -> RecordedRuling:
    action, agent = document["action"], document["agent"]
    return RecordedRuling(
        id="rul_0",
        action_id=subject,
        agent=agent["id"],
        action_type=action["type"],
        place=action["project"],
        judged_ms=document["context"]["now_ms"],
        effect=Effect.DENY,
        policy_digest="",
        input_digest=digest_of(document),
        document=document,
    )


def _explanation(subject: str, ruling: RecordedRuling, judge: Judge, looked: Iterable[Traced]) -> Explanation:
    cards, registry = judge.built.cards, judge.built.data["registry"]
    codes: dict[str, list[str]] = {}
    for code, entry in registry.items():
        codes.setdefault(entry["package"], []).append(code)
    looks = [_look(cards[code], one, ruling) for one in looked for code in sorted(codes.get(one.package, ()))]
    gate = [
        Look(
            code=f.code,
            title=_title(f.code, cards),
            file="gate/gate.rego",
            outcome="denies",
            message=f.message,
        )
        for f in ruling.findings
        if f.code not in registry
    ]
    return Explanation(
        subject=subject,
        policy_digest=judge.built.digest,
        effect=policy_effect(ruling),
        waits=only_waits(ruling),
        grants=ruling.grants,
        clauses=ruling.clauses,
        reserve=ruling.reserve or (),
        missing=tuple(
            str(path) for f in ruling.findings if f.code == "GATE-002" for path in f.facts.get("missing", ())
        ),
        looks=tuple(sorted((*gate, *looks), key=lambda look: (_order(look.outcome), look.code))),
    )


def _title(code: str, cards: Mapping[str, RuleCard]) -> str:
    card = cards.get(code) or GATEWAY_CARDS.get(code)
    return card.title if card else ""


def _look(card: RuleCard, one: Traced, ruling: RecordedRuling) -> Look:
    outcome, message = _outcome(card.code, one, ruling)
    quiet = outcome == "quiet"
    return Look(
        code=card.code,
        title=card.title,
        file=one.file,
        outcome=outcome,
        message=message,
        helps="" if quiet else card.remediation,
        stopped=one.stopped if quiet else (),
    )


def _outcome(code: str, one: Traced, ruling: RecordedRuling) -> tuple[str, str]:
    said = _first(code, ruling.findings) or _first(code, ruling.warnings)
    if said:
        return _SAYS[said.effect or Effect.DENY], said.message
    waived = sorted({by for entry in ruling.waived if entry.code == code for by in entry.by})
    if waived:
        return "waived", f"excused by {', '.join(waived)}"
    shadow = _first(code, ruling.shadow)
    if shadow:
        return "in shadow", f"would say: {shadow.message}"
    return ("off", "found something, but is off") if _found(code, one) else ("quiet", "")


def _found(code: str, one: Traced) -> bool:
    return any(finding.get("code") == code for finding in one.findings)


def _first(code: str, findings: Iterable[RecordedFinding]) -> RecordedFinding | None:
    return next((f for f in findings if f.code == code), None)


def _order(outcome: str) -> int:
    return ("denies", "asks", "warns", "in shadow", "waived", "off", "quiet").index(outcome)


def verdict_sentence(explanation: Explanation) -> str:
    """The decision in a sentence."""
    match explanation.effect:
        case Effect.ALLOW:
            return f"{explanation.subject} is allowed by {', '.join(explanation.grants)}."
        case Effect.REQUIRE_APPROVAL:
            return f"{explanation.subject} is held: {asked_of(explanation.clauses)}."
        case _:
            codes = ", ".join(look.code for look in explanation.looks if look.outcome == "denies")
            if not explanation.waits:
                return f"{explanation.subject} is denied by {codes}."
            asks = f", and asks {asked_of(explanation.clauses)}" if explanation.clauses else ""
            return f"{explanation.subject} is denied for now by {codes}{asks}."


def difference_sentence(difference: Difference) -> str:
    """What another policy changes about a recorded decision, in a sentence."""
    flip = difference.flip
    if flip is None:
        return f"It was decided alike then, by policy {difference.recorded_policy[:12]}."
    causes = "; ".join(f"{cause.code} {cause.how}" for cause in flip.causes)
    asks = f" It asked {asked_of(flip.asked)}." if flip.asked and flip.asked != flip.asks else ""
    return f"{flip.turn.value.capitalize()} than it was decided then: {flip.what} ({causes}).{asks}"


def why_quiet(look: Look) -> tuple[str, ...]:
    """Where each body of a quiet rule stopped, and by which facts, in lines for a person."""
    return tuple(line for one in look.stopped for line in _lines(one, 0))


def _lines(one: Condition, depth: int) -> Iterable[str]:
    facts = ", ".join(f"{name} = {short(value)}" for name, value in one.facts.items())
    held = "does not hold" if depth == 0 else "because"
    text = f"{one.text} ({Path(one.file).name}:{one.line})"
    told = f"{text} {held}" if depth == 0 else f"{held} {text}"
    yield "  " * depth + told + (f": {facts}" if facts else "")
    for behind in one.behind:
        yield from _lines(behind, depth + 1)


def short(value: Any) -> str:
    """A fact in a few words; long lists by their length."""
    if isinstance(value, list) and len(value) > 3:  # noqa: PLR2004 - what fits on a line
        return f"{len(value)} entries"
    text = "unknown" if value is None else str(value)
    return text if len(text) <= 80 else text[:79] + "…"  # noqa: PLR2004 - what fits on a line


def explain_report(explanation: Explanation, *, summary: str) -> Report:
    """An explanation as outcomes: a rule that speaks is a result, a quiet one has passed."""
    outcomes = (
        Outcome(
            name=look.code,
            group=explanation.subject,
            level=_LEVELS.get(look.outcome, "pass"),
            code=look.code,
            file=look.file,
            message=look.message or "; ".join(why_quiet(look)),
            remedy=look.helps,
        )
        for look in explanation.looks
    )
    return Report(tool=TOOL, summary=summary, outcomes=tuple(outcomes))
