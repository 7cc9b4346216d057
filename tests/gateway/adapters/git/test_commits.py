"""Building commits and moving branches: what is refused, what is stale, and what a commit looks like."""

import asyncio
from pathlib import Path

import pytest

from gateway.adapters.git.bounds import Bounds
from gateway.core.errors import TargetRefusedError, TargetUnclearError
from gateway.core.params import CommitCreate, FileChange, FileOp
from tests.gateway.adapters.git.workshop import AGENT, PROJECT, Upstream, Workshop, local

BRANCH = "agent/fix"


def create(path: str, content: str = "x\n", **more: object) -> CommitCreate:
    edit = FileChange.model_validate({"op": FileOp.CREATE, "path": path, "content": content})
    return CommitCreate.model_validate({"message": "Add it", "changes": (edit,), **more})


def edited(op: FileOp, path: str, previous: str | None = None, **more: object) -> CommitCreate:
    edit = FileChange.model_validate({"op": op, "path": path, "previous_path": previous, **more})
    return CommitCreate(message="Edit it", changes=(edit,))


async def build(workshop: Workshop, params: CommitCreate, branch: str = BRANCH) -> str:
    return await workshop.repository.build_commit(PROJECT, branch, params, AGENT, "lg-1")


async def pushed(workshop: Workshop, upstream: Upstream, params: CommitCreate, branch: str = BRANCH) -> str:
    head = await workshop.repository.head_of(PROJECT, branch)
    new = await build(workshop, params, branch)
    await workshop.repository.push(PROJECT, branch, new, expected=head)
    assert upstream.head(branch) == new
    return new


async def test_a_commit_names_the_agent_and_the_gateway_and_the_clocks_time(
    upstream: Upstream, workshop: Workshop
) -> None:
    new = await pushed(workshop, upstream, create("note.md"))
    shown = upstream.git("show", "-s", "--format=%an|%ae|%at|%cn|%ce|%ct|%P|%B", new)
    seconds = workshop.clock.ms // 1000
    parent = upstream.head("main")
    assert shown == (
        f"{AGENT}|{AGENT}@agents.gitlab.test|{seconds}|Loopgate|gateway@agents.gitlab.test|{seconds}|{parent}|Add it"
    )


async def test_the_same_commit_built_twice_has_the_same_id(workshop: Workshop) -> None:
    assert await build(workshop, create("note.md")) == await build(workshop, create("note.md"))


async def test_nothing_leaves_the_mirror_by_building(upstream: Upstream, workshop: Workshop) -> None:
    await build(workshop, create("note.md"))
    assert await workshop.repository.head_of(PROJECT, BRANCH) is None
    assert upstream.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"


async def test_a_new_branch_starts_where_the_params_say(upstream: Upstream, workshop: Workshop) -> None:
    start = upstream.commit("release/1", {"a.txt": b"a\n"}, start=upstream.head("main"))
    new = await pushed(workshop, upstream, create("note.md", start_branch="release/1"))
    assert upstream.git("rev-parse", f"{new}^") == start


async def test_a_start_branch_that_is_not_there_is_refused(workshop: Workshop) -> None:
    with pytest.raises(TargetRefusedError, match="no branch release/9"):
        await build(workshop, create("note.md", start_branch="release/9"))


async def test_an_expected_head_that_moved_is_stale(upstream: Upstream, workshop: Workshop) -> None:
    old = upstream.commit(BRANCH, {"a.txt": b"a\n"}, start=upstream.head("main"))
    upstream.commit(BRANCH, {"b.txt": b"b\n"})
    with pytest.raises(TargetRefusedError) as refused:
        await build(workshop, create("note.md", expected_head=old))
    assert refused.value.code == "stale"


async def test_the_first_commit_of_an_empty_repository(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "empty")
    workshop = Workshop(local(tmp_path / "empty"), tmp_path / "mirrors")
    new = await pushed(workshop, upstream, create("README.md"), "main")
    assert upstream.git("rev-list", "--count", new) == "1"
    await workshop.mirrors.close()


@pytest.mark.parametrize(
    ("params", "words"),
    [
        (create("README.md"), "already a file at README.md"),
        (create("README.md/inside"), "README.md cannot be a file and a folder"),
        (create("src"), "src cannot be a file and a folder"),
        (edited(FileOp.UPDATE, "nowhere", content="x"), "no file at nowhere"),
        (edited(FileOp.UPDATE, "src", content="x"), "src is a folder"),
        (edited(FileOp.DELETE, "nowhere"), "no file at nowhere"),
        (edited(FileOp.CHMOD, "nowhere", executable=True), "no file at nowhere"),
        (edited(FileOp.MOVE, "b", "nowhere"), "no file at nowhere"),
        (edited(FileOp.MOVE, "README.md", "package.json"), "already a file at README.md"),
        (edited(FileOp.MOVE, "b"), "needs previous_path"),
        (edited(FileOp.UPDATE, "README.md", content="# Checkout\n"), "would change nothing"),
        (edited(FileOp.UPDATE, "README.md", content_base64="***"), "not base64"),
        (edited(FileOp.UPDATE, "README.md", content="\ud800"), "not valid Unicode"),
        (create("../out"), "not a path inside a repository"),
        (create("/abs"), "not a path inside a repository"),
        (create("a//b"), "not a path inside a repository"),
        (create(".git/hooks/x"), "not a path inside a repository"),
        (create("a/.GIT/config"), "not a path inside a repository"),
        (create("a\nb"), "not a path inside a repository"),
        (CommitCreate(message="a\0b", changes=create("n").changes), "NUL"),
    ],
)
async def test_an_edit_that_does_not_fit_is_refused_and_says_why(
    workshop: Workshop, params: CommitCreate, words: str
) -> None:
    with pytest.raises(TargetRefusedError, match=words):
        await build(workshop, params)


