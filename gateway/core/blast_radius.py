"""Blast radius: how far a change reaches, as a vector and a score (policy.md "Blast radius").

Everything is measured from the server's own diff. Rules use the vector's fields first, for clear reasons, and the
score only as a ceiling. All factors join by noisy-or, so the score stays within 0..100 and never falls when any
input grows.
"""

import math
from collections.abc import Mapping
from typing import Any

from audit.remembering import remembered
from gateway.core.blast_weights import Weights
from gateway.core.catalogue import Catalogue
from gateway.core.changes import Change
from gateway.core.globs import matches_any
from gateway.core.model import Model

MAX_DEPTH = 6
_NOTHING = 3  # the tier of a change that reaches no service at all


class Dependant(Model):
    """A service that depends on a touched one, `depth` steps away (1 = directly)."""

    service: str
    depth: int


class Driver(Model):
    """One factor's share of the score, in permille."""

    name: str
    permille: int


class BlastRadius(Model):
    """The vector, all measured by the server; `score` 0..100, `tier` the most critical tier reached.

    `entropy_permille`, `concurrent`, `score`, `level` and `drivers` are not part of an approval's question.
    """

    files: int = 0
    lines: int = 0
    dirs: int = 0
    entropy_permille: int = 0
    services: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()
    dependants: tuple[Dependant, ...] = ()
    tier: int = 3
    environment: str = "none"
    irreversible: tuple[str, ...] = ()
    concurrent: int = 0
    truncated: bool = False
    score: int = 0
    level: str = "low"
    drivers: tuple[Driver, ...] = ()


def measure(
    change: Change,
    *,
    project: str,
    environment: str,
    concurrent: int,
    catalogue: Catalogue,
    weights: Mapping[str, Any],
) -> BlastRadius:
    """The vector and the score of a change to `project`.

    `environment` is none, dev, test, staging or production, and anything else counts as production; `concurrent`
    counts other open work; `weights` overrides the defaults of `blast_weights.Weights` by name.
    """
    weighed = _weighed(weights)
    services, unmapped = _touched(change, project, catalogue, weighed)
    dependants = dependants_of(services, catalogue)
    vector = BlastRadius(
        files=len(change.files),
        lines=change.lines,
        dirs=len({path.rpartition("/")[0] for path in change.paths}),
        entropy_permille=_entropy_permille(change),
        services=services,
        unmapped=unmapped,
        dependants=dependants,
        tier=_tier((*services, *(d.service for d in dependants)), catalogue),
        environment=environment,
        irreversible=tuple(sorted(set(change.irreversible))),
        concurrent=concurrent,
        truncated=change.truncated,
    )
    return scored(vector, catalogue, weighed)


@remembered(8)
def _weighed(weights: Mapping[str, Any]) -> Weights:
    return Weights.model_validate(dict(weights))


def scored(vector: BlastRadius, catalogue: Catalogue, weights: Weights) -> BlastRadius:
    """The vector with its score, level and drivers; the catalogue tells the dependants' tiers."""
    reach = _reach(vector, catalogue, weights)
    churn = _churn(vector, weights)
    reached, churned = _noisy_or(reach), _noisy_or(churn)
    share = weights.churn_share / 1000
    total = reached + (1 - reached) * share * churned
    score = max(math.ceil(round(100 * total, 9)), _floor(vector, weights))
    level = next(name for name, least in weights.levels() if score >= least)
    drivers = _drivers(reach, churn, share * churned)
    return vector.model_copy(update={"score": score, "level": level, "drivers": drivers})


def dependants_of(services: tuple[str, ...], catalogue: Catalogue) -> tuple[Dependant, ...]:
    """Who stands on these services, directly or through others, up to `MAX_DEPTH` steps; sorted by depth and name."""
    standing = _standing(catalogue)
    seen, frontier, found = set(services), set(services), []
    for depth in range(1, MAX_DEPTH + 1):
        frontier = {above for name in frontier for above in standing.get(name, ())} - seen
        seen |= frontier
        found += [Dependant(service=name, depth=depth) for name in sorted(frontier)]
    return tuple(found)


@remembered(8)
def _standing(catalogue: Catalogue) -> dict[str, set[str]]:
    """Who stands directly on each service: names it, or consumes an API that it provides."""
    consumers: dict[str, set[str]] = {}
    standing: dict[str, set[str]] = {}
    for service in catalogue.services:
        for below in service.depends_on:
            standing.setdefault(below, set()).add(service.name)
        for api in service.consumes_apis:
            consumers.setdefault(api, set()).add(service.name)
    for service in catalogue.services:
        for api in service.provides_apis:
            standing.setdefault(service.name, set()).update(consumers.get(api, ()))
    return standing


