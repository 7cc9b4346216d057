"""The port `Changes` over bare mirrors."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Iterator

from gateway.adapters.git.ci_files import DEFAULT_CONFIG
from gateway.adapters.git.edits import EditError
from gateway.adapters.git.inspection import Inspector, Span, view_of
from gateway.adapters.git.kept import Kept
from gateway.adapters.git.mirrors import Mirror, Mirrors, Snapshot
from gateway.adapters.git.proposals import Proposals
from gateway.adapters.git.runner import Call, GitError, GitTimeoutError
from gateway.adapters.git.trees import entry_at, text_at
from gateway.core.changes import Change
from gateway.core.errors import FactsMissingError
from gateway.core.facts import MergeRequestFacts
from gateway.core.model import Model
from gateway.core.owned_paths import People, ownership
from gateway.core.params import CommitCreate

_OID = re.compile(r"[0-9a-f]{40}")
_OWNERS = ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
_OWNERS_BYTES = 1 << 20
_KEPT = 1024


class ProjectShape(Model):
    """What the forge's settings say about a project and git cannot.

    `protected` are GitLab's branch patterns, where `*` stands for anything. `ci_path` is the CI configuration path.
    """

    protected: tuple[str, ...] = ()
    ci_path: str = DEFAULT_CONFIG


ShapeOf = Callable[[str], Awaitable[ProjectShape]]


Measured = Callable[[Mirror], Awaitable[Change]]


class GitChanges:
    """Measures changes in bare mirrors. `shape_of` asks the forge for protected branches and the CI path.

    `people` maps a username of the forge to a roster id, when it knows one.
    """

    def __init__(
        self,
        mirrors: Mirrors,
        inspector: Inspector,
        proposals: Proposals,
        shape_of: ShapeOf,
        people: People = lambda _: None,
    ) -> None:
        self._mirrors = mirrors
        self._inspector = inspector
        self._proposals = proposals
        self._shape_of = shape_of
        self._people = people
        self._bases: Kept[tuple[str, str, str], str | None] = Kept(_KEPT)

    async def of_merge_request(self, project: str, request: MergeRequestFacts, agent: str) -> Change:
        """What merging that request would change: merge base with its target to its head."""

        async def measured(mirror: Mirror) -> Change:
            seen = await self._at_head(mirror, request)
            target = _found(seen.branch(request.target_branch), request.target_branch)
            change = await self._between(mirror, seen, request.head, target, agent)
            text = await self._owners(mirror, target)
            owned = ownership(text, change.paths, self._people)
            return change.model_copy(update={"ownership": owned})

        return await self._mending(project, measured)

    async def of_branches(self, project: str, source: str, target: str, agent: str) -> Change:
        """What `source` changes against `target`: branches or commit ids."""

        async def measured(mirror: Mirror) -> Change:
            seen = await self._mirrors.sync(mirror)
            ends = [_found(seen.branch(n) or (n if _OID.fullmatch(n) else None), n) for n in (source, target)]
            return await self._between(mirror, seen, ends[0], ends[1], agent)

        return await self._mending(project, measured)

    async def of_commit(self, project: str, branch: str, params: CommitCreate, agent: str) -> Change:
        """What the branch would change against the default branch once this commit is on it."""

        async def measured(mirror: Mirror) -> Change:
            seen = await self._mirrors.sync(mirror)
            parent = start_of(seen, branch, params)
            span, shape = await self._span(mirror, seen, branch, parent)
            return await self._proposals.commit(mirror, span, params, agent, shape.ci_path)

        return await self._mending(project, measured)

    async def of_revert(self, project: str, branch: str, commit: str, agent: str) -> Change:
        """What the branch would change against the default branch once `commit` is reverted on it."""

        async def measured(mirror: Mirror) -> Change:
            seen = await self._mirrors.sync(mirror)
            parent = _found(seen.branch(branch) or _default_head(seen), branch)
            span, shape = await self._span(mirror, seen, branch, parent)
            return await self._proposals.revert(mirror, span, commit, agent, shape.ci_path)

        return await self._mending(project, measured)

    async def of_cherry_pick(self, project: str, branch: str, commit: str, agent: str) -> Change:
        """What the branch would change against the default branch once `commit` is repeated on it."""

        async def measured(mirror: Mirror) -> Change:
            seen = await self._mirrors.sync(mirror)
            parent = _found(seen.branch(branch), branch)
            span, shape = await self._span(mirror, seen, branch, parent)
            return await self._proposals.cherry_pick(mirror, span, commit, agent, shape.ci_path)

        return await self._mending(project, measured)

    async def code_owners(self, project: str, branch: str) -> str | None:
        """The text of the CODEOWNERS file at a branch's head, from the first place GitLab looks that has one."""
        with facts_missing():
            mirror = await self._mirrors.mirror(project)
            seen = await self._mirrors.sync(mirror)
            return await self._owners(mirror, _found(seen.branch(branch), branch)) or None

    async def _owners(self, mirror: Mirror, commit: str) -> str | None:
        """The CODEOWNERS file of a commit: empty where there is none, None when it cannot be read."""
        tree = await self._inspector.tree_of(view_of(mirror), commit)
        for path in _OWNERS:
            if await entry_at(mirror.objects, tree, path.encode()) is not None:
                return await text_at(mirror.objects, tree, path, cap=_OWNERS_BYTES)
        return ""

    async def mend(self, project: str) -> bool:
        """Whether the project's mirror was damaged; then it is a new one now."""
        with facts_missing():
            return await self._mirrors.mend(project)

    async def _mending(self, project: str, measured: Measured) -> Change:
        """Measure once more when git failed and the mirror turns out to be damaged: it is only a copy."""
        try:
            return await self._measure(project, measured)
        except FactsMissingError as error:
            if not isinstance(error.__cause__, GitError) or not await self.mend(project):
                raise
        return await self._measure(project, measured)

    async def _measure(self, project: str, measured: Measured) -> Change:
        with facts_missing():
            return await measured(await self._mirrors.mirror(project))

    async def _at_head(self, mirror: Mirror, request: MergeRequestFacts) -> Snapshot:
        """A snapshot in which the merge request is at the head the API told; the forge updates that ref late."""
        bounds = self._inspector.bounds
        for attempt in range(bounds.head_tries):
            if attempt:
                await asyncio.sleep(bounds.head_pause_s)
            seen = await self._mirrors.sync(mirror, merge_request=request.iid)
            if seen.merge_request(request.iid) == request.head:
                return seen
        raise FactsMissingError(
            f"Merge request {request.iid} is not at {request.head} in git yet; try again."
        )

    async def _between(self, mirror: Mirror, seen: Snapshot, head: str, target: str, agent: str) -> Change:
        shape = await self._shape_of(mirror.project)
        base = await self._merge_base(mirror, target, head)
        span = Span(base, head, trusted_heads(seen, shape, target))
        return await self._inspector.measure(mirror, span, agent=agent, ci_path=shape.ci_path)

    async def _span(
        self, mirror: Mirror, seen: Snapshot, branch: str, parent: str | None
    ) -> tuple[Span, ProjectShape]:
        """The base rule of policy.md: from the merge base with the default branch, or `old` for protected ones."""
        shape = await self._shape_of(mirror.project)
        default = _default_head(seen)
        trusted = trusted_heads(seen, shape)
        if parent is None or default is None:
            return Span(None, parent, trusted), shape
        if branch == seen.default_branch or is_protected(branch, shape):
            return Span(parent, parent, (*trusted, parent)), shape
        return Span(await self._merge_base(mirror, default, parent), parent, trusted), shape

    async def _merge_base(self, mirror: Mirror, one: str, other: str) -> str | None:
        key = (mirror.project, one, other)
        return await self._bases.get(key, lambda: self._find_base(mirror, one, other))

    async def _find_base(self, mirror: Mirror, one: str, other: str) -> str | None:
        call = Call(("merge-base", one, other), at=mirror.path)
        answer = await self._mirrors.git.ask(call)
        if answer.status == 1:
            return None
        if answer.status:
            raise GitError(answer.words, status=answer.status)
        return answer.out.decode().strip()


