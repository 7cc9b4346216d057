"""Issues and notes over the API, and the quick actions in their texts."""

import httpx2
import pytest

from gateway.sandbox.server import Sandbox
from gateway.sandbox.switches import Fault
from tests.gateway.sandbox.worlds import CHECKOUT, gitlab_client

ISSUE = f"{CHECKOUT}/issues/1"


def test_an_issue_is_opened_and_read_back(road: httpx2.Client) -> None:
    made = road.post(
        f"{CHECKOUT}/issues", json={"title": "Slow", "description": "Very.", "labels": ["b", "a"]}
    )

    assert made.status_code == 201
    read = road.get(f"{CHECKOUT}/issues/{made.json()['iid']}").json()
    assert read == made.json()
    assert (read["title"], read["description"], read["labels"], read["state"]) == (
        "Slow",
        "Very.",
        ["a", "b"],
        "opened",
    )


def test_numeric_ids_and_paths_name_the_same_project(road: httpx2.Client) -> None:
    assert road.get("/projects/1/issues/1").json() == road.get(ISSUE).json()


@pytest.mark.parametrize(
    ("text", "field", "value", "kept"),
    [
        ("Done.\n/close", "state", "closed", "Done."),
        ("/label ~bug\nSee above", "labels", ["bug"], "See above"),
        ("See\n/title Better", "title", "Better", "See"),
        ("See\n/assign me", "assignees", ["loopgate-road"], "See"),
        ("See\n/due 2026-12-01", "due_date", "2026-12-01", "See"),
        ("See\n/confidential", "confidential", True, "See"),
        ("See\n/lock", "discussion_locked", True, "See"),
    ],
)
def test_a_quick_action_in_a_description_acts_and_is_cut_out(
    road: httpx2.Client, text: str, field: str, value: object, kept: str
) -> None:
    made = road.post(f"{CHECKOUT}/issues", json={"title": "T", "description": text}).json()

    assert made["description"] == kept
    names = [each["username"] for each in made["assignees"]]
    assert (names if field == "assignees" else made[field]) == value


def test_a_quick_action_in_a_comment_acts_and_the_answer_says_so(road: httpx2.Client) -> None:
    note = road.post(f"{ISSUE}/notes", json={"body": "Enough.\n/close"})

    assert note.status_code == 201
    assert note.json()["body"] == "Enough."
    assert note.json()["commands_changes"] == {"state_event": "close"}
    assert road.get(ISSUE).json()["state"] == "closed"


def test_a_comment_of_nothing_but_commands_is_no_comment(road: httpx2.Client) -> None:
    answer = road.post(f"{ISSUE}/notes", json={"body": "/label ~bug"})

    assert answer.status_code == 202
    assert answer.json()["commands_changes"] == {"add_label_ids": ["bug"]}
    assert road.get(f"{ISSUE}/notes").json() == []


def test_a_command_that_can_do_nothing_is_refused(road: httpx2.Client) -> None:
    answer = road.post(f"{ISSUE}/notes", json={"body": "/reopen"})

    assert answer.status_code == 400
    assert "commands_only" in answer.json()["message"]


def test_a_code_fence_protects_from_quick_actions(road: httpx2.Client) -> None:
    text = "Look:\n```\n/close\n```"

    note = road.post(f"{ISSUE}/notes", json={"body": text}).json()

    assert (note["body"], note["commands_changes"]) == (text, {})
    assert road.get(ISSUE).json()["state"] == "opened"


def test_the_quick_action_switch_can_be_turned_off(sandbox: Sandbox, road: httpx2.Client) -> None:
    sandbox.switches.quick_actions = False

    road.post(f"{ISSUE}/notes", json={"body": "/close"})

    assert road.get(ISSUE).json()["state"] == "opened"


def test_closing_and_reopening_is_remembered(road: httpx2.Client) -> None:
    road.put(ISSUE, json={"state_event": "close"})
    road.put(ISSUE, json={"state_event": "reopen"})

    events = road.get(f"{ISSUE}/resource_state_events").json()
    assert [event["state"] for event in events] == ["closed", "reopened"]
    assert [note["body"] for note in road.get(f"{ISSUE}/notes?sort=asc").json()] == ["closed", "reopened"]


def test_labels_are_added_and_removed(road: httpx2.Client) -> None:
    road.put(ISSUE, json={"labels": "a,b"})

    changed = road.put(ISSUE, json={"add_labels": "c", "remove_labels": "a"}).json()

    assert changed["labels"] == ["b", "c"]


def test_lists_filter_sort_and_page(road: httpx2.Client) -> None:
    for number in range(5):
        road.post(
            f"{CHECKOUT}/issues", json={"title": f"T{number}", "labels": "odd" if number % 2 else "even"}
        )

    page = road.get(f"{CHECKOUT}/issues", params={"labels": "even", "sort": "asc", "per_page": 2})

    assert [issue["title"] for issue in page.json()] == ["T0", "T2"]
    assert (page.headers["X-Total"], page.headers["X-Total-Pages"], page.headers["X-Next-Page"]) == (
        "3",
        "2",
        "2",
    )
    following = page.links["next"]["url"]
    assert following.startswith("http://127.0.0.1:")
    assert [issue["title"] for issue in road.get(following).json()] == ["T4"]


