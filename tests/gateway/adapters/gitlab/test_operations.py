"""What the GitLab target does, each action type in its own way, and what it refuses to do."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.adapters.gitlab.forge import Forge
from gateway.adapters.gitlab.target import GitLabTarget
from gateway.core.actions import Action
from gateway.core.errors import SettingsError, TargetRefusedError, TargetUnclearError
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.core.vocabulary import ActionType as T
from gateway.ports import Inspection
from gateway.sandbox.switches import Fault
from tests.fakes.permits import AGENT, permit_for, record_of
from tests.fakes.targets import FakeRepository
from tests.gateway.adapters.gitlab.rigs import (
    API,
    PEOPLE,
    SandboxClock,
    World,
    forge_of,
    marker_of,
    open_request,
)


async def prepared(world: World, action: Action) -> tuple[Permit, Preparation]:
    permit = permit_for(action, await world.target.inspect(action))
    return permit, await world.target.prepare(permit)


async def done(world: World, action: Action) -> Performance:
    permit, preparation = await prepared(world, action)
    return await world.target.perform(permit, preparation)


def sent(world: World) -> list[tuple[str, str, dict[str, Any]]]:
    """Record every write from now on: method, path, the identity's token and the JSON body."""
    writes: list[tuple[str, str, dict[str, Any]]] = []

    def note(answer: Any, *_: Any, **__: Any) -> None:
        request = answer.request
        if request.method != "GET":
            writes.append((request.method, request.headers["PRIVATE-TOKEN"], answer.request.body))

    world.session.hooks["response"].append(note)
    return writes


def merge_of(world: World, iid: int, **more: Any) -> Action:
    head = world.project().merge_requests[iid].sha
    return world.act(T.MERGE_REQUEST_MERGE, {"expected_head": head, **more}, merge_request=iid)


async def test_a_merge_is_made_by_the_merge_identity_at_the_head_that_was_judged(world: World) -> None:
    iid = open_request(world)
    world.sandbox.clock.advance(120)
    writes = sent(world)
    result = (await done(world, merge_of(world, iid))).result
    request = world.project().merge_requests[iid]

    assert request.merged_by is not None
    assert request.merged_by.username == "loopgate-merge"
    assert result["commit"] == request.merge_commit_sha == world.project().repository.head("main")
    assert result["head"] == request.sha
    assert writes[0][1] == world.sandbox.tokens.merge
    assert f'"sha": "{request.sha}"' in str(writes[0][2])


async def test_a_merge_is_never_left_to_the_forge(world: World) -> None:
    iid = open_request(world)
    world.sandbox.clock.advance(120)
    writes = sent(world)
    await done(world, merge_of(world, iid, when_ready=True))

    assert len(writes) == 1
    assert "auto_merge" not in str(writes)
    assert "merge_when" not in str(writes)


async def test_a_merge_can_squash_and_remove_the_branch(world: World) -> None:
    iid = open_request(world)
    world.sandbox.clock.advance(120)
    await done(world, merge_of(world, iid, squash=True, remove_source_branch=True))

    assert world.project().merge_requests[iid].squash_commit_sha
    assert world.project().repository.head("agent/new") is None


async def test_a_merge_notes_where_the_target_branch_was(world: World) -> None:
    iid = open_request(world)
    main = world.project().repository.head("main")
    _, preparation = await prepared(world, merge_of(world, iid))

    assert preparation.before["target_head"] == main
    assert preparation.before["head"] == world.project().merge_requests[iid].sha


async def test_a_head_that_moved_after_the_ruling_is_refused_as_stale(world: World) -> None:
    iid = open_request(world)
    world.sandbox.clock.advance(120)
    permit, preparation = await prepared(world, merge_of(world, iid))
    world.push_more("agent/new")
    world.sandbox.clock.advance(120)
    with pytest.raises(TargetRefusedError, match="SHA does not match") as refused:
        await world.target.perform(permit, preparation)

    assert refused.value.code == "stale"
    assert world.project().merge_requests[iid].state == "opened"


async def test_a_merge_before_the_pipeline_is_green_is_refused_in_gitlabs_words(world: World) -> None:
    iid = open_request(world)
    permit, preparation = await prepared(world, merge_of(world, iid))
    with pytest.raises(TargetRefusedError, match="405"):
        await world.target.perform(permit, preparation)

    assert world.project().merge_requests[iid].state == "opened"


