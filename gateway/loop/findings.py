"""What scanners find, in one form whatever the tool."""

from enum import StrEnum

from gateway.core.digests import digest_of
from gateway.core.model import Model


class Severity(StrEnum):
    """How bad a finding is, by the scanner's own word, mildest first."""

    UNKNOWN = "unknown"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


SEVERITY_ORDER = tuple(Severity)


class Finding(Model):
    """One weakness of one package in one place.

    `identifier` is the advisory's (CVE, GHSA, GMS …), `purl` the package URL with its version where the tool gave
    one, `fixed_versions` what the advisory calls fixed, `location` the lock file or image layer set the package is in,
    `artifact` what was scanned. All text is the scanner's and is treated as untrusted.
    """

    tool: str
    identifier: str
    package: str
    ecosystem: str
    installed_version: str
    fixed_versions: tuple[str, ...] = ()
    purl: str | None = None
    severity: Severity
    title: str = ""
    link: str | None = None
    location: str
    artifact: str
    artifact_digest: str | None = None

    @property
    def key(self) -> str:
        """The same for the same weakness in the same place, whatever version is installed when it is seen again."""
        parts = [self.tool, self.identifier, self.ecosystem, self.package, self.location]
        return digest_of(parts)[:32]


class Report(Model):
    """One scan: what was scanned, by what, which places it looked at, and what it found.

    `targets` are all places that were looked at, so that a later scan of fewer places proves nothing gone.
    """

    tool: str
    tool_version: str | None = None
    artifact: str
    artifact_type: str
    targets: tuple[str, ...]
    findings: tuple[Finding, ...]
