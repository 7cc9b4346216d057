"""CI jobs started, retried and stopped, as the identity whose rights they may have."""

import asyncio
from dataclasses import dataclass
from typing import Any

from gateway.adapters.gitlab.answers import Job
from gateway.adapters.gitlab.forge import project_path
from gateway.adapters.gitlab.operation import Access, needed, only, project_of
from gateway.adapters.gitlab.pipelines import BUSY, STOPPED, jobs_of, ours_since, runner_of
from gateway.core.actions import Action
from gateway.core.errors import TargetRefusedError
from gateway.core.facts import JobFacts
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.ports import ActionRecord, Reconciliation

_MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class PlayJob:
    """`job.play`: recognised by whose the job is now; GitLab makes it the player's."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Refuse what does not wait for anybody."""
        facts = needed(permit.facts.job, "job that was read")
        if not facts.manual:
            raise TargetRefusedError(f"The job is {facts.status}; it waits for nobody.", code="stale")
        return _prepared(self.access, permit, facts)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Start it."""
        return await _post(self.access, permit, preparation, "play")

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look whether it still waits, and whose it is."""
        job = await asyncio.to_thread(self.access.road.get, _path(record.action), Job)
        us = self.access.forge(preparation.before["identity"]).username
        if job.status == _MANUAL:
            return Reconciliation(happened=False, reason="The job still waits to be started.")
        if job.user is None:
            return Reconciliation(happened=None, reason="The job was started; GitLab does not say by whom.")
        if job.user.username != us:
            return Reconciliation(happened=False, reason=f"It was started by {job.user.username}.")
        return Reconciliation(happened=True, performance=_result(job))


@dataclass(frozen=True, slots=True)
class RetryJob:
    """`job.retry`: recognised as the one newer copy of the job that we made."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Note the newest job of the pipeline; refuse a job that has not ended."""
        facts = needed(permit.facts.job, "job that was read")
        if facts.status in BUSY or facts.manual:
            raise TargetRefusedError(f"The job is {facts.status}; only what ended is retried.", code="stale")
        jobs = await asyncio.to_thread(jobs_of, self.access, permit.action, facts.pipeline)
        return _prepared(self.access, permit, facts, newest=max((j.id for j in jobs), default=facts.id))

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Retry it."""
        return await _post(self.access, permit, preparation, "retry")

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look for the copy."""
        before = preparation.before
        jobs = await asyncio.to_thread(jobs_of, self.access, record.action, before["pipeline"])
        made = [j for j in ours_since(jobs, self.access, preparation, record) if j.name == before["name"]]
        return only([_result(j) for j in made], "job")


@dataclass(frozen=True, slots=True)
class CancelJob:
    """`job.cancel`: recognised by the state it leads to; GitLab does not keep who stopped a job."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Refuse what has ended."""
        facts = needed(permit.facts.job, "job that was read")
        if facts.status not in BUSY:
            raise TargetRefusedError(f"The job is {facts.status}; it cannot be stopped.", code="stale")
        return _prepared(self.access, permit, facts)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Stop it."""
        return await _post(self.access, permit, preparation, "cancel")

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:  # noqa: ARG002 - the port's form
        """Look whether it was stopped."""
        job = await asyncio.to_thread(self.access.road.get, _path(record.action), Job)
        if job.status not in STOPPED:
            return Reconciliation(happened=False, reason=f"The job is {job.status}, not stopped.")
        return Reconciliation(happened=True, performance=_result(job))


async def _post(access: Access, permit: Permit, preparation: Preparation, verb: str) -> Performance:
    forge = access.forge(preparation.before["identity"])
    return _result(await asyncio.to_thread(forge.post, f"{_path(permit.action)}/{verb}", {}, Job))


def _prepared(access: Access, permit: Permit, facts: JobFacts, **more: Any) -> Preparation:
    before = {
        "job": facts.id,
        "name": facts.name,
        "status": facts.status,
        "pipeline": facts.pipeline,
        "identity": runner_of(protected=facts.protected).value,
        **more,
    }
    return Preparation(marker=access.marker(permit.action.id), commit=facts.sha, before=before)


def _path(action: Action) -> str:
    return project_path(project_of(action), "jobs", needed(action.target.job, "job"))


def _result(job: Job) -> Performance:
    result = {
        "job": job.id,
        "name": job.name,
        "pipeline": job.pipeline.id if job.pipeline else None,
        "url": job.web_url,
    }
    return Performance(result={k: v for k, v in result.items() if v is not None})
