"""Reading Trivy's JSON report, schema version 2 (`trivy … --format json`).

Only vulnerabilities are read so far; misconfigurations, secrets and licences in a report are left to their own
scanners' formats. What does not have the documented form is refused with the place where it went wrong.
"""

import json
from collections.abc import Iterator
from typing import Any

from gateway.core.errors import MalformedError
from gateway.core.secret_detectors import without_secrets
from gateway.loop.findings import Finding, Report, Severity

SCHEMA_VERSION = 2
TOOL = "trivy"
MAX_FINDINGS = 5000
MAX_TEXT = 500
_SEVERITIES = {s.value.upper(): s for s in Severity}


def read(body: bytes | str) -> Report:
    """The report in a file or a request. Raises `MalformedError` with a JSON pointer and a sentence."""
    document = _object(_parsed(body), "")
    if document.get("SchemaVersion") != SCHEMA_VERSION:
        raise MalformedError(
            f"/SchemaVersion is not {SCHEMA_VERSION}: send a report of `trivy --format json`.",
            field="/SchemaVersion",
        )
    results = [_object(r, f"/Results/{n}") for n, r in enumerate(_list(document.get("Results"), "/Results"))]
    findings = tuple(_unique(_findings(document, results)))
    if len(findings) > MAX_FINDINGS:
        raise MalformedError(
            f"The report holds more than {MAX_FINDINGS} findings: scan less at once.", field="/Results"
        )
    return Report(
        tool=TOOL,
        tool_version=_version(document),
        artifact=_text(document, "ArtifactName", ""),
        artifact_type=_text(document, "ArtifactType", "", needed=False) or "unknown",
        targets=tuple(dict.fromkeys(_text(r, "Target", f"/Results/{n}") for n, r in enumerate(results))),
        findings=findings,
    )


def _parsed(body: bytes | str) -> Any:
    try:
        return without_secrets(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise MalformedError(
            "The report is not JSON: send the file that `trivy --format json` wrote."
        ) from error


def _findings(document: dict[str, Any], results: list[dict[str, Any]]) -> Iterator[Finding]:
    for number, result in enumerate(results):
        at = f"/Results/{number}/Vulnerabilities"
        for index, item in enumerate(_list(result.get("Vulnerabilities"), at)):
            yield _finding(document, result, _object(item, f"{at}/{index}"), f"{at}/{index}")


def _finding(document: dict[str, Any], result: dict[str, Any], item: dict[str, Any], at: str) -> Finding:
    identity = _object(item.get("PkgIdentifier") or {}, f"{at}/PkgIdentifier")
    fixed = _text(item, "FixedVersion", at, needed=False)
    return Finding(
        tool=TOOL,
        identifier=_text(item, "VulnerabilityID", at),
        package=_text(item, "PkgName", at),
        ecosystem=_text(result, "Type", at, needed=False) or "unknown",
        installed_version=_text(item, "InstalledVersion", at, needed=False),
        fixed_versions=tuple(dict.fromkeys(v.strip() for v in fixed.split(",") if v.strip())),
        purl=_text(identity, "PURL", f"{at}/PkgIdentifier", needed=False) or None,
        severity=_SEVERITIES.get(_text(item, "Severity", at, needed=False).upper(), Severity.UNKNOWN),
        title=_text(item, "Title", at, needed=False),
        link=_link(item, at),
        location=_location(result, item, at),
        artifact=_text(document, "ArtifactName", ""),
        artifact_digest=_digest(document),
    )


def _location(result: dict[str, Any], item: dict[str, Any], at: str) -> str:
    """The file a package was found in where Trivy knows it, else the result's target."""
    return _text(item, "PkgPath", at, needed=False) or _text(result, "Target", at)


def _link(item: dict[str, Any], at: str) -> str | None:
    link = _text(item, "PrimaryURL", at, needed=False)
    return link if link.startswith("https://") else None


def _version(document: dict[str, Any]) -> str | None:
    about = document.get("Trivy")
    version = about.get("Version") if isinstance(about, dict) else None
    return version[:MAX_TEXT] if isinstance(version, str) else None


def _digest(document: dict[str, Any]) -> str | None:
    digest = document.get("ArtifactID")
    return digest[:MAX_TEXT] if isinstance(digest, str) and digest else None


def _unique(findings: Iterator[Finding]) -> list[Finding]:
    """One of each key, in a fixed order: the worst first, then by name."""
    found = sorted(findings, key=lambda f: (f.package, f.identifier, f.location, f.installed_version))
    return list({f.key: f for f in reversed(found)}.values())[::-1]


def _object(value: Any, at: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedError(f"{at or 'The report'} is not a JSON object.", field=at)
    return value


def _list(value: Any, at: str) -> list[Any]:
    """Trivy leaves a list out, or writes null, where it found nothing."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedError(f"{at} is not a list.", field=at)
    return value


def _text(holder: dict[str, Any], name: str, at: str, *, needed: bool = True) -> str:
    value = holder.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or (needed and not value):
        raise MalformedError(f"{at}/{name} is missing or not text.", field=f"{at}/{name}")
    if any("\ud800" <= c <= "\udfff" for c in value):
        raise MalformedError(f"{at}/{name} holds half of a surrogate pair.", field=f"{at}/{name}")
    return value[:MAX_TEXT]
