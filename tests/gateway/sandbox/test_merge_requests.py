"""Merge requests: what stands in the way, the merge itself, and what follows from it."""

from pathlib import Path

import httpx2
import pytest

from gateway.sandbox.gitlab.entities import Project
from gateway.sandbox.server import Sandbox
from tests.gateway.sandbox.worlds import CHECKOUT, Copy, gitlab_client, open_request

REQUEST = f"{CHECKOUT}/merge_requests/1"


def project(sandbox: Sandbox) -> Project:
    found = sandbox.forge.project_at("shop/checkout")
    assert found
    return found


def status(client: httpx2.Client) -> str:
    return str(client.get(REQUEST).json()["detailed_merge_status"])


@pytest.fixture
def head(copy: Copy) -> str:
    return copy.publish("agent/one", {"a.txt": "1\n"}, "Add a")


def test_a_request_knows_its_commits_and_changes(road: httpx2.Client, head: str) -> None:
    made = open_request(road, "agent/one")

    assert (made["sha"], made["diff_refs"]["head_sha"], made["changes_count"]) == (head, head, "1")
    assert [diff["new_path"] for diff in road.get(f"{REQUEST}/diffs").json()] == ["a.txt"]
    assert road.get(f"{REQUEST}/diffs").json()[0]["diff"] == "@@ -0,0 +1 @@\n+1\n"
    assert [commit["id"] for commit in road.get(f"{REQUEST}/commits").json()] == [head]
    assert road.get(f"{REQUEST}/versions").json()[0]["head_commit_sha"] == head


def test_the_head_is_kept_under_refs_merge_requests(road: httpx2.Client, head: str, copy: Copy) -> None:
    open_request(road, "agent/one")

    assert copy.git("ls-remote", "origin", "refs/merge-requests/1/head").stdout.split()[0] == head

    newer = copy.publish("agent/one", {"b.txt": "2\n"})
    assert copy.git("ls-remote", "origin", "refs/merge-requests/1/head").stdout.split()[0] == newer
    assert road.get(REQUEST).json()["sha"] == newer


def test_the_pipeline_must_have_passed(
    sandbox: Sandbox, road: httpx2.Client, maintainer: httpx2.Client, head: str
) -> None:
    open_request(road, "agent/one")
    early = maintainer.put(f"{REQUEST}/merge", json={"sha": head})

    assert (early.status_code, early.json()) == (405, {"message": "405 Method Not Allowed"})
    assert status(road) == "ci_still_running"
    sandbox.clock.advance(30)
    assert status(road) == "mergeable"


def test_a_failed_pipeline_stands_in_the_way(sandbox: Sandbox, road: httpx2.Client, copy: Copy) -> None:
    sandbox.switches.fail_next_pipeline("test")
    copy.publish("agent/one", {"a.txt": "1\n"})
    open_request(road, "agent/one")

    sandbox.clock.advance(30)

    assert status(road) == "ci_must_pass"
    assert road.get(REQUEST).json()["head_pipeline"]["status"] == "failed"


def test_a_merge_makes_a_merge_commit_of_exactly_that_head(
    sandbox: Sandbox, road: httpx2.Client, maintainer: httpx2.Client, head: str
) -> None:
    open_request(road, "agent/one")
    before = project(sandbox).repository.head("main")
    sandbox.clock.advance(30)

    merged = maintainer.put(
        f"{REQUEST}/merge", json={"sha": head, "should_remove_source_branch": True}
    ).json()

    commit = project(sandbox).repository.commit(merged["merge_commit_sha"])
    assert commit.parents == (before, head)
    assert commit.message.startswith("Merge branch 'agent/one' into 'main'\n\nChange something")
    assert project(sandbox).repository.head("main") == commit.id
    assert (merged["state"], merged["merge_user"]["username"]) == ("merged", "loopgate-merge")
    assert project(sandbox).repository.head("agent/one") is None


@pytest.mark.usefixtures("head")
def test_a_squash_puts_one_commit_under_the_merge(
    sandbox: Sandbox, road: httpx2.Client, maintainer: httpx2.Client, copy: Copy
) -> None:
    newer = copy.publish("agent/one", {"b.txt": "2\n"})
    open_request(road, "agent/one")
    sandbox.clock.advance(30)
    body = {
        "sha": newer,
        "squash": True,
        "squash_commit_message": "All at once",
        "merge_commit_message": "In",
    }

    merged = maintainer.put(f"{REQUEST}/merge", json=body).json()

    repository = project(sandbox).repository
    assert repository.commit(merged["merge_commit_sha"]).parents[1] == merged["squash_commit_sha"]
    assert repository.commit(merged["merge_commit_sha"]).message.strip() == "In"
    squashed = repository.commit(merged["squash_commit_sha"])
    assert (squashed.message.strip(), len(squashed.parents)) == ("All at once", 1)
    assert repository.blob("main", "b.txt") == b"2\n"


