"""Gathering: what the ruling may look at, from every neighbour, and what is missing when one cannot tell."""

from typing import Any

import pytest

from gateway.core.actions import Action, Redaction
from gateway.core.changes import Change, ChangedFile
from gateway.core.errors import FactsMissingError, TargetRefusedError
from gateway.core.facts import (
    BranchFacts,
    DeploymentFacts,
    MissingFact,
)
from gateway.core.session_sources import source_facts
from gateway.core.vocabulary import ActionType as T
from gateway.gathering import CHANGE_PATHS, measure_blast
from gateway.ports import Inspection
from tests.fakes.permits import AGENT, NOW_MS, action_of
from tests.fakes.targets import FakeTarget
from tests.gateway.gathering_scene import (
    HEAD,
    PROJECT,
    REQUEST,
    FakeCounters,
    Scene,
    change_by,
    merge_of,
    merging,
)


async def test_a_clock_that_disagrees_with_the_log_is_told() -> None:
    facts = await Scene(clock_ok=lambda now_ms: now_ms != NOW_MS).gathering.gather(merge_of(), None)

    assert facts.context.clock_ok is False


async def test_matching_stops_are_told() -> None:
    facts = await Scene(counters=FakeCounters(stops=("stp_1",))).gathering.gather(merge_of(), None)

    assert facts.stops == ("stp_1",)


async def test_what_the_agent_read_is_told_with_its_total() -> None:
    read = source_facts(("web", "issue"))
    facts = await Scene(counters=FakeCounters(sources=read)).gathering.gather(merge_of(), None)

    assert (facts.context.sources, facts.context.sources_total) == (read, 2)


@pytest.mark.parametrize(
    ("method", "asked"),
    [("redeploy", ("branches", "shop/checkout", "c" * 40, "d" * 40, AGENT)),
     ("revert", ("revert", "shop/checkout", "main", "c" * 40, AGENT))],
)  # fmt: skip
async def test_a_rollback_is_measured_as_the_way_it_takes(method: str, asked: tuple[str, ...]) -> None:
    deployment = DeploymentFacts(
        environment="production", current_id=2, current_sha="c" * 40, to_id=1, to_sha="d" * 40
    )
    scene = Scene(target=FakeTarget(seen=Inspection(project=PROJECT, deployment=deployment)))
    action = action_of(
        T.DEPLOYMENT_ROLLBACK,
        params={"to": "1", "method": method},
        project="shop/checkout",
        environment="production",
    )
    await scene.gathering.gather(action, None)

    assert scene.changes.asked == [asked]


async def test_every_action_that_changes_files_is_measured_its_own_way() -> None:
    scene = merging(branch=BranchFacts(name="agent/x", head=HEAD, protected=False, default=False))
    changes = [{"op": "create", "path": "a", "content": ""}]
    opening = {"source": "agent/fix", "target": "main", "title": "t"}
    at: dict[str, Any] = {"project": "shop/checkout"}
    for action in (
        merge_of(),
        action_of(T.MERGE_REQUEST_OPEN, params=opening, **at),
        action_of(T.COMMIT_CREATE, params={"message": "m", "changes": changes}, branch="agent/x", **at),
        action_of(T.COMMIT_REVERT, branch="agent/x", commit=HEAD, **at),
    ):
        await scene.gathering.gather(action, None)

    assert [asked[0] for asked in scene.changes.asked] == ["merge_request", "branches", "commit", "revert"]


@pytest.mark.parametrize(
    ("start", "measured"), [(HEAD, HEAD), ("agent/other", "agent/other"), (None, "main")]
)
async def test_a_new_branch_is_measured_by_what_stands_on_it(start: str | None, measured: str) -> None:
    """CI runs on a new branch at once: the commit it starts at may be a fork's."""
    scene = merging(branch=BranchFacts(name="agent/x", head=None, protected=False, default=False))
    params = {"from": start} if start else {}
    await scene.gathering.gather(
        action_of(T.BRANCH_CREATE, params=params, project="shop/checkout", branch="agent/x"), None
    )

    assert scene.changes.asked == [("branches", "shop/checkout", measured, "main", AGENT)]


async def test_an_action_that_changes_no_files_is_not_measured() -> None:
    scene = merging()
    comment = action_of(
        T.MERGE_REQUEST_COMMENT, params={"body": "b"}, project="shop/checkout", merge_request=7
    )
    facts = await scene.gathering.gather(comment, None)

    assert scene.changes.asked == []
    assert facts.change is None
    assert measure_blast(comment, facts, scene.in_force) is None


