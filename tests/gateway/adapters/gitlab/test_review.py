"""What `doctor` says of GitLab's own settings: each way past the gateway is found, and a good project is left in peace."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.adapters.gitlab.review import (
    Account,
    Grade,
    Level,
    Member,
    OwnToken,
    Protection,
    Verdict,
    of_identity,
    of_members,
    of_protection,
    of_roles,
)
from gateway.sandbox.gitlab import entities
from gateway.sandbox.gitlab.entities import Project, Role
from tests.gateway.adapters.gitlab.rigs import World

PROJECT = "shop/checkout"
OURS = 7


def found(verdicts: Any) -> set[tuple[str, str]]:
    """Subject and grade of everything that is not well."""
    return {(v.subject, v.grade.value) for v in verdicts if v.grade is not Grade.OK}


def protected(*, push: tuple[Level, ...] = (), merge: tuple[Level, ...] = (), **more: Any) -> Protection:
    given = {"name": "main", "push_access_levels": push, "merge_access_levels": merge, **more}
    return Protection.model_validate(given)


NOBODY, DEVELOPERS, MAINTAINERS = (Level(access_level=n) for n in (0, 30, 40))
ONE, US = Level(access_level=40, user_id=3), Level(access_level=40, user_id=OURS)
KEY = Level(access_level=40, deploy_key_id=1)


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ((), {("branch main", "fail")}),
        ((protected(push=(NOBODY,), merge=(MAINTAINERS,), name="release/*"),), {("branch main", "fail")}),
        ((protected(push=(NOBODY,), merge=(MAINTAINERS,)),), set()),
        ((protected(push=(NOBODY,), merge=(MAINTAINERS,), name="*"),), set()),
        ((protected(push=(NOBODY,), merge=(US,)),), set()),
        ((protected(push=(DEVELOPERS,), merge=(MAINTAINERS,)),), {("branch main: pushes", "fail")}),
        ((protected(push=(MAINTAINERS,), merge=(MAINTAINERS,)),), {("branch main: pushes", "warn")}),
        ((protected(push=(NOBODY, ONE), merge=(MAINTAINERS,)),), {("branch main: pushes", "fail")}),
        ((protected(push=(NOBODY, KEY), merge=(MAINTAINERS,)),), {("branch main: pushes", "fail")}),
        ((protected(push=(NOBODY,), merge=(DEVELOPERS,)),), {("branch main: merges", "fail")}),
        ((protected(push=(NOBODY,), merge=(MAINTAINERS, ONE)),), {("branch main: merges", "fail")}),
        ((protected(push=(NOBODY,), merge=(NOBODY,)),), {("branch main: merges", "fail")}),
        (
            (protected(push=(NOBODY,), merge=(MAINTAINERS,), allow_force_push=True),),
            {("branch main: force pushes", "fail")},
        ),
        (
            (
                protected(push=(NOBODY,), merge=(MAINTAINERS,)),
                protected(push=(DEVELOPERS,), merge=(MAINTAINERS,), name="m*"),
            ),
            {("branch main: pushes", "fail")},
        ),
    ],
)
def test_a_hole_in_the_protection_of_the_default_branch_is_found(
    rules: tuple[Protection, ...], told: set[tuple[str, str]]
) -> None:
    assert found(of_protection(PROJECT, "main", rules, OURS)) == told


@pytest.mark.parametrize(
    ("road", "merge", "told"),
    [
        (30, 40, set()),
        (20, 40, {("role of road", "fail")}),
        (40, 40, {("role of road", "fail")}),
        (30, 30, {("role of merge", "fail")}),
        (30, 50, {("role of merge", "fail")}),
        (0, 0, {("role of road", "fail"), ("role of merge", "fail")}),
    ],
)
def test_each_identity_has_exactly_the_role_it_needs(
    road: int, merge: int, told: set[tuple[str, str]]
) -> None:
    assert found(of_roles(PROJECT, road, merge)) == told


@pytest.mark.parametrize(
    ("scopes", "admin", "told"),
    [
        (("api",), False, set()),
        (("api", "write_repository"), False, set()),
        (("read_api",), False, {("scopes", "fail")}),
        (("api", "sudo"), False, {("scopes", "fail")}),
        (("api",), True, {("administrator", "fail")}),
    ],
)
def test_a_token_that_may_too_little_or_too_much_is_found(
    scopes: tuple[str, ...], told: set[tuple[str, str]], *, admin: bool
) -> None:
    account = Account(id=1, username="loopgate-road", is_admin=admin)
    assert found(of_identity("road", account, OwnToken(scopes=scopes))) == told


def test_people_who_could_merge_are_named_a_few_of_them() -> None:
    crowd = tuple(Member(id=n, username=f"m{n}", access_level=40) for n in range(8))
    told = of_members(PROJECT, (*crowd, Member(id=9, username="dev", access_level=30)), frozenset({"m0"}))

    assert told.grade is Grade.WARN
    assert "m1, m2, m3, m4, m5 and 2 more" in told.detail
    assert "dev" not in told.detail
    assert of_members(PROJECT, crowd[:1], frozenset({"m0"})).grade is Grade.OK


async def reviewed(world: World) -> tuple[Verdict, ...]:
    return await world.target.review((PROJECT,))


def harden(world: World) -> Project:
    """Shut every hole that the demo world has."""
    project = world.project()
    project.protections[:] = [entities.Protection(1, "main", Role.NO_ONE, Role.MAINTAINER)]
    maya = next(user for user in world.sandbox.forge.users.values() if user.username == "maya")
    project.members[maya.id] = Role.DEVELOPER
    return project


async def test_a_hardened_project_has_nothing_to_say(world: World) -> None:
    harden(world)
    told = await reviewed(world)

    assert found(told) == set()
    assert {v.place for v in told} == {"identity road", "identity merge", PROJECT}


BREAK: dict[tuple[str, str], Callable[[Project], None]] = {
    ("job tokens", "fail"): lambda p: setattr(p, "job_tokens_may_push", True),
    ("job tokens", "warn"): lambda p: setattr(p, "job_tokens_are_listed", False),
    ("pipelines must succeed", "warn"): lambda p: setattr(p, "only_allow_merge_if_pipeline_succeeds", False),
    ("approvals", "warn"): lambda p: setattr(p, "approvals_are_reset", False),
    ("branch main", "fail"): lambda p: p.protections.clear(),
}


@pytest.mark.parametrize("told", BREAK, ids="-".join)
async def test_one_setting_that_is_wrong_is_told_and_no_other(world: World, told: tuple[str, str]) -> None:
    BREAK[told](harden(world))

    assert found(await reviewed(world)) == {told}


async def test_the_demo_world_warns_and_fails_nowhere(world: World) -> None:
    told = await reviewed(world)

    assert found(told) == {("branch main: pushes", "warn"), ("other Maintainers", "warn")}
    assert all(v.detail for v in told if v.grade is not Grade.OK)


async def test_what_cannot_be_read_is_said_so(world: World) -> None:
    told = await world.target.review(("shop/nothing",))

    assert found(told) == {("settings", "warn")}
    assert "look yourself" in told[-1].detail
