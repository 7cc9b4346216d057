"""Reading Trivy reports: the real ones, and every way in which one can be wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import MalformedError
from gateway.loop.findings import Severity
from gateway.loop.trivy import MAX_FINDINGS, read

ROOT = Path(__file__).parents[3]
OWN = ROOT / "tests" / "data" / "trivy" / "npm.json"
SHARED = sorted((ROOT.parent / "shared" / "findings" / "trivy").glob("*.json"))


def report(*vulnerabilities: dict[str, Any], **result: Any) -> dict[str, Any]:
    """A report with one result."""
    one = {"Target": "package-lock.json", "Type": "npm", "Vulnerabilities": list(vulnerabilities), **result}
    return {"SchemaVersion": 2, "ArtifactName": "repo", "ArtifactType": "repository", "Results": [one]}


def vulnerability(**changes: Any) -> dict[str, Any]:
    """A vulnerability with the members Trivy always writes."""
    return {"VulnerabilityID": "CVE-2019-1", "PkgName": "jquery", "InstalledVersion": "3.3.9", **changes}


def test_a_real_report_is_read_whole() -> None:
    seen = read(OWN.read_bytes())

    assert (seen.tool, seen.artifact_type, seen.targets) == ("trivy", "repository", ("package-lock.json",))
    assert len(seen.findings) == 1
    found = seen.findings[0]
    assert (found.identifier, found.package, found.ecosystem) == ("CVE-2019-11358", "jquery", "npm")
    assert (found.installed_version, found.fixed_versions) == ("3.3.9", ("3.4.0",))
    assert found.purl == "pkg:npm/jquery@3.3.9"
    assert found.severity is Severity.MEDIUM
    assert found.link == "https://avd.aquasec.com/nvd/cve-2019-11358"
    assert found.location == "package-lock.json"


@pytest.mark.skipif(not SHARED, reason="the shared findings are not beside this checkout")
@pytest.mark.parametrize("path", SHARED, ids=lambda p: p.stem)
def test_every_shared_report_gives_all_its_vulnerabilities(path: Path) -> None:
    plain = json.loads(path.read_text(encoding="utf-8"))
    expected = {
        (v["VulnerabilityID"], v["PkgName"], v.get("PkgPath") or r["Target"])
        for r in plain["Results"]
        for v in r.get("Vulnerabilities") or ()
    }

    seen = read(path.read_bytes())

    assert {(f.identifier, f.package, f.location) for f in seen.findings} == expected
    assert len({f.key for f in seen.findings}) == len(expected)
    assert seen.targets == tuple(r["Target"] for r in plain["Results"])


def test_a_clean_report_has_no_findings() -> None:
    for results in ([], None, [{"Target": "a"}], [{"Target": "a", "Vulnerabilities": None}]):
        seen = read(json.dumps({"SchemaVersion": 2, "ArtifactName": "x", "Results": results}))

        assert seen.findings == ()
    assert seen.artifact_type == "unknown"


def test_a_finding_seen_twice_is_one() -> None:
    assert len(read(json.dumps(report(vulnerability(), vulnerability()))).findings) == 1


def test_the_key_of_a_finding_outlives_an_upgrade_that_does_not_mend_it() -> None:
    before = read(json.dumps(report(vulnerability()))).findings[0]
    after = read(json.dumps(report(vulnerability(InstalledVersion="3.3.10")))).findings[0]

    assert before.key == after.key
    assert (
        before.key
        != read(json.dumps(report(vulnerability(PkgPath="other/package-lock.json")))).findings[0].key
    )


def test_several_fixed_versions_are_several() -> None:
    found = read(json.dumps(report(vulnerability(FixedVersion="1.2, 2.0,, 1.2")))).findings[0]

    assert found.fixed_versions == ("1.2", "2.0")


def test_words_trivy_may_leave_out_are_not_needed() -> None:
    found = read(
        json.dumps({**report(vulnerability(InstalledVersion=None), Type=None), "ArtifactID": "sha256:x"})
    ).findings[0]

    assert (found.severity, found.link, found.purl, found.ecosystem) == (
        Severity.UNKNOWN,
        None,
        None,
        "unknown",
    )
    assert found.artifact_digest == "sha256:x"
    assert read(json.dumps(report(vulnerability(PrimaryURL="javascript:x")))).findings[0].link is None


def test_the_version_of_the_tool_is_kept_where_it_says_so() -> None:
    assert read(json.dumps({**report(), "Trivy": {"Version": "0.60"}})).tool_version == "0.60"
    assert read(json.dumps({**report(), "Trivy": "x"})).tool_version is None


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ([], ""),
        ("x", ""),
        ({}, "/SchemaVersion"),
        ({"SchemaVersion": 1}, "/SchemaVersion"),
        ({"SchemaVersion": 2, "Results": {}}, "/Results"),
        ({"SchemaVersion": 2, "Results": [1], "ArtifactName": "x"}, "/Results/0"),
        ({"SchemaVersion": 2, "Results": []}, "/ArtifactName"),
        ({"SchemaVersion": 2, "Results": [{}], "ArtifactName": "x"}, "/Results/0/Target"),
        (report("x"), "/Results/0/Vulnerabilities/0"),  # type: ignore[arg-type]
        (report(Vulnerabilities="x"), "/Results/0/Vulnerabilities"),
        (report({}), "/Results/0/Vulnerabilities/0/VulnerabilityID"),
        (report(vulnerability(PkgName="")), "/Results/0/Vulnerabilities/0/PkgName"),
        (report(vulnerability(Severity=3)), "/Results/0/Vulnerabilities/0/Severity"),
        (report(vulnerability(Title="\ud800")), "/Results/0/Vulnerabilities/0/Title"),
        (report(vulnerability(PkgIdentifier=[1])), "/Results/0/Vulnerabilities/0/PkgIdentifier"),
    ],
)
def test_a_report_that_is_none_is_refused_with_the_place(document: Any, field: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read(json.dumps(document))

    assert caught.value.field == field
    assert caught.value.detail.endswith(".")


@pytest.mark.parametrize("body", ["", "{", b"\xff", "[" * 200_000])
def test_what_is_not_json_is_refused(body: str | bytes) -> None:
    with pytest.raises(MalformedError, match="not JSON"):
        read(body)


def test_a_report_without_end_is_refused() -> None:
    many = [vulnerability(VulnerabilityID=f"CVE-{n}") for n in range(MAX_FINDINGS + 1)]

    with pytest.raises(MalformedError, match="more than"):
        read(json.dumps(report(*many)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Results", "Target", "Vulnerabilities", "PkgName", "VulnerabilityID", "PkgIdentifier"]
            ),
            inner,
        )
    ),
    max_leaves=8,
)


@given(st.fixed_dictionaries({"SchemaVersion": st.just(2), "ArtifactName": JSON, "Results": JSON}))
def test_any_document_is_read_or_refused(document: dict[str, Any]) -> None:
    try:
        seen = read(json.dumps(document))
    except MalformedError:
        return

    assert seen.tool == "trivy"
