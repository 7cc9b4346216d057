"""What the GitLab target tells about an action's target, and what it calls missing."""

from dataclasses import dataclass
from typing import Any

import pytest

from gateway.adapters.gitlab.answers import MergeRequest
from gateway.adapters.gitlab.forge import Forge
from gateway.adapters.gitlab.inspection import Inspector
from gateway.adapters.gitlab.marks import opened_by
from gateway.adapters.gitlab.protection import is_protected
from gateway.core.errors import SettingsError
from gateway.core.vocabulary import ActionType as T
from gateway.ports import Inspection
from gateway.sandbox.switches import Fault
from tests.fakes.permits import AGENT, permit_for
from tests.gateway.adapters.gitlab.rigs import API, PEOPLE, SandboxClock, World, marker_of, open_request


def merging(world: World, iid: int, head: str = "a" * 40) -> Any:
    return world.target.inspect(world.act(T.MERGE_REQUEST_MERGE, {"expected_head": head}, merge_request=iid))


async def test_the_project_is_told_with_its_protected_branches(world: World) -> None:
    seen = await world.target.inspect(world.act(T.ISSUE_CREATE, {"title": "t"}))

    assert seen.project is not None
    assert seen.project.model_dump() == {
        "id": "1",
        "path": "shop/checkout",
        "default_branch": "main",
        "protected_branches": ("main",),
    }
    assert await world.target.branch_rules("shop/checkout") == (("main",), ".gitlab-ci.yml")


async def test_the_branch_is_told_as_it_is_and_as_it_is_not(world: World) -> None:
    head = world.project().repository.head("main")
    main = await world.target.inspect(world.act(T.BRANCH_CREATE, {}, branch="main"))
    fresh = await world.target.inspect(world.act(T.BRANCH_CREATE, {}, branch="agent/fresh"))

    assert main.branch is not None
    assert fresh.branch is not None
    assert (main.branch.head, main.branch.protected, main.branch.default) == (head, True, True)
    assert (fresh.branch.head, fresh.branch.protected, fresh.branch.default) == (None, False, False)


@pytest.mark.parametrize(
    ("branch", "patterns", "protected"),
    [
        ("main", ("main",), True),
        ("main2", ("main",), False),
        ("release/1/2", ("release/*",), True),
        ("xrelease/1", ("release/*",), False),
        ("a.b", ("a*b",), True),
        ("anything", ("*",), True),
        ("a+b", ("a+b",), True),
        ("main", (), False),
    ],
)
def test_a_pattern_of_protected_branches_means_what_it_means_on_gitlab(
    branch: str, patterns: tuple[str, ...], *, protected: bool
) -> None:
    assert is_protected(branch, patterns) is protected


async def test_a_merge_is_told_with_head_texts_pipeline_and_branch(world: World) -> None:
    iid = open_request(world, description="Because")
    head = world.project().merge_requests[iid].sha
    before = await merging(world, iid)
    world.sandbox.clock.advance(120)
    after = await merging(world, iid)

    assert before.missing == after.missing == ()
    assert (before.pipeline.status, after.pipeline.status) == ("created", "success")
    assert before.pipeline.sha == before.merge_request.head == head
    assert before.texts == {"merge_request.title": "Add a file", "merge_request.description": "Because"}
    assert before.branch.name == before.merge_request.target_branch == "main"
    assert (before.merge_request.state, before.merge_request.target_protected) == ("opened", True)
    assert before.merge_request.source_project_id == before.merge_request.target_project_id == "1"


async def test_a_head_without_a_pipeline_says_so(world: World) -> None:
    iid = open_request(world)
    world.project().pipelines.clear()
    seen = await merging(world, iid)

    assert (seen.pipeline.status, seen.pipeline.id) == ("none", None)
    assert seen.pipeline.sha == world.project().merge_requests[iid].sha


async def test_a_green_pipeline_of_another_branch_at_the_head_is_not_the_merge_requests(world: World) -> None:
    iid = open_request(world)
    head = world.project().merge_requests[iid].sha
    for pipeline in world.project().pipelines.values():
        pipeline.ref = "agent/untested" if pipeline.sha == head else pipeline.ref
    world.sandbox.clock.advance(120)
    seen = await merging(world, iid)

    assert (seen.pipeline.status, seen.pipeline.id) == ("none", None)


@pytest.mark.parametrize("ref", ["agent/new", "refs/merge-requests/{iid}/head"])
async def test_a_pipeline_of_the_merge_request_or_its_branch_counts(world: World, ref: str) -> None:
    iid = open_request(world)
    head = world.project().merge_requests[iid].sha
    for pipeline in world.project().pipelines.values():
        pipeline.ref = ref.format(iid=iid) if pipeline.sha == head else pipeline.ref
    world.sandbox.clock.advance(120)

    assert (await merging(world, iid)).pipeline.status == "success"


