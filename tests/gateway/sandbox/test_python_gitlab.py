"""Stock python-gitlab, which knows nothing of us, drives the sandbox."""

from collections.abc import Iterator

import pytest
from gitlab import Gitlab, GitlabGetError
from gitlab.exceptions import GitlabAuthenticationError, GitlabMRClosedError

from gateway.sandbox.server import Sandbox
from tests.gateway.sandbox.worlds import Copy


@pytest.fixture
def stock(sandbox: Sandbox) -> Iterator[Gitlab]:
    with Gitlab(sandbox.gitlab_url, private_token=sandbox.tokens.merge) as client:
        client.auth()
        yield client


def test_the_client_signs_in_and_finds_projects(stock: Gitlab) -> None:
    assert stock.user
    assert (stock.user.username, stock.version()[0]) == ("loopgate-merge", "19.5.0-ee")
    project = stock.projects.get("shop/checkout")
    assert (project.id, project.path_with_namespace) == (1, "shop/checkout")
    assert stock.projects.get(1).path_with_namespace == "shop/checkout"


def test_lists_are_walked_page_by_page(stock: Gitlab) -> None:
    project = stock.projects.get(1)
    for number in range(7):
        project.issues.create({"title": f"T{number}"})

    walked = [issue.iid for issue in project.issues.list(iterator=True, per_page=3, sort="asc")]

    assert walked == list(range(1, 9))
    assert len(project.issues.list(get_all=True, per_page=2)) == 8


def test_issues_are_opened_changed_and_commented(stock: Gitlab) -> None:
    issue = stock.projects.get(1).issues.create({"title": "T", "description": "D", "labels": ["a"]})
    issue.state_event = "close"
    issue.save()
    note = issue.notes.create({"body": "Hello"})

    assert (issue.state, note.body) == ("closed", "Hello")
    assert [each.state for each in issue.resourcestateevents.list(get_all=True)] == ["closed"]


def test_a_request_is_opened_and_merged(sandbox: Sandbox, stock: Gitlab, copy: Copy) -> None:
    project = stock.projects.get(1)
    head = copy.publish("agent/one", {"a.txt": "1\n"})
    body = {"source_branch": "agent/one", "target_branch": "main", "title": "T"}
    request = project.mergerequests.create(body)
    assert [each.head_commit_sha for each in request.diffs.list(get_all=True)] == [head]
    sandbox.clock.advance(30)

    with pytest.raises(GitlabMRClosedError, match="SHA does not match HEAD of source branch"):
        request.merge(sha="0" * 40)
    request.merge(sha=head, should_remove_source_branch=True)

    assert (request.state, request.merge_commit_sha) == ("merged", project.branches.get("main").commit["id"])
    assert [each.id for each in request.commits()] == [head]
    changes = request.changes()
    assert isinstance(changes, dict)
    assert changes["changes"][0]["new_path"] == "a.txt"


def test_branches_commits_and_files_are_read(stock: Gitlab) -> None:
    project = stock.projects.get(1)
    branch = project.branches.create({"branch": "agent/one", "ref": "main"})
    commit = project.commits.get(branch.commit["id"])

    assert [each["new_path"] for each in commit.diff(get_all=True)] == ["src/cart.js"]
    assert project.files.get("src/cart.js", ref="main").decode().startswith(b"exports.total")
    assert project.files.raw("src/cart.js", ref="main").startswith(b"exports.total")
    assert [each["path"] for each in project.repository_tree("src", get_all=True)] == [
        "src/cart.js",
        "src/index.js",
    ]
    compared = project.repository_compare("main~1", "main")
    assert isinstance(compared, dict)
    assert len(compared["commits"]) == 1
    branch.delete()


def test_a_commit_is_reverted(stock: Gitlab) -> None:
    project = stock.projects.get(1)
    project.branches.create({"branch": "agent/back", "ref": "main"})

    made = project.commits.get("main").revert(branch="agent/back")

    assert isinstance(made, dict)
    assert project.branches.get("agent/back").commit["id"] == made["id"]


def test_pipelines_jobs_and_deployments(sandbox: Sandbox, stock: Gitlab) -> None:
    project = stock.projects.get(1)
    pipeline = project.pipelines.create({"ref": "main"})
    sandbox.clock.advance(60)

    pipeline.refresh()
    jobs = pipeline.jobs.list(get_all=True)
    assert (pipeline.status, [job.name for job in jobs]) == ("success", ["test", "deploy"])
    latest = project.deployments.list(environment="production", status="success", sort="desc", get_all=False)[
        0
    ]
    assert latest.sha == pipeline.sha
    project.jobs.get(project.deployments.get(1).deployable["id"]).retry()
    assert len(project.deployments.list(get_all=True)) == 4
    assert project.environments.list(get_all=True)[0].name == "production"
    assert project.protectedbranches.get("main").name == "main"
    assert project.members_all.get(2).access_level == 30
    assert stock.personal_access_tokens.get("self").active


def test_errors_arrive_as_the_client_s_own(sandbox: Sandbox, stock: Gitlab) -> None:
    with pytest.raises(GitlabGetError, match="404 Project Not Found"):
        stock.projects.get("shop/nowhere")
    with (
        Gitlab(sandbox.gitlab_url, private_token="wrong") as stranger,
        pytest.raises(GitlabAuthenticationError),
    ):
        stranger.auth()
