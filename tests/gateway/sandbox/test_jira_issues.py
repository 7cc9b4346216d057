"""Jira issues, comments, transitions, properties and links over the API."""

import httpx2
import pytest

from gateway.sandbox.server import Sandbox
from gateway.sandbox.switches import Fault
from tests.gateway.sandbox.worlds import Document, adf

NEW: Document = {"project": {"key": "SHOP"}, "summary": "Pay", "issuetype": {"name": "Bug"}}
NOT_A_DOCUMENT = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"


def create(jira: httpx2.Client, **fields: object) -> httpx2.Response:
    return jira.post("/issue", json={"fields": NEW | fields})


def test_an_issue_is_created_and_read_back(jira: httpx2.Client) -> None:
    made = create(jira, description=adf("Nobody can."), labels=["lg-1"], priority={"name": "High"})

    assert made.status_code == 201
    assert set(made.json()) == {"id", "key", "self"}
    read = jira.get(made.json()["self"]).json()
    fields = read["fields"]
    assert (read["key"], fields["summary"], fields["description"]) == ("SHOP-2", "Pay", adf("Nobody can."))
    assert (fields["status"]["name"], fields["labels"], fields["priority"]["name"]) == (
        "To Do",
        ["lg-1"],
        "High",
    )
    assert fields["creator"]["accountId"] == jira.get("/myself").json()["accountId"]


def test_a_plain_text_description_is_refused(jira: httpx2.Client) -> None:
    answer = create(jira, description="plain")

    assert answer.status_code == 400
    assert answer.json() == {"errorMessages": [], "errors": {"description": NOT_A_DOCUMENT}}


@pytest.mark.parametrize(
    ("fields", "name", "sentence"),
    [
        ({"summary": ""}, "summary", "You must specify a summary of the issue."),
        ({"summary": "a\nb"}, "summary", "newline characters"),
        ({"summary": "x" * 256}, "summary", "255 characters"),
        ({"project": {"key": "NONE"}}, "project", "valid project"),
        ({"project": {"key": "OPS"}}, "project", "valid project"),
        ({"issuetype": {"name": "Dream"}}, "issuetype", "valid issue type"),
        ({"labels": ["a b"]}, "labels", "contains spaces"),
        ({"labels": "a"}, "labels", "not an array"),
        ({"priority": {"name": "Now"}}, "priority", "invalid"),
        ({"assignee": {"accountId": "nobody"}}, "assignee", "valid value"),
        ({"customfield_1": 1}, "customfield_1", "cannot be set"),
        ({"description": adf("")}, "description", "Atlassian Document"),
        (
            {"description": {"type": "doc", "version": 1, "content": [{"type": "script"}]}},
            "description",
            "Atlassian",
        ),
        ({"description": {"type": "doc", "version": 2, "content": []}}, "description", "Atlassian"),
    ],
)
def test_a_wrong_field_is_refused_by_name(
    jira: httpx2.Client, fields: Document, name: str, sentence: str
) -> None:
    answer = create(jira, **fields)

    assert answer.status_code == 400
    assert sentence in answer.json()["errors"][name]


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"fields": 1}', b'{"fields": {}, "properties": 1}'])
def test_a_body_of_the_wrong_shape_is_refused(jira: httpx2.Client, content: bytes) -> None:
    assert jira.post("/issue", content=content).status_code == 400


def test_an_edit_is_204_and_stands_in_the_changelog(jira: httpx2.Client) -> None:
    key = create(jira).json()["key"]
    body = {
        "fields": {"summary": "Pay now", "priority": {"id": "1"}},
        "update": {"labels": [{"add": "a"}, {"remove": "b"}]},
    }

    assert jira.put(f"/issue/{key}", json=body).status_code == 204

    histories = jira.get(f"/issue/{key}?expand=changelog").json()["changelog"]["histories"]
    items = {item["field"]: (item["fromString"], item["toString"]) for item in histories[0]["items"]}
    assert items == {"summary": ("Pay", "Pay now"), "priority": ("Medium", "Highest"), "labels": ("", "a")}
    assert jira.put(f"/issue/{key}", json={}).status_code == 400


def test_transitions_lead_through_the_workflow_and_back(jira: httpx2.Client) -> None:
    address = "/issue/SHOP-1/transitions"
    for name in ("In Progress", "Done", "To Do"):
        offered = {each["name"]: each["id"] for each in jira.get(address).json()["transitions"]}
        assert jira.post(address, json={"transition": {"id": offered[name]}}).status_code == 204
        assert jira.get("/issue/SHOP-1?fields=status").json()["fields"]["status"]["name"] == name

    values = jira.get("/issue/SHOP-1/changelog").json()["values"]
    assert [value["items"][0]["toString"] for value in values] == ["In Progress", "Done", "To Do"]


@pytest.mark.parametrize(
    "body", [{"transition": {"id": "11"}}, {"transition": {"id": "99"}}, {"transition": {}}, {}]
)
def test_a_transition_that_is_not_offered_is_refused(jira: httpx2.Client, body: Document) -> None:
    assert jira.post("/issue/SHOP-1/transitions", json=body).status_code == 400
    assert jira.get("/issue/SHOP-1").json()["fields"]["status"]["name"] == "To Do"


