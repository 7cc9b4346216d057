"""What the question about an action is about: what it overwrites, takes away or sets going, as it is now."""

from collections.abc import Callable
from typing import Any

from gateway.adapters.gitlab.answers import MergeRequest
from gateway.adapters.gitlab.running_facts import ON_JOB, ON_PIPELINE, ON_TAG
from gateway.adapters.gitlab.values import request_values
from gateway.core.actions import Action
from gateway.core.facts import JobFacts, PipelineFacts, TagFacts
from gateway.core.params import IssueAssign, IssueUpdate, MergeRequestUpdate
from gateway.core.vocabulary import ActionType as T


def overwritten(action: Action) -> tuple[str, ...]:
    """The fields of an issue that the action overwrites, by their names in the params."""
    if isinstance(action.params, IssueUpdate):
        return action.params.given
    return ("assignee",) if isinstance(action.params, IssueAssign) else ()


def request_subject(action: Action, answer: MergeRequest) -> dict[str, Any]:
    """Of a merge request, what the action overwrites: fields, state or commits."""
    if isinstance(action.params, MergeRequestUpdate):
        return request_values(answer, action.params.given)
    if action.type in {T.MERGE_REQUEST_CLOSE, T.MERGE_REQUEST_REOPEN}:
        return {"state": answer.state}
    if action.type is T.MERGE_REQUEST_REBASE:
        return {"head": answer.sha, "branch": answer.source_branch, "target_branch": answer.target_branch}
    return {}


def subject_of(action: Action, parts: dict[str, Any]) -> dict[str, Any]:
    """What the question about an action on a ref, a pipeline or a job is about: what it would take or set going."""
    taker = _SUBJECTS.get(action.type)
    return taker(parts) if taker else {}


def _of_tag(parts: dict[str, Any]) -> dict[str, Any]:
    tag: TagFacts = parts["tag"]
    return {"tag": tag.name, "commit": tag.commit, "to": tag.to}


def _of_branch(parts: dict[str, Any]) -> dict[str, Any]:
    return {"branch": parts["branch"].name, "head": parts["branch"].head}


def _of_pipeline(parts: dict[str, Any]) -> dict[str, Any]:
    pipeline: PipelineFacts = parts["pipeline"]
    named = {"ref": pipeline.ref, "commit": pipeline.sha}
    return named if pipeline.id is None else {**named, "pipeline": pipeline.id}


def _of_job(parts: dict[str, Any]) -> dict[str, Any]:
    job: JobFacts = parts["job"]
    return {"job": job.name, "commit": job.sha, "ref": job.ref, "environment": job.environment}


def _of_environment(parts: dict[str, Any]) -> dict[str, Any]:
    running = parts["deployment"]
    return {
        "environment": running.environment,
        "current_id": running.current_id,
        "current_sha": running.current_sha,
    }


_SUBJECTS: dict[T, Callable[[dict[str, Any]], dict[str, Any]]] = {
    T.BRANCH_DELETE: _of_branch,
    **dict.fromkeys(ON_TAG, _of_tag),
    **dict.fromkeys(ON_PIPELINE, _of_pipeline),
    **dict.fromkeys(ON_JOB, _of_job),
    T.ENVIRONMENT_STOP: _of_environment,
}
