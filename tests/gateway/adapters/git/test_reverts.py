"""Reverts: judged before they are built, built without a working tree, refused with git's words."""

import pytest

from gateway.adapters.git.proposals import NOT_BUILT
from gateway.core.errors import FactsMissingError, TargetRefusedError
from tests.gateway.adapters.git.workshop import AGENT, MAYA_EMAIL, PROJECT, Upstream, Workshop

BRANCH = "agent/revert"


async def reverted(workshop: Workshop, upstream: Upstream, commit: str, branch: str = BRANCH) -> str:
    """Judge, build and push a revert; the judged change must be that of the commit built."""
    judged = await workshop.changes.of_revert(PROJECT, branch, commit, AGENT)
    expected = await workshop.repository.head_of(PROJECT, branch)
    new = await workshop.repository.build_revert(PROJECT, branch, commit, AGENT, "lg-1")
    await workshop.repository.push(PROJECT, branch, new, expected=expected)
    real = await workshop.changes.of_branches(PROJECT, new, judged.base, AGENT)
    last = real.commits[-1].model_copy(update={"id": NOT_BUILT})
    assert judged == real.model_copy(update={"head": NOT_BUILT, "commits": (*real.commits[:-1], last)})
    assert upstream.head(branch) == new
    return new


async def test_a_commit_is_undone_and_later_ones_stay(upstream: Upstream, workshop: Workshop) -> None:
    bad = upstream.commit(
        "main", {"src/cart.js": b"export const cart = 2;\n" * 20, "bad.txt": b"bad\n"}, b"Break it\n"
    )
    upstream.commit("main", {"good.txt": b"good\n"})
    new = await reverted(workshop, upstream, bad)
    assert upstream.git("diff-tree", "-r", "--name-status", "main", new) == "D\tbad.txt\nM\tsrc/cart.js"
    assert (
        upstream.git("show", "-s", "--format=%B", new) == f'Revert "Break it"\n\nThis reverts commit {bad}.'
    )


async def test_lines_of_a_file_that_changed_elsewhere_too_are_merged(
    upstream: Upstream, workshop: Workshop
) -> None:
    lines = [b"line %d\n" % n for n in range(40)]
    upstream.commit("main", {"f": b"".join(lines)})
    bad = upstream.commit("main", {"f": b"".join([b"bad\n", *lines[1:]])})
    upstream.commit("main", {"f": b"".join([b"bad\n", *lines[1:-1], b"good\n"])})
    new = await reverted(workshop, upstream, bad)
    assert upstream.git("show", f"{new}:f").splitlines()[0] == "line 0"
    assert upstream.git("show", f"{new}:f").splitlines()[-1] == "good"


async def test_a_merge_is_undone_along_its_first_parent(upstream: Upstream, workshop: Workshop) -> None:
    main = upstream.commit("main", {"m": b"m\n"}, author=MAYA_EMAIL)
    side = upstream.commit("side", {"s": b"s\n"}, start=upstream.git("rev-parse", "main^"))
    merge = upstream.commit("main", {"s": b"s\n"}, b"Merge side\n", start=main, merge=side)
    new = await reverted(workshop, upstream, merge)
    assert "s" not in upstream.git("ls-tree", "--name-only", new).split()
    message = upstream.git("show", "-s", "--format=%B", new)
    assert (
        message == f'Revert "Merge side"\n\nThis reverts commit {merge}, reversing\nchanges made to {main}.'
    )


async def test_a_revert_on_the_branch_itself_is_measured_with_what_it_holds(
    upstream: Upstream, workshop: Workshop
) -> None:
    base = upstream.head("main")
    upstream.commit(BRANCH, {"keep": b"k\n"}, start=base)
    bad = upstream.commit(BRANCH, {"bad": b"b\n"})
    await reverted(workshop, upstream, bad)
    change = await workshop.changes.of_branches(PROJECT, BRANCH, "main", AGENT)
    assert change.paths == ("keep",)


async def test_the_first_commit_can_be_undone(upstream: Upstream, workshop: Workshop) -> None:
    first = upstream.head("main")
    upstream.commit("main", {"more": b"m\n"})
    new = await reverted(workshop, upstream, first)
    assert upstream.git("ls-tree", "-r", "--name-only", new) == "more"


async def test_a_conflict_is_refused_with_gits_words(upstream: Upstream, workshop: Workshop) -> None:
    bad = upstream.commit("main", {"README.md": b"bad\n"})
    upstream.commit("main", {"README.md": b"worse\n"})
    with pytest.raises(TargetRefusedError, match=r"CONFLICT \(content\): Merge conflict in README.md"):
        await workshop.repository.build_revert(PROJECT, BRANCH, bad, AGENT, "lg-1")
    with pytest.raises(FactsMissingError, match="CONFLICT"):
        await workshop.changes.of_revert(PROJECT, BRANCH, bad, AGENT)


async def test_what_is_undone_already_is_refused(upstream: Upstream, workshop: Workshop) -> None:
    bad = upstream.commit("main", {"bad": b"b\n"})
    upstream.commit("main", {"bad": None})
    with pytest.raises(TargetRefusedError, match="undone already"):
        await workshop.repository.build_revert(PROJECT, BRANCH, bad, AGENT, "lg-1")


async def test_a_commit_the_branch_does_not_hold_is_refused(upstream: Upstream, workshop: Workshop) -> None:
    other = upstream.commit("agent/other", {"o": b"o\n"}, start=upstream.head("main"))
    for commit in (other, "1" * 40):
        with pytest.raises(TargetRefusedError):
            await workshop.repository.build_revert(PROJECT, BRANCH, commit, AGENT, "lg-1")


async def test_a_subject_that_would_act_is_seen_by_the_judge(upstream: Upstream, workshop: Workshop) -> None:
    bad = upstream.commit("main", {"bad": b"b\n"}, b"Closes #3\n")
    change = await workshop.changes.of_revert(PROJECT, BRANCH, bad, AGENT)
    assert 'Revert "Closes #3"' in change.messages[-1]
