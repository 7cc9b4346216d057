"""Rollback: by retrying the earlier deployment's job, or by a revert commit on a fresh branch and a merge request.

GitLab has no endpoint for a rollback; its own button retries the job (docs: ci/environments/deployments).
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from gateway.adapters.gitlab.answers import Deployment, Job
from gateway.adapters.gitlab.forge import project_path
from gateway.adapters.gitlab.marks import marked, milliseconds, opened_by, shortly_before
from gateway.adapters.gitlab.merge_requests import find_requests, open_request, request_result
from gateway.adapters.gitlab.operation import Access, needed, only, params_of, project_of
from gateway.core.actions import Action
from gateway.core.errors import TargetError, TargetRefusedError, TargetUnclearError
from gateway.core.facts import DeploymentFacts
from gateway.core.params import DeploymentRollback
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.ports import ActionRecord, Reconciliation


@dataclass(frozen=True, slots=True)
class RollBack:
    """`deployment.rollback`, by the method its params name."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Find the job to retry, or build the revert commit."""
        return await self._method(permit.action).prepare(permit)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Go back."""
        return await self._method(permit.action).perform(permit, preparation)

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look for the new deployment, or the branch and merge request."""
        return await self._method(record.action).reconcile(record, preparation)

    def _method(self, action: Action) -> "_Redeploy | _Revert":
        method = params_of(action, DeploymentRollback).method
        return _Revert(self.access) if method == "revert" else _Redeploy(self.access)


@dataclass(frozen=True, slots=True)
class _Redeploy:
    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        facts = needed(permit.facts.deployment, "deployment that was read")
        job = next((e.job_id for e in facts.history if e.id == facts.to_id), None)
        if job is None:
            raise TargetRefusedError(
                "The earlier deployment was not made by a job, so no job can be retried."
            )
        newest = await asyncio.to_thread(self._newest, permit.action)
        before = {**_before(facts), "job": job, "to_sha": facts.to_sha, "newest_id": newest}
        return Preparation(marker=self.access.marker(permit.action.id), before=before)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        path = project_path(project_of(permit.action), "jobs", preparation.before["job"], "retry")
        job = await asyncio.to_thread(self.access.merge.post, path, {}, Job)
        return _retried(permit.action, preparation, job)

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        rows = await asyncio.to_thread(deployments_of, self.access, record.action)
        since = milliseconds(shortly_before(record.started_ms or 0))
        found = [d for d in rows if self._is_ours(d, preparation, since) and d.deployable]
        jobs = [_retried(record.action, preparation, d.deployable) for d in found if d.deployable]
        return only(jobs, "deployment")

    def _newest(self, action: Action) -> int:
        rows = deployments_of(self.access, action, limit=1)
        return rows[0].id if rows else 0

    def _is_ours(self, made: Deployment, preparation: Preparation, since: int) -> bool:
        """GitLab keeps no mark of ours on a job: identity, commit, environment, time and a newer id must do."""
        before = preparation.before
        by_us = made.user is not None and made.user.username == self.access.merge.username
        newer = made.id > before["newest_id"] and milliseconds(made.created_at) >= since
        return by_us and newer and made.sha == before["to_sha"]


@dataclass(frozen=True, slots=True)
class _Revert:
    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        action, facts = permit.action, needed(permit.facts.deployment, "deployment that was read")
        project = needed(permit.facts.project, "project that was read")
        running = needed(facts.current_sha, "running deployment")
        marker = self.access.marker(action.id)
        commit = await self.access.repository.build_revert(
            project_of(action), project.default_branch, running, action.agent, marker
        )
        return Preparation(marker=marker, commit=commit, before={**_before(facts), "branch": _branch(marker)})

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        action, branch = permit.action, _branch(preparation.marker)
        commit = needed(preparation.commit, "commit")
        body = self._request(permit, preparation.marker, branch)
        await self.access.repository.push(project_of(action), branch, commit, expected=None)
        try:
            opened = await open_request(self.access, action, body)
        except TargetError as error:
            raise TargetUnclearError(
                f"The branch {branch} is pushed but has no merge request: {error.detail}"
            ) from error
        return Performance(result={**opened.result, "branch": branch, "commit": commit})

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        branch = _branch(preparation.marker)
        found = await find_requests(self.access, record, branch, preparation.marker)
        if found:
            return only([request_result(r) for r in found], "merge request")
        head = await self.access.repository.head_of(project_of(record.action), branch)
        if head is None:
            return Reconciliation(happened=False, reason=f"There is no branch {branch}.")
        return Reconciliation(
            happened=None, reason=f"{branch} is there without its merge request; open or delete it."
        )

    def _request(self, permit: Permit, marker: str, branch: str) -> dict[str, Any]:
        action = permit.action
        facts = needed(permit.facts.deployment, "deployment that was read")
        project = needed(permit.facts.project, "project that was read")
        by = opened_by(int(project.id), branch, action.agent, self.access.marker)
        text = f"Reverts {facts.current_sha}, so that {facts.environment} goes back to {facts.to_sha}."
        return {
            "source_branch": branch,
            "target_branch": project.default_branch,
            "title": f"Roll back {facts.environment} to {(facts.to_sha or '')[:12]}",
            "description": marked(text, marker, by),
            "remove_source_branch": True,
        }


def deployments_of(
    access: Access, action: Action, *, limit: int = 100, **query: Any
) -> tuple[Deployment, ...]:
    """The deployments to the action's environment, newest first."""
    return access.road.list(
        project_path(project_of(action), "deployments"),
        Deployment,
        limit=limit,
        environment=needed(action.target.environment, "environment"),
        order_by="id",
        sort="desc",
        **query,
    )


def _before(facts: DeploymentFacts) -> dict[str, Any]:
    return {"environment": facts.environment, "deployment": facts.current_id, "sha": facts.current_sha}


def _branch(marker: str) -> str:
    """A fresh branch's name, found again by the action's mark."""
    return f"rollback/{marker[:24]}"


def _retried(action: Action, preparation: Preparation, job: Job) -> Performance:
    result = {
        "environment": action.target.environment,
        "commit": preparation.before["to_sha"],
        "job": job.id,
        "pipeline": job.pipeline.id if job.pipeline else None,
        "url": job.web_url,
    }
    return Performance(result={k: v for k, v in result.items() if v is not None})
