"""What is said of exceptions, at their edges."""

from typing import Any

import pytest

from gateway.core.rulings import Waived
from gateway.workbench.data_models import Exemption
from gateway.workbench.exceptions import (
    LONGEST_MS,
    SOON_MS,
    Fault,
    exception_lines,
    exception_row,
    exception_warnings,
    exceptions_report,
    uses_of,
)
from tests.gateway.workbench.records import ruling

NOW = 1_800_000_000_000
DAY = 86_400_000


def exemption(**change: Any) -> Exemption:
    plain = {
        "id": "EX-1",
        "code": "BLAST-001",
        "project": "shop/checkout",
        "agent": "agt_fixer",
        "expires_ms": NOW + 100 * DAY,
        "owner": "prn_platform",
        "ticket": "SHOP-1",
        "reason": "A migration.",
    }
    return Exemption.model_validate({**plain, **change})


def faults(one: Exemption, **known: Any) -> list[Fault]:
    return [warned.fault for warned in exception_warnings([one], NOW, **known)]


def test_a_narrow_exception_with_an_end_is_left_alone() -> None:
    assert faults(exemption(), uses={"EX-1": 1}, waivable={"BLAST-001"}) == []


@pytest.mark.parametrize(
    ("left_ms", "expected"),
    [
        (0, [Fault.EXPIRED]),
        (1, [Fault.EXPIRING]),
        (SOON_MS, [Fault.EXPIRING]),
        (SOON_MS + 1, []),
        (LONGEST_MS, []),
        (LONGEST_MS + 1, [Fault.ENDLESS]),
    ],
)
def test_the_end_of_an_exception_is_told_to_the_millisecond(left_ms: int, expected: list[Fault]) -> None:
    assert faults(exemption(expires_ms=NOW + left_ms)) == expected


@pytest.mark.parametrize(
    ("project", "agent", "broad"),
    [
        ("**", "agt_fixer", True),
        ("*/*", "agt_fixer", True),
        ("jira:*", "agt_fixer", True),
        ("shop/*", "*", True),
        ("shop/*", "agt_*", True),
        ("shop/*", "agt_fix*", False),
        ("shop/*", "agt_fixer", False),
        ("shop/checkout", "*", False),
        ("jira:SHOP", "*", False),
    ],
)
def test_everybody_everywhere_is_too_broad(project: str, agent: str, *, broad: bool) -> None:
    assert (Fault.TOO_BROAD in faults(exemption(project=project, agent=agent))) == broad


def test_without_a_history_nothing_is_called_unused() -> None:
    assert faults(exemption()) == []
    assert faults(exemption(), uses={}) == [Fault.UNUSED]
    assert faults(exemption(), uses={"EX-1": 0, "EX-2": 7}) == [Fault.UNUSED]


def test_an_exception_from_what_is_not_waivable_is_powerless() -> None:
    assert faults(exemption(code="SECRET-001"), waivable={"BLAST-001"}) == [Fault.POWERLESS]


def test_every_warning_says_what_to_do() -> None:
    bad = exemption(project="**", agent="*", expires_ms=NOW + DAY)
    said = exception_warnings([bad], NOW, uses={}, waivable=())

    assert [w.fault for w in said] == [Fault.EXPIRING, Fault.UNUSED, Fault.POWERLESS, Fault.TOO_BROAD]
    assert all(w.problem.startswith("EX-1 ") and w.remedy for w in said)
    assert "in 1 day" in said[0].problem
    assert "prn_platform" in said[0].remedy


def test_a_line_counts_uses_and_names_each_agent_once() -> None:
    one = exemption()
    (line,) = exception_lines([one], (), {"EX-1": ["agt_b", "agt_a", "agt_b"]})

    assert (line.uses, line.agents) == (3, ("agt_a", "agt_b"))
    assert exception_lines([one], ())[0].uses is None
    assert exception_lines([one], (), {})[0].uses == 0


def test_uses_are_counted_by_action_not_by_look() -> None:
    waived = (Waived(code="BLAST-001", by=("EX-1", "EX-2")),)
    history = [
        ruling(action_id="act_1", waived=waived),
        ruling(action_id="act_1", waived=waived),
        ruling(action_id="act_2", agent="agt_other", waived=waived[:1]),
        ruling(action_id="act_3"),
    ]

    assert uses_of(history) == {"EX-1": ("agt_fixer", "agt_other"), "EX-2": ("agt_fixer", "agt_other")}


def test_the_report_warns_of_what_is_to_be_looked_at_and_passes_the_rest() -> None:
    fine, broad = exemption(), exemption(id="EX-2", project="**")
    warnings = exception_warnings([fine, broad], NOW)
    lines = exception_lines([fine, broad], warnings, {"EX-1": ["agt_a"]})
    report = exceptions_report(lines, warnings)

    assert [(o.name, o.level) for o in report.outcomes] == [("EX-1", "pass"), ("EX-2", "warning")]
    assert report.summary == "2 exceptions, 1 of them to be looked at."
    assert [exception_row(line)[7:] for line in lines] == [("1 by agt_a", ""), ("0", "too broad")]
    assert exception_row(exception_lines([exemption(expires_ms=2**53 - 1)], ())[0])[4].startswith(
        "9999-12-31"
    )
