"""The shipped rules hold to their own conventions, on both engines."""

from pathlib import Path

import pytest

from gateway.workbench.case_runs import run_cases
from gateway.workbench.cases import PlacedCase, cases
from gateway.workbench.check import check
from gateway.workbench.coverage import coverage
from gateway.workbench.docs import INDEX, rule_pages

POLICIES = Path(__file__).parents[2] / "policies"
PROMISED = {
    *("GATE-001", "GATE-002", "GATE-003", "GATE-004"),
    *("BLAST-001", "BLAST-003", "BLAST-005", "BLAST-006", "BLAST-007"),
    *("PATH-001", "PATH-002", "SECRET-001", "SOD-001", "SOD-002"),
    *("FLOW-001", "FLOW-002", "FLOW-003", "COMMIT-001", "RATE-001", "RATE-002", "RATE-004", "FLOW-004"),
    *("FLOW-005", "FLOW-006", "FLOW-007", "TIME-002", "DEPLOY-003", "RATE-003", "BREAK-001", "TRUST-001"),
    *("TIME-001", "DEPLOY-001", "DEPLOY-002", "TRUST-002", "TRUST-003", "TRUST-004"),
    *("BLAST-002", "BLAST-004", "BLAST-008", "COMMIT-002", "COMMIT-003", "COMMIT-004", "COMMIT-005"),
    *("PATH-003", "PATH-004", "PATH-005", "PATH-006", "PATH-007", "PATH-008", "SUPPLY-001", "SUPPLY-002"),
    *("TEXT-001", "TEXT-002", "TEXT-003", "TEXT-004", "TEXT-005"),
}


@pytest.fixture(scope="module")
def placed() -> tuple[PlacedCase, ...]:
    return cases(POLICIES)


@pytest.mark.slow
def test_nothing_is_wrong_with_the_library() -> None:
    assert check(POLICIES) == ()


@pytest.mark.slow
async def test_every_case_is_answered_alike_by_both_engines() -> None:
    report = await run_cases(POLICIES)

    assert report.complaints == ()
    assert report.engines == ("opa-wasm", "opa-server")


@pytest.mark.slow
def test_every_line_of_rego_is_reached() -> None:
    report = coverage(POLICIES)

    assert report.complaints == ()
    assert report.permille == 1000


def test_every_rule_that_was_promised_has_a_page() -> None:
    pages = {path.stem for path, _ in rule_pages(POLICIES) if path != INDEX}

    assert pages == PROMISED


@pytest.mark.parametrize("code", sorted(PROMISED))
def test_every_code_fires_and_stays_silent(code: str, placed: tuple[PlacedCase, ...]) -> None:
    fired = [code in one.case.codes for one in placed]

    assert True in fired
    assert False in fired


@pytest.mark.parametrize("code", sorted(PROMISED - {"GATE-001", "GATE-002", "GATE-003", "GATE-004"}))
def test_every_rule_has_a_case_for_a_fact_that_is_missing(code: str, placed: tuple[PlacedCase, ...]) -> None:
    """A rule speaks for itself when a fact is missing; it does not lean on the contract alone."""
    assert any({code, "GATE-002"} <= set(one.case.codes) for one in placed)
