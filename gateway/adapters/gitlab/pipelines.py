"""Pipelines started, retried and stopped. GitLab keeps no mark of ours: identity, commit, ref and time must do."""

import asyncio
from dataclasses import dataclass
from typing import Any

from gateway.adapters.gitlab.answers import Job, Pipeline
from gateway.adapters.gitlab.forge import project_path
from gateway.adapters.gitlab.marks import milliseconds, shortly_before
from gateway.adapters.gitlab.operation import Access, needed, only, params_of, project_of
from gateway.core.actions import Action
from gateway.core.errors import TargetRefusedError, TargetUnclearError
from gateway.core.params import PipelineRun
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.core.vocabulary import ForgeIdentity
from gateway.ports import ActionRecord, Reconciliation

BUSY = frozenset({"created", "waiting_for_resource", "preparing", "pending", "running", "scheduled"})
STOPPED = frozenset({"canceled", "canceling"})
_AGAIN = frozenset({"failed", "canceled"})


def runner_of(*, protected: bool) -> ForgeIdentity:
    """Whose rights CI gets: what runs on a protected ref was merged, everything else may be an agent's own."""
    return ForgeIdentity.MERGE if protected else ForgeIdentity.ROAD


@dataclass(frozen=True, slots=True)
class RunPipeline:
    """`pipeline.run`: one of ours in flight per ref; recognised as the one that is newer, ours, and of that commit."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Note the newest one; refuse while one of ours is under way there."""
        facts = needed(permit.facts.pipeline, "pipeline to be")
        identity = runner_of(protected=facts.protected)
        rows = await asyncio.to_thread(self._ours, permit.action, identity.value)
        if any(p.status in BUSY for p in rows):
            raise TargetRefusedError(
                f"A pipeline that the gateway started on {facts.ref} is still under way.", retryable=True
            )
        newest = max((p.id for p in rows), default=0)
        before = {"ref": facts.ref, "newest": newest, "identity": identity.value}
        return Preparation(marker=self.access.marker(permit.action.id), commit=facts.sha, before=before)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Start it. GitLab takes the branch's head of the moment, whichever that is."""
        action, params = permit.action, params_of(permit.action, PipelineRun)
        variables = [{"key": v.key, "value": v.value} for v in params.variables]
        body: dict[str, Any] = {"ref": params.ref, **({"variables": variables} if variables else {})}
        forge = self.access.forge(preparation.before["identity"])
        path = project_path(project_of(action), "pipeline")
        made = await asyncio.to_thread(forge.post, path, body, Pipeline)
        if made.sha != preparation.commit:
            raise TargetUnclearError(
                f"Pipeline {made.id} runs {made.sha}, not {preparation.commit}; look at it."
            )
        return pipeline_result(made)

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look through our pipelines on that ref since the start."""
        before = preparation.before
        rows = await asyncio.to_thread(self._ours, record.action, before["identity"])
        since = milliseconds(shortly_before(record.started_ms or 0))
        newer = [p for p in rows if p.id > before["newest"] and milliseconds(p.created_at) >= since]
        if any(p.sha != preparation.commit for p in newer):
            return Reconciliation(happened=None, reason="A pipeline of ours there runs another commit.")
        return only([pipeline_result(p) for p in newer], "pipeline")

    def _ours(self, action: Action, identity: str) -> tuple[Pipeline, ...]:
        return self.access.road.list(
            project_path(project_of(action), "pipelines"),
            Pipeline,
            limit=100,
            ref=params_of(action, PipelineRun).ref,
            username=self.access.forge(identity).username,
            source="api",
            order_by="id",
            sort="desc",
        )


@dataclass(frozen=True, slots=True)
class RetryPipeline:
    """`pipeline.retry`: recognised by newer copies of exactly the jobs that had failed, made by us."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Note the jobs that will run again; refuse when none would."""
        facts = needed(permit.facts.pipeline, "pipeline that was read")
        jobs = await asyncio.to_thread(jobs_of, self.access, permit.action, facts.id)
        again = sorted({j.name for j in latest(jobs) if j.status in _AGAIN})
        if not again:
            raise TargetRefusedError("No job of this pipeline failed or was stopped.", code="stale")
        identity = runner_of(protected=facts.protected)
        newest = max((j.id for j in jobs), default=0)
        before = {"pipeline": facts.id, "jobs": again, "newest": newest, "identity": identity.value}
        return Preparation(marker=self.access.marker(permit.action.id), commit=facts.sha, before=before)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Retry what failed or was stopped."""
        forge = self.access.forge(preparation.before["identity"])
        path = f"{pipeline_path(permit.action)}/retry"
        return pipeline_result(await asyncio.to_thread(forge.post, path, {}, Pipeline))

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look for the new jobs."""
        before = preparation.before
        jobs = await asyncio.to_thread(jobs_of, self.access, record.action, before["pipeline"])
        made = ours_since(jobs, self.access, preparation, record)
        if not made:
            return Reconciliation(happened=False, reason="No job of it was made again by us.")
        if sorted(j.name for j in made) != before["jobs"]:
            return Reconciliation(happened=None, reason="Jobs of it were made again, but not just those.")
        pipeline = await asyncio.to_thread(self.access.road.get, pipeline_path(record.action), Pipeline)
        return Reconciliation(happened=True, performance=pipeline_result(pipeline))