def trusted_heads(seen: Snapshot, shape: ProjectShape, *more: str) -> tuple[str, ...]:
    """The heads whose history was judged when it came in: default branch, protected branches, `more`. Sorted."""
    heads = {oid for name, oid in seen.branches if name == seen.default_branch or is_protected(name, shape)}
    return tuple(sorted(heads | set(more)))


def is_protected(branch: str, shape: ProjectShape) -> bool:
    """Whether one of GitLab's patterns covers the branch."""
    return any(_covers(pattern, branch) for pattern in shape.protected)


def start_of(seen: Snapshot, branch: str, params: CommitCreate) -> str | None:
    """The commit a new commit stands on: the branch's head, else the start branch's, else the default branch's.

    Raises `FactsMissingError` when the start branch does not exist or the branch is not where the caller expects.
    """
    head = seen.branch(branch)
    if params.expected_head is not None and head != params.expected_head:
        raise FactsMissingError(f"{branch} is at {head}, not at {params.expected_head}.", retryable=False)
    if head is not None:
        return head
    if params.start_branch is not None:
        return _found(seen.branch(params.start_branch), params.start_branch)
    return _default_head(seen)


@contextlib.contextmanager
def facts_missing() -> Iterator[None]:
    """Let git's errors out as missing facts, with git's words."""
    try:
        yield
    except EditError as wrong:
        raise FactsMissingError(str(wrong), retryable=False) from wrong
    except GitError as failed:
        slow = isinstance(failed, GitTimeoutError)
        raise FactsMissingError(f"Git could not measure this: {failed.detail}", retryable=slow) from failed


def _default_head(seen: Snapshot) -> str | None:
    return seen.branch(seen.default_branch) if seen.default_branch else None


def _found(oid: str | None, name: str) -> str:
    if oid is None:
        raise FactsMissingError(f"There is no branch {name}.", retryable=False)
    return oid


def _covers(pattern: str, branch: str) -> bool:
    parts = pattern.split("*")
    if len(parts) == 1:
        return pattern == branch
    at = len(parts[0])
    if not branch.startswith(parts[0]) or not branch.endswith(parts[-1]):
        return False
    for part in parts[1:-1]:
        found = branch.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return at <= len(branch) - len(parts[-1])