def _touched(
    change: Change, project: str, catalogue: Catalogue, weights: Weights
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The services whose paths the change touches, and the paths that belong to none; inert paths are neither."""
    owners = {path: catalogue.services_at(project, path) for path in change.paths}
    active = {path: names for path, names in owners.items() if not matches_any(weights.inert, path)}
    services = {name for names in active.values() for name in names}
    return tuple(sorted(services)), tuple(sorted(path for path, names in active.items() if not names))


def _tier(names: tuple[str, ...], catalogue: Catalogue) -> int:
    tiers = _tiers(catalogue)
    return min((tiers[name] for name in names if name in tiers), default=_NOTHING)


@remembered(8)
def _tiers(catalogue: Catalogue) -> dict[str, int]:
    """The most critical tier under each name."""
    tiers: dict[str, int] = {}
    for service in catalogue.services:
        tiers[service.name] = min(service.tier, tiers.get(service.name, service.tier))
    return tiers


def _entropy_permille(change: Change) -> int:
    """How evenly the lines are spread over the files: 0 all in one, 1000 the same in each."""
    counts = [f.additions + f.deletions for f in change.files if f.additions + f.deletions]
    if len(counts) <= 1:
        return 0
    total = sum(counts)
    shares = [n / total for n in counts]
    return round(-1000 * sum(p * math.log(p) for p in shares) / math.log(len(shares)))


def _reach(vector: BlastRadius, catalogue: Catalogue, weights: Weights) -> dict[str, float]:
    w, touches = weights, bool(vector.services or vector.unmapped)
    breadth = len(vector.services) + len(vector.unmapped) / w.unmapped_per_service
    standing = sum(
        (w.dependant_decay / 1000) ** (d.depth - 1)
        * (0.5 + 0.5 * w.tier_factor(_tier((d.service,), catalogue)))
        for d in vector.dependants
    )
    undoable = 1 - (1 - w.irreversible_step / 1000) ** len(vector.irreversible)
    return {
        "services": w.services / 1000 * _saturated(breadth, w.services_scale),
        "dependants": w.dependants / 1000 * _saturated(standing, w.dependants_scale),
        "tier": w.tier / 1000 * w.tier_factor(vector.tier) if touches else 0.0,
        "environment": w.environment / 1000 * w.environment_factor(vector.environment),
        "irreversible": w.irreversible / 1000 * undoable,
    }


def _churn(vector: BlastRadius, weights: Weights) -> dict[str, float]:
    w = weights
    return {
        "lines": w.lines / 1000 * _logarithmic(vector.lines, w.lines_top),
        "files": w.files / 1000 * _logarithmic(vector.files, w.files_top),
        "dirs": w.dirs / 1000 * min(1.0, max(0, vector.dirs - 1) / w.dirs_top),
        "concurrent": w.concurrent / 1000 * _saturated(vector.concurrent, w.concurrent_scale),
    }


def _floor(vector: BlastRadius, weights: Weights) -> int:
    if vector.truncated:
        return weights.floor_truncated
    in_production = weights.environment_factor(vector.environment) >= weights.environment_factor("production")
    floors = [
        weights.floor_irreversible_production if vector.irreversible and in_production else 0,
        weights.floor_irreversible if vector.irreversible else 0,
        weights.floor_unmapped if vector.unmapped else 0,
    ]
    return max(floors)


def _saturated(x: float, k: int) -> float:
    return 1 - math.exp(-x / k)


def _logarithmic(x: int, top: int) -> float:
    return min(1.0, math.log1p(x) / math.log1p(top))


def _noisy_or(factors: Mapping[str, float]) -> float:
    return 1 - math.prod(1 - f for f in factors.values())


def _drivers(reach: dict[str, float], churn: dict[str, float], churned: float) -> tuple[Driver, ...]:
    """The three largest shares of -ln(1-f), in permille; churn's share is split as its own factors' shares are."""
    parts = {name: -math.log1p(-f) for name, f in reach.items()}
    inner = {name: -math.log1p(-f) for name, f in churn.items()}
    whole = sum(inner.values())
    if whole:
        parts |= {name: -math.log1p(-churned) * part / whole for name, part in inner.items()}
    total = sum(parts.values())
    shares = sorted((-round(1000 * part / total), name) for name, part in parts.items()) if total else []
    return tuple(Driver(name=name, permille=-share) for share, name in shares[:3] if share)
