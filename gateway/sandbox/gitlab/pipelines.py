"""How pipelines, jobs and deployments come to be and move on, one step per event of the clock."""

from collections.abc import Iterable

from gateway.sandbox.git.repository import ZERO
from gateway.sandbox.gitlab.ci import CiError, CiJob, plan
from gateway.sandbox.gitlab.entities import Deployment, Environment, Job, Pipeline, Project, User
from gateway.sandbox.gitlab.forge import Forge

ACTIVE = ("pending", "running")
UNFINISHED = ("created", "waiting_for_resource", "preparing", *ACTIVE)
_SKIP = ("[skip ci]", "[ci skip]", "[skip-ci]", "[ci-skip]")


class Runner:
    """Makes pipelines and moves them on; the caller holds the clock's lock."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge

    def start(
        self, project: Project, ref: str, sha: str, user: User, *, source: str, before: str = ZERO
    ) -> Pipeline | None:
        """A new pipeline for a commit, or None when there is no CI file or no job takes part."""
        text = project.repository.blob(sha, ".gitlab-ci.yml")
        if text is None:
            return None
        variables = {
            "CI_COMMIT_BRANCH": ref,
            "CI_COMMIT_REF_NAME": ref,
            "CI_DEFAULT_BRANCH": project.default_branch,
            "CI_PIPELINE_SOURCE": source,
        }
        try:
            jobs = plan(text, variables)
        except CiError as error:
            pipeline = self._new(project, ref, sha, user, source, before)
            pipeline.yaml_errors, pipeline.status = str(error), "failed"
            return pipeline
        return (
            self._with_jobs(self._new(project, ref, sha, user, source, before), project, jobs)
            if jobs
            else None
        )

    def _new(self, project: Project, ref: str, sha: str, user: User, source: str, before: str) -> Pipeline:
        now = self._forge.clock.now()
        number = self._forge.number("pipeline")
        iid = len(project.pipelines) + 1
        pipeline = Pipeline(number, iid, sha, ref, source, user, before, now, now)
        project.pipelines[number] = pipeline
        return pipeline

    def _with_jobs(self, pipeline: Pipeline, project: Project, jobs: Iterable[CiJob]) -> Pipeline:
        skipped = any(mark in project.repository.commit(pipeline.sha).message.lower() for mark in _SKIP)
        for planned in jobs:
            job = self._new_job(project, pipeline, planned)
            if skipped:
                self._set_job(project, job, "skipped")
        if skipped:
            pipeline.status = "skipped"
            return pipeline
        self._doom(project, pipeline)
        self._forge.clock.after(self._forge.pace.start, lambda: self._proceed(project, pipeline))
        return pipeline

    def _new_job(self, project: Project, pipeline: Pipeline, planned: CiJob) -> Job:
        job = Job(
            id=self._forge.number("job"),
            name=planned.name,
            stage=planned.stage,
            status="manual" if planned.manual else "created",
            pipeline_id=pipeline.id,
            user=pipeline.user,
            created_at=self._forge.clock.now(),
            environment=planned.environment,
            manual=planned.manual,
            allow_failure=planned.allow_failure,
        )
        project.jobs[job.id] = job
        pipeline.job_ids.append(job.id)
        if planned.environment and not planned.manual:
            self._deploy(project, pipeline, job)
        return job

    def _doom(self, project: Project, pipeline: Pipeline) -> None:
        """Let the failure switch pick its job, if it was thrown."""
        waiting = self._forge.switches.failing_jobs
        if not waiting:
            return
        jobs = project.jobs_of(pipeline)
        chosen = next((job for job in jobs if waiting[0] in ("", job.name)), None)
        if chosen:
            waiting.pop(0)
            chosen.doomed = True

    def _deploy(self, project: Project, pipeline: Pipeline, job: Job) -> None:
        now = self._forge.clock.now()
        number, iid = self._forge.number("deployment"), len(project.deployments) + 1
        where = self.environment(project, str(job.environment))
        made = Deployment(number, iid, pipeline.ref, pipeline.sha, where.id, job.id, job.user, now, now)
        project.deployments[number] = made

    def environment(self, project: Project, name: str) -> Environment:
        """The environment of this name, made when it is first deployed to."""
        found = next((each for each in project.environments.values() if each.name == name), None)
        if found:
            return found
        now = self._forge.clock.now()
        made = Environment(self._forge.number("environment"), name, now, now)
        project.environments[made.id] = made
        return made

    def _proceed(self, project: Project, pipeline: Pipeline) -> None:
        """Start the next stage, or end the pipeline, unless something still runs."""
        jobs = [job for job in project.jobs_of(pipeline) if not job.retried]
        if pipeline.status == "canceled" or any(job.status in ACTIVE for job in jobs):
            return
        waiting = [job for job in jobs if job.status == "created"]
        if any(job.status in ("failed", "canceled") and not job.allow_failure for job in jobs):
            for job in waiting:
                self._set_job(project, job, "skipped")
            self._end(
                project, pipeline, "failed" if any(job.status == "failed" for job in jobs) else "canceled"
            )
        elif waiting:
            for job in (job for job in waiting if job.stage == waiting[0].stage):
                self.run(project, pipeline, job)
        else:
            self._end(project, pipeline, "success")

    def run(self, project: Project, pipeline: Pipeline, job: Job) -> None:
        """Let a job run; it ends when its time on the clock has passed."""
        now = self._forge.clock.now()
        pipeline.status, pipeline.started_at = "running", pipeline.started_at or now
        pipeline.updated_at, pipeline.finished_at = now, None
        job.started_at = now
        self._set_job(project, job, "running")
        self._forge.clock.after(self._forge.pace.job, lambda: self._finish(project, pipeline, job))

    def _finish(self, project: Project, pipeline: Pipeline, job: Job) -> None:
        if job.status != "running":
            return
        job.finished_at = self._forge.clock.now()
        job.failure_reason = "script_failure" if job.doomed else None
        self._set_job(project, job, "failed" if job.doomed else "success")
        self._proceed(project, pipeline)

    def _set_job(self, project: Project, job: Job, status: str) -> None:
        """Give a job a status, and its deployment the same."""
        job.status = status
        now = self._forge.clock.now()
        for made in (each for each in project.deployments.values() if each.job_id == job.id):
            made.status, made.updated_at = status, now
            made.finished_at = now if status in ("success", "failed", "canceled") else None

    def _end(self, project: Project, pipeline: Pipeline, status: str) -> None:
        now = self._forge.clock.now()
        pipeline.status, pipeline.updated_at, pipeline.finished_at = status, now, now
        for listener in self._forge.pipeline_listeners:
            listener(project, pipeline)

    def retry(self, project: Project, job: Job, user: User) -> Job:
        """A fresh copy of a finished job; for a deploy job this is GitLab's rollback."""
        pipeline = project.pipelines[job.pipeline_id]
        job.retried = True
        again = self._new_job(
            project,
            pipeline,
            CiJob(job.name, job.stage, job.environment, manual=False, allow_failure=job.allow_failure),
        )
        again.user, again.status = user, "pending"
        for made in (each for each in project.deployments.values() if each.job_id == again.id):
            made.user = user
        for other in project.jobs_of(pipeline):
            if other.status == "skipped":
                self._set_job(project, other, "created")
        self._enqueue(project, pipeline, again)
        return again

    def play(self, project: Project, job: Job, user: User) -> None:
        """Start a manual job."""
        pipeline = project.pipelines[job.pipeline_id]
        job.user, job.status = user, "pending"
        if job.environment:
            self._deploy(project, pipeline, job)
        self._enqueue(project, pipeline, job)

    def _enqueue(self, project: Project, pipeline: Pipeline, job: Job) -> None:
        pipeline.status, pipeline.finished_at = "running", None
        if self._forge.switches.failing_jobs and self._forge.switches.failing_jobs[0] in ("", job.name):
            self._forge.switches.failing_jobs.pop(0)
            job.doomed = True

        def begin() -> None:
            if job.status == "pending":
                self.run(project, pipeline, job)

        self._forge.clock.after(self._forge.pace.start, begin)

    def cancel(self, project: Project, pipeline: Pipeline, jobs: Iterable[Job]) -> None:
        """Stop the given jobs, and the pipeline when nothing else of it runs."""
        for job in jobs:
            if job.status in (*UNFINISHED, "manual"):
                job.finished_at = self._forge.clock.now()
                self._set_job(project, job, "canceled")
        if pipeline.status in UNFINISHED:
            self._proceed(project, pipeline)
