"""What a change puts in, read from real git: sizes, links, dependencies, and the words of its commits."""

import json

import pytest

from gateway.adapters.git.changes import GitChanges
from gateway.adapters.git.put_in import patch_size, sizes_told
from gateway.core.changes import Change, ChangedFile, OwnedPart, Ownership
from gateway.core.params import CommitCreate, FileChange, FileOp
from tests.gateway.adapters.git.test_changes import request
from tests.gateway.adapters.git.workshop import AGENT, AGENT_EMAIL, PROJECT, File, Upstream, Workshop
from tests.gateway.core.making import changed

BRANCH = "agent/fix"


def package(*names: str) -> bytes:
    return json.dumps({"dependencies": dict.fromkeys(names, "1")}).encode()


async def measured(upstream: Upstream, workshop: Workshop, files: dict[str, File], **more: str) -> Change:
    message = more.get("message", "Change\n").encode()
    upstream.commit(BRANCH, files, message, start=upstream.head("main"))
    return await workshop.changes.of_branches(PROJECT, BRANCH, "main", AGENT)


def file_of(change: Change, path: str) -> ChangedFile:
    return next(f for f in change.files if f.path == path)


async def test_files_have_their_sizes_and_links_their_text(upstream: Upstream, workshop: Workshop) -> None:
    files: dict[str, File] = {"a.txt": b"x\n" * 50, "b.bin": b"\0" * 3000, "link": ("120000", b"../out")}

    change = await measured(upstream, workshop, files)

    assert [file_of(change, p).size for p in ("a.txt", "b.bin", "link")] == [100, 3000, 6]
    assert file_of(change, "link").link == "../out"
    assert file_of(change, "a.txt").link is None
    assert change.patch_bytes == 100 + 3000 + len("../out\n")


async def test_sizes_of_many_files_are_asked_at_once(upstream: Upstream, workshop: Workshop) -> None:
    upstream.commit("main", {"old": b"old\n"})
    files: dict[str, File] = {f"d/{n:03d}": b"x" * n + b"\n" for n in range(120)}

    change = await measured(upstream, workshop, {**files, "old": b"new\n"})

    assert [file_of(change, f"d/{n:03d}").size for n in range(120)] == [n + 1 for n in range(120)]


async def test_what_is_gone_has_no_size(upstream: Upstream, workshop: Workshop) -> None:
    upstream.commit("main", {"old": b"old\n"})

    change = await measured(upstream, workshop, {"old": None})

    assert file_of(change, "old").size == 0
    assert change.patch_bytes == len("old\n")


@pytest.mark.parametrize("text", [b"x" * 5000, b"\xff\xfe"])
async def test_a_link_that_is_no_path_is_not_read(
    upstream: Upstream, workshop: Workshop, text: bytes
) -> None:
    change = await measured(upstream, workshop, {"link": ("120000", text)})

    assert file_of(change, "link").link is None


async def test_new_dependencies_are_read_at_both_ends(upstream: Upstream, workshop: Workshop) -> None:
    upstream.commit("main", {"package.json": package("a"), "web/package.json": package("b")})

    change = await measured(
        upstream,
        workshop,
        {"package.json": package("a", "c"), "web/package.json": None, "go.mod": b"require x.y/z v1\n"},
    )

    assert change.dependencies == ("go:x.y/z", "npm:c")
    assert change.unread_manifests == ()


@pytest.mark.parametrize(
    "file",
    [b"{", b"\0{}", b" " * ((1 << 20) + 1), ("120000", b"other.json")],
)
async def test_a_manifest_that_cannot_be_read_is_told(
    upstream: Upstream, workshop: Workshop, file: File
) -> None:
    change = await measured(upstream, workshop, {"package.json": file})

    assert change.unread_manifests == ("package.json",)


async def test_a_file_that_becomes_a_manifest_adds_all_it_holds(
    upstream: Upstream, workshop: Workshop
) -> None:
    text = package("a", "b") + b"\n" * 40
    upstream.commit("main", {"notes.txt": text})

    change = await measured(upstream, workshop, {"notes.txt": None, "package.json": text})

    assert change.dependencies == ("npm:a", "npm:b")


