"""What the Jira target tells, does and refuses."""

from typing import Any

import httpx2
import pytest

from gateway.adapters.egress import Egress
from gateway.adapters.jira.operation import PROPERTY
from gateway.adapters.jira.site import Site, words_of
from gateway.adapters.jira.target import JiraTarget
from gateway.core.actions import Action
from gateway.core.errors import SettingsError, TargetRefusedError, TargetUnclearError
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.core.vocabulary import ActionType as T
from gateway.core.vocabulary import System
from gateway.ports import Inspection
from gateway.sandbox.switches import Fault
from tests.fakes.permits import permit_for, record_of
from tests.gateway.adapters.gitlab.rigs import SandboxClock, marker_of
from tests.gateway.adapters.jira.rigs import API, KEY, World


async def prepared(world: World, action: Action) -> tuple[Permit, Preparation]:
    permit = permit_for(action, await world.target.inspect(action))
    return permit, await world.target.prepare(permit)


async def done(world: World, action: Action) -> Performance:
    permit, preparation = await prepared(world, action)
    return await world.target.perform(permit, preparation)


def fault(world: World, **what: Any) -> None:
    world.sandbox.switches.add(Fault(system="jira", **what))


async def test_project_and_issue_are_told(world: World) -> None:
    seen = await world.target.inspect(world.act(T.ISSUE_TRANSITION, {"to": "Done"}, issue=KEY))

    assert seen.missing == ()
    assert seen.project is not None
    assert seen.issue is not None
    assert (seen.project.id, seen.project.path) == ("SHOP", "SHOP")
    assert (seen.issue.key, seen.issue.status, seen.issue.project) == (KEY, "To Do", "SHOP")
    assert seen.issue.transitions == ("Done", "In Progress")


@pytest.mark.parametrize("project", ["NONE", "OPS"])
async def test_a_project_that_is_not_there_or_not_ours_is_to_be_mended(world: World, project: str) -> None:
    seen = await world.target.inspect(world.act(T.ISSUE_COMMENT, {"body": "b"}, project=project, issue=KEY))

    assert [(m.path, m.retry) for m in seen.missing] == [
        ("project", "fix_and_retry"),
        ("issue", "fix_and_retry"),
    ]


async def test_an_issue_that_is_not_there_is_to_be_mended(world: World) -> None:
    seen = await world.target.inspect(world.act(T.ISSUE_COMMENT, {"body": "b"}, issue="SHOP-99"))

    assert [(m.path, m.retry) for m in seen.missing] == [("issue", "fix_and_retry")]


async def test_an_issue_of_another_project_is_to_be_mended(world: World) -> None:
    world.issue().project.members.add(world.issue().creator.account_id)
    ops = next(p for p in world.sandbox.site.projects.values() if p.key == "OPS")
    world.issue().project = ops
    seen = await world.target.inspect(world.act(T.ISSUE_COMMENT, {"body": "b"}, issue=KEY))

    assert [(m.path, m.retry) for m in seen.missing] == [("issue", "fix_and_retry")]


async def test_an_issue_is_created_with_description_labels_priority_and_mark(world: World) -> None:
    params = {
        "title": "T",
        "description": "A **b**",
        "labels": ("security",),
        "priority": "High",
        "issue_type": "Bug",
    }
    result = (await done(world, world.act(T.ISSUE_CREATE, params))).result
    issue = world.issue(result["issue"])
    marker = marker_of("act_1")

    assert (issue.summary, issue.issue_type, issue.priority) == ("T", "10002", "2")
    assert sorted(issue.labels) == sorted(["security", marker])
    assert issue.properties[PROPERTY] == {"marker": marker}
    assert issue.description is not None
    assert issue.description["content"][0]["content"][1]["marks"] == [{"type": "strong"}]
    assert result["url"] == f"{world.sandbox.jira_url}/browse/{issue.key}"


@pytest.mark.parametrize("left", ["label", "property"])
async def test_one_of_the_two_marks_is_enough_to_recognise_an_issue(world: World, left: str) -> None:
    action = world.act(T.ISSUE_CREATE, {"title": "T"})
    permit, preparation = await prepared(world, action)
    key = (await world.target.perform(permit, preparation)).result["issue"]
    if left == "label":
        world.issue(key).properties.clear()
    else:
        world.issue(key).labels.clear()
    world.sandbox.clock.advance(5)
    found = await world.target.reconcile(record_of(action, preparation))

    assert found.happened is True
    assert found.performance is not None
    assert found.performance.result["issue"] == key


