"""Cherry-picks and refs moved with a lease: judged before they are built, refused with git's words."""

import pytest

from gateway.adapters.git.proposals import NOT_BUILT
from gateway.core.errors import FactsMissingError, TargetRefusedError
from tests.gateway.adapters.git.workshop import AGENT, PROJECT, Upstream, Workshop

BRANCH = "agent/onto"


async def test_a_commit_is_repeated_and_the_judged_change_is_that_of_the_commit_built(
    upstream: Upstream, workshop: Workshop
) -> None:
    main = upstream.git("rev-parse", "main")
    picked = upstream.commit("side", {"side.txt": b"side\n"}, b"Add side\n", start=main)
    upstream.commit(BRANCH, {"other.txt": b"other\n"}, start=main)
    judged = await workshop.changes.of_cherry_pick(PROJECT, BRANCH, picked, AGENT)
    new = await workshop.repository.build_cherry_pick(PROJECT, BRANCH, picked, AGENT, "lg-1")
    head = await workshop.repository.head_of(PROJECT, BRANCH)
    await workshop.repository.push(PROJECT, BRANCH, new, expected=head)
    real = await workshop.changes.of_branches(PROJECT, new, judged.base, AGENT)
    last = real.commits[-1].model_copy(update={"id": NOT_BUILT})

    assert judged == real.model_copy(update={"head": NOT_BUILT, "commits": (*real.commits[:-1], last)})
    assert upstream.git("diff-tree", "-r", "--name-status", head or "", new) == "A\tside.txt"
    message = upstream.git("show", "-s", "--format=%B", new)
    assert message == f"Add side\n\n(cherry picked from commit {picked})"


async def test_a_conflict_is_told_in_gits_words(upstream: Upstream, workshop: Workshop) -> None:
    main = upstream.git("rev-parse", "main")
    picked = upstream.commit("side", {"f": b"side\n"}, start=main)
    upstream.commit(BRANCH, {"f": b"other\n"}, start=main)

    with pytest.raises(FactsMissingError, match="CONFLICT"):
        await workshop.changes.of_cherry_pick(PROJECT, BRANCH, picked, AGENT)
    with pytest.raises(TargetRefusedError, match="CONFLICT"):
        await workshop.repository.build_cherry_pick(PROJECT, BRANCH, picked, AGENT, "lg-1")


async def test_what_is_there_already_is_not_repeated(upstream: Upstream, workshop: Workshop) -> None:
    main = upstream.git("rev-parse", "main")
    picked = upstream.commit(BRANCH, {"f": b"f\n"}, start=main)

    with pytest.raises(TargetRefusedError, match="there already"):
        await workshop.repository.build_cherry_pick(PROJECT, BRANCH, picked, AGENT, "lg-1")


async def test_only_commits_of_the_project_are_repeated(upstream: Upstream, workshop: Workshop) -> None:
    main = upstream.git("rev-parse", "main")
    gone = upstream.commit("gone", {"f": b"f\n"}, start=main)
    upstream.commit(BRANCH, {"g": b"g\n"}, start=main)
    upstream.git("update-ref", "-d", "refs/heads/gone")

    with pytest.raises(TargetRefusedError):
        await workshop.repository.build_cherry_pick(PROJECT, BRANCH, gone, AGENT, "lg-1")
    with pytest.raises(TargetRefusedError, match="no branch"):
        await workshop.repository.build_cherry_pick(PROJECT, "agent/none", main, AGENT, "lg-1")


async def test_a_ref_is_made_and_removed_only_where_it_is_expected(
    upstream: Upstream, workshop: Workshop
) -> None:
    main, repository = upstream.git("rev-parse", "main"), workshop.repository
    ref = "refs/tags/v1"
    with pytest.raises(TargetRefusedError, match="is at None"):
        await repository.move(PROJECT, ref, None, expected=main)
    await repository.move(PROJECT, ref, main, expected=None)

    assert await repository.ref_of(PROJECT, ref) == main
    with pytest.raises(TargetRefusedError, match="not at"):
        await repository.move(PROJECT, ref, None, expected="f" * 40)
    await repository.move(PROJECT, ref, None, expected=main)
    assert await repository.ref_of(PROJECT, ref) is None
