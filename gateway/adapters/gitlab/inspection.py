"""What GitLab tells about an action's target, read part by part: what cannot be read is missing, never guessed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gateway.adapters.gitlab.answers import (
    Branch,
    Commit,
    Deployment,
    Environment,
    Issue,
    MergeRequest,
    Pipeline,
    Project,
    ProtectedBranch,
)
from gateway.adapters.gitlab.forge import Forge, project_path, segment
from gateway.adapters.gitlab.issues import STATUSES
from gateway.adapters.gitlab.marks import Marker, milliseconds, opener
from gateway.adapters.gitlab.open_items import similar_issues
from gateway.adapters.gitlab.operation import params_of
from gateway.adapters.gitlab.protection import is_protected
from gateway.adapters.gitlab.pushes import pushers_of
from gateway.adapters.gitlab.running_facts import ON_JOB, ON_PIPELINE, ON_TAG, RunningFacts
from gateway.adapters.gitlab.subjects import overwritten, request_subject, subject_of
from gateway.adapters.gitlab.values import issue_values
from gateway.core.actions import Action
from gateway.core.errors import FactsMissingError
from gateway.core.facts import (
    BranchFacts,
    DeploymentEntry,
    DeploymentFacts,
    IssueFacts,
    MergeRequestFacts,
    MissingFact,
    PipelineFacts,
    ProjectFacts,
)
from gateway.core.params import DeploymentRollback, MergeRequestOpen
from gateway.core.vocabulary import ActionType as T
from gateway.ports import Clock, Inspection

V = TypeVar("V")
DEFAULT_CI_PATH = ".gitlab-ci.yml"
_HISTORY = 50
_SETTLING = frozenset({"checking", "unchecked", "preparing", "approvals_syncing"})
_LOOKS = 4
_PAUSE_S = 0.5
_REQUEST_REFS = ("head", "merge", "train")
_BUSY = frozenset({"created", "waiting_for_resource", "preparing", "pending", "running"})
_CHANGES_CODE = frozenset(
    {
        T.MERGE_REQUEST_MERGE,
        T.MERGE_REQUEST_OPEN,
        T.MERGE_REQUEST_REBASE,
        T.COMMIT_CREATE,
        T.COMMIT_REVERT,
        T.COMMIT_CHERRY_PICK,
        T.DEPLOYMENT_ROLLBACK,
        T.PIPELINE_RUN,
        T.PIPELINE_RETRY,
        T.JOB_PLAY,
        T.JOB_RETRY,
    }
)
_ON_BRANCH = frozenset(
    {T.BRANCH_CREATE, T.BRANCH_DELETE, T.COMMIT_CREATE, T.COMMIT_REVERT, T.COMMIT_CHERRY_PICK}
)
_ON_REQUEST = frozenset(
    {
        T.MERGE_REQUEST_MERGE,
        T.MERGE_REQUEST_COMMENT,
        T.MERGE_REQUEST_UPDATE,
        T.MERGE_REQUEST_CLOSE,
        T.MERGE_REQUEST_REOPEN,
        T.MERGE_REQUEST_REBASE,
    }
)
_ON_ISSUE = frozenset(
    {
        T.ISSUE_COMMENT,
        T.ISSUE_UPDATE,
        T.ISSUE_TRANSITION,
        T.ISSUE_ASSIGN,
        T.ISSUE_LINK,
        T.ISSUE_CLOSE,
        T.ISSUE_REOPEN,
        T.ISSUE_ATTACH,
    }
)
_ON_ENVIRONMENT = frozenset({T.DEPLOYMENT_ROLLBACK, T.ENVIRONMENT_STOP})


class _Abandoned(Exception):  # noqa: N818 - no error: a part that needs one that is missing is not read
    """A part was not read because one it needs could not be."""


@dataclass(slots=True)
class Parts:
    """What was read of one target, and what could not be."""

    read: dict[str, Any] = field(default_factory=dict)
    missing: list[MissingFact] = field(default_factory=list)

    def take(self, name: str, reading: Callable[[], V]) -> V:
        """Read one part and keep it; raise `_Abandoned` when it cannot be read."""
        try:
            self.read[name] = value = reading()
        except FactsMissingError as error:
            self.missing.append(missing(name, error))
            raise _Abandoned from None
        return value


@dataclass(frozen=True, slots=True)
class Inspector:
    """Reads as the road identity. `people` maps a username of the forge to a roster id, when it knows one."""

    forge: Forge
    clock: Clock
    marker: Marker
    people: Callable[[str], str | None]
    pause: Callable[[float], None] = time.sleep

    def inspect(self, action: Action) -> Inspection:
        """Everything the ruling on this action needs from GitLab. Runs in a worker thread."""
        parts = Parts()
        try:
            self._read(action, parts)
        except _Abandoned:
            parts.missing.extend(_unread_after(parts, action))
        return Inspection(**parts.read, missing=tuple(parts.missing))

    def _read(self, action: Action, parts: Parts) -> None:
        project = parts.take("project", lambda: self._project(action))
        if action.type in _ON_BRANCH and action.target.branch:
            name = action.target.branch
            parts.take("branch", lambda: self._branch(project, name))
        if action.type in _ON_REQUEST:
            self._request_parts(action, project, parts)
        if action.type is T.MERGE_REQUEST_OPEN:
            parts.take("merge_request", lambda: self._request_to_be(action, project))
        if action.type in _ON_ISSUE:
            parts.take("issue", lambda: self._issue(action, project))
        if action.type is T.ISSUE_CREATE:
            parts.take("similar", lambda: similar_issues(self.forge, action, project))
        if action.type in _ON_ENVIRONMENT:
            parts.take("deployment", lambda: self._deployment(action, project))
        self._running_parts(action, project, parts)
        if action.type in _CHANGES_CODE:
            parts.take("concurrent", lambda: self._concurrent(action, project))
        if "subject" not in parts.read:
            parts.read["subject"] = subject_of(action, parts.read)

    def _running_parts(self, action: Action, project: ProjectFacts, parts: Parts) -> None:
        running = RunningFacts(self.forge)
        if action.type in ON_TAG:
            parts.take("tag", lambda: running.tag(action, project))
        if action.type in ON_PIPELINE:
            parts.take("pipeline", lambda: running.pipeline(action, project))
        if action.type in ON_JOB:
            parts.take("job", lambda: running.job(action, project))

    def _request_parts(self, action: Action, project: ProjectFacts, parts: Parts) -> None:
        answer = parts.take("merge_request", lambda: self._settled_request(action, project))
        parts.read["merge_request"] = request = self._request_facts(answer, project)
        parts.read["subject"] = request_subject(action, answer)
        if action.type is T.MERGE_REQUEST_REBASE:
            parts.take("branch", lambda: self._branch(project, request.source_branch))
        if action.type is not T.MERGE_REQUEST_MERGE:
            return
        parts.read["texts"] = {
            "merge_request.title": answer.title,
            "merge_request.description": answer.description or "",
        }
        parts.take("pipeline", lambda: self._pipeline(project, request))
        parts.take("branch", lambda: self._branch(project, request.target_branch))
        parts.take("authors", lambda: self._pushers(project, request))

    def _pushers(self, project: ProjectFacts, request: MergeRequestFacts) -> tuple[str, ...]:
        names = pushers_of(self.forge, project.path, request.source_branch)
        return tuple(sorted({person for name in names if (person := self.people(name))}))

    def rules_of(self, project: str) -> tuple[tuple[str, ...], str]:
        """The patterns of the project's protected branches, and where its CI configuration is."""
        path = self.forge.get(project_path(project), Project).ci_config_path
        return self._patterns(project), path or DEFAULT_CI_PATH

    def _patterns(self, project: str) -> tuple[str, ...]:
        rows = self.forge.list(project_path(project, "protected_branches"), ProtectedBranch)
        return tuple(sorted({row.name for row in rows}))

    def _project(self, action: Action) -> ProjectFacts:
        asked = action.target.project or ""
        project = self.forge.get(project_path(asked), Project)
        if project.path_with_namespace.lower() != asked.lower():
            name = project.path_with_namespace
            raise FactsMissingError(f"The project is called {name} now; name it so.", retryable=False)
        if project.archived:
            raise FactsMissingError(
                "The project is archived: it takes no writes until somebody unarchives it.", retryable=False
            )
        return ProjectFacts(
            id=str(project.id),
            path=asked,
            default_branch=project.default_branch or "",
            protected_branches=self._patterns(asked),
        )

    def _branch(self, project: ProjectFacts, name: str) -> BranchFacts:
        found = self.forge.find(project_path(project.path, "repository/branches", segment(name)), Branch)
        return BranchFacts(
            name=name,
            head=found.commit.id if found else None,
            protected=is_protected(name, project.protected_branches),
            default=name == project.default_branch,
        )

    def _settled_request(self, action: Action, project: ProjectFacts) -> MergeRequest:
        """The merge request, looked at again for a moment while GitLab works out whether it can be merged."""
        path = project_path(project.path, "merge_requests", action.target.merge_request or 0)
        answer = self.forge.get(path, MergeRequest)
        for _ in range(_LOOKS - 1):
            if answer.detailed_merge_status not in _SETTLING or action.type is not T.MERGE_REQUEST_MERGE:
                break
            self.pause(_PAUSE_S)
            answer = self.forge.get(path, MergeRequest)
        if not answer.sha:
            raise FactsMissingError("The merge request has no head commit yet.")
        return answer

    def _request_facts(self, answer: MergeRequest, project: ProjectFacts) -> MergeRequestFacts:
        return MergeRequestFacts(
            iid=answer.iid,
            head=answer.sha or "",
            source_branch=answer.source_branch,
            target_branch=answer.target_branch,
            source_project_id=str(answer.source_project_id),
            target_project_id=str(answer.target_project_id),
            author=self._author(answer, project),
            state=answer.state,
            draft=answer.draft,
            merge_status=answer.detailed_merge_status,
            target_protected=is_protected(answer.target_branch, project.protected_branches),
        )

    def _author(self, answer: MergeRequest, project: ProjectFacts) -> str:
        """Who opened it, as a roster id: for our own identity, the agent its genuine mark names."""
        username = answer.author.username if answer.author else ""
        if username == self.forge.username:
            return (
                opener(answer.description or "", int(project.id), answer.source_branch, self.marker)
                or "unknown"
            )
        return self.people(username) or "unknown"

    def _request_to_be(self, action: Action, project: ProjectFacts) -> MergeRequestFacts:
        params = params_of(action, MergeRequestOpen)
        source = self._branch(project, params.source)
        if source.head is None:
            raise FactsMissingError(f"There is no branch {params.source}; push it first.", retryable=False)
        return MergeRequestFacts(
            iid=0,
            head=source.head,
            source_branch=params.source,
            target_branch=params.target,
            source_project_id=project.id,
            target_project_id=project.id,
            author=action.agent,
            state="proposed",
            draft=params.draft,
            merge_status="unknown",
            target_protected=is_protected(params.target, project.protected_branches),
        )

    def _pipeline(self, project: ProjectFacts, request: MergeRequestFacts) -> PipelineFacts:
        """The newest of the merge request's own: another branch at the same commit may test less."""
        path, head = project_path(project.path, "pipelines"), request.head
        rows = self.forge.list(path, Pipeline, sha=head, order_by="id", sort="desc")
        own = {request.source_branch, *(f"refs/merge-requests/{request.iid}/{end}" for end in _REQUEST_REFS)}
        newest = next((p for p in rows if p.sha == head and p.ref in own), None)
        if newest is None:
            return PipelineFacts(status="none", sha=head)
        return PipelineFacts(status=newest.status, sha=newest.sha, id=newest.id)

    def _issue(self, action: Action, project: ProjectFacts) -> IssueFacts:
        issue = self.forge.get(
            project_path(project.path, "issues", segment(action.target.issue or "")), Issue
        )
        others = tuple(s for s in STATUSES if s != issue.state)
        return IssueFacts(
            key=str(issue.iid),
            status=issue.state,
            transitions=others,
            project=project.path,
            current=issue_values(issue, overwritten(action)),
        )

    def _deployment(self, action: Action, project: ProjectFacts) -> DeploymentFacts:
        name = action.target.environment or ""
        environments = self.forge.list(project_path(project.path, "environments"), Environment, name=name)
        if not any(e.name == name for e in environments):
            raise FactsMissingError(f"The project has no environment {name!r}.", retryable=False)
        rows = self.forge.list(
            project_path(project.path, "deployments"),
            Deployment,
            limit=_HISTORY,
            environment=name,
            status="success",
            order_by="id",
            sort="desc",
        )
        history = history_of(rows, self.clock.now_ms())
        if not isinstance(action.params, DeploymentRollback):
            return deployment_facts(name, history, "")
        facts = deployment_facts(name, history, action.params.to)
        self._check_revert(action, project, facts)
        return facts

    def _check_revert(self, action: Action, project: ProjectFacts, facts: DeploymentFacts) -> None:
        """A revert undoes one commit: it leads to `to` only when that is what was there just before it."""
        if params_of(action, DeploymentRollback).method != "revert" or not facts.current_sha:
            return
        path = project_path(project.path, "repository/commits", facts.current_sha)
        parents = self.forge.get(path, Commit).parent_ids
        if not parents or parents[0] != facts.to_sha:
            raise FactsMissingError(
                f"Reverting {facts.current_sha} leads to {parents[0] if parents else 'nothing'}, not to "
                f"{facts.to_sha}; use the method redeploy.",
                retryable=False,
            )

    def _concurrent(self, action: Action, project: ProjectFacts) -> int:
        """Other open merge requests of the project, and pipelines under way that are not this change's own."""
        requests = self.forge.list(project_path(project.path, "merge_requests"), MergeRequest, state="opened")
        others = [r for r in requests if r.iid != action.target.merge_request]
        own = {r.sha for r in requests if r.iid == action.target.merge_request}
        path = project_path(project.path, "pipelines")
        recent = self.forge.list(path, Pipeline, limit=100, order_by="id", sort="desc")
        return len(others) + sum(1 for p in recent if p.status in _BUSY and p.sha not in own)


