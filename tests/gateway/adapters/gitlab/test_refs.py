"""Branches, commits and reverts, recognised by the commit they lead to."""

from typing import Any

import pytest

from gateway.core.actions import Action
from gateway.core.errors import TargetRefusedError
from gateway.core.vocabulary import ActionType as T
from tests.fakes.permits import AGENT, record_of
from tests.gateway.adapters.gitlab.acting import done, prepared
from tests.gateway.adapters.gitlab.rigs import (
    World,
)


async def test_a_branch_starts_where_it_is_told_to(world: World) -> None:
    main, other = world.project().repository.head("main"), world.branch_with_change("agent/other")
    for branch, params in (
        ("agent/a", {}),
        ("agent/b", {"from": "agent/other"}),
        ("agent/c", {"from": main}),
    ):
        await done(world, world.act(T.BRANCH_CREATE, params, branch=branch))

    heads = [world.project().repository.head(f"agent/{name}") for name in "abc"]
    assert heads == [main, other, main]


async def test_a_branch_that_is_there_or_has_nowhere_to_start_is_refused(world: World) -> None:
    with pytest.raises(TargetRefusedError, match="there already"):
        await prepared(world, world.act(T.BRANCH_CREATE, {}, branch="main"))
    with pytest.raises(TargetRefusedError, match="agent/none"):
        await prepared(world, world.act(T.BRANCH_CREATE, {"from": "agent/none"}, branch="agent/x"))


async def test_a_branch_that_appeared_since_the_ruling_is_refused_in_gitlabs_words(world: World) -> None:
    permit, preparation = await prepared(world, world.act(T.BRANCH_CREATE, {}, branch="agent/new"))
    world.branch_with_change("agent/new")
    with pytest.raises(TargetRefusedError, match="already exists"):
        await world.target.perform(permit, preparation)


def commit_of(world: World, branch: str, **more: Any) -> Action:
    changes = ({"op": "create", "path": "made.txt", "content": "x\n"},)
    return world.act(T.COMMIT_CREATE, {"message": "m", "changes": changes, **more}, branch=branch)


async def test_a_commit_lands_on_its_branch_by_the_agents_name(world: World) -> None:
    head = world.branch_with_change("agent/new")
    result = (await done(world, commit_of(world, "agent/new"))).result
    commit = world.project().repository.commit(result["commit"])

    assert world.project().repository.head("agent/new") == result["commit"]
    assert commit.parents == (head,)
    assert commit.author_email.startswith(f"{AGENT}@")


async def test_a_commit_on_a_branch_that_moved_since_the_ruling_is_refused_as_stale(world: World) -> None:
    world.branch_with_change("agent/new")
    permit, preparation = await prepared(world, commit_of(world, "agent/new"))
    moved = world.push_more("agent/new")
    with pytest.raises(TargetRefusedError) as refused:
        await world.target.perform(permit, preparation)

    assert refused.value.code == "stale"
    assert world.project().repository.head("agent/new") == moved


async def test_a_commit_that_names_another_head_is_refused_before_anything_is_built(world: World) -> None:
    world.branch_with_change("agent/new")
    with pytest.raises(TargetRefusedError, match="not at") as refused:
        await prepared(world, commit_of(world, "agent/new", expected_head="f" * 40))

    assert refused.value.code == "stale"


async def test_a_branch_with_somebody_elses_commit_on_top_proves_nothing(world: World) -> None:
    world.branch_with_change("agent/new")
    action = commit_of(world, "agent/new")
    permit, preparation = await prepared(world, action)
    await world.target.perform(permit, preparation)
    world.push_more("agent/new")

    assert (await world.target.reconcile(record_of(action, preparation))).happened is None


async def test_a_revert_undoes_the_commit_and_nothing_else(world: World) -> None:
    head = world.branch_with_change("agent/new", "src/new.js")
    repository = world.project().repository
    result = (await done(world, world.act(T.COMMIT_REVERT, {}, branch="agent/new", commit=head))).result

    assert repository.blob(result["commit"], "src/new.js") is None
    assert repository.diff(repository.head("main") or "", result["commit"]) == ()


async def test_a_branch_cannot_start_at_a_commit_that_is_not_there(world: World) -> None:
    action = world.act(T.BRANCH_CREATE, {"from": "f" * 40}, branch="agent/new")
    permit, preparation = await prepared(world, action)
    with pytest.raises(TargetRefusedError, match="400"):
        await world.target.perform(permit, preparation)