def test_another_head_is_409_and_merges_nothing(
    sandbox: Sandbox, road: httpx2.Client, maintainer: httpx2.Client, head: str, copy: Copy
) -> None:
    open_request(road, "agent/one")
    newer = copy.publish("agent/one", {"b.txt": "2\n"})
    sandbox.clock.advance(30)

    answer = maintainer.put(f"{REQUEST}/merge", json={"sha": head})

    expected = {"message": f"SHA does not match HEAD of source branch: {newer}"}
    assert (answer.status_code, answer.json()) == (409, expected)
    assert road.get(REQUEST).json()["state"] == "opened"


def test_a_developer_does_not_merge_into_a_protected_branch(
    sandbox: Sandbox, road: httpx2.Client, head: str
) -> None:
    open_request(road, "agent/one")
    sandbox.clock.advance(30)

    assert road.put(f"{REQUEST}/merge", json={"sha": head}).status_code == 401


def test_a_conflict_is_seen_and_refused(
    sandbox: Sandbox, road: httpx2.Client, maintainer: httpx2.Client, copy: Copy, tmp_path: Path
) -> None:
    head = copy.publish("agent/one", {"README.md": "one\n"})
    open_request(road, "agent/one")
    Copy(sandbox, tmp_path / "other", sandbox.tokens.merge).publish("main", {"README.md": "two\n"})
    sandbox.clock.advance(30)

    assert (status(road), road.get(REQUEST).json()["has_conflicts"]) == ("conflict", True)
    assert maintainer.put(f"{REQUEST}/merge", json={"sha": head}).status_code == 422


def test_drafts_closed_and_empty_requests_are_not_mergeable(
    sandbox: Sandbox, road: httpx2.Client, maintainer: httpx2.Client, head: str
) -> None:
    open_request(road, "agent/one", title="Draft: later")
    sandbox.clock.advance(30)
    assert status(road) == "draft_status"
    road.put(REQUEST, json={"title": "Now", "state_event": "close"})
    assert status(road) == "not_open"
    road.put(REQUEST, json={"state_event": "reopen"})
    assert status(road) == "mergeable"
    road.delete(f"{CHECKOUT}/repository/branches/agent%2Fone")
    assert status(road) == "commits_status"
    assert maintainer.put(f"{REQUEST}/merge", json={"sha": head}).status_code == 405


def test_closing_keywords_act_when_the_request_is_merged(
    sandbox: Sandbox, road: httpx2.Client, maintainer: httpx2.Client, copy: Copy
) -> None:
    head = copy.publish("agent/one", {"a.txt": "1\n"}, "Fix it\n\nCloses shop/payments#1")
    open_request(road, "agent/one", description="Closes #1\nFixes SHOP-1")
    sandbox.clock.advance(30)
    assert road.get(f"{CHECKOUT}/issues/1").json()["state"] == "opened"

    maintainer.put(f"{REQUEST}/merge", json={"sha": head})

    assert road.get(f"{CHECKOUT}/issues/1").json()["state"] == "closed"
    assert road.get("/projects/shop%2Fpayments/issues/1").json()["state"] == "closed"
    issue = sandbox.site.find("SHOP-1")
    assert issue
    assert issue.status.name == "Done"


@pytest.mark.usefixtures("head")
@pytest.mark.parametrize("place", ["description", "note"])
def test_the_merge_quick_action_merges_for_who_may(
    sandbox: Sandbox, maintainer: httpx2.Client, place: str
) -> None:
    text = "Ship it\n/merge"
    open_request(maintainer, "agent/one", description=text if place == "description" else "")
    if place == "note":
        maintainer.post(f"{REQUEST}/notes", json={"body": text})
    assert maintainer.get(REQUEST).json()["merge_when_pipeline_succeeds"] is True

    sandbox.clock.advance(30)

    assert maintainer.get(REQUEST).json()["state"] == "merged"


