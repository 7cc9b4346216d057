"""Decomposition: many findings become few work items, each one thing a person or an agent can finish.

All findings of one package in one project are one item, wherever the package lies: one upgrade settles them.
The same findings give the same plan, so a second import finds the item it opened before by its key.
"""

import re
from collections.abc import Iterable

from gateway.core.digests import digest_of
from gateway.core.model import Model
from gateway.core.text import harmless, show
from gateway.loop.findings import SEVERITY_ORDER, Finding, Report, Severity

MAX_TITLE = 255
MAX_DESCRIPTION = 30_000
MAX_LISTED = 50
_BEYOND_NAMES = re.compile(r"[^A-Za-z0-9@/._+:~ -]+")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "#": "&#35;", "@": "&#64;", "!": "&#33;"}
_MARKDOWN = str.maketrans({**{c: f"\\{c}" for c in "\\`*_{}[]|~"}, **_ENTITIES})


class WorkItemPlan(Model):
    """A work item to open. `key` is the same for the same package in the same project and artifact.

    `description` is Markdown with acceptance criteria; `findings` are the keys of the findings it settles.
    """

    key: str
    project: str
    package: str
    ecosystem: str
    title: str
    description: str
    labels: tuple[str, ...]
    severity: Severity
    findings: tuple[Finding, ...]


def plan(report: Report, *, project: str) -> tuple[WorkItemPlan, ...]:
    """The work items of a report on `project`, the gravest first."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in report.findings:
        groups.setdefault((finding.ecosystem, finding.package), []).append(finding)
    items = [_item(report, project, sorted(group, key=_order)) for group in groups.values()]
    return tuple(sorted(items, key=lambda i: (-SEVERITY_ORDER.index(i.severity), i.ecosystem, i.package)))


def _item(report: Report, project: str, findings: list[Finding]) -> WorkItemPlan:
    first = findings[0]
    severity = max((f.severity for f in findings), key=SEVERITY_ORDER.index)
    return WorkItemPlan(
        key=digest_of([report.tool, project, report.artifact, first.ecosystem, first.package])[:32],
        project=project,
        package=first.package,
        ecosystem=first.ecosystem,
        title=_title(first, findings, severity),
        description=_description(report, project, findings),
        labels=("loopgate", "security", f"severity-{severity.value}"),
        severity=severity,
        findings=tuple(findings),
    )


def _title(first: Finding, findings: list[Finding], severity: Severity) -> str:
    count = "1 finding" if len(findings) == 1 else f"{len(findings)} findings"
    start = "Upgrade" if any(f.fixed_versions for f in findings) else "Decide about"
    package = _bare(first.package)[:120] or "a package"
    version = _bare(first.installed_version)[:40] or "of unknown version"
    return f"{start} {package} {version} ({count}, {severity.value})"[:MAX_TITLE]


def _description(report: Report, project: str, findings: list[Finding]) -> str:
    shown = findings[:MAX_LISTED]
    more = [f"- … and {len(findings) - MAX_LISTED} more"] if len(findings) > MAX_LISTED else []
    package = f"**{_plain(findings[0].package)}** ({_plain(findings[0].ecosystem)})"
    parts = [
        f"{_plain(report.tool)} found {len(findings)} weakness(es) of {package} in {_plain(project)}.",
        "## Findings",
        "\n".join([*map(_listed, shown), *more]),
        "## Done when",
        "\n".join(_criteria(report, findings)),
    ]
    return harmless("\n\n".join(parts))[:MAX_DESCRIPTION]


def _listed(finding: Finding) -> str:
    fixed = ", ".join(_plain(v) for v in finding.fixed_versions) or "no fixed version yet"
    name = _plain(finding.identifier)
    linked = f"[{name}]({_url(finding.link)})" if finding.link else name
    said = f": {_plain(finding.title)}" if finding.title else ""
    where = f"installed {_plain(finding.installed_version)}, fixed in {fixed}, in {_plain(finding.location)}"
    return f"- {linked} ({finding.severity.value}){said} ({where})"


def _criteria(report: Report, findings: list[Finding]) -> list[str]:
    package = _plain(findings[0].package)
    return [
        *_version_criteria(package, findings),
        "- The project's pipeline is green with the change.",
        f"- A new {_plain(report.tool)} scan of the same targets no longer shows: {_identifiers(findings)}.",
    ]


def _version_criteria(package: str, findings: list[Finding]) -> list[str]:
    places = sorted({f.location for f in findings})
    fixed = sorted({v for f in findings for v in f.fixed_versions})
    if not fixed:
        return [
            f"- {package} is replaced, or the risk is accepted by a person in this item, with the reason."
        ]
    versions = ", ".join(_plain(v) for v in fixed[:MAX_LISTED])
    return [
        f"- {package} is at a version that holds every fix ({versions}) in {_plain(place)}."
        for place in places[:MAX_LISTED]
    ]


def _identifiers(findings: Iterable[Finding]) -> str:
    names = sorted({f.identifier for f in findings})
    listed = ", ".join(_plain(n) for n in names[:MAX_LISTED])
    return f"{listed} and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else listed


def _order(finding: Finding) -> tuple[int, str, str]:
    return (-SEVERITY_ORDER.index(finding.severity), finding.identifier, finding.location)


def _one_line(text: str) -> str:
    return " ".join(show(text).split())


def _plain(text: str) -> str:
    """A scanner's words as plain text on one line: no Markdown, no mention, nothing invisible."""
    return _one_line(text).translate(_MARKDOWN)


def _bare(text: str) -> str:
    """A name or a version as a title shows it: only the characters that names and versions are made of."""
    return _BEYOND_NAMES.sub("", _one_line(text)).strip()


def _url(link: str) -> str:
    """A link that cannot leave its parentheses; its fragment is cut, which would read as a command after an issue key."""
    link = link.split("#", 1)[0]
    return "".join(c for c in show(link) if c not in "()<> \\\n\t\"'`")
