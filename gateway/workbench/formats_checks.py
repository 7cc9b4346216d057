"""`check` and `test` as outcomes: what passed is told too, so that a pipeline sees what was looked at."""

from collections.abc import Iterable, Sequence

from gateway.workbench.cases import PlacedCase
from gateway.workbench.complaints import Complaint
from gateway.workbench.formats import Outcome, Report, complaint_outcomes


def check_report(files: Iterable[str], complaints: Sequence[Complaint], done: str) -> Report:
    """`loopgate policy check`: every file without a complaint has passed; `done` is said when all have."""
    faulty = {complaint.file for complaint in complaints}
    passed = (Outcome(name=file, group=file, code="check", file=file) for file in files if file not in faulty)
    return Report(
        tool="loopgate policy check",
        summary=_summary(complaints, done),
        outcomes=(*passed, *complaint_outcomes(complaints, "check")),
    )


def test_report(placed: Iterable[PlacedCase], complaints: Sequence[Complaint], done: str) -> Report:
    """`loopgate policy test`: every case by its name, and what else was wrong (Rego tests, coverage)."""
    by_place: dict[tuple[str, int], list[Complaint]] = {}
    for complaint in complaints:
        by_place.setdefault((complaint.file, complaint.line), []).append(complaint)
    outcomes = tuple(_case_outcome(one, by_place.pop((one.file, one.line), [])) for one in placed)
    rest = [complaint for left in by_place.values() for complaint in left]
    return Report(
        tool="loopgate policy test",
        summary=_summary(complaints, done),
        outcomes=(*outcomes, *complaint_outcomes(rest, "test")),
    )


def _case_outcome(placed: PlacedCase, complaints: Sequence[Complaint]) -> Outcome:
    return Outcome(
        name=placed.case.name,
        group=placed.file,
        level="error" if complaints else "pass",
        code="case",
        file=placed.file,
        line=placed.line,
        message="; ".join(complaint.problem for complaint in complaints),
        remedy="; ".join(dict.fromkeys(c.remedy for c in complaints if c.remedy)),
    )


def _summary(complaints: Sequence[Complaint], done: str) -> str:
    return f"{len(complaints)} complaints." if complaints else done
