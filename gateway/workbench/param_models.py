"""The form of each rule's parameters in `policies/data/params.yaml`.

A rule whose parameter is missing is stricter; one whose parameter is misspelt would be so without anybody knowing why.
So a code that stands in the file holds exactly what its rule reads.
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from gateway.core.model import Model
from gateway.core.path_kinds import KINDS, PathKind

PATTERN_LENGTH = 511
# What Python's engine knows and RE2 does not: looking around, back references, atomic and possessive forms.
_NOT_RE2 = re.compile(r"\(\?(?:[=!>(#]|<[=!])|\(\?P=|(?<!\\)(?:\\\\)*\\[1-9]|[*+?}]\+")
# What RE2 knows and Python's engine does not, with something of the same place in a pattern.
_ONLY_RE2 = (
    (re.compile(r"\[:\^?[a-z]+:\]"), "a"),
    (re.compile(r"\\[pP](?:\{\^?\w+\}|\w)"), "a"),
    (re.compile(r"\\x\{[0-9A-Fa-f]+\}"), "a"),
    (re.compile(r"\\z"), "$"),
    (re.compile(r"\\[QEC]"), ""),
)

Glob = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x20\x7f]+$")]


def read_by_re2(pattern: str) -> str:
    """The pattern, when RE2 reads it as Python would; raises `ValueError` otherwise."""
    if _NOT_RE2.search(pattern):
        raise ValueError("RE2 has no look-around, back references or possessive forms; write it without")
    plain = pattern
    for known, instead in _ONLY_RE2:
        plain = known.sub(instead, plain)
    try:
        re.compile(plain)
    except (re.error, RecursionError, OverflowError) as wrong:
        raise ValueError(f"this is no regular expression: {wrong}") from wrong
    return pattern


Pattern = Annotated[
    str, StringConstraints(min_length=1, max_length=PATTERN_LENGTH), AfterValidator(read_by_re2)
]
Count = Annotated[int, Field(ge=0, lt=2**53)]
FileName = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x20\x7fA-Z/]+$")]


class ByTier(Model):
    """A limit by trust tier: `low` for observers and contributors, `high` for maintainers and stewards."""

    low: Count
    high: Count


class BlastFiles(Model):
    """BLAST-001: how many files a change may touch."""

    files: ByTier


class BlastLines(Model):
    """BLAST-002: how many lines a change may add and remove."""

    lines: ByTier


class BlastServices(Model):
    """BLAST-003: how many services a change may touch."""

    services: ByTier


class BlastDependants(Model):
    """BLAST-004: how many services may depend on the touched ones."""

    dependants: ByTier


class BlastScore(Model):
    """BLAST-005: the highest score."""

    score: ByTier


class BlastPatch(Model):
    """BLAST-008: how many kibibytes a patch may have."""

    kib: ByTier


class PathProtected(Model):
    """PATH-001: globs of what agents never change, in lower case."""

    globs: tuple[Glob, ...] = Field(min_length=1)


class PathCi(Model):
    """PATH-002: globs of CI configuration, and of includes somebody answers for."""

    globs: tuple[Glob, ...] = Field(min_length=1)
    trusted_includes: tuple[Glob, ...]


class PathInfrastructure(Model):
    """PATH-003: globs of more infrastructure."""

    globs: tuple[Glob, ...]


class PathOwners(Model):
    """PATH-004: roles that answer where no code owner can."""

    stand_in: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{1,40}$")], ...] = Field(
        min_length=1
    )


Handling = Literal["allowed", "request_review", "blocked"]


class PathGuarded(Model):
    """PATH-006: how each kind of file is handled, and globs of one's own."""

    handling: dict[PathKind, Handling] = Field(min_length=len(KINDS))
    request_review: tuple[Glob, ...]
    blocked: tuple[Glob, ...]


class PathExtensions(Model):
    """PATH-007: extensions (lower case, no dot) and patterns of paths that are refused."""

    forbidden: tuple[Annotated[str, StringConstraints(pattern=r"^[^\x00-\x20\x7fA-Z./]+$")], ...]
    names: tuple[Pattern, ...]


class PathSize(Model):
    """PATH-008: the largest file in bytes, the longest path in characters."""

    file_bytes: Count
    path_length: Count


class SupplyLockfiles(Model):
    """SUPPLY-001: lock file → the manifests it is made from, all in lower case."""

    pairs: dict[FileName, tuple[FileName, ...]] = Field(min_length=1)


class SupplyDependencies(Model):
    """SUPPLY-002: globs of allowed dependencies, and of manifests that need not be read."""

    allowed: tuple[Glob, ...]
    unread: tuple[Glob, ...]


class CommitAuthorship(Model):
    """COMMIT-001: whether every commit must be signed."""

    require_signature: bool


class CommitMessage(Model):
    """COMMIT-002: patterns for the first line of every commit."""

    required: tuple[Pattern, ...]
    forbidden: tuple[Pattern, ...]


class CommitDomain(Model):
    """COMMIT-003: globs of domains; `**` alone allows every commit."""

    domains: tuple[Glob, ...] = Field(min_length=1)


class CommitSignOff(Model):
    """COMMIT-004: whether every commit must be signed off by its author."""

    require_sign_off: bool


class CommitLinear(Model):
    """COMMIT-005: whether merge commits are refused."""

    require_linear: bool


PARAMS: Mapping[str, type[Model]] = {
    "BLAST-001": BlastFiles,
    "BLAST-002": BlastLines,
    "BLAST-003": BlastServices,
    "BLAST-004": BlastDependants,
    "BLAST-005": BlastScore,
    "BLAST-008": BlastPatch,
    "PATH-001": PathProtected,
    "PATH-002": PathCi,
    "PATH-003": PathInfrastructure,
    "PATH-004": PathOwners,
    "PATH-006": PathGuarded,
    "PATH-007": PathExtensions,
    "PATH-008": PathSize,
    "SUPPLY-001": SupplyLockfiles,
    "SUPPLY-002": SupplyDependencies,
    "COMMIT-001": CommitAuthorship,
    "COMMIT-002": CommitMessage,
    "COMMIT-003": CommitDomain,
    "COMMIT-004": CommitSignOff,
    "COMMIT-005": CommitLinear,
}
"""Code → the model of its parameters, for the rules over changes."""


def wrong_params(
    params: Mapping[str, Mapping[str, Any]], models: Mapping[str, type[Model]] = PARAMS
) -> tuple[str, ...]:
    """What is wrong with the parameters of the codes known here, each with its place; empty when nothing is."""
    return tuple(
        w for code, model in models.items() if code in params for w in _wrong(code, model, params[code])
    )


def _wrong(code: str, model: type[Model], given: Mapping[str, Any]) -> tuple[str, ...]:
    try:
        # Read as JSON, strictly: rules see what stands there, and "20" or true is no number to them.
        model.model_validate_json(json.dumps(given, default=str), strict=True)
    except ValidationError as error:
        return tuple(
            f"{'.'.join(map(str, (code, *one['loc'])))}: {one['msg'].removeprefix('Value error, ')}"
            for one in error.errors()
        )
    return ()
