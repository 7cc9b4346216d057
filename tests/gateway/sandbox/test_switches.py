"""The failure switches spoil what they are aimed at, as often as they are told, and nothing else."""

import httpx2
import pytest

from gateway.sandbox.server import Sandbox
from gateway.sandbox.switches import Fault, Switches
from tests.gateway.sandbox.worlds import CHECKOUT


def test_a_status_is_answered_as_often_as_asked_and_nothing_happens(
    sandbox: Sandbox, road: httpx2.Client
) -> None:
    sandbox.switches.add(Fault("status", method="POST", times=2, status=429, headers={"Retry-After": "7"}))

    answers = [road.post(f"{CHECKOUT}/issues", json={"title": "T"}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [429, 429, 201]
    assert (answers[0].headers["Retry-After"], answers[2].json()["iid"]) == ("7", 2)


def test_garbage_is_not_json(sandbox: Sandbox, road: httpx2.Client) -> None:
    sandbox.switches.add(Fault("garbage", path=".*/version"))

    with pytest.raises(ValueError, match="utf-8"):
        road.get("/version").json()

    assert road.get("/version").json()["version"] == "19.5.0-ee"


def test_a_delay_comes_before_the_answer(sandbox: Sandbox, road: httpx2.Client) -> None:
    sandbox.switches.add(Fault("delay", seconds=30.0))

    with pytest.raises(httpx2.ReadTimeout):
        road.get("/version", timeout=0.2)


def test_a_short_delay_still_answers(sandbox: Sandbox, road: httpx2.Client) -> None:
    sandbox.switches.add(Fault("delay", seconds=0.01))

    assert road.get("/version").status_code == 200


def test_one_system_s_fault_leaves_the_other_alone(
    sandbox: Sandbox, road: httpx2.Client, jira: httpx2.Client
) -> None:
    sandbox.switches.add(Fault("status", system="jira", status=503, times=9))

    assert road.get("/version").status_code == 200
    assert (jira.get("/myself").status_code, list(jira.get("/myself").json())) == (
        503,
        ["errorMessages", "errors"],
    )


def test_reset_forgets_everything() -> None:
    switches = Switches(smart_commits=False)
    switches.add(Fault("garbage"))
    switches.fail_next_pipeline()

    switches.reset()

    assert switches == Switches()


def control(sandbox: Sandbox, name: str, body: object) -> httpx2.Response:
    return httpx2.post(f"{sandbox.gitlab_url}/_sandbox/{name}", json=body)


def test_every_switch_can_be_thrown_over_http(sandbox: Sandbox, road: httpx2.Client) -> None:
    assert (
        control(sandbox, "fault", {"kind": "status", "status": 418, "path": ".*/version"}).status_code == 200
    )
    assert road.get("/version").status_code == 418
    control(sandbox, "fault", {"kind": "status", "status": 418})
    control(sandbox, "reset", {})
    assert road.get("/version").status_code == 200
    control(sandbox, "fail-next-pipeline", {"job": "test"})
    assert sandbox.switches.failing_jobs == ["test"]


def test_time_moves_over_http(sandbox: Sandbox) -> None:
    control(sandbox, "advance", {"seconds": 12})

    assert sandbox.clock.progress >= 12


def test_a_deployment_turns_bad_over_http(sandbox: Sandbox, road: httpx2.Client) -> None:
    control(sandbox, "bad-deployment", {"project": "shop/checkout", "deployment": 2})

    bad = road.get(f"{CHECKOUT}/deployments/2").json()
    assert (bad["status"], bad["deployable"]["status"]) == ("failed", "failed")
    assert [each["id"] for each in road.get(f"{CHECKOUT}/deployments?status=success").json()] == [1]


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("advance", {"seconds": -1}, "only moves forward"),
        ("advance", {}, "seconds"),
        ("advance", [], "list"),
        ("fault", {"kind": "status", "colour": "red"}, "colour"),
        ("bad-deployment", {"project": "shop/checkout", "deployment": 99}, "has no deployment 99"),
    ],
)
def test_a_switch_thrown_wrongly_says_why(sandbox: Sandbox, name: str, body: object, reason: str) -> None:
    answer = control(sandbox, name, body)

    assert answer.status_code == 400
    assert reason in answer.json()["message"]


def test_an_unknown_switch_names_the_known_ones(sandbox: Sandbox) -> None:
    assert "bad-deployment" in control(sandbox, "nothing", {}).json()["message"]