def history_of(rows: tuple[Deployment, ...], now_ms: int) -> tuple[DeploymentEntry, ...]:
    """The successful deployments, newest first, each with how long it stayed in place."""
    entries: list[DeploymentEntry] = []
    until_ms = now_ms
    for row in rows:
        finished_ms = milliseconds(row.finished_at or row.updated_at or row.created_at)
        entries.append(
            DeploymentEntry(
                id=row.id,
                sha=row.sha,
                job_id=row.deployable.id if row.deployable else None,
                finished_ms=finished_ms,
                healthy_s=max(0, (until_ms - finished_ms) // 1000),
            )
        )
        until_ms = finished_ms
    return tuple(entries)


def deployment_facts(environment: str, history: tuple[DeploymentEntry, ...], to: str) -> DeploymentFacts:
    """What runs now and what the rollback's `to` means in this history; unknown to both where it means nothing."""
    current = history[0] if history else None
    goal = next((e for e in history[1:] if to in {e.sha, str(e.id)}), None)
    return DeploymentFacts(
        environment=environment,
        current_id=current.id if current else None,
        current_sha=current.sha if current else None,
        to_id=goal.id if goal else None,
        to_sha=goal.sha if goal else None,
        history=history,
        history_total=len(history),
    )


def missing(path: str, error: FactsMissingError) -> MissingFact:
    """A part that could not be read, as the policy will see it."""
    retry = "wait_until" if error.retryable else "fix_and_retry"
    return MissingFact(path=path, reason=error.detail, retry=retry, until_ms=error.until_ms)


def _unread_after(parts: Parts, action: Action) -> list[MissingFact]:
    """The parts that were not tried because an earlier one failed: missing for the same reason."""
    cause = parts.missing[0]
    wanted = {
        "branch": action.type in _ON_BRANCH or action.type in {T.MERGE_REQUEST_MERGE, T.MERGE_REQUEST_REBASE},
        "merge_request": action.type in _ON_REQUEST or action.type is T.MERGE_REQUEST_OPEN,
        "pipeline": action.type is T.MERGE_REQUEST_MERGE or action.type in ON_PIPELINE,
        "job": action.type in ON_JOB,
        "tag": action.type in ON_TAG,
        "issue": action.type in _ON_ISSUE,
        "similar": action.type is T.ISSUE_CREATE,
        "deployment": action.type in _ON_ENVIRONMENT,
    }
    left = [name for name, is_wanted in wanted.items() if is_wanted and name not in parts.read]
    return [cause.model_copy(update={"path": name}) for name in left if name != cause.path]
