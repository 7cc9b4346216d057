"""What a change is, however it came: by branches, merge requests, commits to be."""

import pytest

from gateway.adapters.git.bounds import Bounds
from gateway.adapters.git.changes import ProjectShape, is_protected
from gateway.adapters.git.proposals import NOT_BUILT
from gateway.adapters.git.remotes import Remote, UnsafeLocalForge
from gateway.adapters.git.runner import EMPTY_TREE
from gateway.core.errors import FactsMissingError
from gateway.core.facts import MergeRequestFacts
from gateway.core.params import CommitCreate, FileChange, FileOp
from gateway.core.vocabulary import ForgeIdentity
from tests.gateway.adapters.git.workshop import AGENT, AGENT_EMAIL, MAYA_EMAIL, PROJECT, Upstream, Workshop

BRANCH = "agent/fix"


class LateForge(UnsafeLocalForge):
    """A forge that moves a ref only when it is asked a second time."""

    def __init__(self, upstream: Upstream, ref: str, commit: str) -> None:
        super().__init__(str(upstream.path.parents[1]))
        self._upstream, self._ref, self._commit = upstream, ref, commit
        self._asked = 0

    async def remote(self, project: str, identity: ForgeIdentity) -> Remote:
        self._asked += 1
        # The first listing and the fetch that follows it still see the old head.
        if self._asked == 3:
            self._upstream.git("update-ref", self._ref, self._commit)
        return await super().remote(project, identity)


def note(path: str = "note.md", message: str = "Add a note") -> CommitCreate:
    edit = FileChange(op=FileOp.CREATE, path=path, content="x\n")
    return CommitCreate(message=message, changes=(edit,))


def request(head: str, target: str = "main", iid: int = 7) -> MergeRequestFacts:
    return MergeRequestFacts(
        iid=iid,
        head=head,
        source_branch=BRANCH,
        target_branch=target,
        source_project_id="1",
        target_project_id="1",
        author=AGENT,
        state="opened",
        draft=False,
        merge_status="mergeable",
        target_protected=True,
    )


async def test_a_branch_is_measured_from_its_merge_base(upstream: Upstream, workshop: Workshop) -> None:
    base = upstream.head("main")
    head = upstream.commit(
        BRANCH, {"package.json": b'{"dependencies": {}}\n', "new.txt": b"a\nb\n"}, start=base
    )
    upstream.commit("main", {"other.txt": b"elsewhere\n"}, author=MAYA_EMAIL)

    change = await workshop.changes.of_branches(PROJECT, BRANCH, "main", AGENT)

    assert (change.base, change.head) == (base, head)
    assert [(f.path, f.status, f.additions, f.deletions) for f in change.files] == [
        ("new.txt", "A", 2, 0),
        ("package.json", "M", 1, 1),
    ]
    assert [(c.id, c.author, c.foreign) for c in change.commits] == [(head, AGENT, False)]
    assert change.messages == ("Change something",)
    assert not change.truncated


async def test_commit_ids_can_stand_for_branches(upstream: Upstream, workshop: Workshop) -> None:
    old = upstream.head("main")
    new = upstream.commit("main", {"a": b"a\n"})
    back = await workshop.changes.of_branches(PROJECT, new, old, AGENT)
    assert (back.base, back.head, back.paths) == (old, new, ("a",))


async def test_twenty_small_commits_measure_as_one_change(upstream: Upstream, workshop: Workshop) -> None:
    base = upstream.head("main")
    for n in range(20):
        upstream.commit(BRANCH, {f"{n}.txt": b"x\n"}, start=base if n == 0 else None)
    change = await workshop.changes.of_commit(PROJECT, BRANCH, note(), AGENT)
    assert change.base == base
    assert len(change.files) == 21
    assert len(change.commits) == 21
    assert change.head == change.commits[-1].id == NOT_BUILT
    assert change.messages[-1] == "Add a note"


@pytest.mark.parametrize("branch", ["main", "release/1"])
async def test_a_commit_on_a_protected_branch_is_measured_from_where_it_stands(
    upstream: Upstream, workshop: Workshop, branch: str
) -> None:
    upstream.commit("release/1", {"r.txt": b"r\n"}, start=upstream.head("main"), author=MAYA_EMAIL)
    change = await workshop.changes.of_commit(PROJECT, branch, note(), AGENT)
    assert change.base == upstream.head(branch)
    assert change.paths == ("note.md",)
    assert len(change.commits) == 1


async def test_an_unprotected_branch_of_that_name_is_measured_from_the_default_branch(
    upstream: Upstream, workshop: Workshop
) -> None:
    upstream.commit("release/1", {"r.txt": b"r\n"}, start=upstream.head("main"))
    workshop.shape = ProjectShape(protected=("main",))
    change = await workshop.changes.of_commit(PROJECT, "release/1", note(), AGENT)
    assert change.base == upstream.head("main")
    assert change.paths == ("note.md", "r.txt")


async def test_a_commit_for_a_new_branch_stands_on_the_default_branch(
    upstream: Upstream, workshop: Workshop
) -> None:
    change = await workshop.changes.of_commit(PROJECT, BRANCH, note(), AGENT)
    assert change.base == upstream.head("main")
    assert change.paths == ("note.md",)


async def test_judging_a_commit_leaves_nothing_in_the_mirror(workshop: Workshop) -> None:
    change = await workshop.changes.of_commit(PROJECT, BRANCH, note(), AGENT)
    mirror = await workshop.mirrors.mirror(PROJECT)
    assert await mirror.objects.info(change.files[0].new_oid) is None
    assert not list(mirror.path.glob("quarantine-*"))