async def opened_by_agent(world: World, branch: str = "agent/new") -> int:
    world.branch_with_change(branch)
    action = world.act(T.MERGE_REQUEST_OPEN, {"source": branch, "target": "main", "title": "t"})
    permit = permit_for(action, await world.target.inspect(action))
    done = await world.target.perform(permit, await world.target.prepare(permit))
    return int(done.result["merge_request"])


async def test_the_author_of_the_gateways_merge_request_is_the_agent_it_was_opened_for(world: World) -> None:
    seen = await merging(world, await opened_by_agent(world))

    assert seen.merge_request.author == AGENT


async def test_the_author_of_a_persons_merge_request_is_the_rosters_person(world: World) -> None:
    seen = await merging(world, open_request(world))

    assert seen.merge_request.author == PEOPLE["maya"]


async def test_a_person_the_roster_does_not_know_is_unknown(world: World) -> None:
    iid = open_request(world)
    item = world.project().merge_requests[iid]
    item.author = next(u for u in world.sandbox.forge.users.values() if u.username == "outsider")
    seen = await merging(world, iid)

    assert seen.merge_request.author == "unknown"


@pytest.mark.parametrize(
    "mark",
    [
        "",
        "lg-by agt_other lg-" + "0" * 64,
        opened_by(1, "agent/elsewhere", "agt_other", marker_of),
        opened_by(2, "agent/new", "agt_other", marker_of),
        opened_by(1, "agent/new", "agt_other", marker_of).replace("agt_other", "agt_fixer"),
    ],
)
async def test_a_mark_that_is_gone_forged_or_copied_names_nobody(world: World, mark: str) -> None:
    iid = await opened_by_agent(world)
    world.call("PUT", f"/merge_requests/{iid}", description=f"<!-- {mark} -->")
    seen = await merging(world, iid)

    assert seen.merge_request.author == "unknown"


async def test_a_merge_request_to_be_is_told_with_the_head_it_would_have(world: World) -> None:
    head = world.branch_with_change("agent/new")
    action = world.act(
        T.MERGE_REQUEST_OPEN, {"source": "agent/new", "target": "main", "title": "t", "draft": True}
    )
    request = (await world.target.inspect(action)).merge_request

    assert request is not None
    assert (request.iid, request.head, request.author, request.draft) == (0, head, AGENT, True)
    assert (request.source_project_id, request.target_project_id) == ("1", "1")


async def test_a_merge_request_from_a_branch_that_is_not_there_is_to_be_mended(world: World) -> None:
    action = world.act(T.MERGE_REQUEST_OPEN, {"source": "agent/none", "target": "main", "title": "t"})
    seen = await world.target.inspect(action)

    assert [(m.path, m.retry) for m in seen.missing] == [("merge_request", "fix_and_retry")]
    assert "agent/none" in seen.missing[0].reason


async def test_an_issue_is_told_with_where_it_can_go(world: World) -> None:
    action = world.act(T.ISSUE_TRANSITION, {"to": "closed"}, issue="1")
    issue = (await world.target.inspect(action)).issue

    assert issue is not None
    assert (issue.key, issue.status, issue.transitions) == ("1", "opened", ("closed",))


async def test_an_issue_that_is_not_there_is_to_be_mended(world: World) -> None:
    seen = await world.target.inspect(world.act(T.ISSUE_COMMENT, {"body": "b"}, issue="99"))

    assert [(m.path, m.retry) for m in seen.missing] == [("issue", "fix_and_retry")]


async def test_a_project_that_is_not_there_makes_everything_missing_and_is_to_be_mended(world: World) -> None:
    action = world.act(T.MERGE_REQUEST_MERGE, {"expected_head": "a" * 40}, merge_request=1)
    target = action.target.model_copy(update={"project": "shop/nowhere"})
    seen: Inspection = await world.target.inspect(action.model_copy(update={"target": target}))

    assert {m.path for m in seen.missing} == {"project", "merge_request", "pipeline", "branch"}
    assert {m.retry for m in seen.missing} == {"fix_and_retry"}


async def test_an_error_of_the_forge_is_worth_waiting_for(world: World) -> None:
    world.sandbox.switches.add(Fault("status", status=502, system="gitlab", path=API))
    seen = await world.target.inspect(world.act(T.ISSUE_CREATE, {"title": "t"}))

    assert [(m.path, m.retry, m.until_ms) for m in seen.missing] == [
        ("project", "wait_until", None),
        ("similar", "wait_until", None),
    ]


async def test_a_forge_that_says_when_to_come_back_is_believed(world: World) -> None:
    slow = Fault("status", status=429, system="gitlab", path=API, headers={"Retry-After": "7"})
    world.sandbox.switches.add(slow)
    before = SandboxClock(world.sandbox).now_ms()
    seen = await world.target.inspect(world.act(T.ISSUE_CREATE, {"title": "t"}))
    until_ms = seen.missing[0].until_ms

    assert until_ms is not None
    assert before + 7000 <= until_ms <= SandboxClock(world.sandbox).now_ms() + 7000