async def test_a_merge_that_a_person_made_is_not_ours(world: World) -> None:
    iid = open_request(world)
    world.sandbox.clock.advance(120)
    action = merge_of(world, iid)
    _, preparation = await prepared(world, action)
    world.call("PUT", f"/merge_requests/{iid}/merge", sha=world.project().merge_requests[iid].sha)
    found = await world.target.reconcile(record_of(action, preparation))

    assert found.happened is False
    assert "maya" in found.reason


async def test_a_merge_at_another_head_proves_nothing(world: World) -> None:
    iid = open_request(world)
    world.sandbox.clock.advance(120)
    action = merge_of(world, iid)
    permit, preparation = await prepared(world, action)
    await world.target.perform(permit, preparation)
    other = action.model_copy(update={"params": action.params.model_copy(update={"expected_head": "f" * 40})})
    found = await world.target.reconcile(record_of(other, preparation))

    assert found.happened is None


async def test_a_merge_under_way_proves_nothing(world: World) -> None:
    iid = open_request(world)
    action = merge_of(world, iid)
    _, preparation = await prepared(world, action)
    world.project().merge_requests[iid].state = "locked"

    assert (await world.target.reconcile(record_of(action, preparation))).happened is None


async def test_an_issue_is_opened_by_the_road_identity_with_labels_and_mark(world: World) -> None:
    params = {
        "title": "T",
        "description": "D",
        "labels": ("a", "b"),
        "priority": "High",
        "issue_type": "Incident",
    }
    result = (await done(world, world.act(T.ISSUE_CREATE, params))).result
    issue = world.project().issues[int(result["issue"])]

    assert issue.author.username == "loopgate-road"
    assert sorted(issue.labels) == ["a", "b", "priority::high"]
    assert issue.description == f"D\n\n<!-- {marker_of('act_1')} -->"


async def test_a_comment_or_issue_with_another_actions_mark_is_not_ours(world: World) -> None:
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue="1")
    await done(world, action.model_copy(update={"id": "act_other"}))
    _, preparation = await prepared(world, action)

    assert (await world.target.reconcile(record_of(action, preparation))).happened is False


async def test_a_mark_that_a_person_copied_is_not_ours(world: World) -> None:
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue="1")
    _, preparation = await prepared(world, action)
    world.call("POST", "/issues/1/notes", body=f"<!-- {preparation.marker} -->")

    assert (await world.target.reconcile(record_of(action, preparation))).happened is False


async def test_two_matches_are_for_a_person_to_look_at(world: World) -> None:
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue="1")
    permit, preparation = await prepared(world, action)
    await world.target.perform(permit, preparation)
    await world.target.perform(permit, preparation)
    found = await world.target.reconcile(record_of(action, preparation))

    assert found.happened is None
    assert "2 comments" in found.reason


async def test_what_cannot_be_read_proves_nothing(world: World) -> None:
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue="1")
    _, preparation = await prepared(world, action)
    world.sandbox.switches.add(Fault("status", status=500, system="gitlab", path=f"{API}/issues/1/notes"))
    found = await world.target.reconcile(record_of(action, preparation))
    nothing = await world.target.reconcile(
        record_of(action, preparation).model_copy(update={"preparation": None})
    )

    assert found.happened is None
    assert nothing.happened is None


async def test_a_moved_issue_gets_the_link_as_a_comment(world: World) -> None:
    params = {"to": "Closed", "link": "https://gitlab.test/x", "link_title": "The [fix]"}
    result = (await done(world, world.act(T.ISSUE_TRANSITION, params, issue="1"))).result
    issue = world.project().issues[1]

    assert (result["status"], result["link"]) == ("closed", "https://gitlab.test/x")
    assert issue.notes[-1].body.startswith("[The (fix)](<https://gitlab.test/x>)")


async def test_a_link_that_fails_is_told_and_the_move_stands(world: World) -> None:
    params = {"to": "closed", "link": "https://gitlab.test/x"}
    action = world.act(T.ISSUE_TRANSITION, params, issue="1")
    world.sandbox.switches.add(
        Fault("status", status=403, system="gitlab", method="POST", path=f"{API}/issues/1/notes")
    )
    result = (await done(world, action)).result

    assert result["status"] == "closed"
    assert "403" in result["link_failed"]


