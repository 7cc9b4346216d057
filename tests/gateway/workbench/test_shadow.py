"""What rules in shadow would have done, over time."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.recorded import RecordedRuling
from gateway.core.rulings import Effect
from gateway.workbench.cases import cases
from gateway.workbench.replay import judging
from gateway.workbench.shadow import (
    ShadowReport,
    sentence,
    shadow_markdown,
    shadow_outcomes,
    shadow_report,
    shadowed,
    sparkline,
    totals,
)
from tests.gateway.workbench.records import SRE, found, ruling
from tests.gateway.workbench.trees import SHIPPED, shipped_copy

DAY = 86_400_000
MONDAY = 1_800_000_000_000  # 2027-01-15, 08:00 UTC


def seen(
    day: int, action: str, *shadow: Effect | None, code: str = "X-001", agent: str = "agt_fixer"
) -> RecordedRuling:
    findings = tuple(found(code).model_copy(update={"effect": effect}) for effect in shadow)
    return ruling(
        id=f"rul_{action}", action_id=action, agent=agent, judged_ms=MONDAY + day * DAY, shadow=findings
    )


def report(*history: RecordedRuling) -> ShadowReport:
    return shadow_report(history, "a test")


def test_each_day_of_the_period_is_there_also_the_quiet_ones() -> None:
    (rule,) = report(seen(0, "act_1", Effect.DENY), seen(3, "act_2", Effect.REQUIRE_APPROVAL)).rules

    assert [day.day for day in rule.days] == ["2027-01-15", "2027-01-16", "2027-01-17", "2027-01-18"]
    assert [day.total for day in rule.days] == [1, 0, 0, 1]
    assert [day.denies for day in rule.days] == [1, 0, 0, 0]
    assert [day.asks for day in rule.days] == [0, 0, 0, 1]


def test_an_action_judged_often_counts_once_a_day_with_the_strictest_effect() -> None:
    (rule,) = report(
        seen(0, "act_1", Effect.WARN),
        seen(0, "act_1", Effect.DENY),
        seen(0, "act_1", Effect.REQUIRE_APPROVAL, None),
        seen(1, "act_1", Effect.WARN),
    ).rules

    assert (totals(rule).denies, totals(rule).asks, totals(rule).warns, totals(rule).unknown) == (1, 0, 1, 0)


def test_it_is_told_where_a_rule_would_have_been_stricter_than_the_decision() -> None:
    asked = ruling(
        action_id="act_9",
        findings=(found("Y-001", Effect.REQUIRE_APPROVAL),),
        clauses=(SRE,),
        shadow=(found("X-001", Effect.REQUIRE_APPROVAL),),
    )
    (rule,) = report(
        seen(0, "act_1", Effect.DENY), seen(0, "act_2", Effect.WARN), seen(0, "act_3", None), asked
    ).rules

    assert (totals(rule).bites, totals(rule).unknown, totals(rule).total) == (1, 1, 4)
    (outcome,) = shadow_outcomes(report(seen(0, "act_1", Effect.DENY))).outcomes
    assert outcome.level == "warning"


def test_agents_and_projects_touched_are_named_once() -> None:
    (rule,) = report(
        seen(0, "act_1", Effect.DENY),
        seen(0, "act_2", Effect.DENY, agent="agt_other"),
        seen(1, "act_3", Effect.DENY),
    ).rules

    assert (rule.agents, rule.places, rule.example) == (
        ("agt_fixer", "agt_other"),
        ("shop/checkout",),
        "act_1",
    )


def test_silence_is_said_to_be_silence() -> None:
    assert "no recorded decisions" in sentence(report())
    assert "No rule in shadow" in sentence(report(seen(0, "act_1")))


def test_the_markdown_names_every_day_on_which_a_rule_spoke() -> None:
    shown = shadow_markdown(report(seen(0, "act_1", Effect.DENY), seen(2, "act_2", Effect.DENY)))

    assert "2027-01-15" in shown
    assert "| 2027-01-16" not in shown
    assert "| 2027-01-17" in shown


@given(st.lists(st.integers(0, 10**6), max_size=40))
def test_a_sparkline_has_a_sign_for_each_number_and_keeps_their_order(values: list[int]) -> None:
    line = sparkline(values)

    assert len(line) == len(values)
    for (one, sign), (other, mark) in zip(
        zip(values, line, strict=True), zip(values[1:], line[1:], strict=False), strict=False
    ):
        assert (one == 0) == (sign == "·")
        assert one <= other or "·▁▂▃▄▅▆▇█".index(sign) >= "·▁▂▃▄▅▆▇█".index(mark)
    assert not any(values) or "█" in line


@pytest.mark.slow
async def test_a_draft_rule_can_be_put_in_shadow_over_the_past(tmp_path: Path) -> None:
    policies = shipped_copy(tmp_path)
    params, modes = policies / "data" / "params.yaml", policies / "data" / "modes.yaml"
    params.write_text(params.read_text("utf-8").replace("files: {low: 20,", "files: {low: 0,"), "utf-8")
    modes.write_text("modes: {BLAST-001: {mode: shadow}}\n", "utf-8")
    document = next(
        one.document for one in cases(SHIPPED) if one.case.base == "commit" and one.case.effect == "allow"
    )
    async with judging(policies) as judge:
        history = [await judge.judge(ruling(document=document), document), ruling(document=None)]
        asked = [one async for one in shadowed(history, judge)]

    (rule,) = report(*asked).rules
    assert (rule.code, totals(rule).asks, totals(rule).bites) == ("BLAST-001", 1, 1)