async def test_an_issue_type_jira_does_not_have_is_refused_in_its_words(world: World) -> None:
    action = world.act(T.ISSUE_CREATE, {"title": "T", "issue_type": "Wish"})
    with pytest.raises(TargetRefusedError, match="issuetype"):
        await done(world, action)


async def test_a_comment_is_recognised_by_its_own_mark_only(world: World) -> None:
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue=KEY)
    await done(world, action.model_copy(update={"id": "act_other"}))
    permit, preparation = await prepared(world, action)
    before = await world.target.reconcile(record_of(action, preparation))
    await world.target.perform(permit, preparation)
    once = await world.target.reconcile(record_of(action, preparation))
    await world.target.perform(permit, preparation)
    twice = await world.target.reconcile(record_of(action, preparation))

    assert (before.happened, once.happened, twice.happened) == (False, True, None)


async def test_a_transition_notes_where_the_issue_was_and_adds_the_link(world: World) -> None:
    link = "https://gitlab.test/shop/checkout/-/merge_requests/1"
    action = world.act(T.ISSUE_TRANSITION, {"to": "done", "link": link, "link_title": "The fix"}, issue=KEY)
    permit, preparation = await prepared(world, action)
    result = (await world.target.perform(permit, preparation)).result
    (remote,) = world.issue().remote_links.values()

    assert preparation.before["status"] == "To Do"
    assert (result["status"], result["link"]) == ("Done", link)
    assert (remote["object"]["url"], remote["object"]["title"]) == (link, "The fix")
    assert remote["globalId"] == preparation.marker


async def test_a_link_that_fails_is_told_and_the_move_stands(world: World) -> None:
    action = world.act(T.ISSUE_TRANSITION, {"to": "Done", "link": "https://gitlab.test/x"}, issue=KEY)
    fault(world, kind="status", status=403, path=f"{API}/issue/{KEY}/remotelink")
    result = (await done(world, action)).result

    assert world.issue().status.name == "Done"
    assert "403" in result["link_failed"]


async def test_a_status_that_cannot_be_reached_is_refused_with_those_that_can(world: World) -> None:
    with pytest.raises(TargetRefusedError, match="Done, In Progress, not to Closed"):
        await prepared(world, world.act(T.ISSUE_TRANSITION, {"to": "Closed"}, issue=KEY))


async def test_a_move_that_a_person_made_is_not_ours(world: World) -> None:
    action = world.act(T.ISSUE_TRANSITION, {"to": "Done"}, issue=KEY)
    _, preparation = await prepared(world, action)
    await done(world, action)
    stranger = next(
        a for a in world.sandbox.site.accounts.values() if a.email != world.sandbox.tokens.jira_email
    )
    change = world.issue().changelog[-1]
    world.issue().changelog[-1] = type(change)(change.id, stranger, change.created, change.items)
    found = await world.target.reconcile(record_of(action, preparation))

    assert found.happened is False


async def test_what_cannot_be_read_proves_nothing(world: World) -> None:
    action = world.act(T.ISSUE_CREATE, {"title": "T"})
    _, preparation = await prepared(world, action)
    fault(world, kind="status", status=500, path=f"{API}/search/jql")
    found = await world.target.reconcile(record_of(action, preparation))
    nothing = await world.target.reconcile(
        record_of(action, preparation).model_copy(update={"preparation": None})
    )

    assert found.happened is None
    assert nothing.happened is None


async def test_a_5xx_on_a_write_is_unclear(world: World) -> None:
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue=KEY)
    permit, preparation = await prepared(world, action)
    fault(world, kind="status", status=503, method="POST", path=f"{API}/issue/{KEY}/comment")
    with pytest.raises(TargetUnclearError, match="503"):
        await world.target.perform(permit, preparation)


async def test_an_answer_that_does_not_come_in_time_is_unclear_or_missing(world: World) -> None:
    tokens, clock = world.sandbox.tokens, SandboxClock(world.sandbox)
    site = Site(world.http, tokens.jira_email, lambda: tokens.jira, clock, call_s=0.2)
    hasty = JiraTarget(site, marker=marker_of, browse=world.sandbox.jira_url)
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue=KEY)
    permit, preparation = await prepared(world, action)
    fault(world, kind="delay", seconds=0.5, method="POST", path=f"{API}/issue/{KEY}/comment")
    fault(world, kind="delay", seconds=0.5, path=f"{API}/project/SHOP")
    with pytest.raises(TargetUnclearError, match="lost"):
        await hasty.perform(permit, preparation)
    seen = await hasty.inspect(action)

    assert [m.path for m in seen.missing] == ["project", "issue"]


