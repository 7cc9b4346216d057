"""What GitLab tells about tags, pipelines and jobs before one of them is touched."""

from dataclasses import dataclass
from typing import Any

from gateway.adapters.gitlab.answers import (
    Branch,
    Deployment,
    Job,
    Lint,
    Pipeline,
    ProtectedBranch,
    Tag,
)
from gateway.adapters.gitlab.forge import Forge, project_path, segment
from gateway.adapters.gitlab.operation import params_of
from gateway.adapters.gitlab.protection import is_protected
from gateway.core.actions import Action
from gateway.core.errors import FactsMissingError
from gateway.core.facts import JobFacts, PipelineFacts, ProjectFacts, TagFacts
from gateway.core.params import PipelineRun, TagCreate
from gateway.core.vocabulary import ActionType as T

UNKNOWN = "unknown"
_COMMIT_DIGITS = 40
ON_PIPELINE = frozenset({T.PIPELINE_RUN, T.PIPELINE_RETRY, T.PIPELINE_CANCEL})
ON_JOB = frozenset({T.JOB_PLAY, T.JOB_RETRY, T.JOB_CANCEL})
ON_TAG = frozenset({T.TAG_CREATE, T.TAG_DELETE})


@dataclass(frozen=True, slots=True)
class RunningFacts:
    """Reads as the road identity. Raises `FactsMissingError`."""

    forge: Forge

    def tag(self, action: Action, project: ProjectFacts) -> TagFacts:
        """The tag as it is, and where a new one would be."""
        name = action.target.tag or ""
        found = self.forge.find(project_path(project.path, "repository/tags", segment(name)), Tag)
        return TagFacts(
            name=name,
            commit=found.commit.id if found else None,
            object=found.target if found else None,
            to=self._named(project, params_of(action, TagCreate).ref)
            if action.type is T.TAG_CREATE
            else None,
            protected=is_protected(name, self._protected_tags(project)),
            released=found is not None and found.release is not None,
        )

    def pipeline(self, action: Action, project: ProjectFacts) -> PipelineFacts:
        """The pipeline of the action, or the one to be."""
        if action.type is T.PIPELINE_RUN:
            return self._to_be(action, project)
        found = self.forge.get(project_path(project.path, "pipelines", action.target.pipeline or 0), Pipeline)
        return PipelineFacts(
            status=found.status,
            sha=found.sha,
            id=found.id,
            ref=found.ref,
            protected=self._is_protected(project, found.ref, tag=found.tag),
        )

    def job(self, action: Action, project: ProjectFacts) -> JobFacts:
        """The job, with the environment it deploys to."""
        job = self.forge.get(project_path(project.path, "jobs", action.target.job or 0), Job)
        if job.pipeline is None:
            raise FactsMissingError("GitLab does not say which pipeline the job belongs to.", retryable=False)
        return JobFacts(
            id=job.id,
            name=job.name,
            stage=job.stage,
            status=job.status,
            manual=job.status == "manual",
            environment=self._environment(project, job, job.pipeline.sha),
            ref=job.ref,
            protected=self._is_protected(project, job.ref, tag=job.tag),
            sha=job.pipeline.sha,
            pipeline=job.pipeline.id,
        )

    def _to_be(self, action: Action, project: ProjectFacts) -> PipelineFacts:
        params = params_of(action, PipelineRun)
        return PipelineFacts(
            status="proposed",
            sha=self._named(project, params.ref),
            ref=params.ref,
            protected=self._is_protected(project, params.ref, tag=False),
            variables=params.names,
            variables_total=len(params.names),
        )

    def _named(self, project: ProjectFacts, ref: str) -> str:
        """The commit that a branch's name or a commit id means."""
        if len(ref) == _COMMIT_DIGITS:
            return ref
        found = self.forge.find(project_path(project.path, "repository/branches", segment(ref)), Branch)
        if found is None:
            raise FactsMissingError(f"There is no branch {ref}.", retryable=False)
        return found.commit.id

    def _is_protected(self, project: ProjectFacts, ref: str, *, tag: bool) -> bool:
        patterns = self._protected_tags(project) if tag else project.protected_branches
        return is_protected(ref, patterns)

    def _protected_tags(self, project: ProjectFacts) -> tuple[str, ...]:
        rows = self.forge.list(project_path(project.path, "protected_tags"), ProtectedBranch)
        return tuple(sorted({row.name for row in rows}))

    def _environment(self, project: ProjectFacts, job: Job, sha: str) -> str | None:
        """Jobs do not name their environment: the configuration does, and the deployment when there is one."""
        linted = self._linted(project, job, sha)
        if linted != UNKNOWN:
            return linted
        path = project_path(project.path, "deployments")
        rows = self.forge.list(path, Deployment, limit=100, order_by="id", sort="desc")
        made = (d for d in rows if d.deployable is not None and d.deployable.id == job.id)
        return next((d.environment.name for d in made if d.environment), UNKNOWN)

    def _linted(self, project: ProjectFacts, job: Job, sha: str) -> str | None:
        path = project_path(project.path, "ci/lint")
        lint = self.forge.get(path, Lint, content_ref=sha, include_jobs=True)
        found = [j for j in lint.jobs or () if _is_copy(job.name, j.name)] if lint.valid else []
        names = {_plain(j.environment) for j in found}
        return names.pop() if len(names) == 1 else UNKNOWN


def _is_copy(name: str, written: str) -> bool:
    """Whether a job is the one the configuration writes, or one of its copies: `test 1/3`, `deploy: [eu]`."""
    return name == written or (name.startswith((f"{written} ", f"{written}: ")) and name[-1] in "]0123456789")


def _plain(environment: Any) -> str | None:
    """The name of an environment as the configuration writes it; unknown when only a running job can tell."""
    name = environment.get("name") if isinstance(environment, dict) else environment
    if name is None:
        return None
    return name if isinstance(name, str) and name and "$" not in name else UNKNOWN
