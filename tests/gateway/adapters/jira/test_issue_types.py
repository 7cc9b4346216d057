"""What the types that overwrite, move, link and attach do, refuse, and prove afterwards."""

import base64
from dataclasses import replace
from typing import Any

import pytest

from gateway.core.actions import Action
from gateway.core.errors import FactsMissingError, TargetRefusedError, TargetUnclearError
from gateway.core.vocabulary import ActionType as T
from gateway.sandbox.jira.adf import paragraph
from gateway.sandbox.jira.site import DONE, LINK_TYPES
from gateway.sandbox.switches import Fault
from tests.fakes.permits import permit_for, record_of
from tests.gateway.adapters.gitlab.rigs import marker_of
from tests.gateway.adapters.jira.rigs import API, KEY, MAYA, RIGS, World
from tests.gateway.adapters.jira.test_operations import done, prepared

ISSUE = f"{API}/issue/{KEY}"
MAYAS = "account-maya"


async def missing(world: World, action: Action) -> str:
    """Why the issue cannot be judged; it is to be mended, not waited for."""
    (fact,) = (await world.target.inspect(action)).missing
    assert (fact.path, fact.retry) == ("issue", "fix_and_retry")
    return fact.reason


def update(world: World, **params: Any) -> Action:
    return world.act(T.ISSUE_UPDATE, params, issue=KEY)


def attach(world: World, content: bytes = b"one") -> Action:
    params = {"filename": "scan.log", "content_base64": base64.b64encode(content).decode()}
    return world.act(T.ISSUE_ATTACH, params, issue=KEY)


def link(world: World, issue: str = "SHOP-2", kind: str = "relates") -> Action:
    return world.act(T.ISSUE_LINK, {"issue": issue, "kind": kind}, issue=KEY)


@pytest.mark.parametrize("kind", RIGS)
async def test_an_effect_that_is_seen_late_is_found_late(world: World, kind: str) -> None:
    """The reply is lost and Jira shows nothing at first: nothing is concluded that a later look takes back."""
    rig = RIGS[kind](world)
    permit = permit_for(rig.action, await rig.target.inspect(rig.action))
    preparation = await rig.target.prepare(permit)
    rig.switch("lose_reply")
    with pytest.raises(TargetUnclearError):
        await rig.target.perform(permit, preparation)
    world.sandbox.switches.add(Fault(kind="status", status=503, system="jira", path=f"{API}/myself"))
    unseen = await rig.target.reconcile(record_of(rig.action, preparation))
    rig.settle()
    found = await rig.target.reconcile(record_of(rig.action, preparation))

    assert (unseen.happened, found.happened) == (None, True)
    assert rig.effects() == 1


@pytest.mark.parametrize(
    "kind", ["issue.update", "issue.assign", "issue.transition", "issue.close", "issue.reopen"]
)
async def test_where_a_site_keeps_no_marks_who_when_and_what_must_do(world: World, kind: str) -> None:
    world.sandbox.switches.history_metadata = False
    rig = RIGS[kind](world)
    permit, preparation = await prepared(world, rig.action)
    before = await rig.target.reconcile(record_of(rig.action, preparation))
    await rig.target.perform(permit, preparation)
    once = await rig.target.reconcile(record_of(rig.action, preparation))
    log = world.issue().changelog
    log.append(log[-1])
    twice = await rig.target.reconcile(record_of(rig.action, preparation))

    assert (before.happened, once.happened, twice.happened) == (False, True, None)


async def test_a_change_with_another_actions_mark_is_not_this_ones(world: World) -> None:
    action = update(world, title="New")
    _, preparation = await prepared(world, action)
    await done(world, action.model_copy(update={"id": "act_other"}))

    assert (await world.target.reconcile(record_of(action, preparation))).happened is False


async def test_more_changes_than_jira_shows_prove_nothing(world: World) -> None:
    action = update(world, title="New")
    _, preparation = await prepared(world, action)
    await done(world, action.model_copy(update={"id": "act_other"}))
    log = world.issue().changelog
    log[:] = [replace(log[0], id=str(number)) for number in range(101)]
    found = await world.target.reconcile(record_of(action, preparation))

    assert found.happened is None
    assert "too often" in found.reason


