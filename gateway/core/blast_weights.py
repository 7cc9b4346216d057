"""The weights of the blast radius: a judgment, so they are data (`weights` of the policy's data), all whole numbers.

Refit them from changes that were reverted or led to incidents; the vector of every ruling is in the record.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from gateway.core.globs import check_glob
from gateway.core.model import Model

Share = Annotated[int, Field(ge=0, le=990)]
"""Permille; never the whole, for one factor alone must not silence the others."""
Factor = Annotated[int, Field(ge=0, le=1000)]
Scale = Annotated[int, Field(ge=1, le=1_000_000)]
Score = Annotated[int, Field(ge=0, le=100)]
_ENVIRONMENTS = {"none": 0, "dev": 100, "test": 200, "staging": 400, "production": 1000}


class Weights(Model):
    """Every number of the formula in policy.md; permille unless the name says otherwise.

    `inert` are globs of paths that reach no service (documentation): they count as churn only.
    """

    services: Share = 350
    dependants: Share = 450
    tier: Share = 350
    environment: Share = 500
    irreversible: Share = 750
    lines: Share = 450
    files: Share = 350
    dirs: Share = 250
    concurrent: Share = 300
    churn_share: Share = 350
    irreversible_step: Share = 600
    dependant_decay: Factor = 500
    tiers: tuple[Factor, Factor, Factor, Factor] = (1000, 700, 400, 150)
    environments: dict[str, Factor] = Field(default_factory=lambda: dict(_ENVIRONMENTS))
    unmapped_per_service: Scale = 5
    services_scale: Scale = 3
    dependants_scale: Scale = 4
    concurrent_scale: Scale = 4
    lines_top: Scale = 2000
    files_top: Scale = 100
    dirs_top: Scale = 15
    floor_irreversible_production: Score = 85
    floor_irreversible: Score = 60
    floor_unmapped: Score = 40
    floor_truncated: Score = 100
    level_medium: Score = 30
    level_high: Score = 55
    level_critical: Score = 80
    inert: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        for pattern in self.inert:
            check_glob(pattern)
        if list(self.tiers) != sorted(self.tiers, reverse=True):
            raise ValueError("tiers must not rise: tier 0 is the most critical")
        if not self.level_medium <= self.level_high <= self.level_critical:
            raise ValueError("levels must rise: level_medium, level_high, level_critical")
        if self.floor_irreversible > self.floor_irreversible_production:
            raise ValueError("floor_irreversible must not be above floor_irreversible_production")
        return self

    def tier_factor(self, tier: int) -> float:
        """How critical a tier 0..3 is, as a share of 1."""
        return self.tiers[tier] / 1000

    def environment_factor(self, name: str) -> float:
        """How grave an environment is, as a share of 1; one without an entry is as grave as the gravest."""
        return self.environments.get(name, max(self.environments.values(), default=1000)) / 1000

    def levels(self) -> tuple[tuple[str, int], ...]:
        """The levels with the least score of each, highest first."""
        return (
            ("critical", self.level_critical),
            ("high", self.level_high),
            ("medium", self.level_medium),
            ("low", 0),
        )
