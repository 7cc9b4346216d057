"""Every operation our adapters use, asked of the sandbox; each message is judged by the vendor's document."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from gateway.sandbox.server import Sandbox
from tests.contracts.operations import GITLAB, JIRA
from tests.contracts.validate import validate_request, validate_response
from tests.gateway.sandbox.worlds import CHECKOUT, Copy, adf, gitlab_client, jira_client

REQUEST = f"{CHECKOUT}/merge_requests/1"
READS = (
    *("/version", "/user", "/personal_access_tokens/self", "/projects", CHECKOUT),
    *(f"{CHECKOUT}/{part}" for part in ("members", "members/all", "members/2", "members/all/2")),
    *(f"{CHECKOUT}/{part}" for part in ("protected_branches", "protected_branches/main")),
    *(f"{CHECKOUT}/{part}" for part in ("approvals", "job_token_scope")),
    *(
        f"{CHECKOUT}/{part}"
        for part in ("issues?state=opened&sort=asc", "issues/1", "pipelines?ref=main", "pipelines/1")
    ),
    *(
        f"{CHECKOUT}/{part}"
        for part in ("pipelines/1/jobs", "jobs", "jobs/1", "environments", "environments/1")
    ),
    f"{CHECKOUT}/deployments?environment=production&status=success&order_by=id&sort=desc",
    f"{CHECKOUT}/deployments/1",
    f"{CHECKOUT}/repository/branches",
    f"{CHECKOUT}/repository/branches/agent%2Fone",
    f"{CHECKOUT}/repository/commits?ref_name=main",
    f"{CHECKOUT}/repository/commits/main",
    f"{CHECKOUT}/repository/commits/main/diff",
    f"{CHECKOUT}/repository/compare?from=main&to=agent%2Fone",
    f"{CHECKOUT}/repository/tree?recursive=true",
    f"{CHECKOUT}/repository/files/src%2Fcart.js?ref=main",
    f"{CHECKOUT}/repository/files/src%2Fcart.js/raw?ref=main",
)

JIRA_LISTS = ("serverInfo", "myself", "priority", "issueLinkType")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "sandbox") as started:
        yield started


class Judge:
    """An HTTP client whose every message is held against the vendor's document."""

    def __init__(self, client: httpx2.Client, system: str) -> None:
        self._client = client
        self._system = system
        self.seen: set[str] = set()
        client.event_hooks = {"response": [self._judge]}

    def _judge(self, answer: httpx2.Response) -> None:
        request, body = answer.request, answer.read()
        url = f"{request.url.scheme}://{request.url.netloc.decode()}{request.url.raw_path.decode()}"
        name = validate_request(self._system, request.method, url, request.headers, request.read())
        validate_response(self._system, request.method, url, answer.status_code, answer.headers, body)
        assert answer.is_success, f"{name}: {answer.status_code} {answer.text}"
        self.seen.add(name)

    def __call__(self, method: str, path: str, body: object = None) -> httpx2.Response:
        return (
            self._client.request(method, path, json=body)
            if body is not None
            else self._client.request(method, path)
        )

    def attach(self, path: str, name: str, content: bytes) -> httpx2.Response:
        """Upload one file."""
        headers = {"X-Atlassian-Token": "no-check"}
        return self._client.post(path, files={"file": (name, content, "text/plain")}, headers=headers)


@contextmanager
def judged(client: httpx2.Client, system: str) -> Iterator[Judge]:
    with client:
        yield Judge(client, system)


def names(operations: tuple[tuple[str, str], ...]) -> set[str]:
    return {f"{method.upper()} {path}" for method, path in operations}


def test_every_gitlab_answer_is_as_gitlab_documents_it(sandbox: Sandbox, tmp_path: Path) -> None:
    copy = Copy(sandbox, tmp_path / "copy")
    copy.publish("agent/one", {"a.txt": "1\n", ".gitlab-ci.yml": _CI_WITH_A_MANUAL_JOB})
    with (
        judged(gitlab_client(sandbox, sandbox.tokens.merge), "gitlab") as ask,
        judged(gitlab_client(sandbox, sandbox.tokens.maya), "gitlab") as maya,
    ):
        for path in READS:
            ask("GET", path)
        walk_issues(ask)
        walk_refs(ask, copy)
        walk_jobs(ask, sandbox)
        walk_requests(ask, maya, sandbox)

    assert ask.seen | maya.seen == names(GITLAB)


