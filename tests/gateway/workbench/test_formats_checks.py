"""`check` and `test` as other programs read them."""

from gateway.workbench.cases import Case, PlacedCase
from gateway.workbench.complaints import Complaint
from gateway.workbench.formats_checks import check_report
from gateway.workbench.formats_checks import test_report as report_of_tests

FILES = ("gate/gate.rego", "rules/a/a.rego")


def placed(name: str, line: int) -> PlacedCase:
    case = Case(name=name, base="commit", effect="allow", codes=())
    return PlacedCase(file="rules/a/cases.yaml", line=line, case=case, document={})


def complaint(file: str, line: int, problem: str = "no") -> Complaint:
    return Complaint(file=file, line=line, problem=problem, remedy="mend it")


def test_a_file_without_a_complaint_has_passed() -> None:
    report = check_report(FILES, [complaint("rules/a/a.rego", 3)], "fine")

    assert [(o.file, o.level) for o in report.outcomes] == [
        ("gate/gate.rego", "pass"),
        ("rules/a/a.rego", "error"),
    ]
    assert report.summary == "1 complaints."
    assert check_report(FILES, [], "fine").summary == "fine"


def test_each_case_is_told_by_its_name_and_the_rest_is_not_lost() -> None:
    complaints = [
        complaint("rules/a/cases.yaml", 7, "the effect is deny"),
        complaint("rules/a/cases.yaml", 7, "codes are none"),
        complaint("rules/a/a.rego", 9, "no test reaches line 9"),
    ]
    report = report_of_tests([placed("small", 1), placed("large", 7)], complaints, "fine")

    assert [(o.name, o.level) for o in report.outcomes] == [
        ("small", "pass"),
        ("large", "error"),
        ("rules/a/a.rego:9", "error"),
    ]
    assert report.outcomes[1].message == "the effect is deny; codes are none"
    assert report.outcomes[1].remedy == "mend it"
