"""How long a job of a project usually takes, and how the pipelines of a commit ended: read from GitLab's history."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from gateway.adapters.gitlab.answers import Pipeline
from gateway.adapters.gitlab.forge import Answer, Forge, project_path
from gateway.core.budgets import PipelineUse
from gateway.core.errors import FactsMissingError
from gateway.ports import Clock

_PIPELINES = 20
_JOBS = 500
_KEPT_MS = 600_000
_UNDER_WAY = frozenset({"created", "waiting_for_resource", "preparing", "pending", "running", "canceling"})


class _Of(Answer):
    """The pipeline a job belongs to."""

    id: int


class JobTime(Answer):
    """What a job took, in seconds; None while it has not run."""

    duration: float | None = None
    pipeline: _Of


@dataclass(slots=True)
class JobTimes:
    """Asks at most every ten minutes per project: medians move slowly."""

    forge: Forge
    clock: Clock
    _known: dict[str, tuple[int, int | None]] = field(default_factory=dict)

    def seconds(self, project: str) -> int | None:
        """The median of the last 20 pipelines of what one of their jobs took, rounded up; None when unknown."""
        now_ms = self.clock.now_ms()
        until_ms, known = self._known.get(project, (0, None))
        if now_ms < until_ms:
            return known
        try:
            rows = self.forge.list(project_path(project, "jobs"), JobTime, limit=_JOBS)
        except FactsMissingError:
            # Not kept: the policy decides about this action without a history, the next one asks again.
            return None
        found = median_seconds(rows)
        self._known[project] = (now_ms + _KEPT_MS, found)
        return found

    def use_of(self, project: str, commit: str) -> PipelineUse:
        """What the pipelines of a commit use. Raises `FactsMissingError`."""
        path = project_path(project, "pipelines")
        rows = [p for p in self.forge.list(path, Pipeline, limit=100, sha=commit) if p.sha == commit]
        if any(p.status in _UNDER_WAY for p in rows):
            return PipelineUse(found=len(rows), under_way=True)
        jobs = [j for p in rows for j in self.forge.list(f"{path}/{p.id}/jobs", JobTime, limit=_JOBS)]
        return PipelineUse(found=len(rows), seconds=math.ceil(sum(j.duration or 0 for j in jobs)))


def median_seconds(rows: Iterable[JobTime]) -> int | None:
    """The median over the newest pipelines of the mean time of their jobs, rounded up; None without any."""
    took: dict[int, list[float]] = {}
    for row in rows:
        if row.duration is not None:
            took.setdefault(row.pipeline.id, []).append(row.duration)
    newest = sorted(took, reverse=True)[:_PIPELINES]
    return math.ceil(median(sum(took[n]) / len(took[n]) for n in newest)) if newest else None
