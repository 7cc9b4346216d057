"""Pipelines, jobs and deployments on the clock."""

import httpx2
import pytest

from gateway.sandbox.server import Sandbox
from gateway.sandbox.switches import Fault
from tests.gateway.sandbox.worlds import CHECKOUT, Copy, gitlab_client, open_request

PIPELINES = f"{CHECKOUT}/pipelines"


def newest(client: httpx2.Client) -> dict[str, object]:
    number = client.get(PIPELINES).json()[0]["id"]
    found: dict[str, object] = client.get(f"{PIPELINES}/{number}").json()
    return found


def merge(sandbox: Sandbox, copy: Copy) -> str:
    """Merge a change into main; gives the merge commit."""
    head = copy.publish("agent/one", {"a.txt": "1\n"})
    with gitlab_client(sandbox, sandbox.tokens.merge) as client:
        open_request(client, "agent/one")
        sandbox.clock.advance(30)
        answer = client.put(f"{CHECKOUT}/merge_requests/1/merge", json={"sha": head})
    return str(answer.json()["merge_commit_sha"])


def test_a_push_starts_a_pipeline_that_waits_for_the_clock(
    sandbox: Sandbox, road: httpx2.Client, copy: Copy
) -> None:
    head = copy.publish("agent/one", {"a.txt": "1\n"})

    first = newest(road)
    assert (first["sha"], first["status"], first["source"], first["ref"]) == (
        head,
        "created",
        "push",
        "agent/one",
    )
    sandbox.clock.advance(1)
    assert newest(road)["status"] == "running"
    sandbox.clock.advance(10)
    assert (newest(road)["status"], newest(road)["duration"]) == ("success", 10)


def test_stages_run_one_after_the_other_and_deploy(sandbox: Sandbox, road: httpx2.Client, copy: Copy) -> None:
    merged = merge(sandbox, copy)
    number = newest(road)["id"]

    def statuses() -> list[str]:
        return [job["status"] for job in road.get(f"{PIPELINES}/{number}/jobs").json()]

    story = [statuses()]
    for seconds in (1, 10, 10):
        sandbox.clock.advance(seconds)
        story.append(statuses())

    assert story == [
        ["created", "created"],
        ["running", "created"],
        ["success", "running"],
        ["success", "success"],
    ]
    last = road.get(f"{CHECKOUT}/deployments?environment=production&sort=desc").json()[0]
    assert (last["sha"], last["status"], last["environment"]["name"]) == (merged, "success", "production")
    assert last["deployable"]["commit"]["id"] == merged
    environment = last["environment"]["id"]
    assert road.get(f"{CHECKOUT}/environments/{environment}").json()["last_deployment"]["id"] == last["id"]


def test_a_failed_stage_skips_the_rest_and_its_deployment(
    sandbox: Sandbox, road: httpx2.Client, copy: Copy
) -> None:
    head = copy.publish("agent/one", {"a.txt": "1\n"})
    open_request(road, "agent/one")
    sandbox.clock.advance(30)
    sandbox.switches.fail_next_pipeline("test")
    with gitlab_client(sandbox, sandbox.tokens.merge) as client:
        client.put(f"{CHECKOUT}/merge_requests/1/merge", json={"sha": head})

    sandbox.clock.advance(60)

    jobs = road.get(f"{PIPELINES}/{newest(road)['id']}/jobs").json()
    assert [(job["status"], job["failure_reason"]) for job in jobs] == [
        ("failed", "script_failure"),
        ("skipped", None),
    ]
    assert newest(road)["status"] == "failed"
    assert road.get(f"{CHECKOUT}/deployments?sort=desc").json()[0]["status"] == "skipped"


def test_retrying_the_job_of_an_earlier_deployment_is_a_rollback(
    sandbox: Sandbox, road: httpx2.Client, copy: Copy
) -> None:
    merge(sandbox, copy)
    sandbox.clock.advance(60)
    earlier = road.get(f"{CHECKOUT}/deployments/2").json()
    address = f"{CHECKOUT}/jobs/{earlier['deployable']['id']}/retry"
    assert road.post(address).status_code == 403

    with gitlab_client(sandbox, sandbox.tokens.merge) as client:
        made = client.post(address)
        assert (made.status_code, made.json()["status"]) == (201, "pending")
        assert client.post(address).status_code == 403
    sandbox.clock.advance(30)

    last = road.get(f"{CHECKOUT}/deployments?sort=desc").json()[0]
    assert (last["sha"], last["status"], last["deployable"]["id"]) == (
        earlier["sha"],
        "success",
        made.json()["id"],
    )
    assert last["user"]["username"] == "loopgate-merge"
    environment = last["environment"]["id"]
    assert (
        road.get(f"{CHECKOUT}/environments/{environment}").json()["last_deployment"]["sha"] == earlier["sha"]
    )


