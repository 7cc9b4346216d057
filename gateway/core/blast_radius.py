"""Blast radius: how far a change reaches, as a vector and a score (policy.md "Blast radius")."""

from gateway.core.model import Model


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
