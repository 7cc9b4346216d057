"""Findings become work items: few, deterministic, and with words that do not act."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.text import is_unseen, scan
from gateway.loop.findings import Finding, Report, Severity
from gateway.loop.grouping import MAX_DESCRIPTION, MAX_LISTED, MAX_TITLE, plan
from gateway.loop.trivy import read
from tests.gateway.core.making import JIRA, meant

ROOT = Path(__file__).parents[3]
OWN = ROOT / "tests" / "data" / "trivy" / "npm.json"
SHARED = sorted((ROOT.parent / "shared" / "findings" / "trivy").glob("*.json"))


def found(**changes: Any) -> Finding:
    """A finding about jquery."""
    plain: dict[str, Any] = {
        "tool": "trivy",
        "identifier": "CVE-2019-1",
        "package": "jquery",
        "ecosystem": "npm",
        "installed_version": "3.3.9",
        "fixed_versions": ("3.4.0",),
        "severity": Severity.MEDIUM,
        "location": "package-lock.json",
        "artifact": "repo",
    }
    return Finding(**{**plain, **changes})


def reported(*findings: Finding) -> Report:
    """A report of those findings."""
    return Report(
        tool="trivy", artifact="repo", artifact_type="repository", targets=("a",), findings=findings
    )


def test_a_real_report_becomes_one_work_item() -> None:
    items = plan(read(OWN.read_bytes()), project="shop/checkout")

    assert [i.title for i in items] == ["Upgrade jquery 3.3.9 (1 finding, medium)"]
    item = items[0]
    assert item.labels == ("loopgate", "security", "severity-medium")
    assert "[CVE-2019-11358](https://avd.aquasec.com/nvd/cve-2019-11358)" in item.description
    assert "- jquery is at a version that holds every fix (3.4.0) in package-lock.json." in item.description
    assert "no longer shows: CVE-2019-11358." in item.description
    assert item.key == "6c68acf64e7eca409b2ad3e39a337c99"


@pytest.mark.skipif(not SHARED, reason="the shared findings are not beside this checkout")
@pytest.mark.parametrize("path", SHARED, ids=lambda p: p.stem)
def test_every_finding_of_a_shared_report_is_in_exactly_one_item(path: Path) -> None:
    report = read(path.read_bytes())

    items = plan(report, project="shop/checkout")

    assert sorted(f.key for i in items for f in i.findings) == sorted(f.key for f in report.findings)
    assert len({i.package for i in items}) == len({f.package for f in report.findings})
    for item in items:
        meant(
            "issue.create",
            JIRA,
            {"title": item.title, "description": item.description, "labels": list(item.labels)},
        )


def test_one_package_in_several_places_is_one_item() -> None:
    report = reported(
        found(), found(location="b/package-lock.json"), found(identifier="CVE-2", severity=Severity.CRITICAL)
    )

    (item,) = plan(report, project="shop/checkout")

    assert item.severity is Severity.CRITICAL
    assert item.title == "Upgrade jquery 3.3.9 (3 findings, critical)"
    assert "in b/package-lock.json." in item.description


def test_packages_of_different_ecosystems_are_different_items_and_the_gravest_is_first() -> None:
    items = plan(
        reported(found(), found(ecosystem="gem", severity=Severity.HIGH), found(package="a")), project="p/p"
    )

    assert [(i.ecosystem, i.package) for i in items] == [("gem", "jquery"), ("npm", "a"), ("npm", "jquery")]
    assert len({i.key for i in items}) == 3


def test_what_has_no_fix_asks_for_a_decision() -> None:
    (item,) = plan(reported(found(fixed_versions=())), project="p/p")

    assert item.title.startswith("Decide about jquery")
    assert "no fixed version yet" in item.description
    assert "accepted by a person" in item.description


def test_the_order_of_a_report_does_not_change_the_plan() -> None:
    findings = [found(identifier=f"CVE-{n}", package=f"p{n % 3}", location=f"l{n % 2}") for n in range(12)]
    shuffled = sorted(findings, key=lambda f: f.key)

    assert plan(reported(*shuffled), project="p/p") == plan(reported(*findings), project="p/p")


def test_the_same_package_elsewhere_has_another_key() -> None:
    here, there = plan(reported(found()), project="p/a")[0], plan(reported(found()), project="p/b")[0]

    assert here.key != there.key


def test_a_package_with_very_many_findings_still_fits() -> None:
    many = [
        found(identifier=f"CVE-{n:04}", title="x" * 500, location=f"d{n}/lock", fixed_versions=(f"{n}",))
        for n in range(200)
    ]

    (item,) = plan(reported(*many), project="p/p")

    assert len(item.description) <= MAX_DESCRIPTION
    assert f"and {200 - MAX_LISTED} more" in item.description
    assert len(plan(reported(found(package="p" * 500)), project="p/p")[0].title) <= MAX_TITLE


HOSTILE = st.sampled_from(
    [
        "/close",
        "\n/merge\n",
        "@all",
        "Closes #1",
        "SHOP-1 #close",
        "[x](http://evil.example)",
        "![x](//evil.example/x)",
        "<img src=x>",
        "```",
        "\u202e",
        "\x1b[31m",
        "Co-authored-by: a <a@b>",
        "# heading",
        "|",
        "`",
        "lg-0123456789abcdef",
        "\\",
    ]
) | st.text(max_size=10)
TEXTS = st.lists(HOSTILE, min_size=1, max_size=4).map("\n".join)


@given(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS)
def test_a_scanners_words_never_act(
    package: str, title: str, identifier: str, version: str, location: str
) -> None:
    hostile = found(
        package=package,
        title=title,
        identifier=identifier,
        installed_version=version,
        fixed_versions=(version,),
        location=location,
        link="https://a.example/)[x](" + "".join(c for c in title if not c.isspace()),
    )

    (item,) = plan(reported(hostile), project="shop/checkout")

    seen = scan({"title": item.title, "description": item.description})
    assert seen.quick_actions == ()
    assert seen.images == ()
    assert not [h for h in seen.smart_commits if h.startswith("description")]
    assert not any(is_unseen(c) and c != "\n" for c in item.title + item.description)
    assert "lg-0123456789abcdef" not in item.description
    assert json.dumps(item.model_dump(mode="json"))
