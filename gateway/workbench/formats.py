"""What the workbench found, for people and for other programs: JSON, JUnit, SARIF 2.1.0, Markdown.

Pure functions from a `Report` to text. Sources: SARIF is the OASIS standard "Static Analysis Results Interchange
Format 2.1.0"; JUnit's XML is as the Ant task writes it and GitLab reads it (`artifacts:reports:junit`).
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any, Literal
from xml.etree import ElementTree as ET

from gateway.core.model import Model
from gateway.core.text import show
from gateway.workbench.complaints import Complaint

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKUP = re.compile(r"([\\`*_\[\]<>#|~@!&$])")
_LEVELS = {"error": "error", "warning": "warning", "note": "note"}

Level = Literal["pass", "note", "warning", "error", "skipped"]


class Format(StrEnum):
    """The forms a command can print."""

    TABLE = "table"
    JSON = "json"
    JUNIT = "junit"
    SARIF = "sarif"
    MARKDOWN = "markdown"


class Outcome(Model):
    """One thing that was looked at and how it ended.

    `group` is what it belongs to (a file, a rule); `code` the rule or check it is about; `file` is relative to the
    policy folder and `line` counts from 1. Whatever is not `pass` needs a `message`.
    """

    name: str
    group: str
    level: Level = "pass"
    code: str = ""
    file: str = ""
    line: int = 1
    message: str = ""
    remedy: str = ""


class Report(Model):
    """What a command has to say: `tool` is the command, `summary` its result in a sentence."""

    tool: str
    summary: str
    outcomes: tuple[Outcome, ...] = ()

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """What keeps the command from succeeding."""
        return tuple(o for o in self.outcomes if o.level == "error")


def complaint_outcomes(complaints: Iterable[Complaint], code: str) -> tuple[Outcome, ...]:
    """Complaints as outcomes, all of them errors under one code."""
    return tuple(
        Outcome(
            name=f"{c.file}:{c.line}",
            group=c.file,
            level="error",
            code=code,
            file=c.file,
            line=max(c.line, 1),
            message=c.problem,
            remedy=c.remedy,
        )
        for c in complaints
    )


def rendered(report: Report, form: Format, *, root: str = "") -> str:
    """The report in one of the forms for programs and pages; `root` is the policy folder as the repository names it.

    Raises `ValueError` for the table, which is printed and not written.
    """
    match form:
        case Format.JSON:
            return as_json(report.model_dump(mode="json"))
        case Format.JUNIT:
            return junit(report, root=root)
        case Format.SARIF:
            return as_json(sarif(report, root=root))
        case Format.MARKDOWN:
            return markdown(report)
        case Format.TABLE:
            raise ValueError("a table is printed to a terminal")


def as_json(value: Any) -> str:
    """A document for programs, in ASCII: nothing in it can steer a terminal."""
    return json.dumps(value, indent=2) + "\n"


def junit(report: Report, *, root: str = "") -> str:
    """JUnit XML: one suite per group, one test case per outcome; a warning or note is a passing case that says so."""
    failures, skipped = _count(report.outcomes, "error"), _count(report.outcomes, "skipped")
    suites = ET.Element(
        "testsuites", _totals(report.tool, len(report.outcomes), failures, skipped, nested=False)
    )
    for group, outcomes in _by_group(report.outcomes):
        failed, left = _count(outcomes, "error"), _count(outcomes, "skipped")
        suite = ET.SubElement(suites, "testsuite", _totals(group, len(outcomes), failed, left, nested=True))
        for outcome in outcomes:
            _test_case(suite, outcome, root)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def sarif(report: Report, *, root: str = "") -> dict[str, Any]:
    """SARIF 2.1.0: one run, a rule per code, a result per outcome that did not pass."""
    found = [o for o in report.outcomes if o.level in _LEVELS]
    codes = sorted({o.code or "loopgate" for o in found})
    rules = [{"id": code, "shortDescription": {"text": code}} for code in codes]
    return {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": report.tool, "rules": rules}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(outcome, codes, root) for outcome in found],
            }
        ],
    }


def markdown(report: Report) -> str:
    """Markdown for a comment on a merge request: the result, and a table of what did not pass."""
    rows = [
        (f"{o.file}:{o.line}" if o.file else o.name, o.level, o.message, o.remedy)
        for o in report.outcomes
        if o.level != "pass"
    ]
    table = markdown_table(("where", "level", "what", "do instead"), rows)
    return f"### {escaped(report.tool)}\n\n{escaped(report.summary)}\n" + (f"\n{table}" if rows else "")


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table whose cells are text and nothing else."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(escaped(str(cell)) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text in Markdown that stays text: no markup, mention, link or line break, nothing unseen."""
    return _MARKUP.sub(r"\\\1", " ".join(show(text).split()))


def _totals(name: str, tests: int, failures: int, skipped: int, *, nested: bool) -> dict[str, str]:
    shared = {"name": _plain(name), "tests": str(tests), "failures": str(failures), "errors": "0"}
    return {**shared, "skipped": str(skipped)} if nested else shared


def _test_case(suite: ET.Element, outcome: Outcome, root: str) -> None:
    case = ET.SubElement(
        suite, "testcase", {"classname": _plain(outcome.group), "name": _plain(outcome.name), "time": "0"}
    )
    if outcome.file:
        case.set("file", _plain(_placed(outcome.file, root)))
    told = f"{outcome.message}; {outcome.remedy}" if outcome.remedy else outcome.message
    if outcome.level == "error":
        failure = ET.SubElement(
            case, "failure", {"type": outcome.code or "error", "message": _plain(outcome.message)}
        )
        failure.text = _plain(
            f"{_placed(outcome.file, root)}:{outcome.line}: {told}" if outcome.file else told
        )
    elif outcome.level == "skipped":
        ET.SubElement(case, "skipped", {"message": _plain(told)})
    elif told:
        ET.SubElement(case, "system-out").text = _plain(told)


def _result(outcome: Outcome, codes: Sequence[str], root: str) -> dict[str, Any]:
    code = outcome.code or "loopgate"
    told = f"{outcome.message}; {outcome.remedy}" if outcome.remedy else outcome.message
    result: dict[str, Any] = {
        "ruleId": code,
        "ruleIndex": codes.index(code),
        "level": _LEVELS[outcome.level],
        "message": {"text": show(told)},
    }
    if outcome.file:
        place = {"uri": _placed(outcome.file, root)}
        region = {"startLine": outcome.line}
        result["locations"] = [{"physicalLocation": {"artifactLocation": place, "region": region}}]
    return result


def _placed(file: str, root: str) -> str:
    return f"{root.rstrip('/')}/{file}" if root else file


def _by_group(outcomes: Iterable[Outcome]) -> Iterator[tuple[str, list[Outcome]]]:
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(outcome.group, []).append(outcome)
    yield from groups.items()


def _count(outcomes: Iterable[Outcome], level: Level) -> int:
    return sum(o.level == level for o in outcomes)


def _plain(text: str) -> str:
    """Text that XML 1.0 can hold (section 2.2); what it cannot is shown."""
    return _NOT_XML.sub("\ufffd", show(text))
