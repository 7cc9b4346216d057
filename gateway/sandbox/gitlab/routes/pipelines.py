"""Pipelines, jobs, environments and deployments."""

from collections.abc import Mapping
from typing import TypeVar

from gateway.sandbox.gitlab import running_shapes as shapes
from gateway.sandbox.gitlab.call import FORBIDDEN, Call, Routes, not_found, refuse, refuse_parameter
from gateway.sandbox.gitlab.entities import Deployment, Job, Pipeline, Project, Role
from gateway.sandbox.gitlab.paging import page
from gateway.sandbox.gitlab.pipelines import UNFINISHED
from gateway.sandbox.gitlab.routes.issues import within
from gateway.sandbox.wire import Reply, Route

T = TypeVar("T")
_STATUSES = ("created", "running", "success", "failed", "canceled", "skipped", "blocked")


def _pick(kept: Mapping[int, T], number: str, message: str) -> T:
    found = kept.get(int(number)) if number.isdigit() else None
    if found is None:
        raise refuse(404, message)
    return found


def _pipeline(call: Call, project: Project) -> Pipeline:
    return _pick(project.pipelines, call.path["pipeline_id"], "404 Not found")


def _job(call: Call, project: Project) -> Job:
    return _pick(project.jobs, call.path["job_id"], "404 Not found")


def list_pipelines(call: Call) -> Reply:
    """GET …/pipelines (`sha`, `ref`, `status`, `source`, `order_by`, `sort`); child pipelines only when asked for."""
    project = call.project()
    names = ("sha", "ref", "status", "source")
    wanted = call.params.get("username")
    found = [
        each
        for each in project.pipelines.values()
        if all(call.params.get(name, getattr(each, name)) == getattr(each, name) for name in names)
        and wanted in (None, each.user.username)
        and ("source" in call.params or each.source != "parent_pipeline")
        and within(call, "created", each.created_at)
        and within(call, "updated", each.updated_at)
    ]
    found.sort(key=lambda each: each.id, reverse=call.params.get("sort") != "asc")
    return page(call, found, lambda each: shapes.pipeline_basic(each, project, call.forge.url))


def get_pipeline(call: Call) -> Reply:
    """GET …/pipelines/:pipeline_id."""
    project = call.project()
    return Reply(200, shapes.pipeline(_pipeline(call, project), project, call.forge.url))


def _writable(call: Call, project: Project, ref: str) -> None:
    """Running things on a protected branch takes the right to merge or push there."""
    role = call.role(project)
    if not (project.may_push(role, ref) or project.may_merge(role, ref)):
        raise refuse(403, FORBIDDEN)


def create_pipeline(call: Call) -> Reply:
    """POST …/pipeline with `ref`."""
    project = call.project(Role.DEVELOPER)
    ref = call.required("ref")
    head = project.repository.head(ref)
    if head is None:
        raise refuse(400, {"base": ["Reference not found"]})
    if not (project.may_push(call.role(project), ref) or project.may_merge(call.role(project), ref)):
        raise refuse(
            400, {"base": ["You do not have sufficient permission to run a pipeline on the protected ref"]}
        )
    made = call.workings.runner.start(project, ref, head, call.user, source="api")
    if made is None:
        raise refuse(400, {"base": ["Missing CI config file"]})
    return Reply(201, shapes.pipeline(made, project, call.forge.url))


def pipeline_jobs(call: Call) -> Reply:
    """GET …/pipelines/:pipeline_id/jobs (`scope[]`, `include_retried`)."""
    project = call.project()
    jobs = project.jobs_of(_pipeline(call, project))
    found = [job for job in jobs if call.flag("include_retried") or not job.retried]
    return page(call, _scoped(call, found), lambda job: shapes.job(job, project, call.forge.url))


def project_jobs(call: Call) -> Reply:
    """GET …/jobs (`scope[]`), newest first."""
    project = call.project()
    found = list(project.jobs.values())[::-1]
    return page(call, _scoped(call, found), lambda job: shapes.job(job, project, call.forge.url))


def _scoped(call: Call, jobs: list[Job]) -> list[Job]:
    scope = call.params.get("scope")
    wanted = [scope] if isinstance(scope, str) else scope
    return [job for job in jobs if wanted is None or job.status in wanted]


def cancel_pipeline(call: Call) -> Reply:
    """POST …/pipelines/:pipeline_id/cancel."""
    project = call.project(Role.DEVELOPER)
    pipeline = _pipeline(call, project)
    _writable(call, project, pipeline.ref)
    call.workings.runner.cancel(project, pipeline, project.jobs_of(pipeline))
    return Reply(201, shapes.pipeline(pipeline, project, call.forge.url))


def retry_pipeline(call: Call) -> Reply:
    """POST …/pipelines/:pipeline_id/retry: fresh copies of the jobs that failed or were stopped."""
    project = call.project(Role.DEVELOPER)
    pipeline = _pipeline(call, project)
    _writable(call, project, pipeline.ref)
    ended = ("failed", "canceled")
    for job in [job for job in project.jobs_of(pipeline) if job.status in ended and not job.retried]:
        call.workings.runner.retry(project, job, call.user)
    return Reply(201, shapes.pipeline(pipeline, project, call.forge.url))


def get_job(call: Call) -> Reply:
    """GET …/jobs/:job_id."""
    project = call.project()
    return Reply(200, shapes.job(_job(call, project), project, call.forge.url))


