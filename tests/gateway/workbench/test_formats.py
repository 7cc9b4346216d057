"""The forms for other programs, each against the shape its readers expect."""

import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gateway.workbench.complaints import Complaint
from gateway.workbench.formats import (
    Format,
    Outcome,
    Report,
    complaint_outcomes,
    escaped,
    junit,
    markdown,
    rendered,
    sarif,
)

NASTY = "a <b> & \x00\x1b[31m \u202e | `x` @all\n![x](http://evil/) \ud7ff"
REPORT = Report(
    tool="loopgate policy test",
    summary="2 of 4 hold.",
    outcomes=(
        Outcome(name="small change", group="rules/blast/files/cases.yaml"),
        Outcome(
            name="large change",
            group="rules/blast/files/cases.yaml",
            level="error",
            code="case",
            file="rules/blast/files/cases.yaml",
            line=7,
            message=NASTY,
            remedy="mend it",
        ),
        Outcome(name="old record", group="replay", level="skipped", message="the input was erased"),
        Outcome(name="EX-1", group="exceptions", level="warning", code="expiring", message="soon over"),
    ),
)
# SARIF 2.1.0, sections 3.13 (sarifLog), 3.14 (run), 3.18 (tool), 3.27 (result), 3.28-3.30 (locations): what is required.
SARIF_SHAPE: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "$schema": {"type": "string", "format": "uri"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "properties": {
                                    "name": {"type": "string", "minLength": 1},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "properties": {
                                                "shortDescription": {"type": "object", "required": ["text"]}
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": {
                                    "type": "object",
                                    "required": ["text"],
                                    "properties": {"text": {"type": "string", "minLength": 1}},
                                },
                                "locations": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "required": ["physicalLocation"],
                                        "properties": {
                                            "physicalLocation": {
                                                "type": "object",
                                                "required": ["artifactLocation"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        "type": "object",
                                                        "required": ["uri"],
                                                        "properties": {"uri": {"type": "string"}},
                                                    },
                                                    "region": {
                                                        "type": "object",
                                                        "properties": {
                                                            "startLine": {"type": "integer", "minimum": 1}
                                                        },
                                                    },
                                                },
                                            }
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}
_WORDS = st.text(max_size=40)
_OUTCOMES = st.builds(
    Outcome,
    name=_WORDS,
    group=st.sampled_from(["a", "b"]),
    level=st.sampled_from(["pass", "note", "warning", "error", "skipped"]),
    code=st.sampled_from(["", "BLAST-001", "x"]),
    file=st.sampled_from(["", "rules/a.rego"]),
    line=st.integers(1, 9),
    message=st.text(min_size=1, max_size=40),
    remedy=_WORDS,
)
REPORTS = st.builds(Report, tool=st.just("t"), summary=_WORDS, outcomes=st.lists(_OUTCOMES).map(tuple))


def suites(report: Report) -> ET.Element:
    return ET.fromstring(junit(report, root="policies"))  # noqa: S314 - it is our own text


@given(REPORTS)
def test_sarif_has_the_shape_of_its_standard(report: Report) -> None:
    document = json.loads(rendered(report, Format.SARIF, root="policies"))

    Draft202012Validator(SARIF_SHAPE).validate(document)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    assert len(run["results"]) == sum(o.level in {"note", "warning", "error"} for o in report.outcomes)


@given(REPORTS)
def test_junit_is_xml_whose_counts_are_right(report: Report) -> None:
    root = suites(report)

    assert root.tag == "testsuites"
    assert {child.tag for child in root} <= {"testsuite"}
    for suite in root:
        cases = list(suite)
        assert {case.tag for case in cases} == {"testcase"}
        assert int(suite.attrib["tests"]) == len(cases)
        assert int(suite.attrib["failures"]) == sum(case.find("failure") is not None for case in cases)
        assert int(suite.attrib["skipped"]) == sum(case.find("skipped") is not None for case in cases)
        assert all("name" in case.attrib and case.attrib["classname"] for case in cases)
    assert int(root.attrib["tests"]) == len(report.outcomes)
    assert int(root.attrib["failures"]) == len(report.failed)


@given(REPORTS)
def test_a_markdown_table_keeps_its_columns(report: Report) -> None:
    rows = [line for line in markdown(report).splitlines() if line.startswith("|")]

    assert all(len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 5 for row in rows)
    assert len(rows) == (2 + sum(o.level != "pass" for o in report.outcomes) if rows else 0)


def test_a_failure_names_file_line_and_remedy() -> None:
    failure = suites(REPORT).find(".//failure")
    (result, warning) = sarif(REPORT, root="policies")["runs"][0]["results"]

    assert failure is not None
    assert failure.text is not None
    assert failure.text.startswith("policies/rules/blast/files/cases.yaml:7: a <b> & ")
    assert failure.text.endswith("; mend it")
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "policies/rules/blast/files/cases.yaml"},
                "region": {"startLine": 7},
            }
        }
    ]
    assert (warning["ruleId"], warning["level"]) == ("expiring", "warning")
    assert "locations" not in warning


def test_text_of_others_stays_text_in_markdown() -> None:
    shown = escaped(NASTY)

    assert "\n" not in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\\<b\\>" in shown
    assert "!\\[x\\]" in shown or "\\!\\[x\\]" in shown
    assert "\\@all" in shown


def test_complaints_are_errors_where_they_stand() -> None:
    (outcome,) = complaint_outcomes(
        [Complaint(file="gate/x.rego", line=0, problem="no", remedy="yes")], "check"
    )

    assert (outcome.level, outcome.code, outcome.file, outcome.line) == ("error", "check", "gate/x.rego", 1)


def test_a_table_is_no_document() -> None:
    with pytest.raises(ValueError, match="terminal"):
        rendered(REPORT, Format.TABLE)


def test_json_holds_the_whole_report() -> None:
    assert Report.model_validate(json.loads(rendered(REPORT, Format.JSON))) == REPORT