@pytest.mark.usefixtures("head")
def test_the_merge_quick_action_does_nothing_for_who_may_not(sandbox: Sandbox, road: httpx2.Client) -> None:
    open_request(road, "agent/one", description="/merge")
    sandbox.clock.advance(30)

    assert road.post(f"{REQUEST}/notes", json={"body": "/merge"}).status_code == 400
    assert road.get(REQUEST).json()["state"] == "opened"


def test_approving_counts_until_the_head_moves(
    sandbox: Sandbox, road: httpx2.Client, head: str, copy: Copy
) -> None:
    open_request(road, "agent/one")
    with gitlab_client(sandbox, sandbox.tokens.maya) as maya:
        assert maya.post(f"{REQUEST}/approve", json={"sha": "0" * 40}).status_code == 409
        assert maya.post(f"{REQUEST}/approve", json={"sha": head}).status_code == 201
        assert maya.post(f"{REQUEST}/approve").status_code == 401
    approved = road.get(f"{REQUEST}/approvals").json()["approved_by"]
    assert [each["user"]["username"] for each in approved] == ["maya"]

    copy.publish("agent/one", {"b.txt": "2\n"})

    assert road.get(f"{REQUEST}/approvals").json()["approved_by"] == []


@pytest.mark.usefixtures("head")
def test_the_other_quick_actions_of_requests_act(road: httpx2.Client) -> None:
    open_request(road, "agent/one")
    road.post(f"{CHECKOUT}/repository/branches", json={"branch": "agent/base", "ref": "main"})
    text = "/draft\n/approve\n/label ~a\n/relabel ~b\n/unlabel ~b\n/target_branch agent/base\n/assign @maya\n/unassign @maya"

    changes = road.post(f"{REQUEST}/notes", json={"body": text}).json()["commands_changes"]

    made = road.get(REQUEST).json()
    assert (made["title"], made["target_branch"], made["labels"], made["assignees"]) == (
        "Draft: Change something", "agent/base", [], [],
    )  # fmt: skip
    assert changes["approve"] is True
    assert road.post(f"{REQUEST}/notes", json={"body": "/ready\n/unapprove"}).status_code == 202
    assert road.get(REQUEST).json()["draft"] is False


@pytest.mark.usefixtures("head")
@pytest.mark.parametrize(
    ("change", "status_code", "message"),
    [
        ({"source_branch": "nowhere"}, 400, {"source_branch": ["does not exist"]}),
        ({"target_branch": "nowhere"}, 400, {"target_branch": ["does not exist"]}),
        ({"source_branch": "main"}, 409, ["You can't use same project/branch for source and target"]),
        ({}, 409, ["Another open merge request already exists for this source branch: !1"]),
    ],
)
def test_a_request_that_cannot_be_is_refused(
    road: httpx2.Client, change: dict[str, str], status_code: int, message: object
) -> None:
    open_request(road, "agent/one")
    body = {"source_branch": "agent/one", "target_branch": "main", "title": "T"} | change

    answer = road.post(f"{CHECKOUT}/merge_requests", json=body)

    assert (answer.status_code, answer.json()) == (status_code, {"message": message})


@pytest.mark.usefixtures("head")
def test_commits_pushed_straight_to_the_target_mark_a_request_merged(
    sandbox: Sandbox, road: httpx2.Client, tmp_path: Path
) -> None:
    open_request(road, "agent/one")
    maintained = Copy(sandbox, tmp_path / "other", sandbox.tokens.merge)
    maintained.git("fetch", "-q", "origin", "agent/one")

    assert maintained.push("FETCH_HEAD:main").returncode == 0

    assert road.get(REQUEST).json()["state"] == "merged"


def test_a_revert_commit_takes_the_merge_back(
    sandbox: Sandbox, road: httpx2.Client, maintainer: httpx2.Client, head: str
) -> None:
    open_request(road, "agent/one")
    sandbox.clock.advance(30)
    merged = maintainer.put(f"{REQUEST}/merge", json={"sha": head}).json()["merge_commit_sha"]
    road.post(f"{CHECKOUT}/repository/branches", json={"branch": "agent/back", "ref": "main"})
    address = f"{CHECKOUT}/repository/commits/{merged}/revert"

    dry = road.post(address, json={"branch": "agent/back", "dry_run": True})
    made = road.post(address, json={"branch": "agent/back"})

    assert (dry.status_code, made.status_code) == (200, 201)
    assert f"This reverts commit {merged}" in made.json()["message"]
    assert project(sandbox).repository.blob(made.json()["id"], "a.txt") is None
    assert road.post(address, json={"branch": "agent/back"}).status_code == 400
    assert road.post(address, json={"branch": "main"}).status_code == 403