async def test_an_update_writes_only_what_is_given_and_keeps_our_mark(world: World) -> None:
    made = (await done(world, world.act(T.ISSUE_CREATE, {"title": "T", "labels": ("old",)}))).result["issue"]
    params = {"labels": ["new", "lg-" + "0" * 64]}
    action = world.act(T.ISSUE_UPDATE, params, issue=made).model_copy(update={"id": "act_2"})
    result = (await done(world, action)).result
    issue = world.issue(made)

    assert sorted(issue.labels) == sorted(["new", marker_of("act_1")])
    assert (issue.summary, issue.priority) == ("T", "3")
    assert result == {"issue": made, "fields": ["labels"]}


async def test_what_would_be_overwritten_is_told_without_secrets(world: World) -> None:
    secret = "glpat-" + "a1B2_" * 4
    world.issue().description = paragraph(f"Use {secret} for now")
    action = update(world, title="N", description="n", labels=(), priority="High")
    seen = await world.target.inspect(action)
    _, preparation = await prepared(world, action)

    assert seen.issue is not None
    now = seen.issue.current
    assert (now["title"], now["labels"], now["priority"]) == (world.issue().summary, [], "Medium")
    assert now["description"]["text"].startswith("Use {redacted:")
    assert len(now["description"]["sha256"]) == 64
    assert secret not in preparation.model_dump_json()
    assert preparation.before["current"] == now


async def test_an_update_that_changes_nothing_is_refused(world: World) -> None:
    world.issue().labels = ["a", "b"]
    with pytest.raises(TargetRefusedError, match="nothing would change"):
        await prepared(
            world, update(world, title=world.issue().summary, labels=("b", "a"), priority="Medium")
        )


async def test_labels_that_cannot_be_read_before_writing_leave_the_issue_alone(world: World) -> None:
    action = update(world, labels=("a",))
    permit, preparation = await prepared(world, action)
    world.sandbox.switches.add(Fault(kind="status", status=500, system="jira", method="GET", path=ISSUE))
    with pytest.raises(TargetRefusedError, match="Nothing was written") as refused:
        await world.target.perform(permit, preparation)

    assert refused.value.retryable
    assert world.issue().labels == []


@pytest.mark.parametrize("assignee", [MAYA, MAYAS])
async def test_an_issue_is_given_by_roster_id_or_by_account(world: World, assignee: str) -> None:
    action = world.act(T.ISSUE_ASSIGN, {"assignee": assignee}, issue=KEY)
    permit, preparation = await prepared(world, action)
    result = (await world.target.perform(permit, preparation)).result

    assert world.issue().assignee is world.sandbox.site.accounts[MAYAS]
    assert (preparation.before, result["assignee"]) == ({"assignee": None, "to": MAYAS}, MAYAS)
    with pytest.raises(TargetRefusedError, match="that assignee already"):
        await prepared(world, action)


async def test_an_issue_is_taken_back_and_that_is_found(world: World) -> None:
    world.issue().assignee = world.sandbox.site.accounts[MAYAS]
    world.sandbox.switches.history_metadata = False
    action = world.act(T.ISSUE_ASSIGN, {"unassign": True}, issue=KEY)
    seen = await world.target.inspect(action)
    permit, preparation = await prepared(world, action)
    await world.target.perform(permit, preparation)
    found = await world.target.reconcile(record_of(action, preparation))

    assert seen.issue is not None
    assert seen.issue.current == {"assignee": MAYAS}
    assert world.issue().assignee is None
    assert found.happened is True
    with pytest.raises(TargetRefusedError, match="no assignee already"):
        await prepared(world, action)


async def test_nobody_unknown_is_given_an_issue(world: World) -> None:
    stranger = world.act(T.ISSUE_ASSIGN, {"assignee": "prn_stranger"}, issue=KEY)
    outsider = world.act(T.ISSUE_ASSIGN, {"assignee": "account-nobody"}, issue=KEY)

    assert "jira.people" in await missing(world, stranger)
    assert "no such account" in await missing(world, outsider)
    with pytest.raises(FactsMissingError, match=r"jira\.people"):
        await world.target.prepare(permit_for(stranger, await world.target.inspect(stranger)))


@pytest.mark.parametrize(
    ("kind", "name", "outward"),
    [
        ("relates", "Relates", True),
        ("blocks", "Blocks", True),
        ("blocked_by", "Blocks", False),
        ("duplicates", "Duplicate", True),
    ],
)
async def test_a_link_points_the_way_its_kind_says(
    world: World, kind: str, name: str, *, outward: bool
) -> None:
    other = world.another()
    await done(world, link(world, kind=kind))
    (made,) = world.sandbox.site.links

    assert made.type.name == name
    assert (made.source, made.destination) == ((world.issue(), other) if outward else (other, world.issue()))
    with pytest.raises(TargetRefusedError, match="linked so already"):
        await prepared(world, link(world, kind=kind))