async def test_a_merge_request_is_measured_at_the_head_the_api_told(
    upstream: Upstream, workshop: Workshop
) -> None:
    base = upstream.head("main")
    head = upstream.commit("7/head", {"a": b"a\n"}, start=base, ref="refs/merge-requests/")
    change = await workshop.changes.of_merge_request(PROJECT, request(head), AGENT)
    assert (change.base, change.head, change.paths) == (base, head, ("a",))


async def test_a_merge_request_whose_ref_is_elsewhere_is_a_missing_fact(
    upstream: Upstream, workshop: Workshop
) -> None:
    old = upstream.commit("7/head", {"a": b"a\n"}, start=upstream.head("main"), ref="refs/merge-requests/")
    upstream.commit("7/head", {"b": b"b\n"}, ref="refs/merge-requests/")
    with pytest.raises(FactsMissingError) as missing:
        await workshop.changes.of_merge_request(PROJECT, request(old), AGENT)
    assert missing.value.retryable


async def test_a_merge_request_ref_that_follows_late_is_waited_for(
    upstream: Upstream, workshop: Workshop
) -> None:
    base = upstream.head("main")
    old = upstream.commit("7/head", {"a": b"a\n"}, start=base, ref="refs/merge-requests/")
    new = upstream.commit("late", {"b": b"b\n"}, start=old)
    late = Workshop(
        LateForge(upstream, "refs/merge-requests/7/head", new), workshop.folder, bounds=Bounds(head_pause_s=0)
    )
    change = await late.changes.of_merge_request(PROJECT, request(new), AGENT)
    assert change.paths == ("a", "b")
    await late.mirrors.close()


async def test_a_merge_request_that_is_not_there_is_a_missing_fact(
    upstream: Upstream, workshop: Workshop
) -> None:
    with pytest.raises(FactsMissingError, match="Merge request 9"):
        await workshop.changes.of_merge_request(PROJECT, request(upstream.head("main"), iid=9), AGENT)


async def test_what_is_not_there_is_a_missing_fact_with_its_name(workshop: Workshop) -> None:
    with pytest.raises(FactsMissingError, match="no branch agent/none"):
        await workshop.changes.of_branches(PROJECT, "agent/none", "main", AGENT)
    with pytest.raises(FactsMissingError):
        await workshop.changes.of_branches(PROJECT, "1" * 40, "main", AGENT)
    with pytest.raises(FactsMissingError):
        await workshop.changes.of_branches("shop/nowhere", "a", "main", AGENT)


async def test_a_moved_expected_head_is_a_missing_fact(upstream: Upstream, workshop: Workshop) -> None:
    params = note().model_copy(update={"expected_head": "1" * 40})
    with pytest.raises(FactsMissingError, match="not at 1111"):
        await workshop.changes.of_commit(PROJECT, "main", params, AGENT)
    del upstream


async def test_a_commit_to_an_empty_repository_is_measured_from_nothing(workshop: Workshop) -> None:
    Upstream(workshop.folder.parent / "forge", "shop/empty")
    change = await workshop.changes.of_commit("shop/empty", "main", note(), AGENT)
    assert (change.base, change.paths) == (EMPTY_TREE, ("note.md",))


async def test_makers_are_roster_ids_and_strangers_are_foreign(
    upstream: Upstream, workshop: Workshop
) -> None:
    upstream.commit(BRANCH, {"1": b""}, start=upstream.head("main"), author=AGENT_EMAIL)
    upstream.commit(BRANCH, {"2": b""}, author=MAYA_EMAIL.upper())
    upstream.commit(BRANCH, {"3": b""}, author="agt_other@agents.gitlab.test")
    upstream.commit(BRANCH, {"4": b""}, author="agt_fixer@agents.elsewhere.test")
    upstream.commit(BRANCH, {"5": b""}, author="gateway@agents.gitlab.test")
    upstream.commit(BRANCH, {"6": b""}, b"x\n\nCo-Authored-By: A <a@b.c>\nco-authored-by: B <b@b.c>\n")
    change = await workshop.changes.of_branches(PROJECT, BRANCH, "main", AGENT)
    assert [(c.author, c.foreign) for c in change.commits] == [
        (AGENT, False),
        ("prn_maya", True),
        ("agt_other", True),
        ("unknown", True),
        ("gateway", False),
        (AGENT, False),
    ]
    assert [c.co_authors for c in change.commits] == [0, 0, 0, 0, 0, 2]


async def test_the_first_code_owners_file_that_gitlab_would_read_counts(
    upstream: Upstream, workshop: Workshop
) -> None:
    assert await workshop.changes.code_owners(PROJECT, "main") == "* @maya\n"
    upstream.commit("main", {"CODEOWNERS": None, "docs/CODEOWNERS": b"d\n", ".gitlab/CODEOWNERS": b"g\n"})
    assert await workshop.changes.code_owners(PROJECT, "main") == "d\n"
    upstream.commit("main", {"docs/CODEOWNERS": None})
    assert await workshop.changes.code_owners(PROJECT, "main") == "g\n"
    upstream.commit("main", {".gitlab/CODEOWNERS": None})
    assert await workshop.changes.code_owners(PROJECT, "main") is None


@pytest.mark.parametrize(
    ("pattern", "branch", "covers"),
    [
        ("main", "main", True),
        ("main", "maint", False),
        ("release/*", "release/1", True),
        ("release/*", "release/1/2", True),
        ("release/*", "release", False),
        ("*-stable", "16-stable", True),
        ("*", "anything/at/all", True),
        ("a*b*c", "aXbYc", True),
        ("a*b*c", "ac", False),
        ("ab*ba", "aba", False),
        ("[m]ain", "main", False),
    ],
)
def test_protected_patterns_mean_what_gitlab_means(pattern: str, branch: str, *, covers: bool) -> None:
    assert is_protected(branch, ProjectShape(protected=(pattern,))) is covers
