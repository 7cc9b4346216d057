"""GitLab's JSON for pipelines, jobs, environments and deployments."""

from datetime import datetime

from gateway.sandbox.gitlab.entities import Deployment, Environment, Job, Pipeline, Project
from gateway.sandbox.gitlab.shapes import commit, stamp, user_basic
from gateway.sandbox.wire import Document

_TIERS = {"production": "production", "prod": "production", "staging": "staging", "test": "testing"}


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if start and end else None


def pipeline_basic(item: Pipeline, project: Project, url: str) -> Document:
    """A pipeline as lists show it."""
    return {
        "id": item.id,
        "iid": item.iid,
        "project_id": project.id,
        "sha": item.sha,
        "ref": item.ref,
        "status": item.status,
        "source": item.source,
        "created_at": stamp(item.created_at),
        "updated_at": stamp(item.updated_at),
        "web_url": f"{url}/{project.full_path}/-/pipelines/{item.id}",
    }


def pipeline(item: Pipeline, project: Project, url: str) -> Document:
    """A pipeline on its own."""
    took, waited = _seconds(item.started_at, item.finished_at), _seconds(item.created_at, item.started_at)
    return pipeline_basic(item, project, url) | {
        "name": None,
        "before_sha": item.before_sha,
        "tag": False,
        "yaml_errors": item.yaml_errors,
        "user": user_basic(item.user, url),
        "started_at": stamp(item.started_at),
        "finished_at": stamp(item.finished_at),
        "committed_at": None,
        "duration": None if took is None else int(took),
        "queued_duration": None if waited is None else int(waited),
        "coverage": None,
        "archived": False,
        "detailed_status": _detailed(item, project, url),
    }


def _detailed(item: Pipeline, project: Project, url: str) -> Document:
    label = "passed" if item.status == "success" else item.status
    return {
        "icon": f"status_{item.status}",
        "text": label.capitalize(),
        "label": label,
        "group": item.status,
        "tooltip": label,
        "has_details": True,
        "details_path": f"{url}/{project.full_path}/-/pipelines/{item.id}".removeprefix(url),
        "illustration": None,
        "favicon": f"/assets/ci_favicons/favicon_status_{item.status}.png",
    }


def job(item: Job, project: Project, url: str) -> Document:
    """A job."""
    run = project.pipelines[item.pipeline_id]
    return {
        "id": item.id,
        "status": item.status,
        "stage": item.stage,
        "name": item.name,
        "ref": run.ref,
        "tag": False,
        "coverage": None,
        "allow_failure": item.allow_failure,
        "created_at": stamp(item.created_at),
        "started_at": stamp(item.started_at),
        "finished_at": stamp(item.finished_at),
        "erased_at": None,
        "duration": _seconds(item.started_at, item.finished_at),
        "queued_duration": _seconds(item.created_at, item.started_at),
        "user": user_basic(item.user, url),
        "commit": commit(project.repository.commit(run.sha), project, url),
        "pipeline": pipeline_basic(run, project, url),
        "failure_reason": item.failure_reason,
        "web_url": f"{url}/{project.full_path}/-/jobs/{item.id}",
        "project": {"ci_job_token_scope_enabled": True},
        "artifacts": [],
        "runner": None,
        "runner_manager": None,
        "artifacts_expire_at": None,
        "archived": False,
        "tag_list": [],
    }


def environment_basic(item: Environment) -> Document:
    """An environment as it appears inside a deployment."""
    return {
        "id": item.id,
        "name": item.name,
        "slug": item.name.lower().replace("/", "-"),
        "external_url": None,
        "created_at": stamp(item.created_at),
        "updated_at": stamp(item.updated_at),
    }


def environment(item: Environment, project: Project, url: str) -> Document:
    """An environment on its own, with what last succeeded there."""
    here = (each for each in project.deployments.values() if each.environment_id == item.id)
    done = [each for each in here if each.status == "success"]
    last = max(done, key=lambda each: (each.finished_at or each.created_at, each.id), default=None)
    return environment_basic(item) | {
        "state": item.state,
        "tier": _TIERS.get(item.name.lower(), "other"),
        "last_deployment": deployment(last, project, url) if last else None,
        "auto_stop_at": None,
        "description": None,
        "kubernetes_namespace": None,
        "flux_resource_path": None,
        "auto_stop_setting": "always",
    }


def deployment(item: Deployment, project: Project, url: str) -> Document:
    """A deployment with the job that made it; when it ended is the job's `finished_at`, as GitLab's entity has none."""
    return {
        "id": item.id,
        "iid": item.iid,
        "ref": item.ref,
        "sha": item.sha,
        "created_at": stamp(item.created_at),
        "updated_at": stamp(item.updated_at),
        "user": user_basic(item.user, url),
        "environment": environment_basic(project.environments[item.environment_id]),
        "deployable": job(project.jobs[item.job_id], project, url),
        "status": item.status,
    }
