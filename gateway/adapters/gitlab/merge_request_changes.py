"""Merge requests whose fields, state or commits are changed without being merged."""

import asyncio
from dataclasses import dataclass
from typing import Any

from gateway.adapters.gitlab.answers import MergeRequest, Rebase
from gateway.adapters.gitlab.forge import project_path
from gateway.adapters.gitlab.issues import EVENTS, moved_by_us
from gateway.adapters.gitlab.marks import marked, milliseconds, opened_by, opener, shortly_before
from gateway.adapters.gitlab.operation import (
    Access,
    needed,
    params_of,
    performed,
    project_of,
    read_or_refuse,
)
from gateway.adapters.gitlab.pushes import pushes_of
from gateway.adapters.gitlab.values import (
    is_ours,
    noted,
    noted_title,
    overwriting,
    request_values,
    untitled_draft,
)
from gateway.core.actions import Action
from gateway.core.errors import FactsMissingError, TargetRefusedError, TargetUnclearError
from gateway.core.params import MergeRequestUpdate
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.core.text import harmless
from gateway.core.vocabulary import ActionType
from gateway.ports import ActionRecord, Reconciliation

_LOOKS = 40
_PAUSE_S = 0.5
_STATES = {ActionType.MERGE_REQUEST_CLOSE: "closed", ActionType.MERGE_REQUEST_REOPEN: "opened"}


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """`merge_request.update`: a description carries the mark; without one GitLab's lines must do."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Note the values that will be overwritten, and the description's second mark; refuse to change nothing."""
        action, params = permit.action, params_of(permit.action, MergeRequestUpdate)
        request = await asyncio.to_thread(self.access.road.get, request_path(action), MergeRequest)
        current = request_values(request, params.given)
        if current == _wanted(params, params.description):
            raise TargetRefusedError("The merge request is like that already.")
        before = {"current": current, "opened_by": self._opened_by(request)}
        return Preparation(marker=self.access.marker(action.id), before=before)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Overwrite the fields that are given, and no others."""
        action = permit.action
        params = params_of(action, MergeRequestUpdate)
        body = await asyncio.to_thread(self._body, action, preparation)
        request = await asyncio.to_thread(self.access.road.put, request_path(action), body, MergeRequest)
        return performed(request, merge_request=request.iid, updated=list(params.given))

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Compare the fields, and look for our mark or trace."""
        return await asyncio.to_thread(self._look, record, preparation)

    def _look(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        action, params = record.action, params_of(record.action, MergeRequestUpdate)
        request = self.access.road.get(request_path(action), MergeRequest)
        described = params.description is not None
        traced = is_ours(
            self.access, request_path(action), request, record, preparation.marker, described=described
        )
        done = performed(request, merge_request=request.iid, updated=list(params.given))
        wanted = _wanted(params, _description(params, preparation))
        now = request_values(request, params.given)
        return overwriting(preparation.before["current"], wanted, now, done, traced=traced)

    def _opened_by(self, request: MergeRequest) -> str | None:
        """The mark that says which agent opened it: a new description must not lose it."""
        project, branch = request.target_project_id, request.source_branch
        agent = opener(request.description or "", project, branch, self.access.marker)
        return opened_by(project, branch, agent, self.access.marker) if agent else None

    def _body(self, action: Action, preparation: Preparation) -> dict[str, Any]:
        params = params_of(action, MergeRequestUpdate)
        labels = None if params.labels is None else list(params.labels)
        body = {
            "description": _description(params, preparation),
            "labels": labels,
            "target_branch": params.target,
        }
        if params.title is not None or params.draft is not None:
            now = read_or_refuse(lambda: self.access.road.get(request_path(action), MergeRequest))
            body["title"] = _title(params, now)
        return {name: value for name, value in body.items() if value is not None}


@dataclass(frozen=True, slots=True)
class MoveRequest:
    """`merge_request.close` and `.reopen`: recognised by who did it, in the merge request's own history."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Note the state; refuse what is so already, and what was merged."""
        wanted = _STATES[permit.action.type]
        request = await asyncio.to_thread(self.access.road.get, request_path(permit.action), MergeRequest)
        if request.state == wanted or request.state not in EVENTS:
            raise TargetRefusedError(f"The merge request is {request.state} already.", code="stale")
        before = {"state": request.state, "head": request.sha}
        return Preparation(marker=self.access.marker(permit.action.id), before=before)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:  # noqa: ARG002 - the port's form
        """Close or reopen it."""
        body = {"state_event": EVENTS[_STATES[permit.action.type]]}
        path = request_path(permit.action)
        request = await asyncio.to_thread(self.access.road.put, path, body, MergeRequest)
        return _moved(request)

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look for a change to that state by our identity since the start."""
        return await asyncio.to_thread(self._look, record, preparation)

    def _look(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        path, wanted = request_path(record.action), _STATES[record.action.type]
        request = self.access.road.get(path, MergeRequest)
        since = milliseconds(shortly_before(record.started_ms or 0))
        if request.state == preparation.before["state"] or not moved_by_us(self.access, path, wanted, since):
            reason = f"Nothing in its history moved it to {wanted} for us."
            return Reconciliation(happened=False, reason=reason)
        return Reconciliation(happened=True, performance=_moved(request))


@dataclass(frozen=True, slots=True)
class RebaseRequest:
    """`merge_request.rebase`: done in the background by GitLab; recognised by our push from the head we knew."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Note the head and the target's; refuse when it is not the one that was judged."""
        judged = needed(permit.facts.merge_request, "merge request that was read")
        request = await asyncio.to_thread(self.access.road.get, request_path(permit.action), MergeRequest)
        if request.state != "opened":
            raise TargetRefusedError(f"The merge request is {request.state}.", code="stale")
        if (request.sha, request.target_branch) != (judged.head, judged.target_branch):
            raise TargetRefusedError(
                "The merge request has moved on; propose the rebase again.", code="stale"
            )
        before = {"head": judged.head, "branch": judged.source_branch, "target_branch": judged.target_branch}
        return Preparation(marker=self.access.marker(permit.action.id), before=before)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Ask for it, then look until it is done, a bounded number of times."""
        path = request_path(permit.action)
        await asyncio.to_thread(self.access.road.put, f"{path}/rebase", {}, Rebase)
        try:
            request = await asyncio.to_thread(self._awaited, path)
        except FactsMissingError as error:
            raise TargetUnclearError(f"The rebase was begun, then: {error.detail}") from error
        if request.rebase_in_progress:
            raise TargetUnclearError("GitLab is still rebasing.")
        if request.sha == preparation.before["head"]:
            raise TargetRefusedError(request.merge_error or "There is nothing to rebase.")
        return _rebased(request, preparation)

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Look where the source branch is, and who brought it there from the head that was judged."""
        return await asyncio.to_thread(self._look, record, preparation)

    def _awaited(self, path: str) -> MergeRequest:
        request = self._now(path)
        for _ in range(_LOOKS - 1):
            if not request.rebase_in_progress:
                break
            self.access.pause(_PAUSE_S)
            request = self._now(path)
        return request

    def _now(self, path: str) -> MergeRequest:
        return self.access.road.get(path, MergeRequest, include_rebase_in_progress=True)

    def _look(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        request, before = self._now(request_path(record.action)), preparation.before
        if request.rebase_in_progress:
            return Reconciliation(happened=None, reason="GitLab is rebasing it at this moment.")
        if request.sha == before["head"]:
            return Reconciliation(happened=False, reason=request.merge_error or "Its head is where it was.")
        pushes = pushes_of(self.access.road, record, "branch", before["branch"])
        ours = [p for p in pushes if p.commit_from == before["head"] and p.commit_to == request.sha]
        if len(ours) != 1:
            return Reconciliation(happened=None, reason=f"It is at {request.sha}, not provably by us.")
        return Reconciliation(happened=True, performance=_rebased(request, preparation))


def request_path(action: Action) -> str:
    """Where the merge request is."""
    iid = needed(action.target.merge_request, "merge request")
    return project_path(project_of(action), "merge_requests", iid)


def _title(params: MergeRequestUpdate, now: MergeRequest) -> str:
    """GitLab keeps the draft state in the title."""
    title = untitled_draft(now.title) if params.title is None else harmless(params.title)
    return f"Draft: {title}" if (now.draft if params.draft is None else params.draft) else title


def _description(params: MergeRequestUpdate, preparation: Preparation) -> str | None:
    if params.description is None:
        return None
    by = preparation.before["opened_by"]
    return marked(params.description, preparation.marker, *([by] if by else []))


def _wanted(params: MergeRequestUpdate, description: str | None) -> dict[str, Any]:
    """The values after the update, in the form `request_values` has them."""
    values = {
        "title": noted_title(harmless(params.title or "")),
        "description": noted(description or ""),
        "labels": sorted(params.labels or ()),
        "target": params.target,
        "draft": params.draft,
    }
    return {name: values[name] for name in params.given}


def _moved(request: MergeRequest) -> Performance:
    return performed(request, merge_request=request.iid, state=request.state)


def _rebased(request: MergeRequest, preparation: Preparation) -> Performance:
    return performed(
        request, merge_request=request.iid, head=request.sha, head_before=preparation.before["head"]
    )
