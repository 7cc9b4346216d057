"""However a branch that the gateway has seen is rewritten, and whoever signs the result: nobody's part is lost.

Histories come from hypothesis, rewriting from real git. Each rewriter resets every author to themselves.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.adapters.git.authorship import Authorship
from gateway.adapters.git.content_scan import core_scanners
from gateway.adapters.git.inspection import Inspector
from gateway.adapters.git.lineage import Lineage
from gateway.core.catalogue import Catalogue
from gateway.core.principals import Person, Roster
from gateway.core.rulings import Clause
from gateway.core.tickets import Bench, excluded_voters, satisfiable
from gateway.derived import authors_of
from tests.fakes.lineage import FakeLineageIndex
from tests.gateway.adapters.git.conftest import STATE
from tests.gateway.adapters.git.rewriting import Desk, email_of
from tests.gateway.adapters.git.workshop import AGENT, PROJECT, Upstream, Workshop, local

pytestmark = pytest.mark.slow

WRITERS = ("prn_ann", "prn_bob", "prn_cyd")
LAUNDERER = "prn_zed"
ROSTER = Roster(people=tuple(Person(id=p, approves_as=("sre",)) for p in (*WRITERS, LAUNDERER, "prn_free")))
PATHS = ("src/one.txt", "src/two.txt", "three.txt")


def lines(seed: int, count: int = 12) -> str:
    return "".join(f"line {n} of {seed}\n" for n in range(count))


def work(desk: Desk, writers: list[tuple[str, int]]) -> set[str]:
    """Each writer adds a file of their own or goes on with one that is there; who had a part."""
    for number, (person, path) in enumerate(writers):
        target = desk.folder / PATHS[path]
        before = target.read_text(encoding="utf-8") if target.exists() else lines(path)
        desk.write(PATHS[path], before + f"{person} wrote {number}\n")
        desk.commit(person, f"Part {number}")
    return {person for person, _ in writers}


def squash(desk: Desk) -> None:
    base = desk.git(LAUNDERER, "merge-base", "origin/main", "HEAD")
    desk.git(LAUNDERER, "reset", "--quiet", "--soft", base)
    desk.commit(LAUNDERER, "All of it")


def rebase(desk: Desk) -> None:
    desk.git(LAUNDERER, "rebase", "--quiet", "--reset-author-date", "origin/main")
    desk.git(LAUNDERER, "rebase", "--quiet", "--force-rebase", "--exec", _RESET, "origin/main")


def cherry_pick(desk: Desk) -> None:
    picked = desk.git(LAUNDERER, "rev-list", "--reverse", "origin/main..HEAD").split()
    desk.branch(LAUNDERER)
    for commit in picked:
        desk.git(LAUNDERER, "cherry-pick", "--allow-empty", "--keep-redundant-commits", commit)
        desk.git(LAUNDERER, "commit", "--quiet", "--amend", "--allow-empty", "--no-edit", "--reset-author")


def amend(desk: Desk) -> None:
    desk.git(LAUNDERER, "commit", "--quiet", "--amend", "--allow-empty", "-m", "Mine", "--reset-author")


def fixup(desk: Desk) -> None:
    """Everything in one commit, and every file a little different from what anybody saw."""
    for path in desk.files():
        target = desk.folder / path
        target.write_text(target.read_text(encoding="utf-8") + "and a full stop.\n", encoding="utf-8")
    desk.commit(LAUNDERER, "fixup!")
    squash(desk)


def split(desk: Desk) -> None:
    """One commit per file, and each file's first half before its second."""
    texts = {path: (desk.folder / path).read_text(encoding="utf-8") for path in desk.files()}
    base = desk.git(LAUNDERER, "merge-base", "origin/main", "HEAD")
    desk.git(LAUNDERER, "reset", "--quiet", "--hard", base)
    for path, text in texts.items():
        desk.write(path, text[: len(text) // 2])
        desk.commit(LAUNDERER, f"Half of {path}")
        desk.write(path, text)
        desk.commit(LAUNDERER, f"All of {path}")


def merge(desk: Desk) -> None:
    theirs = desk.head(LAUNDERER)
    squash(desk)
    desk.git(LAUNDERER, "merge", "--quiet", "--no-ff", "-s", "ours", "-m", "Both", theirs)


def rename(desk: Desk) -> None:
    for path in desk.files():
        if not path.startswith("moved/"):
            (desk.folder / "moved").mkdir(exist_ok=True)
            desk.git(LAUNDERER, "mv", path, f"moved/{path.replace('/', '-')}")
    desk.commit(LAUNDERER, "Move")
    squash(desk)


_RESET = "git commit --quiet --amend --allow-empty --no-edit --reset-author"
REWRITES: dict[str, Callable[[Desk], None]] = {
    f.__name__: f for f in (squash, rebase, cherry_pick, amend, fixup, split, merge, rename)
}


class Scene:
    """A forge with a base, a clone of it, and the gateway's git adapter with an index."""

    def __init__(self, folder: Path) -> None:
        self.upstream = Upstream(folder / "forge")
        self.upstream.commit("main", STATE, b"Begin\n", author="setup@example.test")
        self.desk = Desk(self.upstream, folder / "clone")
        self.shop = Workshop(local(folder / "forge"), folder / "mirrors")
        people = {email_of(p): p for p in (*WRITERS, LAUNDERER)}
        authorship = Authorship("gitlab.test", people=people)
        self.index = FakeLineageIndex()
        lineage = Lineage(self.shop.runner, authorship, self.index)
        self.shop.inspector = Inspector(self.shop.runner, authorship, core_scanners(), lineage)
        self.shop.changes._inspector = self.shop.inspector

    async def look(self) -> tuple[str, ...]:
        """The gateway looks at the branch; who must not approve it."""
        branch = self.desk.push(LAUNDERER)
        change = await self.shop.changes.of_branches(PROJECT, branch, "main", AGENT)
        authors, unknown = authors_of(change, None, ROSTER)
        assert unknown == 0
        return authors

    def somebody_else_lands(self, path: str) -> None:
        """Main moves on meanwhile."""
        self.upstream.commit("main", {path: b"landed\n"}, b"Meanwhile\n", author="setup@example.test")
        self.desk.git(LAUNDERER, "fetch", "--quiet", "origin")


async def story(folder: Path, writers: list[tuple[str, int]], rewrites: list[str], *, moves: bool) -> None:
    scene = Scene(folder)
    try:
        scene.desk.branch("prn_setup")
        parts = work(scene.desk, writers)
        assert set(await scene.look()) == parts
        if moves:
            scene.somebody_else_lands("elsewhere.txt")
        for name in rewrites:
            REWRITES[name](scene.desk)
            authors = await scene.look()
            assert parts <= set(authors), (name, parts, authors)
            bench = Bench(roster=ROSTER, catalogue=Catalogue())
            excluded = excluded_voters(AGENT, "prn_free", authors)
            clause = Clause(count=len(ROSTER.people) - len(excluded) + 2, any_of_roles=("sre",))
            assert satisfiable((clause,), excluded, 0, bench) == clause
    finally:
        await scene.shop.mirrors.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    writers=st.lists(st.tuples(st.sampled_from(WRITERS), st.integers(0, 2)), min_size=1, max_size=4),
    rewrites=st.lists(st.sampled_from(sorted(REWRITES)), min_size=1, max_size=3),
    moves=st.booleans(),
)
def test_whoever_rewrites_a_branch_that_was_seen_its_makers_stay_its_makers(
    writers: list[tuple[str, int]],
    rewrites: list[str],
    moves: bool,  # noqa: FBT001
) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        asyncio.run(story(folder, writers, rewrites, moves=moves))
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("name", sorted(REWRITES))
async def test_each_way_of_rewriting_keeps_the_makers(tmp_path: Path, name: str) -> None:
    await story(tmp_path, [("prn_ann", 0), ("prn_bob", 0), ("prn_cyd", 1)], [name], moves=True)