def retry_job(call: Call) -> Reply:
    """POST …/jobs/:job_id/retry: 201 with a new job; for a deploy job this is GitLab's rollback."""
    project, job = _own_job(call)
    if job.retried or job.status not in ("success", "failed", "canceled"):
        raise refuse(403, "403 Forbidden - Job is not retryable")
    made = call.workings.runner.retry(project, job, call.user)
    return Reply(201, shapes.job(made, project, call.forge.url))


def _own_job(call: Call) -> tuple[Project, Job]:
    project = call.project(Role.DEVELOPER)
    job = _job(call, project)
    _writable(call, project, project.pipelines[job.pipeline_id].ref)
    return project, job


def play_job(call: Call) -> Reply:
    """POST …/jobs/:job_id/play: starts a manual job."""
    project, job = _own_job(call)
    if job.status != "manual":
        raise refuse(400, "400 Bad request - Unplayable Job")
    call.workings.runner.play(project, job, call.user)
    return Reply(200, shapes.job(job, project, call.forge.url))


def cancel_job(call: Call) -> Reply:
    """POST …/jobs/:job_id/cancel."""
    project, job = _own_job(call)
    if job.status not in UNFINISHED:
        raise refuse(400, "400 Bad request - Job is not cancelable")
    call.workings.runner.cancel(project, project.pipelines[job.pipeline_id], [job])
    return Reply(201, shapes.job(job, project, call.forge.url))


def stop_environment(call: Call) -> Reply:
    """POST …/environments/:environment_id/stop."""
    project = call.project(Role.DEVELOPER)
    found = project.environments.get(int(call.path["environment_id"]))
    if found is None:
        raise not_found("Environment")
    found.state, found.updated_at = "stopped", call.forge.clock.now()
    return Reply(200, shapes.environment(found, project, call.forge.url))


def list_environments(call: Call) -> Reply:
    """GET …/environments (`name`, `search`, `states`)."""
    project = call.project()
    searched = call.text("search") or ""
    found = [
        each
        for each in project.environments.values()
        if call.params.get("name", each.name) == each.name
        and searched in each.name
        and call.params.get("states", each.state) == each.state
    ]
    return page(call, found, lambda each: shapes.environment(each, project, call.forge.url))


def get_environment(call: Call) -> Reply:
    """GET …/environments/:environment_id."""
    project = call.project()
    found = _pick(project.environments, call.path["environment_id"], "404 Environment Not Found")
    return Reply(200, shapes.environment(found, project, call.forge.url))


def list_deployments(call: Call) -> Reply:
    """GET …/deployments (`environment`, `status`, `order_by`, `sort`, `updated_*`, `finished_*`)."""
    project = call.project()
    order = _order(call)
    found = [each for each in project.deployments.values() if _meets(call, project, each)]
    found.sort(
        key=lambda each: (str(getattr(each, order)), each.id), reverse=call.params.get("sort") == "desc"
    )
    if order in ("id", "iid"):
        found.sort(key=lambda each: each.id, reverse=call.params.get("sort") == "desc")
    return page(call, found, lambda each: shapes.deployment(each, project, call.forge.url))


def _order(call: Call) -> str:
    order = call.text("order_by") or "id"
    if order not in ("id", "iid", "created_at", "updated_at", "finished_at", "ref"):
        raise refuse_parameter("order_by does not have a valid value")
    if order == "finished_at" and call.params.get("status") != "success":
        raise refuse(400, "`finished_at` filter must be combined with `success` status filter.")
    return order


def _meets(call: Call, project: Project, each: Deployment) -> bool:
    status = call.params.get("status", each.status)
    if status not in _STATUSES and status != each.status:
        raise refuse_parameter("status does not have a valid value")
    name = project.environments[each.environment_id].name
    return (
        status == each.status
        and call.params.get("environment", name) == name
        and within(call, "updated", each.updated_at)
        and (each.finished_at is None or within(call, "finished", each.finished_at))
    )


def get_deployment(call: Call) -> Reply:
    """GET …/deployments/:deployment_id."""
    project = call.project()
    found = (
        project.deployments.get(int(call.path["deployment_id"]))
        if call.path["deployment_id"].isdigit()
        else None
    )
    if found is None:
        raise not_found("Deployment")
    more = {"pending_approval_count": 0, "approvals": [], "approval_summary": None}
    return Reply(200, shapes.deployment(found, project, call.forge.url) | more)


_AT = "projects/:id"
ROUTES: Routes = (
    Route("GET", f"{_AT}/pipelines", list_pipelines),
    Route("POST", f"{_AT}/pipeline", create_pipeline),
    Route("GET", f"{_AT}/pipelines/:pipeline_id", get_pipeline),
    Route("GET", f"{_AT}/pipelines/:pipeline_id/jobs", pipeline_jobs),
    Route("POST", f"{_AT}/pipelines/:pipeline_id/cancel", cancel_pipeline),
    Route("POST", f"{_AT}/pipelines/:pipeline_id/retry", retry_pipeline),
    Route("GET", f"{_AT}/jobs", project_jobs),
    Route("GET", f"{_AT}/jobs/:job_id", get_job),
    Route("POST", f"{_AT}/jobs/:job_id/retry", retry_job),
    Route("POST", f"{_AT}/jobs/:job_id/play", play_job),
    Route("POST", f"{_AT}/jobs/:job_id/cancel", cancel_job),
    Route("GET", f"{_AT}/environments", list_environments),
    Route("GET", f"{_AT}/environments/:environment_id", get_environment),
    Route("POST", f"{_AT}/environments/:environment_id/stop", stop_environment),
    Route("GET", f"{_AT}/deployments", list_deployments),
    Route("GET", f"{_AT}/deployments/:deployment_id", get_deployment),
)
