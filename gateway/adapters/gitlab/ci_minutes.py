"""How long a job of a project usually takes, and what the pipelines of an action used: read from GitLab's history."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from gateway.adapters.gitlab.answers import Pipeline
from gateway.adapters.gitlab.forge import Answer, Forge, project_path
from gateway.adapters.gitlab.marks import shortly_before
from gateway.core.budgets import OpenPipeline, PipelineUse
from gateway.core.errors import FactsMissingError
from gateway.ports import Clock

_PIPELINES = 20
_JOBS = 500
_PAGE = 100
_KEPT_MS = 600_000
_UNDER_WAY = frozenset(
    {"created", "waiting_for_resource", "preparing", "pending", "running", "canceling", "scheduled"}
)


class _Of(Answer):
    """The pipeline a job belongs to."""

    id: int


class JobTime(Answer):
    """What a job took, in seconds; None while it has not run."""

    duration: float | None = None
    started_at: datetime | None = None
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

    def use_of(self, one: OpenPipeline) -> PipelineUse:
        """What the pipelines use that an action started, child pipelines included. Raises `FactsMissingError`.

        Counted are the jobs that began since the action did: an earlier run of the same commit was paid for.
        """
        since = shortly_before(one.started_ms)
        rows = _Runs(self.forge, project_path(one.project)).of(one, since)
        if any(p.status in _UNDER_WAY for p in rows):
            return PipelineUse(found=len(rows), under_way=True)
        path = project_path(one.project, "pipelines")
        retried = {"include_retried": "true"}
        jobs = [
            j for p in rows for j in self.forge.list(f"{path}/{p.id}/jobs", JobTime, limit=_JOBS, **retried)
        ]
        took = sum(j.duration or 0 for j in jobs if j.started_at and j.started_at >= since)
        return PipelineUse(found=len(rows), seconds=math.ceil(took))


@dataclass(frozen=True, slots=True)
class _Runs:
    """Finds the pipelines of an action."""

    forge: Forge
    project: str

    def of(self, one: OpenPipeline, since: datetime) -> list[Pipeline]:
        """The pipeline that the action noted, or all that were made since for its commit or its merge request."""
        if one.pipeline is not None:
            noted = self.forge.get(f"{self.project}/pipelines/{one.pipeline}", Pipeline)
            found = [noted, *self._children(noted.sha, since)]
        else:
            found = [*self._of_commit(one.commit, since), *self._of_request(one.merge_request, since)]
        return list({p.id: p for p in found}.values())

    def _of_commit(self, commit: str | None, since: datetime) -> list[Pipeline]:
        if commit is None:
            return []
        rows = self.forge.list(f"{self.project}/pipelines", Pipeline, limit=_PAGE, sha=commit)
        return [*_made_since(rows, since), *self._children(commit, since)]

    def _of_request(self, number: int | None, since: datetime) -> list[Pipeline]:
        """Those of a merge request: merged results run for a commit of GitLab's own."""
        if number is None:
            return []
        rows = self.forge.whole(f"{self.project}/merge_requests/{number}/pipelines", Pipeline)
        made = _made_since(rows, since)
        return [*made, *(c for sha in {p.sha for p in made} for c in self._children(sha, since))]

    def _children(self, commit: str, since: datetime) -> list[Pipeline]:
        """GitLab lists child pipelines only when they are asked for (pipelines API, `source`)."""
        query = {"sha": commit, "source": "parent_pipeline"}
        return _made_since(
            self.forge.list(f"{self.project}/pipelines", Pipeline, limit=_PAGE, **query), since
        )


def _made_since(rows: Iterable[Pipeline], since: datetime) -> list[Pipeline]:
    return [p for p in rows if p.created_at is None or p.created_at >= since]


def median_seconds(rows: Iterable[JobTime]) -> int | None:
    """The median over the newest pipelines of the mean time of their jobs, rounded up; None without any."""
    took: dict[int, list[float]] = {}
    for row in rows:
        if row.duration is not None:
            took.setdefault(row.pipeline.id, []).append(row.duration)
    newest = sorted(took, reverse=True)[:_PIPELINES]
    return math.ceil(median(sum(took[n]) / len(took[n]) for n in newest)) if newest else None
