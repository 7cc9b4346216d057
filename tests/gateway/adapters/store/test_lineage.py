"""The lineage index: the same promises from the database and from the one in memory."""

from collections.abc import Iterator

import pytest

from gateway.adapters.store.lineage import SqlLineage
from gateway.core.errors import FactsMissingError
from gateway.core.lineage import Asked, CommitTrace, FileTrace, Known, path_key
from gateway.core.steps import Preparation, Start
from gateway.core.vocabulary import ActionType
from gateway.ports import LineageIndex
from tests.fakes.lineage import FakeLineageIndex
from tests.gateway.adapters.store.world import AGENT, World

HERE, BLOB = path_key(b"src/here.py"), "b" * 40


def trace(commit: str, *makers: str, built: bool = False, blob: str = BLOB) -> CommitTrace:
    return CommitTrace(
        commit=commit * 40,
        patch_id="f" * 40,
        makers=makers,
        built=built,
        files=(FileTrace(path_key=HERE, blob=blob),),
    )


@pytest.fixture(params=["real", "memory"])
def index(request: pytest.FixtureRequest, world: World) -> Iterator[LineageIndex]:
    """Each index in turn."""
    if request.param == "memory":
        yield FakeLineageIndex()
        return
    with world.store() as store:
        yield store.lineage


def bare(found: CommitTrace) -> tuple[str, tuple[str, ...], bool]:
    return found.commit, found.makers, found.built


async def test_what_was_noted_is_found_by_commit_patch_version_and_path(index: LineageIndex) -> None:
    noted = trace("1", "prn_a", "unknown:77", built=True)
    await index.remember("shop/checkout", (noted,))

    asked = Asked(patches=("f" * 40,), blobs=(BLOB, "0" * 40), path_keys=(HERE,))
    found = await index.known("shop/checkout", asked)
    own = await index.known("shop/checkout", Asked(commits=("1" * 40,), path_keys=(HERE,)))

    assert [bare(t) for t in found.patches["f" * 40]] == [bare(noted)]
    assert [bare(t) for t in found.blobs[BLOB]] == [bare(noted)]
    assert bare(found.latest[HERE]) == bare(noted)
    assert bare(own.commits["1" * 40]) == bare(noted)
    assert own.latest == {}


async def test_projects_know_nothing_of_each_other(index: LineageIndex) -> None:
    await index.remember("shop/checkout", (trace("1", "prn_a"),))

    found = await index.known("shop/other", Asked(commits=("1" * 40,), blobs=(BLOB,), path_keys=(HERE,)))

    assert (found.commits, found.latest) == ({}, {})
    assert not any(found.blobs.values())


async def test_makers_are_only_ever_added(index: LineageIndex) -> None:
    await index.remember("shop/checkout", (trace("1", "prn_a", built=True),))
    await index.remember("shop/checkout", (trace("1", "prn_b"),))
    await index.remember("shop/checkout", (trace("1", "prn_a"),))

    found = await index.known("shop/checkout", Asked(commits=("1" * 40,)))

    assert bare(found.commits["1" * 40]) == ("1" * 40, ("prn_a", "prn_b"), True)


async def test_what_cannot_be_noted_is_a_missing_fact(world: World) -> None:
    with world.store() as store:
        index: SqlLineage = store.lineage
        store.writer.close()
        with pytest.raises(FactsMissingError, match="Who made this cannot be noted"):
            await index.remember("shop/checkout", (trace("1", "prn_a"),))


async def test_an_index_that_could_not_be_filled_at_the_start_says_nothing(world: World) -> None:
    with world.store() as store:
        store.writer.close()
        with pytest.raises(FactsMissingError, match="cannot be looked up"):
            await store.lineage.known("shop/checkout", Asked(commits=("1" * 40,)))


async def test_an_empty_index_knows_the_commits_again_that_actions_built(world: World) -> None:
    with world.store() as store:
        params = {"message": "A note", "changes": [{"op": "create", "path": "a", "content": "a"}]}
        for _ in range(2):
            action = world.action(ActionType.COMMIT_CREATE, params=params, branch="agent/x")
            await store.ledger.admit(action)
            start = world.start(action)
            built = Preparation(marker="lg-1", commit="1" * 40)
            await store.ledger.record(
                Start(judgement=start.judgement, permit=start.permit, preparation=built)
            )

        counts = (await store.lineage.refill(), await store.lineage.refill())
        found: Known = await store.lineage.known("shop/checkout", Asked(commits=("1" * 40,)))

    assert counts == (1, 0)
    assert bare(found.commits["1" * 40]) == ("1" * 40, (AGENT,), True)