_CI_WITH_A_MANUAL_JOB = "stages: [test]\ntest: {script: [true]}\nextra: {script: [true], when: manual}\n"


def walk_issues(ask: Judge) -> None:
    iid = ask("POST", f"{CHECKOUT}/issues", {"title": "T", "description": "D", "labels": "a,b"}).json()["iid"]
    issue = f"{CHECKOUT}/issues/{iid}"
    note = ask("POST", f"{issue}/notes", {"body": "Hello\n/label ~c"}).json()
    assert ask("POST", f"{issue}/notes", {"body": "/label ~d"}).status_code == 202
    ask("PUT", issue, {"state_event": "close", "add_labels": "e", "title": "Another"})
    ask("POST", f"{issue}/links", {"target_project_id": "shop/checkout", "target_issue_iid": "1"})
    events = ("resource_state_events", "resource_label_events", "links")
    for part in ("notes?sort=asc", f"notes/{note['id']}", *events):
        ask("GET", f"{issue}/{part}")
    ask.attach(f"{CHECKOUT}/uploads", "a.txt", b"A")


def walk_refs(ask: Judge, copy: Copy) -> None:
    copy.git("push", "-q", "origin", "HEAD:refs/tags/v1")
    ask("GET", f"{CHECKOUT}/repository/tags/v1")
    ask("POST", f"{CHECKOUT}/repository/commits/main/comments", {"note": "Seen."})
    ask("GET", f"{CHECKOUT}/repository/commits/main/comments")
    ask("GET", f"{CHECKOUT}/events?action=pushed&after=2020-01-01")
    ask("GET", f"{CHECKOUT}/protected_tags")
    ask("GET", f"{CHECKOUT}/ci/lint?content_ref=main&include_jobs=true")


def walk_jobs(ask: Judge, sandbox: Sandbox) -> None:
    pipeline = ask("POST", f"{CHECKOUT}/pipeline", {"ref": "agent/one"}).json()["id"]
    jobs = {job["name"]: job["id"] for job in ask("GET", f"{CHECKOUT}/pipelines/{pipeline}/jobs").json()}
    ask("POST", f"{CHECKOUT}/jobs/{jobs['extra']}/play")
    ask("POST", f"{CHECKOUT}/pipelines/{pipeline}/cancel")
    sandbox.clock.advance(60)
    retried = ask("POST", f"{CHECKOUT}/jobs/2/retry").json()["id"]
    ask("POST", f"{CHECKOUT}/jobs/{retried}/cancel")
    ask("POST", f"{CHECKOUT}/pipelines/{pipeline}/retry")
    ask("POST", f"{CHECKOUT}/environments/1/stop", {})
    ask("POST", f"{CHECKOUT}/pipeline", {"ref": "agent/one"})


def walk_requests(ask: Judge, maya: Judge, sandbox: Sandbox) -> None:
    body = {"source_branch": "agent/one", "target_branch": "main", "title": "T", "description": "D"}
    head = ask("POST", f"{CHECKOUT}/merge_requests", body).json()["sha"]
    ask("PUT", REQUEST, {"title": "Tt", "labels": ["a"]})
    ask("GET", f"{REQUEST}/resource_label_events")
    ask("PUT", f"{REQUEST}/rebase", {})
    ask("GET", f"{REQUEST}?include_rebase_in_progress=true")
    note = ask("POST", f"{REQUEST}/notes", {"body": "Hello"}).json()["id"]
    ask("PUT", f"{REQUEST}/merge", {"sha": head, "auto_merge": True})
    ask("POST", f"{REQUEST}/cancel_merge_when_pipeline_succeeds")
    sandbox.clock.advance(60)
    for part in ("", "/diffs", "/changes", "/versions", "/commits", "/pipelines", "/approvals", "/notes"):
        ask("GET", f"{REQUEST}{part}")
    ask("GET", f"{CHECKOUT}/merge_requests?state=opened&source_branch=agent%2Fone")
    ask("GET", f"{REQUEST}/notes/{note}")
    maya("POST", f"{REQUEST}/approve", {"sha": head})
    merged = ask("PUT", f"{REQUEST}/merge?sha={head}", {"should_remove_source_branch": True}).json()
    ask("GET", f"{REQUEST}/resource_state_events")
    ask("POST", f"{CHECKOUT}/repository/branches", {"branch": "agent/back", "ref": "main"})
    ask(
        "POST", f"{CHECKOUT}/repository/commits/{merged['merge_commit_sha']}/revert", {"branch": "agent/back"}
    )
    ask("DELETE", f"{CHECKOUT}/repository/branches/agent%2Fback")


