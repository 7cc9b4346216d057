"""Branches and commits: the commit id is known before the act, and by it the act is recognised.

Commits are built in the mirror and pushed with a lease by the road identity. A branch alone is made by the forge's
own call, which only ever creates.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.adapters.gitlab.answers import Branch
from gateway.adapters.gitlab.forge import project_path
from gateway.adapters.gitlab.operation import Access, needed, params_of, project_of
from gateway.core.actions import Action
from gateway.core.errors import TargetRefusedError, TargetUnclearError
from gateway.core.params import BranchCreate, CommitCreate
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.ports import ActionRecord, Reconciliation

_COMMIT = re.compile(r"[0-9a-f]{40}")
# Builds the commit an operation will push, from the action and its marker.
Build = Callable[[Access, Permit, str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class MoveBranch:
    """`commit.create`, `.revert` and `.cherry_pick`: one branch moves from the head that was judged to a new commit."""

    access: Access
    build: Build

    async def prepare(self, permit: Permit) -> Preparation:
        """Build the commit; nothing leaves the mirror."""
        facts = needed(permit.facts.branch, "branch that was read")
        marker = self.access.marker(permit.action.id)
        commit = await self.build(self.access, permit, marker)
        return Preparation(marker=marker, commit=commit, before={"branch": facts.name, "head": facts.head})

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Push it, unless the branch has moved since."""
        commit = needed(preparation.commit, "commit")
        branch = _branch_of(permit.action)
        head = preparation.before.get("head")
        await self.access.repository.push(project_of(permit.action), branch, commit, expected=head)
        return _pushed(branch, commit)

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Ask the forge where the branch is."""
        branch, commit = _branch_of(record.action), needed(preparation.commit, "commit")
        head = await self.access.repository.head_of(project_of(record.action), branch)
        return where_it_is(branch, head, commit, preparation.before.get("head"))


@dataclass(frozen=True, slots=True)
class CreateBranch:
    """`branch.create`: a branch that was not there, at a commit that was known before."""

    access: Access

    async def prepare(self, permit: Permit) -> Preparation:
        """Find the commit to start at."""
        branch = _branch_of(permit.action)
        if permit.facts.branch and permit.facts.branch.head is not None:
            raise TargetRefusedError(f"The branch {branch} is there already.", code="stale")
        commit = await self._start(permit)
        marker = self.access.marker(permit.action.id)
        return Preparation(marker=marker, commit=commit, before={"branch": branch, "head": None})

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """Create it; GitLab answers 400 when it is there by now."""
        branch, commit = _branch_of(permit.action), needed(preparation.commit, "commit")
        path = project_path(project_of(permit.action), "repository/branches")
        body = {"branch": branch, "ref": commit}
        made = await asyncio.to_thread(self.access.road.post, path, body, Branch)
        if made.commit.id != commit:
            raise TargetUnclearError(f"The branch was made at {made.commit.id}, not at {commit}; look at it.")
        return _pushed(branch, commit)

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Ask the forge where the branch is."""
        branch, commit = _branch_of(record.action), needed(preparation.commit, "commit")
        head = await self.access.repository.head_of(project_of(record.action), branch)
        return where_it_is(branch, head, commit, None)

    async def _start(self, permit: Permit) -> str:
        """The commit named, or the head of the branch named or of the default branch."""
        action = permit.action
        start = params_of(action, BranchCreate).from_
        if start and _COMMIT.fullmatch(start):
            return start
        branch = start or needed(permit.facts.project, "project that was read").default_branch
        head = await self.access.repository.head_of(project_of(action), branch)
        if head is None:
            raise TargetRefusedError(f"There is no branch {branch!r} to start at.")
        return head


async def new_commit(access: Access, permit: Permit, marker: str) -> str:
    """The commit of a `commit.create`."""
    action, params = permit.action, params_of(permit.action, CommitCreate)
    head = permit.facts.branch.head if permit.facts.branch else None
    if params.expected_head and params.expected_head != head:
        raise TargetRefusedError(f"The branch is at {head}, not at {params.expected_head}.", code="stale")
    project, branch = project_of(action), _branch_of(action)
    return await access.repository.build_commit(project, branch, params, action.agent, marker)


async def revert_commit(access: Access, permit: Permit, marker: str) -> str:
    """The commit of a `commit.revert`."""
    action = permit.action
    commit = needed(action.target.commit, "commit")
    return await access.repository.build_revert(
        project_of(action), _branch_of(action), commit, action.agent, marker
    )


async def cherry_pick_commit(access: Access, permit: Permit, marker: str) -> str:
    """The commit of a `commit.cherry_pick`."""
    action = permit.action
    commit = needed(action.target.commit, "commit")
    return await access.repository.build_cherry_pick(
        project_of(action), _branch_of(action), commit, action.agent, marker
    )


def where_it_is(branch: str, head: str | None, commit: str, before: str | None) -> Reconciliation:
    """What the branch's head proves about a push of `commit`.

    A head that is neither may have been pushed on top of ours, so it proves nothing.
    """
    if head == commit:
        return Reconciliation(happened=True, performance=_pushed(branch, commit))
    if head == before:
        return Reconciliation(happened=False, reason=f"{branch} is still where it was.")
    return Reconciliation(
        happened=None, reason=f"{branch} is at {head}, neither at {commit} nor where it was."
    )


def _pushed(branch: str, commit: str) -> Performance:
    return Performance(result={"branch": branch, "commit": commit})


def _branch_of(action: Action) -> str:
    return needed(action.target.branch, "branch")