async def test_a_server_that_is_not_there_was_sent_nothing(world: World) -> None:
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue=KEY)
    permit, preparation = await prepared(world, action)
    world.sandbox.stop()
    with pytest.raises(TargetRefusedError, match="nothing was sent") as refused:
        await world.target.perform(permit, preparation)

    assert refused.value.retryable


async def test_an_action_type_it_does_not_know_is_refused(world: World) -> None:
    action = world.act(T.BRANCH_CREATE, {}, branch="agent/x")
    with pytest.raises(TargetRefusedError, match=r"branch\.create"):
        await world.target.prepare(permit_for(action, Inspection()))


@pytest.mark.parametrize(
    ("email", "token", "ok"), [(None, None, True), ("", None, True), (None, "wrong", False)]
)
async def test_the_target_is_ready_when_jira_knows_the_account(
    world: World, email: str | None, token: str | None, *, ok: bool
) -> None:
    tokens = world.sandbox.tokens
    site = Site(
        world.http,
        tokens.jira_email if email is None else email,
        lambda: token or tokens.jira,
        SandboxClock(world.sandbox),
    )
    ready = await JiraTarget(site, marker=marker_of, browse="").readiness()

    assert ready.ok is ok
    assert ok or "401" in ready.detail


async def test_a_credential_that_is_gone_is_told_with_the_remedy(world: World) -> None:
    def gone() -> str:
        raise SettingsError("jira.token: the environment variable TOKEN is not set.")

    site = Site(world.http, "a@b.test", gone, SandboxClock(world.sandbox))
    target = JiraTarget(site, marker=marker_of, browse="")
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue=KEY)
    permit, preparation = await prepared(world, action)

    assert "TOKEN is not set" in (await target.inspect(action)).missing[0].reason
    with pytest.raises(TargetRefusedError, match="TOKEN is not set"):
        await target.perform(permit, preparation)


async def test_jiras_words_are_found_wherever_it_puts_them() -> None:
    def told(**answer: Any) -> str:
        return words_of(httpx2.Response(400, **answer))

    assert told(json={"errorMessages": ["a"], "errors": {"b": "c"}}) == "a; b: c"
    assert told(json={"errorMessages": [], "errors": {}}) == "Bad Request"
    assert told(json=["a"]) == "Bad Request"
    assert told(content=b"<html>") == "Bad Request"


async def test_an_address_that_egress_refuses_is_told_with_the_setting_to_change(world: World) -> None:
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue=KEY)
    permit, preparation = await prepared(world, action)
    tokens = world.sandbox.tokens
    async with Egress().async_client(base_url=world.sandbox.jira_url) as closed:
        site = Site(closed, tokens.jira_email, lambda: tokens.jira, SandboxClock(world.sandbox))
        target = JiraTarget(site, marker=marker_of, browse="")
        seen = await target.inspect(action)
        with pytest.raises(TargetRefusedError, match=r"egress\.loopback"):
            await target.perform(permit, preparation)

    assert "egress.loopback" in seen.missing[0].reason


async def test_params_of_another_type_are_refused(world: World) -> None:
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue=KEY)
    _, preparation = await prepared(world, action)
    mixed = action.model_copy(update={"type": T.ISSUE_CREATE})
    with pytest.raises(TargetRefusedError, match=r"issue\.create has no such params"):
        await world.target.perform(permit_for(mixed, Inspection()), preparation)


async def test_a_search_with_more_than_can_be_looked_at_proves_nothing(world: World) -> None:
    action = world.act(T.ISSUE_CREATE, {"title": "T"})
    _, preparation = await prepared(world, action)
    for number in range(101):
        await done(world, action.model_copy(update={"id": f"act_{number + 2}"}))
    world.sandbox.clock.advance(5)
    found = await world.target.reconcile(record_of(action, preparation))

    assert found.happened is None
    assert "Too many" in found.reason


async def test_it_is_jira(world: World) -> None:
    assert world.target.system is System.JIRA