def test_every_jira_answer_is_as_atlassian_documents_it(sandbox: Sandbox) -> None:
    with judged(jira_client(sandbox), "jira") as ask:
        for path in (*JIRA_LISTS, "project/SHOP", "issue/createmeta/SHOP/issuetypes"):
            ask("GET", f"/{path}")
        key = ask("POST", "/issue", _NEW_ISSUE).json()["key"]
        walk_jira_issue(ask, f"/issue/{key}")
        sandbox.clock.advance(2)
        ask("GET", "/search/jql?jql=project%20%3D%20SHOP&fields=summary,status,labels,comment")
        ask("POST", "/search/jql", {"jql": "project = SHOP", "fields": ["summary"], "maxResults": 1})

    assert ask.seen == names(JIRA)


_NEW_ISSUE = {
    "fields": {
        "project": {"key": "SHOP"},
        "summary": "Pay",
        "issuetype": {"name": "Bug"},
        "description": adf("Nobody can."),
        "labels": ["lg-1"],
        "priority": {"name": "High"},
    },
    "properties": [{"key": "loopgate", "value": {"marker": "lg-1"}}],
}


def walk_jira_issue(ask: Judge, issue: str) -> None:
    metadata = {"type": "loopgate", "extraData": {"marker": "lg-1"}}
    other = {"key": issue.rpartition("/")[2]}
    ask("PUT", issue, {"fields": {"summary": "Pay again"}, "historyMetadata": metadata})
    ask("POST", f"{issue}/transitions", {"transition": {"id": "31"}, "historyMetadata": metadata})
    ask("GET", f"/user/assignable/search?issueKey={other['key']}&accountId=account-maya")
    body = {"body": adf("C"), "properties": [{"key": "loopgate", "value": {"marker": "lg-2"}}]}
    comment = ask("POST", f"{issue}/comment", body).json()["id"]
    ask(
        "POST",
        f"{issue}/remotelink",
        {"globalId": "g", "object": {"url": "https://gitlab.invalid/1", "title": "T"}},
    )
    for holder in (issue, f"/comment/{comment}"):
        ask("PUT", f"{holder}/properties/colour", {"name": "red"})
        ask("GET", f"{holder}/properties")
        ask("GET", f"{holder}/properties/colour")
    ask(
        "POST",
        "/issueLink",
        {"type": {"name": "Blocks"}, "inwardIssue": {"key": "SHOP-1"}, "outwardIssue": other},
    )
    ask.attach(f"{issue}/attachments", "scan.log", b"one")
    for part in (
        "?expand=changelog&fields=*all",
        "/changelog",
        "/transitions?expand=transitions.fields",
        "/transitions",
        "/comment?orderBy=-created",
        "/remotelink",
    ):
        ask("GET", f"{issue}{part}")
    ask("GET", f"{issue}/comment/{comment}")


@pytest.mark.parametrize(
    ("system", "path", "status"),
    [
        ("gitlab", "/projects/shop%2Fnowhere", 404),
        ("gitlab", f"{CHECKOUT}/issues/99", 404),
        ("gitlab", f"{CHECKOUT}/merge_requests/99", 404),
        ("jira", "/issue/SHOP-99", 404),
        ("jira", "/search/jql?jql=order%20by%20created", 400),
    ],
)
def test_refusals_have_a_declared_status(sandbox: Sandbox, system: str, path: str, status: int) -> None:
    clients: dict[str, Callable[[Sandbox], httpx2.Client]] = {"gitlab": gitlab_client, "jira": jira_client}
    with clients[system](sandbox) as client:
        answer = client.get(path)

    assert answer.status_code == status
    url = f"http://{answer.request.url.netloc.decode()}{answer.request.url.raw_path.decode()}"
    validate_response(system, "GET", url, status, answer.headers, answer.content)