@pytest.mark.parametrize(("to", "words"), [("opened", "already"), ("Done", "opened or closed")])
async def test_an_issue_goes_only_where_gitlab_has_a_way(world: World, to: str, words: str) -> None:
    action = world.act(T.ISSUE_TRANSITION, {"to": to}, issue="1")
    with pytest.raises(TargetRefusedError, match=words):
        await prepared(world, action)


async def test_an_issue_that_a_person_closed_was_not_closed_by_us(world: World) -> None:
    action = world.act(T.ISSUE_TRANSITION, {"to": "closed"}, issue="1")
    _, preparation = await prepared(world, action)
    world.call("PUT", "/issues/1", state_event="close")
    found = await world.target.reconcile(record_of(action, preparation))

    assert found.happened is not True


async def test_a_reopened_issue_is_recognised_in_its_history(world: World) -> None:
    world.call("PUT", "/issues/1", state_event="close")
    action = world.act(T.ISSUE_TRANSITION, {"to": "opened"}, issue="1")
    permit, preparation = await prepared(world, action)
    await world.target.perform(permit, preparation)
    at = world.sandbox.clock.now()

    class Remembering(Forge):
        """The sandbox keeps no state events; this is what GitLab tells."""

        def list(self, path: str, kind: Any, **query: Any) -> Any:
            if not path.endswith("/resource_state_events"):
                return super().list(path, kind, **query)
            return tuple(
                kind.model_validate({"state": state, "user": {"username": who}, "created_at": at})
                for state, who in (("closed", "maya"), ("reopened", self.by))
            )

        by = "loopgate-road"

    tokens, clock = world.sandbox.tokens, SandboxClock(world.sandbox)
    road = Remembering(world.sandbox.gitlab_url, "loopgate-road", lambda: tokens.road, world.session, clock)
    target = GitLabTarget(road, road, FakeRepository(), clock=clock, marker=marker_of, people=PEOPLE.get)
    ours = await target.reconcile(record_of(action, preparation))
    road.by = "maya"
    hers = await target.reconcile(record_of(action, preparation))

    assert world.project().issues[1].state == "opened"
    assert (ours.happened, hers.happened) == (True, False)


async def test_a_mark_is_found_behind_a_page_of_later_comments(world: World) -> None:
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue="1")
    permit, preparation = await prepared(world, action)
    done_once = await world.target.perform(permit, preparation)
    notes = world.project().issues[1].notes
    notes += [replace(notes[-1], id=notes[-1].id + n, body="later") for n in range(1, 206)]
    found = await world.target.reconcile(record_of(action, preparation))

    assert found.performance == done_once


async def test_a_merge_request_is_opened_as_a_draft_with_its_labels(world: World) -> None:
    world.branch_with_change("agent/new")
    params = {"source": "agent/new", "target": "main", "title": "T", "draft": True, "labels": ("a",)}
    result = (await done(world, world.act(T.MERGE_REQUEST_OPEN, params))).result
    request = world.project().merge_requests[result["merge_request"]]

    assert (request.title, request.labels, request.draft) == ("Draft: T", ["a"], True)
    assert result["head"] == request.sha
    assert f"lg-by {AGENT} " in request.description


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


def rollback_of(world: World, method: str) -> Action:
    return world.act(T.DEPLOYMENT_ROLLBACK, {"to": "1", "method": method}, environment="production")


async def test_a_redeploy_retries_the_earlier_job_as_the_merge_identity(world: World) -> None:
    writes = sent(world)
    result = (await done(world, rollback_of(world, "redeploy"))).result
    newest = world.project().deployments[max(world.project().deployments)]

    assert (newest.sha, newest.user.username) == (world.project().deployments[1].sha, "loopgate-merge")
    assert (result["job"], result["commit"]) == (newest.job_id, newest.sha)
    assert [token for _, token, _ in writes] == [world.sandbox.tokens.merge]


async def test_a_redeploy_by_a_person_is_not_ours(world: World) -> None:
    action = rollback_of(world, "redeploy")
    _, preparation = await prepared(world, action)
    world.call("POST", f"/jobs/{preparation.before['job']}/retry")

    assert (await world.target.reconcile(record_of(action, preparation))).happened is False