async def test_a_target_that_asks_to_slow_down_makes_the_change_missing_until_then_too() -> None:
    scene = merging()
    scene.target.switches.rate_limit = True
    facts = await scene.gathering.gather(merge_of(), None)

    assert {*CHANGE_PATHS, "project"} <= {m.path for m in facts.missing}
    assert {(m.retry, m.until_ms) for m in facts.missing} == {("wait_until", scene.target.until_ms)}


async def test_a_change_that_cannot_be_measured_is_missing_with_the_reason() -> None:
    scene = merging()
    scene.changes.error = FactsMissingError("no such branch", retryable=False)
    facts = await scene.gathering.gather(merge_of(), None)

    assert [m.path for m in facts.missing] == sorted((*CHANGE_PATHS, "code_owners"))
    assert {(m.reason, m.retry) for m in facts.missing} == {("no such branch", "fix_and_retry")}
    assert facts.change is None


async def test_a_merge_request_that_cannot_be_read_makes_its_change_missing_for_the_same_reason() -> None:
    unread = MissingFact(path="merge_request", reason="gone", retry="fix_and_retry")
    scene = Scene(target=FakeTarget(seen=Inspection(project=PROJECT, missing=(unread,))))
    facts = await scene.gathering.gather(merge_of(), None)

    assert {m.path for m in facts.missing} == {"merge_request", "code_owners", *CHANGE_PATHS}
    assert {m.reason for m in facts.missing} == {"gone"}


async def test_no_failure_of_a_target_raises() -> None:
    class Broken(FakeTarget):
        async def inspect(self, action: Action) -> Inspection:
            raise TargetRefusedError(f"nothing about {action.id}")

    facts = await Scene(target=Broken()).gathering.gather(merge_of(), None)

    assert {"project", "merge_request", "pipeline", *CHANGE_PATHS} <= {m.path for m in facts.missing}
    assert all("nothing about" in m.reason for m in facts.missing)


async def test_what_this_version_does_not_perform_is_not_asked_for() -> None:
    scene = merging()
    scene.target.switches.garbage = True
    action = action_of(T.BRANCH_PUSH, project="shop/checkout", refs=("refs/heads/agent/x",))
    facts = await scene.gathering.gather(action, None)

    assert facts.missing == ()
    assert facts.project is None


async def test_missing_facts_are_listed_once_and_in_order() -> None:
    twice = (
        MissingFact(path="pipeline", reason="b", retry="never"),
        MissingFact(path="branch", reason="a", retry="never"),
        MissingFact(path="branch", reason="a", retry="never"),
    )
    scene = Scene(target=FakeTarget(seen=Inspection(project=PROJECT, merge_request=REQUEST, missing=twice)))
    facts = await scene.gathering.gather(merge_of(), None)

    assert [m.path for m in facts.missing] == ["branch", "pipeline"]


async def test_texts_of_the_action_the_target_and_the_commits_are_scanned() -> None:
    scene = merging(texts={"merge_request.description": "Closes #3"})
    scene.changes.change = Change(base="0" * 40, head=HEAD, messages=("fine", "SHOP-1 #close"))
    facts = await scene.gathering.gather(merge_of(), None)
    comment = action_of(
        T.MERGE_REQUEST_COMMENT, params={"body": "/merge"}, project="shop/checkout", merge_request=7
    )
    said = await merging().gathering.gather(comment, None)

    assert facts.text.closes == ("merge_request.description: Closes #3",)
    assert facts.text.smart_commits == ("commits/1/message: #close",)
    assert said.text.quick_actions == ("body: /merge",)


async def test_secrets_cut_out_of_the_request_are_told() -> None:
    cut = Redaction.model_validate({"field": "body", "detector": "gitlab-token", "line": 1})
    action = action_of(
        T.MERGE_REQUEST_COMMENT, params={"body": "x"}, project="shop/checkout", merge_request=7
    )
    facts = await merging().gathering.gather(action.model_copy(update={"redactions": (cut,)}), None)

    assert facts.text.secrets == ("body: gitlab-token",)


async def test_the_blast_radius_is_measured_with_the_gravest_environment() -> None:
    scene = merging(concurrent=2)
    row = ChangedFile(
        path="a",
        status="M",
        old_mode="100644",
        new_mode="100644",
        old_oid="1" * 40,
        new_oid="2" * 40,
        additions=3,
    )
    scene.changes.change = change_by(environments=("review/x", "prod-eu")).model_copy(
        update={"files": (row,)}
    )
    facts = await scene.gathering.gather(merge_of(), None)
    blast = measure_blast(merge_of(), facts, scene.in_force)

    assert blast is not None
    assert (blast.environment, blast.services, blast.concurrent, blast.lines) == (
        "production",
        ("checkout",),
        2,
        3,
    )
