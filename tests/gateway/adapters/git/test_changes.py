"""What a change is, however it came: by branches, merge requests, commits to be, reverts to be."""

from gateway.core.params import CommitCreate, FileChange, FileOp
from tests.gateway.adapters.git.workshop import AGENT, PROJECT, Upstream, Workshop


async def test_a_branch_is_measured_from_its_merge_base(upstream: Upstream, workshop: Workshop) -> None:
    base = upstream.head("main")
    head = upstream.commit(
        "agent/fix", {"package.json": b'{"dependencies": {}}\n', "new.txt": b"a\nb\n"}, start=base
    )
    upstream.commit("main", {"other.txt": b"elsewhere\n"}, author="maya@example.test")

    change = await workshop.changes.of_branches(PROJECT, "agent/fix", "main", AGENT)

    assert (change.base, change.head) == (base, head)
    assert [(f.path, f.status, f.additions, f.deletions) for f in change.files] == [
        ("new.txt", "A", 2, 0),
        ("package.json", "M", 1, 1),
    ]
    assert [(c.id, c.author, c.foreign) for c in change.commits] == [(head, AGENT, False)]
    assert change.messages == ("Change something",)
    assert not change.truncated


async def test_a_commit_to_be_is_measured_and_then_built_the_same(
    upstream: Upstream, workshop: Workshop
) -> None:
    base = upstream.head("main")
    edit = FileChange(op=FileOp.UPDATE, path="package.json", content="{}\n")
    params = CommitCreate(message="Bump", changes=(edit,))

    judged = await workshop.changes.of_commit(PROJECT, "agent/fix", params, AGENT)
    built = await workshop.repository.build_commit(PROJECT, "agent/fix", params, AGENT, "lg-1")
    await workshop.repository.push(PROJECT, "agent/fix", built, expected=None)
    real = await workshop.changes.of_branches(PROJECT, "agent/fix", "main", AGENT)

    assert upstream.head("agent/fix") == built
    assert judged.base == real.base == base
    assert judged.files == real.files
    assert real.commits[0].author == AGENT
    assert real.commits[0].committer == "gateway"