async def test_symbolic_links_and_submodules_can_go_but_not_be_edited(
    upstream: Upstream, workshop: Workshop
) -> None:
    module = upstream.head("main").encode()
    upstream.commit("main", {"link": ("120000", b"README.md"), "module": ("160000", module)})
    for path in ("link", "module"):
        with pytest.raises(TargetRefusedError, match="symbolic link or a submodule"):
            await build(workshop, edited(FileOp.UPDATE, path, content="x"))
    both = (*edited(FileOp.DELETE, "link").changes, *edited(FileOp.DELETE, "module").changes)
    new = await pushed(workshop, upstream, CommitCreate(message="Away", changes=both))
    assert "link" not in upstream.git("ls-tree", "--name-only", new)


async def test_old_modes_of_other_files_stay_as_they_are(upstream: Upstream, workshop: Workshop) -> None:
    blob = upstream.git("rev-parse", "main:README.md")
    tree = upstream.git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=_old_tree(blob))
    old = upstream.git("commit-tree", tree, "-m", "Old", "-p", upstream.head("main"))
    upstream.git("update-ref", "refs/heads/main", old)
    new = await pushed(workshop, upstream, create("note.md"))
    raw = upstream.git("diff-tree", "-r", "--name-only", old, new)
    assert raw == "note.md"


def _old_tree(blob: str) -> bytes:
    return b"100664 README.md\0" + bytes.fromhex(blob)


async def test_a_branch_that_is_elsewhere_is_stale_and_nothing_is_pushed(
    upstream: Upstream, workshop: Workshop
) -> None:
    head = upstream.commit(BRANCH, {"a.txt": b"a\n"}, start=upstream.head("main"))
    new = await build(workshop, create("note.md"))
    moved = upstream.commit(BRANCH, {"b.txt": b"b\n"})
    with pytest.raises(TargetRefusedError, match="nothing was pushed") as refused:
        await workshop.repository.push(PROJECT, BRANCH, new, expected=head)
    assert refused.value.code == "stale"
    assert upstream.head(BRANCH) == moved


async def test_history_is_not_rewritten_even_with_the_right_lease(
    upstream: Upstream, workshop: Workshop
) -> None:
    other = upstream.commit(BRANCH, {"a.txt": b"a\n"}, start=upstream.head("main"))
    beside = await build(workshop, create("note.md"), "agent/beside")
    with pytest.raises(TargetRefusedError, match="rewrite"):
        await workshop.repository.push(PROJECT, BRANCH, beside, expected=other)
    assert upstream.head(BRANCH) == other


async def test_a_hook_that_says_no_is_a_refusal_in_its_own_words(
    upstream: Upstream, workshop: Workshop
) -> None:
    _hook(upstream, "#!/bin/sh\necho 'commit messages need a ticket' >&2\nexit 1\n")
    new = await build(workshop, create("note.md"))
    with pytest.raises(TargetRefusedError, match="commit messages need a ticket"):
        await workshop.repository.push(PROJECT, BRANCH, new, expected=None)


async def test_a_push_that_takes_too_long_is_unclear_and_leaves_no_process(
    upstream: Upstream, workshop: Workshop, tmp_path: Path
) -> None:
    new = await build(workshop, create("note.md"))
    _hook(upstream, f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 60\n")
    hasty = Workshop(workshop.forge, workshop.folder, bounds=Bounds(network_s=1))
    with pytest.raises(TargetUnclearError, match="too long"):
        await hasty.repository.push(PROJECT, BRANCH, new, expected=None)
    pid = (tmp_path / "pid").read_text().strip()
    # The kill was sent before the error was raised; only the kernel's bookkeeping may still be under way.
    await asyncio.wait_for(asyncio.to_thread(_wait_until_gone, pid), 10)
    await hasty.mirrors.close()


async def test_two_pushes_at_once_move_the_branch_once(upstream: Upstream, workshop: Workshop) -> None:
    commits = [await build(workshop, create(f"{n}.md")) for n in range(4)]
    pushes = (workshop.repository.push(PROJECT, BRANCH, c, expected=None) for c in commits)
    results = await asyncio.gather(*pushes, return_exceptions=True)
    assert [r for r in results if r is None] == [None]
    assert {type(r) for r in results if r is not None} == {TargetRefusedError}
    assert upstream.head(BRANCH) == commits[results.index(None)]


def _hook(upstream: Upstream, script: str, name: str = "pre-receive") -> None:
    hook = upstream.path / "hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(script)
    hook.chmod(0o700)


def _wait_until_gone(pid: str) -> None:
    while _runs(pid):
        pass


def _runs(pid: str) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


async def test_a_refusal_is_not_believed_when_the_branch_is_at_our_commit(
    upstream: Upstream, workshop: Workshop
) -> None:
    new = await build(workshop, create("note.md"))
    # As if the same push had come before: the ref is moved, and then git's own move is refused.
    _hook(upstream, '#!/bin/sh\ngit update-ref "$1" "$3"\n', "update")
    await workshop.repository.push(PROJECT, BRANCH, new, expected=None)
    assert upstream.head(BRANCH) == new


async def test_a_ref_that_another_took_meanwhile_is_stale(upstream: Upstream, workshop: Workshop) -> None:
    new = await build(workshop, create("note.md"))
    _hook(upstream, f'#!/bin/sh\ngit update-ref "$1" {upstream.head("main")}\n', "update")
    with pytest.raises(TargetRefusedError) as refused:
        await workshop.repository.push(PROJECT, BRANCH, new, expected=None)
    assert refused.value.code == "stale"