async def test_a_link_the_other_way_round_relates_just_as_well(world: World) -> None:
    other, relates = world.another(), LINK_TYPES[3]
    world.sandbox.site.link(relates, other, world.issue(), other.creator)
    with pytest.raises(TargetRefusedError, match="linked so already"):
        await prepared(world, link(world))


async def test_a_link_that_somebody_else_made_meanwhile_proves_nothing(world: World) -> None:
    other = world.another()
    _, preparation = await prepared(world, link(world))
    world.sandbox.site.link(LINK_TYPES[3], world.issue(), other, other.creator)
    found = await world.target.reconcile(record_of(link(world), preparation))

    assert found.happened is None
    assert "nothing says that we did it" in found.reason


async def test_a_link_to_an_issue_that_left_the_project_is_to_be_mended(world: World) -> None:
    moved = world.another()
    moved.project = world.sandbox.site.projects["OPS"]
    moved.project.members.update(world.sandbox.site.accounts)
    action = link(world)

    assert "no longer an issue of project SHOP" in await missing(world, action)
    with pytest.raises(FactsMissingError, match="no longer"):
        await world.target.prepare(permit_for(action, await world.target.inspect(action)))
    assert world.sandbox.site.links == []


async def test_a_link_to_what_is_not_there_is_to_be_mended(world: World) -> None:
    assert "/issue/SHOP-9" in await missing(world, link(world, "SHOP-9"))


@pytest.mark.parametrize("kind", [T.ISSUE_TRANSITION, T.ISSUE_CLOSE])
async def test_required_fields_are_named_before_anything_is_done(world: World, kind: T) -> None:
    action = world.act(kind, {"to": "Done"} if kind is T.ISSUE_TRANSITION else {}, issue=KEY)
    permit, preparation = await prepared(world, action)
    world.sandbox.site.screens["31"] = {"resolution": True, "root_cause": True, "comment": False}

    assert "Resolution, Root cause filled in" in await missing(world, action)
    with pytest.raises(FactsMissingError, match="Root cause"):
        await world.target.prepare(permit)
    with pytest.raises(TargetRefusedError, match="resolution: Resolution is required"):
        await world.target.perform(permit, preparation)
    assert (world.issue().status.name, world.issue().remote_links) == ("To Do", {})


async def test_a_resolution_is_given_where_the_screen_takes_one(world: World) -> None:
    world.sandbox.site.screens["31"] = {"resolution": True}
    await done(world, world.act(T.ISSUE_CLOSE, {"resolution": "Won't Do"}, issue=KEY))

    assert (world.issue().status.name, world.issue().resolution) == ("Done", "10001")


async def test_a_resolution_where_there_is_no_place_for_it_is_to_be_left_out(world: World) -> None:
    assert "takes no resolution" in await missing(
        world, world.act(T.ISSUE_CLOSE, {"resolution": "Done"}, issue=KEY)
    )


async def test_closing_what_is_closed_and_reopening_what_is_open_is_to_be_mended(world: World) -> None:
    assert "not closed" in await missing(world, world.act(T.ISSUE_REOPEN, {}, issue=KEY))
    world.issue().status = DONE
    assert "closed already" in await missing(world, world.act(T.ISSUE_CLOSE, {}, issue=KEY))


async def test_an_attachment_is_on_the_issue_byte_for_byte(world: World) -> None:
    content = bytes(range(256)) * 10
    result = (await done(world, attach(world, content))).result
    (file,) = world.issue().attachments

    assert (file.content, file.filename, file.media_type) == (content, "scan.log", "text/plain")
    assert result == {"issue": KEY, "attachment": file.id, "filename": "scan.log"}


async def test_two_files_that_could_be_this_one_prove_nothing(world: World) -> None:
    action = attach(world)
    permit, preparation = await prepared(world, action)
    await world.target.perform(permit, preparation)
    await world.target.perform(permit, preparation)
    found = await world.target.reconcile(record_of(action, preparation))

    assert found.happened is None
    assert "2 files" in found.reason


async def test_a_file_of_another_size_or_person_or_from_before_is_not_ours(world: World) -> None:
    await done(world, attach(world))
    action = attach(world)
    _, preparation = await prepared(world, action)
    site, issue = world.sandbox.site, world.issue()
    site.attach(issue, site.accounts[MAYAS], "scan.log", b"one", "text/plain")
    await done(world, attach(world, b"longer"))

    assert (await world.target.reconcile(record_of(action, preparation))).happened is False
