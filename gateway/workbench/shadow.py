"""`loopgate policy shadow`: what the rules that are only shown would have done, day by day."""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime

from gateway.core.model import Model
from gateway.core.recorded import RecordedRuling
from gateway.core.rulings import Effect
from gateway.workbench.formats import Outcome, Report, escaped, markdown_table
from gateway.workbench.replay import Judge, Progress, obstacle_to
from gateway.workbench.replay_changes import policy_effect

TOOL = "loopgate policy shadow"
_DAY_MS = 86_400_000
_BARS = "▁▂▃▄▅▆▇█"
_ORDER = (None, Effect.WARN, Effect.REQUIRE_APPROVAL, Effect.DENY)
_BITES = {Effect.ALLOW: 0, Effect.WARN: 0, Effect.REQUIRE_APPROVAL: 1, Effect.DENY: 2}


class ShadowDay(Model):
    """One rule on one day (`2026-11-01`, UTC): how many actions it would have denied, asked about, warned of.

    `unknown` counts those whose record does not say which. `bites` counts the actions that were let through, or asked
    about, where the rule would have been stricter.
    """

    day: str
    denies: int = 0
    asks: int = 0
    warns: int = 0
    unknown: int = 0
    bites: int = 0

    @property
    def total(self) -> int:
        """How many actions it would have said anything about."""
        return self.denies + self.asks + self.warns + self.unknown


class ShadowRule(Model):
    """One rule in the period: every day of it, and whom it would have touched."""

    code: str
    days: tuple[ShadowDay, ...]
    agents: tuple[str, ...]
    places: tuple[str, ...]
    example: str


class ShadowReport(Model):
    """What the shadow rules would have done to the decisions of a period; `days` is each day of it."""

    source: str
    decisions: int
    days: tuple[str, ...]
    rules: tuple[ShadowRule, ...]


async def shadowed(
    history: Iterable[RecordedRuling], judge: Judge, progress: Progress = lambda _: None
) -> AsyncIterator[RecordedRuling]:
    """The recorded rulings with the shadow findings another policy would have given; what cannot be judged is left out."""
    for count, before in enumerate(history, start=1):
        if before.document is not None and obstacle_to(before) is None:
            after = await judge.judge(before, before.document)
            yield before.model_copy(update={"shadow": after.shadow})
        progress(count)


def shadow_report(history: Iterable[RecordedRuling], source: str) -> ShadowReport:
    """Every rule that was in shadow, over time. An action that was judged often counts once a day."""
    seen = tuple(history)
    found: dict[str, dict[tuple[str, str], tuple[Effect | None, RecordedRuling]]] = {}
    for ruling in seen:
        for finding in ruling.shadow:
            place = (day_of(ruling.judged_ms), ruling.action_id)
            kept = found.setdefault(finding.code, {}).get(place)
            if kept is None or _ORDER.index(finding.effect) > _ORDER.index(kept[0]):
                found[finding.code][place] = (finding.effect, ruling)
    days = _days(seen)
    rules = (_rule(code, entries, days) for code, entries in sorted(found.items()))
    return ShadowReport(source=source, decisions=len(seen), days=days, rules=tuple(rules))


def day_of(time_ms: int) -> str:
    """The day of a time, UTC."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d")


def _days(seen: Iterable[RecordedRuling]) -> tuple[str, ...]:
    times = [ruling.judged_ms // _DAY_MS for ruling in seen]
    return tuple(day_of(n * _DAY_MS) for n in range(min(times), max(times) + 1)) if times else ()


def _rule(
    code: str,
    entries: dict[tuple[str, str], tuple[Effect | None, RecordedRuling]],
    days: Iterable[str],
) -> ShadowRule:
    rulings = [ruling for _, ruling in entries.values()]
    by_day: dict[str, list[tuple[Effect | None, RecordedRuling]]] = {}
    for (day, _), entry in entries.items():
        by_day.setdefault(day, []).append(entry)
    return ShadowRule(
        code=code,
        days=tuple(_day(day, by_day.get(day, [])) for day in days),
        agents=tuple(sorted({r.agent for r in rulings})),
        places=tuple(sorted({r.place or "loopgate" for r in rulings})),
        example=rulings[0].action_id,
    )


def _day(day: str, entries: list[tuple[Effect | None, RecordedRuling]]) -> ShadowDay:
    effects = [effect for effect, _ in entries]
    return ShadowDay(
        day=day,
        denies=effects.count(Effect.DENY),
        asks=effects.count(Effect.REQUIRE_APPROVAL),
        warns=effects.count(Effect.WARN),
        unknown=effects.count(None),
        bites=sum(effect is not None and _BITES[effect] > _BITES[policy_effect(r)] for effect, r in entries),
    )


def totals(rule: ShadowRule) -> ShadowDay:
    """The whole period as if it were one day."""
    sums = {
        name: sum(getattr(d, name) for d in rule.days)
        for name in ("denies", "asks", "warns", "unknown", "bites")
    }
    return ShadowDay(day="all", **sums)


def sparkline(values: Iterable[int]) -> str:
    """Numbers as a line of bars, the highest full; nought is a dot."""
    heights = tuple(values)
    top = max(heights, default=0)
    return "".join("·" if not v else _BARS[(v * len(_BARS) - 1) // top] for v in heights)


COLUMNS = ("code", "over time", "deny", "ask", "warn", "stricter", "agents")


def shadow_row(rule: ShadowRule) -> tuple[str, ...]:
    """A rule as a row of a table."""
    whole = totals(rule)
    unknown = f" (+{whole.unknown} unknown)" if whole.unknown else ""
    return (
        rule.code,
        sparkline(day.total for day in rule.days),
        f"{whole.denies}{unknown}",
        str(whole.asks),
        str(whole.warns),
        str(whole.bites),
        ", ".join(rule.agents),
    )


def sentence(report: ShadowReport) -> str:
    """The result in a sentence."""
    if not report.decisions:
        return f"There are no recorded decisions in {report.source}."
    over = f"{report.decisions} decisions from {report.days[0]} to {report.days[-1]}"
    if not report.rules:
        return f"No rule in shadow would have said anything about {over}."
    bites = sum(totals(rule).bites for rule in report.rules)
    return f"{over}: rules in shadow that spoke: {len(report.rules)}; {bites} times one would have been stricter than what was decided."


def shadow_markdown(report: ShadowReport) -> str:
    """The report for a page or a comment: the rules, then each day on which one spoke."""
    parts = [f"### Rules in shadow\n\n{escaped(sentence(report))}\n"]
    if report.rules:
        parts.append(markdown_table(COLUMNS, (shadow_row(rule) for rule in report.rules)))
        parts.append(markdown_table(("day", "code", "deny", "ask", "warn"), day_rows(report)))
    return "\n".join(parts)


def day_rows(report: ShadowReport) -> Iterable[tuple[str, ...]]:
    """Every day on which a rule spoke, oldest first."""
    for place, day in enumerate(report.days):
        for rule in report.rules:
            one = rule.days[place]
            if one.total:
                yield day, rule.code, str(one.denies), str(one.asks), str(one.warns)


def shadow_outcomes(report: ShadowReport) -> Report:
    """The report as outcomes: a rule that would have been stricter is a warning, another a note."""
    outcomes = (
        Outcome(
            name=rule.code,
            group="shadow",
            level="warning" if totals(rule).bites else "note",
            code=rule.code,
            message=f"{totals(rule).total} actions of {', '.join(rule.agents)}; {totals(rule).bites} times stricter",
        )
        for rule in report.rules
    )
    return Report(tool=TOOL, summary=sentence(report), outcomes=tuple(outcomes))