async def test_manifests_beyond_what_is_read_are_unread(upstream: Upstream, workshop: Workshop) -> None:
    files: dict[str, File] = {f"p{n:03d}/package.json": package("a") for n in range(202)}

    change = await measured(upstream, workshop, files)

    assert change.unread_manifests == ("p200/package.json", "p201/package.json")


async def test_commits_tell_their_words_and_parents(upstream: Upstream, workshop: Workshop) -> None:
    message = f"Fix it for maya@example.test\n\nSigned-off-by: Fixer <{AGENT_EMAIL}>\n"

    (commit,) = (await measured(upstream, workshop, {"a": b"a\n"}, message=message)).commits

    assert (commit.subject, commit.signed_off) == ("Fix it for <address>", True)
    assert (commit.domain, commit.parents) == ("agents.gitlab.test", 1)


async def test_a_commit_to_be_tells_the_same(upstream: Upstream, workshop: Workshop) -> None:
    upstream.commit("main", {"package.json": package("a")})
    edit = FileChange(op=FileOp.UPDATE, path="package.json", content=package("a", "b").decode())
    params = CommitCreate(message=f"Add b\n\nSigned-off-by: Fixer <{AGENT_EMAIL}>\n", changes=(edit,))

    judged = await workshop.changes.of_commit(PROJECT, BRANCH, params, AGENT)
    built = await workshop.repository.build_commit(PROJECT, BRANCH, params, AGENT, "lg-1")
    await workshop.repository.push(PROJECT, BRANCH, built, expected=None)
    real = await workshop.changes.of_branches(PROJECT, BRANCH, "main", AGENT)

    assert judged.dependencies == real.dependencies == ("npm:b",)
    assert judged.commits[0].model_copy(update={"id": built}) == real.commits[0]
    assert judged.commits[0].signed_off
    assert judged.files == real.files


async def test_a_merge_request_tells_who_owns_what_it_changes(upstream: Upstream, workshop: Workshop) -> None:
    people = {"maya": "prn_maya"}
    changes = GitChanges(
        workshop.mirrors, workshop.inspector, workshop.proposals, workshop.shape_of, people.get
    )

    change = await _of_request(upstream, changes, {"CODEOWNERS": b"* @maya\n"})

    assert change.ownership == Ownership(
        parts=(OwnedPart(section="codeowners", approvals=1, owners=("prn_maya",)),)
    )


@pytest.mark.parametrize(
    ("file", "unread"),
    [(None, 0), (("120000", b"elsewhere"), 1), (b" " * ((1 << 20) + 1), 1), (b"a[ @b\n", 1)],
)
async def test_code_owners_nobody_can_read_are_told(
    upstream: Upstream, workshop: Workshop, file: File, unread: int
) -> None:
    change = await _of_request(upstream, workshop.changes, {"CODEOWNERS": file})

    assert change.ownership == Ownership(unread=unread)


async def _of_request(upstream: Upstream, changes: GitChanges, files: dict[str, File]) -> Change:
    """The change of merge request 7 into a main that has these files."""
    upstream.commit("main", files)
    head = upstream.commit(BRANCH, {"src/a.js": b"a\n"}, start=upstream.head("main"))
    upstream.git("update-ref", "refs/merge-requests/7/head", head)
    return await changes.of_merge_request(PROJECT, request(head), AGENT)


def test_a_patch_with_a_part_of_unknown_size_has_no_size() -> None:
    assert patch_size(10, [changed("a", size=3), changed("b", binary=True, size=5)]) == 15
    assert patch_size(10, [changed("b", binary=True)]) is None
    assert patch_size(None, []) is None


def test_sizes_of_missing_objects_are_left_out() -> None:
    assert sizes_told(b"aaa blob 12\nbbb missing\n\nccc blob x\n") == {"aaa": 12}
