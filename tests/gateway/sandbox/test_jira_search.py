"""JQL and the search that lags behind."""

from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from gateway.sandbox.clock import Clock
from gateway.sandbox.jira.adf import paragraph
from gateway.sandbox.jira.jql import Asker, Clause, JqlError, matches, parse
from gateway.sandbox.jira.site import Account, JiraIssue, Site
from gateway.sandbox.server import Sandbox
from gateway.sandbox.switches import Switches

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
ANN = Account("ann", "ann@sandbox.invalid", "Ann")
BOB = Account("bob", "bob@sandbox.invalid", "Bob")


@pytest.fixture
def issue() -> JiraIssue:
    site = Site(Clock(lambda: NOW - timedelta(hours=2)), Switches())
    made = site.add_issue(site.add_project("SHOP", "Shop", (ANN,)), "Customers cannot pay", "10002", ANN)
    made.labels, made.description, made.assignee = ["lg-1", "payments"], paragraph("With vouchers"), BOB
    return made


@pytest.mark.parametrize(
    ("jql", "found"),
    [
        ("project = SHOP", True),
        ('project = "Shop"', True),
        ("project != SHOP", False),
        ("project in (OPS, SHOP)", True),
        ("project not in (OPS)", True),
        ("key = SHOP-1", True),
        ("issuekey in (SHOP-2)", False),
        ("labels = lg-1", True),
        ("labels in (a, payments) AND project = SHOP", True),
        ("labels is EMPTY", False),
        ("labels is not EMPTY", True),
        ("status = 'To Do'", True),
        ("statusCategory != Done", True),
        ("creator = currentUser()", True),
        ("assignee = currentUser()", False),
        ("reporter = ann", True),
        ("issuetype = Bug and priority = Medium", True),
        ("text ~ voucher", True),
        ('text ~ "customers vouchers"', True),
        ("summary ~ vouchers", False),
        ("description !~ vouchers", False),
        ('created >= "2026-09-01 10:00"', True),
        ('created > "2026/09/01 10:00"', False),
        ("created <= -2h", True),
        ("created < '2026-09-01'", False),
        ("updated >= -1h", False),
        ("updated <= now()", True),
        ("project = SHOP ORDER BY created DESC", True),
    ],
)
def test_a_query_finds_what_it_says(issue: JiraIssue, jql: str, *, found: bool) -> None:
    assert matches(parse(jql), issue, Asker(ANN, NOW)) is found


@pytest.mark.parametrize(
    ("jql", "reason"),
    [
        ("project = SHOP OR project = OPS", "expecting AND"),
        ("(project = SHOP)", "expecting AND|not expected|ends too early"),
        ("project =", "ends too early"),
        ("project = SHOP AND", "missing after AND"),
        ("project = 'SHOP", "not expected here"),
        ("colour = red", "Field 'colour' does not exist"),
        ("project > SHOP", "not supported by the 'project' field"),
        ("summary = pay", "not supported by the 'summary' field"),
        ("created ~ x", "is invalid"),
        ("created = '2026-09-01'", "not supported by the 'created' field"),
        ("created > soon", "Date value 'soon' is invalid"),
        ("project in SHOP", "parentheses is expected"),
        ("project = SHOP ORDER BY colour", "Not able to sort"),
        ("project = SHOP ORDER BY created, key", "Not able to sort"),
        ("project = SHOP ORDER BY", "Not able to sort"),
    ],
)
def test_a_query_that_is_not_read_says_so(issue: JiraIssue, jql: str, reason: str) -> None:
    with pytest.raises(JqlError, match=reason):
        matches(parse(jql), issue, Asker(ANN, NOW))


def test_quotes_and_escapes_are_read() -> None:
    assert parse(r'text ~ "a \"b\" c" AND labels in ("x y", z)').clauses == (
        Clause("text", "~", ('a "b" c',)),
        Clause("labels", "in", ("x y", "z")),
    )


def search(jira: httpx2.Client, jql: str, **more: object) -> httpx2.Response:
    return jira.post("/search/jql", json={"jql": jql} | more)


def new(jira: httpx2.Client, summary: str = "Pay") -> str:
    fields = {
        "project": {"key": "SHOP"},
        "summary": summary,
        "issuetype": {"name": "Task"},
        "labels": ["new"],
    }
    return str(jira.post("/issue", json={"fields": fields}).json()["id"])


def test_a_new_issue_is_found_later_or_when_named(sandbox: Sandbox, jira: httpx2.Client) -> None:
    number = new(jira)
    jql = "project = SHOP AND labels = new"

    assert search(jira, jql).json() == {"issues": [], "isLast": True}
    assert search(jira, jql, reconcileIssues=[int(number)]).json()["issues"] == [{"id": number}]
    named = jira.get("/search/jql", params={"jql": jql, "reconcileIssues": number}).json()
    assert named["issues"] == [{"id": number}]
    sandbox.clock.advance(2)
    assert search(jira, jql).json()["issues"] == [{"id": number}]


def test_a_change_is_found_later(sandbox: Sandbox, jira: httpx2.Client) -> None:
    jira.post("/issue/SHOP-1/transitions", json={"transition": {"id": "31"}})

    assert search(jira, "project = SHOP AND status = Done").json()["issues"] == []
    sandbox.clock.advance(2)
    assert len(search(jira, "project = SHOP AND status = Done").json()["issues"]) == 1


def test_pages_follow_each_other_by_token(sandbox: Sandbox, jira: httpx2.Client) -> None:
    for number in range(5):
        new(jira, f"S{number}")
    sandbox.clock.advance(2)
    query: dict[str, object] = {"maxResults": 2, "fields": ["summary"]}

    found, token = [], None
    while True:
        page = search(jira, "labels = new ORDER BY key ASC", **query, nextPageToken=token).json()
        found += [each["fields"]["summary"] for each in page["issues"]]
        if page["isLast"]:
            break
        token = page["nextPageToken"]

    assert found == ["S0", "S1", "S2", "S3", "S4"]
    assert search(jira, "labels = new", nextPageToken="?").status_code == 400


@pytest.mark.parametrize(
    ("jql", "message"),
    [
        ("", "Unbounded JQL queries are not allowed here"),
        ("ORDER BY created", "Unbounded JQL queries are not allowed here"),
        ("project = OPS", "The value 'OPS' does not exist for the field 'project'."),
        ("colour = red", "Field 'colour' does not exist"),
    ],
)
def test_a_query_jira_refuses_is_400(jira: httpx2.Client, jql: str, message: str) -> None:
    answer = search(jira, jql)

    assert answer.status_code == 400
    assert message in answer.json()["errorMessages"][0]


def test_issues_of_projects_we_do_not_see_are_not_found(jira: httpx2.Client) -> None:
    found = jira.get("/search/jql", params={"jql": "created >= -1d", "fields": "project"}).json()["issues"]

    assert {each["fields"]["project"]["key"] for each in found} == {"SHOP"}


def test_the_old_search_is_gone(jira: httpx2.Client) -> None:
    assert (jira.get("/search?jql=project=SHOP").status_code, jira.post("/search", json={}).status_code) == (
        410,
        410,
    )


@pytest.mark.parametrize(
    "body", [{"jql": "project = SHOP", "fields": "summary"}, {"jql": "project = SHOP", "maxResults": "2"}]
)
def test_a_body_of_the_wrong_shape_is_refused(jira: httpx2.Client, body: dict[str, object]) -> None:
    assert jira.post("/search/jql", json=body).status_code == 400