def test_lists_search_by_author_and_time(sandbox: Sandbox, road: httpx2.Client) -> None:
    before = sandbox.clock.now().isoformat()
    sandbox.clock.advance(5)
    road.post(f"{CHECKOUT}/issues", json={"title": "New"})

    found = road.get(
        f"{CHECKOUT}/issues", params={"author_username": "loopgate-road", "created_after": before}
    ).json()

    assert [issue["title"] for issue in found] == ["New"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("POST", f"{CHECKOUT}/issues", {}, 400, {"error": "title is missing"}),
        ("POST", f"{CHECKOUT}/issues", {"title": ""}, 400, {"error": "title is empty"}),
        ("POST", f"{CHECKOUT}/issues", {"title": 1}, 400, {"error": "title is invalid"}),
        (
            "POST",
            f"{CHECKOUT}/issues",
            {"title": "x" * 256},
            400,
            {"message": {"title": ["is too long (maximum is 255 characters)"]}},
        ),
        ("PUT", ISSUE, {"state_event": "burn"}, 400, {"error": "state_event does not have a valid value"}),
        ("GET", f"{CHECKOUT}/issues/99", None, 404, {"message": "404 Issue Not Found"}),
        ("GET", f"{CHECKOUT}/issues/x", None, 400, {"error": "issue_iid is invalid"}),
        ("GET", f"{ISSUE}/notes/99", None, 404, {"message": "404 Note Not Found"}),
        ("GET", f"{CHECKOUT}/issues?page=0", None, 400, {"error": "page does not have a valid value"}),
        ("GET", f"{CHECKOUT}/issues?created_after=soon", None, 400, {"error": "created_after is invalid"}),
        ("GET", "/projects/shop%2Fnowhere", None, 404, {"message": "404 Project Not Found"}),
        ("GET", "/projects/shop/checkout", None, 404, {"error": "404 Not Found"}),
        ("GET", "/nothing", None, 404, {"error": "404 Not Found"}),
    ],
)
def test_refusals_come_in_gitlab_s_words(
    road: httpx2.Client, method: str, path: str, body: object, status: int, error: object
) -> None:
    answer = road.request(method, path, json=body) if body is not None else road.request(method, path)

    assert (answer.status_code, answer.json()) == (status, error)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"title": NaN}', b'{"title": "\\ud800"}', b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(road: httpx2.Client, content: bytes) -> None:
    answer = road.post(f"{CHECKOUT}/issues", content=content)

    assert answer.status_code == 400
    assert "body" in answer.json()["error"]


def test_form_bodies_are_read_too(road: httpx2.Client) -> None:
    made = road.post(f"{CHECKOUT}/issues", data={"title": "Form", "assignee_ids[]": ["1", "2"]}).json()

    assert (made["title"], len(made["assignees"])) == ("Form", 2)


def test_an_unknown_token_is_401_and_a_stranger_sees_no_project(sandbox: Sandbox) -> None:
    with (
        gitlab_client(sandbox, "wrong") as unknown,
        gitlab_client(sandbox, sandbox.tokens.outsider) as stranger,
    ):
        assert (unknown.get("/user").status_code, unknown.get("/user").json()) == (
            401,
            {"message": "401 Unauthorized"},
        )
        assert stranger.get("/user").json()["username"] == "outsider"
        assert stranger.get(CHECKOUT).status_code == 404
        assert stranger.get("/projects").json() == []


def test_a_read_only_token_does_not_write(sandbox: Sandbox) -> None:
    with gitlab_client(sandbox, sandbox.tokens.read_only) as client:
        assert client.get(ISSUE).status_code == 200
        refused = client.post(f"{CHECKOUT}/issues", json={"title": "x"})

    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")


def test_a_bearer_token_is_taken(sandbox: Sandbox) -> None:
    with httpx2.Client(headers={"Authorization": f"Bearer {sandbox.tokens.road}"}) as client:
        assert client.get(f"{sandbox.gitlab_url}/api/v4/user").json()["username"] == "loopgate-road"


def test_a_lost_reply_has_still_acted(sandbox: Sandbox, road: httpx2.Client) -> None:
    sandbox.switches.add(Fault("lose_reply", method="POST", path=r"/api/v4/.*/issues"))

    with pytest.raises(httpx2.RemoteProtocolError):
        road.post(f"{CHECKOUT}/issues", json={"title": "Lost"})

    assert "Lost" in [issue["title"] for issue in road.get(f"{CHECKOUT}/issues").json()]


def test_a_refused_connection_has_not_acted(sandbox: Sandbox, road: httpx2.Client) -> None:
    sandbox.switches.add(Fault("refuse_connection", method="POST"))

    with pytest.raises(httpx2.RemoteProtocolError):
        road.post(f"{CHECKOUT}/issues", json={"title": "Lost"})

    assert "Lost" not in [issue["title"] for issue in road.get(f"{CHECKOUT}/issues").json()]