def test_text_that_acts_acts(jira: httpx2.Client) -> None:
    """`transition` and `update` members of a create are carried out: this is what the road must never let through."""
    body = {"fields": NEW, "transition": {"id": "31"}, "update": {"comment": [{"add": {"body": adf("Hi")}}]}}

    key = jira.post("/issue", json=body).json()["key"]

    fields = jira.get(f"/issue/{key}").json()["fields"]
    assert (fields["status"]["name"], fields["comment"]["total"]) == ("Done", 1)


def test_comments_are_documents_with_properties(jira: httpx2.Client) -> None:
    address = "/issue/SHOP-1/comment"
    body = {"body": adf("One"), "properties": [{"key": "loopgate", "value": {"marker": "lg-1"}}]}
    first = jira.post(address, json=body)
    second = jira.post(address, json={"body": adf("Two")}).json()

    assert first.status_code == 201
    listed = jira.get(f"{address}?orderBy=-created&maxResults=1").json()
    assert (listed["total"], [each["id"] for each in listed["comments"]]) == (2, [second["id"]])
    number = first.json()["id"]
    assert jira.get(f"/comment/{number}/properties/loopgate").json()["value"] == {"marker": "lg-1"}
    expanded = jira.get(f"{address}?expand=properties").json()["comments"][0]
    assert expanded["properties"] == [{"key": "loopgate", "value": {"marker": "lg-1"}}]
    assert jira.get(f"{address}/{number}").json()["body"] == adf("One")


def test_a_plain_text_comment_is_refused(jira: httpx2.Client) -> None:
    answer = jira.post("/issue/SHOP-1/comment", json={"body": "plain"})

    assert (answer.status_code, answer.json()["errors"]) == (400, {"comment": "Comment body is not valid!"})


def test_properties_are_put_listed_and_read(jira: httpx2.Client) -> None:
    address = "/issue/SHOP-1/properties"

    statuses = [jira.put(f"{address}/loopgate", json=value).status_code for value in ({"a": 1}, [2])]

    assert statuses == [201, 200]
    assert [each["key"] for each in jira.get(address).json()["keys"]] == ["loopgate"]
    assert jira.get(f"{address}/loopgate").json() == {"key": "loopgate", "value": [2]}
    assert jira.get("/issue/SHOP-1?properties=loopgate").json()["properties"] == {"loopgate": [2]}
    assert jira.get(f"{address}/other").status_code == 404
    assert jira.put(f"{address}/{'k' * 256}", json=1).status_code == 400
    assert jira.put(f"{address}/empty").status_code == 400


def test_a_remote_link_is_made_once_per_global_id(jira: httpx2.Client) -> None:
    address = "/issue/SHOP-1/remotelink"
    body = {"globalId": "g", "object": {"url": "https://gitlab.invalid/1", "title": "One"}}

    made, again = jira.post(address, json=body), jira.post(address, json=body)

    assert (made.status_code, again.status_code, made.json()["id"]) == (201, 200, again.json()["id"])
    assert [each["object"]["title"] for each in jira.get(address).json()] == ["One"]
    assert jira.get(f"{address}?globalId=g").json()["globalId"] == "g"
    assert jira.get(f"{address}?globalId=h").status_code == 404
    assert jira.post(address, json={"object": {}}).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/issue/SHOP-99",
        "/issue/OPS-1",
        "/project/OPS",
        "/issue/SHOP-1/comment/1",
        "/comment/1/properties",
        "/nothing",
    ],
)
def test_what_is_not_there_or_not_ours_is_404(jira: httpx2.Client, path: str) -> None:
    assert jira.get(path).status_code == 404


def test_only_the_fields_asked_for_are_shown(jira: httpx2.Client) -> None:
    assert set(jira.get("/issue/SHOP-1?fields=status,summary").json()["fields"]) == {"status", "summary"}
    assert "comment" not in jira.get("/issue/SHOP-1?fields=*all,-comment").json()["fields"]


@pytest.mark.parametrize(
    "account", [("loopgate@sandbox.invalid", "wrong"), ("somebody@else.invalid", "sandbox-jira-token")]
)
def test_a_wrong_account_is_401(sandbox: Sandbox, account: tuple[str, str]) -> None:
    assert httpx2.get(f"{sandbox.jira_url}/rest/api/3/myself", auth=account).status_code == 401


def test_a_bearer_token_is_taken(sandbox: Sandbox) -> None:
    headers = {"Authorization": f"Bearer {sandbox.tokens.jira}"}

    assert httpx2.get(f"{sandbox.jira_url}/rest/api/3/myself", headers=headers).status_code == 200
    assert httpx2.get(f"{sandbox.jira_url}/elsewhere", headers=headers).status_code == 404


def test_a_lost_reply_has_still_created_the_issue(sandbox: Sandbox, jira: httpx2.Client) -> None:
    sandbox.switches.add(Fault("lose_reply", system="jira", method="POST", path="/rest/api/3/issue"))

    with pytest.raises(httpx2.RemoteProtocolError):
        create(jira, summary="Lost")

    assert jira.get("/issue/SHOP-2").json()["fields"]["summary"] == "Lost"
