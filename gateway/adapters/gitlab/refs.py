"""Branches and commits: built in the mirror, pushed with a lease by the road identity, recognised by their commit id."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.adapters.gitlab.operation import Access, needed, project_of
from gateway.core.actions import Action
from gateway.core.errors import TargetRefusedError
from gateway.core.params import BranchCreate, CommitCreate
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.ports import ActionRecord, Reconciliation

_COMMIT_DIGITS = 40
# Builds the commit an operation will push, from the action and its marker.
Build = Callable[[Access, Permit, str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class MoveBranch:
    """`branch.create`, `commit.create`, `commit.revert`: one branch moves from the head that was judged to a new one."""

    access: Access
    build: Build

    async def prepare(self, permit: Permit) -> Preparation:
        """Build the commit, or find the one to start at; nothing leaves the mirror."""
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


async def start_commit(access: Access, permit: Permit, marker: str) -> str:  # noqa: ARG001 - the form of `Build`
    """The commit a new branch starts at: the one named, or the head of the branch named or of the default branch."""
    action, params = permit.action, permit.action.params
    if permit.facts.branch and permit.facts.branch.head is not None:
        raise TargetRefusedError(f"The branch {_branch_of(action)} is there already.", code="stale")
    start = params.from_ if isinstance(params, BranchCreate) else None
    if start and len(start) == _COMMIT_DIGITS and set(start) <= set("0123456789abcdef"):
        return start
    branch = start or (permit.facts.project.default_branch if permit.facts.project else "")
    head = await access.repository.head_of(project_of(action), branch)
    if head is None:
        raise TargetRefusedError(f"There is no branch {branch!r} to start at.")
    return head


async def new_commit(access: Access, permit: Permit, marker: str) -> str:
    """The commit of a `commit.create`."""
    action, params = permit.action, permit.action.params
    if not isinstance(params, CommitCreate):
        raise TargetRefusedError("These are not the params of a commit.")
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