async def test_a_rollback_by_revert_is_a_merge_request_that_undoes_what_runs(world: World) -> None:
    result = (await done(world, rollback_of(world, "revert"))).result
    request = world.project().merge_requests[result["merge_request"]]
    repository = world.project().repository
    older = world.project().deployments[1].sha

    assert (request.source_branch, request.target_branch) == (result["branch"], "main")
    assert request.author.username == "loopgate-road"
    assert repository.diff(older, result["commit"]) == ()
    assert repository.head("main") == world.project().deployments[2].sha


async def test_a_rollback_branch_without_its_merge_request_is_for_a_person_to_look_at(world: World) -> None:
    action = rollback_of(world, "revert")
    permit, preparation = await prepared(world, action)
    world.sandbox.switches.add(
        Fault("status", status=403, system="gitlab", method="POST", path=f"{API}/merge_requests")
    )
    with pytest.raises(TargetUnclearError, match="pushed but has no merge request"):
        await world.target.perform(permit, preparation)
    found = await world.target.reconcile(record_of(action, preparation))

    assert found.happened is None
    assert "without its merge request" in found.reason


async def test_a_deployment_without_a_job_cannot_be_redeployed(world: World) -> None:
    action = rollback_of(world, "redeploy")
    seen = await world.target.inspect(action)
    assert seen.deployment is not None
    jobless = tuple(e.model_copy(update={"job_id": None}) for e in seen.deployment.history)
    deployment = seen.deployment.model_copy(update={"history": jobless})
    with pytest.raises(TargetRefusedError, match="no job"):
        await world.target.prepare(permit_for(action, seen.model_copy(update={"deployment": deployment})))


async def test_an_action_type_it_does_not_know_is_refused(world: World) -> None:
    action = world.act(T.PIPELINE_RUN, {})
    with pytest.raises(TargetRefusedError, match=r"pipeline\.run"):
        await world.target.prepare(permit_for(action, Inspection()))


async def test_a_server_that_is_not_there_was_sent_nothing(world: World) -> None:
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue="1")
    permit, preparation = await prepared(world, action)
    world.sandbox.stop()
    with pytest.raises(TargetRefusedError, match="nothing was sent") as refused:
        await world.target.perform(permit, preparation)

    assert refused.value.retryable


async def test_a_credential_that_is_gone_refuses_the_write(world: World) -> None:
    def gone() -> str:
        raise SettingsError("gitlab.road: the environment variable TOKEN is not set.")

    clock = SandboxClock(world.sandbox)
    road = Forge(world.sandbox.gitlab_url, "loopgate-road", gone, world.session, clock)
    target = GitLabTarget(road, road, FakeRepository(), clock=clock, marker=marker_of, people=PEOPLE.get)
    action = world.act(T.ISSUE_COMMENT, {"body": "b"}, issue="1")
    permit, preparation = await prepared(world, action)
    with pytest.raises(TargetRefusedError, match="TOKEN is not set"):
        await target.perform(permit, preparation)


async def test_the_target_is_ready_when_both_identities_are_who_they_should_be(world: World) -> None:
    assert (await world.target.readiness()).ok

    tokens, clock = world.sandbox.tokens, SandboxClock(world.sandbox)
    road = forge_of(world.sandbox, world.session, "loopgate-road", tokens.road)
    for username, token, words in (
        ("loopgate-merge", tokens.road, "belongs to loopgate-road"),
        ("loopgate-merge", "no-such-token", "401"),
    ):
        merge = forge_of(world.sandbox, world.session, username, token)
        target = GitLabTarget(road, merge, FakeRepository(), clock=clock, marker=marker_of, people=PEOPLE.get)
        ready = await target.readiness()

        assert not ready.ok
        assert words in ready.detail


async def test_a_branch_cannot_start_at_a_commit_that_is_not_there(world: World) -> None:
    action = world.act(T.BRANCH_CREATE, {"from": "f" * 40}, branch="agent/new")
    permit, preparation = await prepared(world, action)
    with pytest.raises(TargetRefusedError, match="400"):
        await world.target.perform(permit, preparation)
