"""Promise 6: the same change gets the same verdict through the command line and through REST, from one budget."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.gateway.cli.shell import Shell
from tests.gateway.doors.rest.conftest import Served
from tests.town import NOTE, built_town, proposal

pytestmark = pytest.mark.slow
MAIN = {"message": "Straight to main", "changes": [NOTE]}
RULES = {"message": "Tidy", "changes": [{**NOTE, "path": "policies/mine.md"}]}
SECRET = {"body": "The key is AKIAIOSFODNN7EXAMPLE."}
PROPOSALS = {
    "a branch of its own": proposal("branch.create", {"from": "main"}, branch="agent/same"),
    "a branch of somebody else": proposal("branch.create", {"from": "main"}, branch="release/1"),
    "a commit on main": proposal("commit.create", MAIN, branch="main"),
    "a commit that edits the rules": proposal("commit.create", RULES, branch="agent/held"),
    "a comment": proposal("issue.comment", {"body": "Hello."}, jira=True, issue="SHOP-1"),
    "a comment with a secret": proposal("issue.comment", SECRET, jira=True, issue="SHOP-1"),
    "a pipeline on main": proposal("pipeline.run", {"ref": "main"}),
    "a type that is not supported": proposal("branch.push", {}, refs=["refs/heads/agent/x"]),
}


@pytest.fixture(scope="module")
def shell(home_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Shells at a served gateway of this module's own, so that its budgets are."""
    with built_town(home_template, tmp_path_factory.mktemp("doors")) as town:
        served = Served(town)
        served.start()
        yield Shell(served, tmp_path_factory.mktemp("shells"))
        served.stop()


@pytest.fixture(scope="module")
def merge(shell: Shell) -> dict[str, Any]:
    """The proposal to merge a request that is open."""
    commit = {"message": "Add a note", "changes": [NOTE]}
    request = {"source": "agent/held", "target": "main", "title": "Add a note"}
    assert post(shell, proposal("branch.create", {"from": "main"}, branch="agent/held")).status_code == 201
    head = post(shell, proposal("commit.create", commit, branch="agent/held")).json()["result"]["commit"]
    opened = post(shell, proposal("merge_request.open", request)).json()["result"]
    wanted = {"expected_head": head}
    return proposal("merge_request.merge", wanted, merge_request=int(opened["merge_request"]))


def call(shell: Shell, method: str, path: str, body: dict[str, Any] | None = None) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {shell.served.tokens['agent']}"}
    with httpx2.Client(base_url=shell.served.url, headers=headers, timeout=60) as http:
        return http.request(method, path, json=body)


def post(shell: Shell, body: dict[str, Any], path: str = "/v1/actions") -> httpx2.Response:
    return call(shell, "POST", path, body)


def verdict(ruling: dict[str, Any]) -> dict[str, Any]:
    """What a ruling says, without its own id and time."""
    return {name: value for name, value in ruling.items() if name not in {"id", "judged_ms", "input_digest"}}


def used(shell: Shell) -> dict[str, int]:
    spent: dict[str, int] = call(shell, "GET", "/v1/me").json()["used"]
    return spent


@pytest.mark.parametrize("name", PROPOSALS)
def test_promise_6_the_same_proposal_gets_the_same_ruling(
    name: str, shell: Shell, merge: dict[str, Any]
) -> None:
    assert merge
    body = PROPOSALS[name]

    typed = shell.act(body, "--dry-run")
    posted = post(shell, body, "/v1/rulings")

    assert posted.status_code == 200
    assert verdict(typed.document) == verdict(posted.json())
    assert typed.code == {"deny": 3, "require_approval": 4}.get(posted.json()["effect"], 0)


@pytest.mark.parametrize("name", ["a branch of somebody else", "a commit on main", "a comment with a secret"])
def test_promise_6_a_denial_names_the_same_codes(name: str, shell: Shell) -> None:
    typed = shell.act(PROPOSALS[name])
    posted = post(shell, PROPOSALS[name])

    assert (typed.code, posted.status_code) == (3, 403)
    codes = [f["code"] for f in posted.json()["findings"]]
    assert codes
    assert [f["code"] for f in typed.document["findings"]] == codes
    assert typed.document["findings"] == posted.json()["findings"]


def test_promise_6_people_are_asked_the_same_question(shell: Shell, merge: dict[str, Any]) -> None:
    typed = shell.act(merge)
    posted = post(shell, merge)

    assert (typed.code, posted.status_code) == (4, 202)
    ours, theirs = typed.document["ticket"], posted.json()["ticket"]
    assert ours["question"] == theirs["question"]
    assert ours["question_digest"] == theirs["question_digest"]
    assert ours["clauses"] == theirs["clauses"]
    assert verdict(typed.document["ruling"]) == verdict(posted.json()["ruling"])


def test_promise_6_both_doors_draw_on_one_budget(shell: Shell) -> None:
    comment = proposal("issue.comment", {"body": "One of many."}, jira=True, issue="SHOP-1")
    before = used(shell)
    assert shell.act(comment).code == 0
    after_typing = used(shell)
    assert post(shell, comment).status_code == 201
    after_posting = used(shell)

    spent = {
        k: after_typing[k] - before.get(k, 0) for k in after_typing if after_typing[k] != before.get(k, 0)
    }
    again = {k: v - after_typing[k] for k, v in after_posting.items() if v != after_typing[k]}
    assert spent
    assert spent == again
    assert set(spent.values()) == {1}


def test_promise_6_a_key_used_at_one_door_is_used_at_the_other(shell: Shell) -> None:
    body = proposal("issue.comment", {"body": "Once."}, jira=True, issue="SHOP-1")

    typed = shell.act(body, "--key", "one-key").document
    headers = {"Authorization": f"Bearer {shell.served.tokens['agent']}", "Idempotency-Key": "one-key"}
    with httpx2.Client(base_url=shell.served.url, headers=headers, timeout=60) as http:
        posted = http.post("/v1/actions", json=body).json()

    assert posted["action_id"] == typed["action_id"]
