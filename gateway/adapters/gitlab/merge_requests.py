"""Merge requests: opened by the road identity, merged by the other one, at exactly the head that was judged."""

import asyncio
from dataclasses import dataclass
from typing import Any

from gateway.adapters.gitlab.answers import Branch, MergeRequest
from gateway.adapters.gitlab.forge import project_path, segment
from gateway.adapters.gitlab.marks import bears, iso, marked, opened_by, shortly_before
from gateway.adapters.gitlab.operation import Access, needed, only, params_of, performed, project_of
from gateway.core.actions import Action
from gateway.core.errors import TargetRefusedError, TargetUnclearError
from gateway.core.facts import MergeRequestFacts
from gateway.core.params import MergeRequestMerge, MergeRequestOpen
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.core.text import harmless
from gateway.ports import ActionRecord, Reconciliation


@dataclass(frozen=True, slots=True)
class OpenMergeRequest:
    """`merge_request.open`: recognised by its mark among our merge requests from that branch."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Nothing to undo but the merge request itself."""
        return Preparation(marker=self.access.marker(permit.action.id))

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Open it."""
        action, params = permit.action, params_of(permit.action, MergeRequestOpen)
        project = needed(permit.facts.project, "project that was read")
        by = opened_by(int(project.id), params.source, action.agent, self.access.marker)
        return await open_request(self.access, action, _request_body(params, preparation.marker, by))

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look through our merge requests from that branch."""
        source = params_of(record.action, MergeRequestOpen).source
        found = await find_requests(self.access, record, source, preparation.marker)
        return only([request_result(r) for r in found], "merge request")


@dataclass(frozen=True, slots=True)
class Merge:
    """`merge_request.merge`: now, never later by the forge itself, and only the head that was sent as `sha`."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Note where the target branch is, for undoing; refuse what would not be the merge people were asked about."""
        request = needed(permit.facts.merge_request, "merge request that was read")
        now = await asyncio.to_thread(self.access.road.get, _request_path(permit.action), MergeRequest)
        _check_still_that(now, request, params_of(permit.action, MergeRequestMerge))
        path = project_path(project_of(permit.action), "repository/branches", segment(request.target_branch))
        branch = await asyncio.to_thread(self.access.road.get, path, Branch)
        return Preparation(
            marker=self.access.marker(permit.action.id),
            before={
                "target_branch": request.target_branch,
                "target_head": branch.commit.id,
                "head": request.head,
            },
        )

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:  # noqa: ARG002 - the port's form
        """Merge. GitLab answers 409 when the head has moved, 405 when it will not merge."""
        body = _merge_body(params_of(permit.action, MergeRequestMerge))
        path = f"{_request_path(permit.action)}/merge"
        merged = await asyncio.to_thread(self.access.merge.put, path, body, MergeRequest)
        if merged.state != "merged":
            raise TargetUnclearError(f"GitLab accepted the merge but calls the merge request {merged.state}.")
        return _merge_result(merged)

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:  # noqa: ARG002 - same
        """Look at the merge request: merged, by our identity, at the head we sent."""
        request = await asyncio.to_thread(self.access.merge.get, _request_path(record.action), MergeRequest)
        if request.state == "locked":
            return Reconciliation(happened=None, reason="GitLab is merging it at this moment.")
        if request.state != "merged":
            return Reconciliation(happened=False, reason=f"The merge request is {request.state}, not merged.")
        by = request.merge_user or request.merged_by
        if by is None or by.username != self.access.merge.username:
            return Reconciliation(
                happened=False, reason=f"It was merged by {by.username if by else 'somebody else'}."
            )
        if request.sha != params_of(record.action, MergeRequestMerge).expected_head:
            return Reconciliation(happened=None, reason=f"It was merged at another head: {request.sha}.")
        return Reconciliation(happened=True, performance=_merge_result(request))


async def open_request(access: Access, action: Action, body: dict[str, Any]) -> Performance:
    """Open a merge request as the road identity."""
    path = project_path(project_of(action), "merge_requests")
    return request_result(await asyncio.to_thread(access.road.post, path, body, MergeRequest))


async def find_requests(access: Access, record: ActionRecord, source: str, marker: str) -> list[MergeRequest]:
    """Our merge requests from that branch since an action started that bear its mark."""
    rows = await asyncio.to_thread(
        access.road.list,
        project_path(project_of(record.action), "merge_requests"),
        MergeRequest,
        source_branch=source,
        author_username=access.road.username,
        created_after=iso(shortly_before(record.started_ms or 0)),
        state="all",
        scope="all",
    )
    return [r for r in rows if bears(r, marker)]


def request_result(request: MergeRequest) -> Performance:
    """What the agent gets for an opened merge request."""
    return performed(
        request, merge_request=request.iid, head=request.sha, source_branch=request.source_branch
    )


def _request_path(action: Action) -> str:
    return project_path(
        project_of(action), "merge_requests", needed(action.target.merge_request, "merge request")
    )


def _request_body(params: MergeRequestOpen, marker: str, by: str) -> dict[str, Any]:
    title = harmless(params.title)
    return {
        "source_branch": params.source,
        "target_branch": params.target,
        "title": f"Draft: {title}" if params.draft else title,
        "description": marked(params.description, marker, by),
        "labels": list(params.labels),
    }


def _check_still_that(now: MergeRequest, judged: MergeRequestFacts, params: MergeRequestMerge) -> None:
    """GitLab's merge takes a head to hold it to, but no target; and its own flags outlast a `false` of ours."""
    if (now.sha, now.target_branch) != (judged.head, judged.target_branch):
        raise TargetRefusedError(
            f"The merge request goes from {now.sha} into {now.target_branch} by now; propose the merge again.",
            code="stale",
        )
    if now.squash_on_merge and not params.squash:
        raise TargetRefusedError("GitLab would squash this merge request; propose it with squash.")
    if now.force_remove_source_branch and not params.remove_source_branch:
        raise TargetRefusedError(
            "GitLab would remove the source branch of this merge request; propose it with remove_source_branch."
        )


def _merge_body(params: MergeRequestMerge) -> dict[str, Any]:
    return {
        "sha": params.expected_head,
        "squash": params.squash,
        "should_remove_source_branch": params.remove_source_branch,
    }


def _merge_result(request: MergeRequest) -> Performance:
    commit = request.merge_commit_sha or request.squash_commit_sha or request.sha
    return performed(request, merge_request=request.iid, commit=commit, head=request.sha)