async def test_a_credential_that_cannot_be_read_is_a_missing_fact_with_the_remedy(world: World) -> None:
    def unset() -> str:
        raise SettingsError("gitlab.road: the environment variable TOKEN is not set.")

    forge = Forge(
        world.sandbox.gitlab_url, "loopgate-road", unset, world.session, SandboxClock(world.sandbox)
    )
    inspector = Inspector(forge, SandboxClock(world.sandbox), marker_of, PEOPLE.get)
    seen = inspector.inspect(world.act(T.ISSUE_CREATE, {"title": "t"}))

    assert "TOKEN is not set" in seen.missing[0].reason


def rolling_back(world: World, to: str, method: str = "redeploy") -> Any:
    action = world.act(T.DEPLOYMENT_ROLLBACK, {"to": to, "method": method}, environment="production")
    return world.target.inspect(action)


async def test_a_rollback_is_told_what_runs_what_ran_and_for_how_long(world: World) -> None:
    older, newer = (world.project().deployments[n] for n in (1, 2))
    by_id, by_commit = await rolling_back(world, "1"), await rolling_back(world, older.sha)

    assert by_id.missing == ()
    assert by_id.deployment.model_dump() == by_commit.deployment.model_dump() | {
        "history": by_id.deployment.model_dump()["history"]
    }
    assert (by_id.deployment.current_id, by_id.deployment.current_sha) == (2, newer.sha)
    assert (by_id.deployment.to_id, by_id.deployment.to_sha) == (1, older.sha)
    assert [e.id for e in by_id.deployment.history] == [2, 1]
    assert by_id.deployment.history_total == 2
    assert by_id.deployment.history[1].job_id == older.job_id
    assert older.finished_at is not None
    assert newer.finished_at is not None
    in_place = newer.finished_at - older.finished_at
    assert abs(by_id.deployment.history[1].healthy_s - in_place.total_seconds()) <= 1


@pytest.mark.parametrize("to", ["2", "77", "f" * 40])
async def test_a_rollback_to_what_runs_or_never_ran_leads_nowhere(world: World, to: str) -> None:
    seen = await rolling_back(world, to)

    assert (seen.deployment.to_id, seen.deployment.to_sha) == (None, None)


async def test_a_deployment_that_turned_out_bad_is_no_history(world: World) -> None:
    world.sandbox.mark_bad("shop/checkout", 1)
    seen = await rolling_back(world, "1")

    assert [e.id for e in seen.deployment.history] == [2]
    assert seen.deployment.to_id is None


async def test_an_environment_that_is_not_there_is_to_be_mended(world: World) -> None:
    action = world.act(T.DEPLOYMENT_ROLLBACK, {"to": "1"}, environment="mars")
    seen = await world.target.inspect(action)

    assert [(m.path, m.retry) for m in seen.missing] == [("deployment", "fix_and_retry")]


async def test_a_revert_that_would_lead_elsewhere_is_to_be_mended(world: World) -> None:
    seen = await rolling_back(world, "77", "revert")

    assert [(m.path, m.retry) for m in seen.missing] == [("deployment", "fix_and_retry")]
    assert "redeploy" in seen.missing[0].reason


async def test_other_open_work_of_the_project_is_counted_and_the_changes_own_is_not(world: World) -> None:
    first = open_request(world, "agent/one")
    alone = await merging(world, first)
    open_request(world, "agent/two")
    together = await merging(world, first)

    assert alone.concurrent == 0
    assert together.concurrent == 2  # the other merge request, and its pipeline


@dataclass
class Settling:
    """A forge that works out for a while whether a merge request can be merged."""

    looks: int
    paused: int = 0

    def pause(self, _: float) -> None:
        self.paused += 1


@pytest.mark.parametrize(
    ("looks", "paused", "status"), [(0, 0, "mergeable"), (2, 2, "mergeable"), (9, 3, "checking")]
)
async def test_a_merge_request_that_is_being_checked_is_looked_at_again(
    world: World, looks: int, paused: int, status: str
) -> None:
    iid = open_request(world)
    world.sandbox.clock.advance(120)
    settling = Settling(looks)

    class Checking(Forge):
        def get(self, path: str, kind: Any, **query: Any) -> Any:
            answer = super().get(path, kind, **query)
            if isinstance(answer, MergeRequest) and settling.looks > 0:
                settling.looks -= 1
                return answer.model_copy(update={"detailed_merge_status": "checking"})
            return answer

    clock = SandboxClock(world.sandbox)
    tokens = world.sandbox.tokens
    forge = Checking(world.sandbox.gitlab_url, "loopgate-road", lambda: tokens.road, world.session, clock)
    inspector = Inspector(forge, clock, marker_of, PEOPLE.get, settling.pause)
    seen = inspector.inspect(world.act(T.MERGE_REQUEST_MERGE, {"expected_head": "a" * 40}, merge_request=iid))

    assert seen.merge_request is not None
    assert (settling.paused, seen.merge_request.merge_status) == (paused, status)
