"""The change that is judged before a commit exists equals the change of the commit that is then built."""

import base64
import tempfile
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.adapters.git.proposals import NOT_BUILT
from gateway.core.changes import Change
from gateway.core.errors import FactsMissingError, TargetRefusedError
from gateway.core.params import CommitCreate, FileChange, FileOp
from tests.gateway.adapters.git.workshop import AGENT, PROJECT, File, Upstream, Workshop, local

BRANCH = "agent/fix"
T = TypeVar("T")
# Short names that collide, folders that are also files elsewhere, and letters of several scripts.
PATHS = (
    "a",
    "a.b",
    "a/b",
    "a-",
    "a/b/c",
    "src/é.txt",
    "src/日本.md",
    "SRC/x",
    "db/drop.sql",
    ".gitlab-ci.yml",
    "ci/run.sh",
)
TEXTS = (
    b"",
    b"one\n",
    b"one\ntwo\nthree\n" * 9,
    b"no line end",
    b"\r\nwindows\r\n",
    b"\x00\x01binary",
    b"caf\xe9 in latin-1\n",
    b"\xff\xfeu\x00t\x00f\x00",
    b"DROP TABLE carts;\n",
    b"diff --git a/x b/x\n@@ -1 +1 @@\n-old\n+new\n",
    b"glpat-" + b"A1b2C3d4E5f6G7h8I9j0\n",
    b"deploy: {script: [sh ci/run.sh], environment: production}\n",
    b"include: [a/b, {project: x/y, file: z.yml}]\n",
    b"x" * 70_000,
)
contents = st.sampled_from(TEXTS)
modes = st.sampled_from(("100644", "100755", "120000"))
trees = st.dictionaries(st.sampled_from(PATHS), st.tuples(modes, contents), max_size=6)
messages = st.sampled_from(("Fix it", "Fix it\n\nCo-authored-by: A <a@b.c>\n", "日本\n\n\n", "/merge\n"))
any_edit = st.builds(
    FileChange,
    op=st.sampled_from(FileOp),
    path=st.sampled_from(PATHS),
    previous_path=st.sampled_from(PATHS),
    content_base64=st.none() | contents.map(lambda c: base64.b64encode(c).decode()),
    executable=st.none() | st.booleans(),
)
Tree = dict[str, tuple[str, bytes]]


@dataclass(frozen=True)
class World:
    """A default branch, perhaps the agent's branch on it, and a commit to put on top."""

    base: Tree
    before: Tree | None
    params: CommitCreate


def compatible(tree: Tree) -> Tree:
    """Only the paths of a tree that can stand beside each other."""
    return {p: f for p, f in tree.items() if not any(q.startswith(p + "/") for q in tree)}


def _fits(path: str, state: Mapping[str, str]) -> bool:
    above = any(path.startswith(q + "/") for q in state)
    return path not in state and not above and not any(q.startswith(path + "/") for q in state)


@st.composite
def fitting_edits(draw: st.DrawFn, tree: Tree) -> tuple[FileChange, ...]:
    """Edits each of which fits what the ones before it left."""
    state = {path: mode for path, (mode, _) in tree.items()}
    return tuple(draw(_fitting_edit(state)) for _ in range(draw(st.integers(1, 5))))


@st.composite
def _fitting_edit(draw: st.DrawFn, state: dict[str, str]) -> FileChange:
    free = [p for p in PATHS if _fits(p, state)]
    files = [p for p, mode in state.items() if mode != "120000"]
    kinds = [k for k, able in ((FileOp.CREATE, free), (FileOp.UPDATE, files), (FileOp.CHMOD, files)) if able]
    kinds += [k for k, able in ((FileOp.DELETE, state), (FileOp.MOVE, state and free)) if able]
    op = draw(st.sampled_from(kinds))
    before = None
    if op in {FileOp.CREATE, FileOp.MOVE}:
        path = draw(st.sampled_from(free))
        before = draw(st.sampled_from(sorted(state))) if op is FileOp.MOVE else None
        state[path] = state.pop(before) if before else "100644"
    else:
        path = draw(st.sampled_from(sorted(state if op is FileOp.DELETE else files)))
    if op is FileOp.DELETE:
        del state[path]
    content = draw(contents if op is FileOp.UPDATE else st.none() | contents)
    encoded = (
        None if content is None or op in {FileOp.DELETE, FileOp.CHMOD} else base64.b64encode(content).decode()
    )
    return FileChange(
        op=op,
        path=path,
        previous_path=before,
        content_base64=encoded,
        executable=draw(st.none() | st.booleans()),
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    base = compatible(draw(trees))
    before = compatible(draw(trees)) if draw(st.booleans()) else None
    wild = st.lists(any_edit, min_size=1, max_size=3).map(tuple)
    edits = draw(wild if draw(st.integers(0, 5)) == 0 else fitting_edits(base if before is None else before))
    return World(base, before, CommitCreate(message=draw(messages), changes=edits))


def without_ids(change: Change) -> Change:
    """The same change with the head and its commit unnamed, as they are before it is built."""
    last = change.commits[-1].model_copy(update={"id": NOT_BUILT})
    return change.model_copy(update={"head": NOT_BUILT, "commits": (*change.commits[:-1], last)})


@pytest.mark.slow
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(world=worlds())
async def test_the_judged_change_is_that_of_the_commit_built(world: World) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        upstream = Upstream(folder / "forge")
        main = upstream.commit("main", world.base, b"Begin\n")
        if world.before is not None:
            gone: dict[str, File] = dict.fromkeys(world.base)
            upstream.commit(BRANCH, {**gone, **world.before}, b"Earlier\n", start=main)
        workshop = Workshop(local(folder / "forge"), folder / "mirrors")
        try:
            await _judge_build_compare(
                workshop, world.params, None if world.before is None else upstream.head(BRANCH)
            )
        finally:
            await workshop.mirrors.close()


async def _judge_build_compare(workshop: Workshop, params: CommitCreate, head: str | None) -> None:
    judged = await _tried(workshop.changes.of_commit(PROJECT, BRANCH, params, AGENT))
    built = await _tried(workshop.repository.build_commit(PROJECT, BRANCH, params, AGENT, "lg-1"))
    if isinstance(judged, FactsMissingError):
        assert isinstance(built, TargetRefusedError)
        assert built.detail == judged.detail
        return
    assert isinstance(built, str)
    await workshop.repository.push(PROJECT, BRANCH, built, expected=head)
    real = await workshop.changes.of_branches(PROJECT, BRANCH, "main", AGENT)
    assert real.head == built
    assert judged == without_ids(real)


async def _tried(answer: Awaitable[T]) -> T | FactsMissingError | TargetRefusedError:
    try:
        return await answer
    except (FactsMissingError, TargetRefusedError) as error:
        return error