def test_a_retry_whose_reply_is_lost_has_still_deployed(sandbox: Sandbox, maintainer: httpx2.Client) -> None:
    sandbox.switches.add(Fault("lose_reply", path=".*/jobs/2/retry"))

    with pytest.raises(httpx2.RemoteProtocolError):
        maintainer.post(f"{CHECKOUT}/jobs/2/retry")

    assert len(maintainer.get(f"{CHECKOUT}/deployments").json()) == 3


def test_a_retried_job_can_be_told_to_fail(sandbox: Sandbox, maintainer: httpx2.Client) -> None:
    sandbox.switches.fail_next_pipeline("deploy")
    number = maintainer.post(f"{CHECKOUT}/jobs/2/retry").json()["id"]

    sandbox.clock.advance(30)

    assert maintainer.get(f"{CHECKOUT}/jobs/{number}").json()["status"] == "failed"
    assert maintainer.get(f"{CHECKOUT}/deployments?sort=desc").json()[0]["status"] == "failed"


def test_jobs_are_canceled_and_manual_ones_played(sandbox: Sandbox, road: httpx2.Client, copy: Copy) -> None:
    text = "stages: [test]\ntest: {script: [true]}\ngo: {script: [true], when: manual, environment: review}\n"
    copy.publish("agent/one", {".gitlab-ci.yml": text})
    number = newest(road)["id"]
    test, go = (job["id"] for job in road.get(f"{PIPELINES}/{number}/jobs").json())
    assert road.post(f"{CHECKOUT}/jobs/{test}/play").status_code == 400

    assert road.post(f"{CHECKOUT}/jobs/{go}/play").json()["status"] == "pending"
    assert road.post(f"{CHECKOUT}/jobs/{test}/cancel").json()["status"] == "canceled"
    sandbox.clock.advance(30)

    assert road.get(f"{CHECKOUT}/jobs/{go}").json()["status"] == "success"
    assert road.get(f"{CHECKOUT}/deployments?environment=review").json()[0]["status"] == "success"
    assert newest(road)["status"] == "canceled"
    assert road.post(f"{CHECKOUT}/jobs/{test}/cancel").status_code == 400


def test_a_pipeline_is_asked_for_and_canceled(
    sandbox: Sandbox, road: httpx2.Client, maintainer: httpx2.Client
) -> None:
    made = maintainer.post(f"{CHECKOUT}/pipeline", json={"ref": "main"})
    assert (made.status_code, made.json()["source"]) == (201, "api")

    canceled = maintainer.post(f"{PIPELINES}/{made.json()['id']}/cancel").json()

    assert canceled["status"] == "canceled"
    sandbox.clock.advance(60)
    assert newest(maintainer)["status"] == "canceled"
    assert road.post(f"{CHECKOUT}/pipeline", json={"ref": "main"}).status_code == 400
    assert road.post(f"{CHECKOUT}/pipeline", json={"ref": "nowhere"}).json()["message"] == {
        "base": ["Reference not found"]
    }


@pytest.mark.parametrize(
    ("files", "message", "status"),
    [
        ({".gitlab-ci.yml": "job: {stage: nowhere, script: x}\n"}, "Break CI", "failed"),
        ({"a.txt": "1\n"}, "Quietly [skip ci]", "skipped"),
    ],
)
def test_pipelines_that_do_not_run(
    road: httpx2.Client, copy: Copy, files: dict[str, str], message: str, status: str
) -> None:
    copy.publish("agent/one", files, message)

    assert newest(road)["status"] == status


def test_a_branch_without_a_ci_file_has_no_pipeline(road: httpx2.Client, copy: Copy) -> None:
    copy.git("rm", "-q", ".gitlab-ci.yml")
    copy.publish("agent/one", {"a.txt": "1\n"})

    assert road.get(f"{PIPELINES}?ref=agent/one").json() == []


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [1, 2]),
        ("?sort=desc", [2, 1]),
        ("?order_by=created_at&sort=desc", [2, 1]),
        ("?order_by=finished_at&status=success&sort=desc", [2, 1]),
        ("?status=failed", []),
        ("?environment=staging", []),
        ("?updated_after=2100-01-01T00:00:00Z", []),
    ],
)
def test_deployments_are_filtered_and_sorted(road: httpx2.Client, query: str, ids: list[int]) -> None:
    assert [each["id"] for each in road.get(f"{CHECKOUT}/deployments{query}").json()] == ids


@pytest.mark.parametrize("query", ["?order_by=colour", "?status=sunny", "?order_by=finished_at"])
def test_deployments_asked_for_wrongly_are_refused(road: httpx2.Client, query: str) -> None:
    assert road.get(f"{CHECKOUT}/deployments{query}").status_code == 400


@pytest.mark.parametrize(
    "path", ["pipelines/99", "jobs/99", "environments/99", "deployments/99", "deployments/x"]
)
def test_what_is_not_there_is_404(road: httpx2.Client, path: str) -> None:
    assert road.get(f"{CHECKOUT}/{path}").status_code == 404