@dataclass(frozen=True, slots=True)
class CancelPipeline:
    """`pipeline.cancel`: recognised by the state it leads to; GitLab does not keep who stopped a pipeline."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Refuse what has ended."""
        facts = needed(permit.facts.pipeline, "pipeline that was read")
        if facts.status not in BUSY and facts.status != "manual":
            raise TargetRefusedError(f"The pipeline is {facts.status} already.", code="stale")
        identity = runner_of(protected=facts.protected)
        before = {"pipeline": facts.id, "status": facts.status, "identity": identity.value}
        return Preparation(marker=self.access.marker(permit.action.id), commit=facts.sha, before=before)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Stop it."""
        forge = self.access.forge(preparation.before["identity"])
        path = f"{pipeline_path(permit.action)}/cancel"
        return pipeline_result(await asyncio.to_thread(forge.post, path, {}, Pipeline))

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:  # noqa: ARG002 - the port's form
        """Look whether it was stopped."""
        pipeline = await asyncio.to_thread(self.access.road.get, pipeline_path(record.action), Pipeline)
        if pipeline.status not in STOPPED:
            return Reconciliation(happened=False, reason=f"The pipeline is {pipeline.status}, not stopped.")
        return Reconciliation(happened=True, performance=pipeline_result(pipeline))


def pipeline_path(action: Action) -> str:
    """Where the pipeline is."""
    return project_path(project_of(action), "pipelines", needed(action.target.pipeline, "pipeline"))


def jobs_of(access: Access, action: Action, pipeline: int | None) -> tuple[Job, ...]:
    """Every job of a pipeline, those that were retried among them."""
    path = project_path(project_of(action), "pipelines", needed(pipeline, "pipeline"), "jobs")
    return access.road.list(path, Job, limit=1000, include_retried=True)


def latest(jobs: tuple[Job, ...]) -> list[Job]:
    """Of jobs with one name the newest: it stands for the others."""
    return list({job.name: job for job in sorted(jobs, key=lambda j: j.id)}.values())


def ours_since(
    jobs: tuple[Job, ...], access: Access, preparation: Preparation, record: ActionRecord
) -> list[Job]:
    """The jobs we have made since an action started: newer than the newest it knew, by the identity it used."""
    before, since = preparation.before, milliseconds(shortly_before(record.started_ms or 0))
    name = access.forge(before["identity"]).username
    newer = [j for j in jobs if j.id > before["newest"] and milliseconds(j.created_at) >= since]
    return [j for j in newer if j.user is not None and j.user.username == name]


def pipeline_result(pipeline: Pipeline) -> Performance:
    """What the agent gets for a pipeline."""
    result = {
        "pipeline": pipeline.id,
        "ref": pipeline.ref or None,
        "commit": pipeline.sha,
        "url": pipeline.web_url,
    }
    return Performance(result={k: v for k, v in result.items() if v is not None})
