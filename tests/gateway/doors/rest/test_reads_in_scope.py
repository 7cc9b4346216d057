"""Two agents and every read there is: what the one did in its project, the other never sees a byte of.

The strongest form of it: for whatever the other agent asks, naming things that are there and naming things that never
were gives the same answer, but for the name itself.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.doors.rest.door import rest_door
from tests.gateway.doors.rest.conftest import Served
from tests.town import PROJECT, ROOT, proposal

pytestmark = pytest.mark.slow
WORD = "xylophone-quartz"
BRANCH = "agent/xylophone"
# Reads that hold nothing of any project: who I am, the rules, how the gateway stands.
OF_NO_PROJECT = {
    "GET /healthz", "GET /readyz", "GET /audit/log/checkpoint", "GET /v1/me", "GET /v1/rules",
}  # fmt: skip
IN_SCOPE = {
    "GET /v1/actions": ("project", "trace", "after", "agent", "limit"),
    "GET /v1/actions/{action_id}": (),
    "POST /v1/actions/{action_id}/cancel": (),
    "POST /v1/rulings": (),
    "GET /v1/work-items": ("project", "after", "limit"),
}
FOR_PEOPLE = {
    "GET /v1/tickets", "GET /v1/tickets/{ticket_id}", "GET /v1/audit/events", "GET /v1/audit/keys", "GET /v1/stops",
    "GET /v1/break-glass", "GET /v1/break-glass/{glass_id}", "GET /v1/rulings", "GET /v1/policies",
}  # fmt: skip


class Neighbourhood(NamedTuple):
    """Where to ask, the tokens of the other agent and of the same agent elsewhere, and the first agent's names."""

    url: str
    others: tuple[str, ...]
    names: dict[str, str]
    words: tuple[str, ...]


def ask(url: str, token: str, method: str, path: str, **more: Any) -> httpx2.Response:
    with httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as http:
        return http.request(method, path, **more)


@pytest.fixture(scope="module")
def there(served: Served) -> Neighbourhood:
    """The first agent has worked in its project: an action done, one held with its ticket, a work item."""
    first = served.tokens["agent"]
    documents = [propose(served.url, first, body) for body in work()]
    head = documents[1]["result"]["commit"]
    iid = documents[2]["result"]["merge_request"]
    held = proposal("merge_request.merge", {"expected_head": head}, merge_request=iid)
    documents.append(propose(served.url, first, held))
    documents.append(imported(served))
    everything = json.dumps(documents)
    named = {
        prefix: re.findall(rf"{prefix}_[0-9A-Z]{{26}}", everything)[0]
        for prefix in ("act", "tkt", "trc", "wrk")
    }
    assert documents[3]["status"] == "held"
    ids = re.findall(r"(?:act|tkt|rul|trc|wrk)_[0-9A-Z]{26}", everything)
    words = (*dict.fromkeys(ids), WORD, BRANCH, head, "SHOP-1", "jquery")
    return Neighbourhood(served.url, tuple(strangers(served)), named, words)


def work() -> list[dict[str, Any]]:
    change = {"op": "create", "path": "docs/xylophone.md", "content": "x\n"}
    opened = {"source": BRANCH, "target": "main", "title": f"Add {WORD}"}
    return [
        proposal("branch.create", {"from": "main"}, branch=BRANCH),
        proposal("commit.create", {"message": f"Add {WORD}", "changes": [change]}, branch=BRANCH),
        proposal("merge_request.open", opened),
    ]


def propose(url: str, token: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = ask(url, token, "POST", "/v1/actions", json={**body, "intent": f"because of {WORD}"})
    assert answer.status_code in {201, 202}, answer.text
    document: dict[str, Any] = answer.json()
    return document


def imported(served: Served) -> dict[str, Any]:
    report = (ROOT / "gateway/cli/demonstration/data/trivy-npm.json").read_bytes()
    query = {"project": PROJECT, "tracker": "SHOP"}
    answer = ask(
        served.url, served.tokens["system"], "POST", "/v1/signals/trivy", params=query, content=report
    )
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


def strangers(served: Served) -> Iterator[str]:
    """Another agent in another project, and the same agent with a token for another project."""
    for agent in ("agt_loop", "agt_fixer"):
        body = {"projects": ["shop/other", "jira:OPS"]}
        answer = ask(served.url, served.tokens["operator"], "POST", f"/v1/agents/{agent}/tokens", json=body)
        yield answer.json()["secret"]


def reads() -> Iterator[str]:
    for path, methods in rest_door(None).openapi()["paths"].items():
        for method in methods:
            if method == "get" or path in {"/v1/rulings", "/v1/actions/{action_id}/cancel"}:
                yield f"{method.upper()} {path}"


def test_every_read_says_whose_it_is() -> None:
    assert set(reads()) <= OF_NO_PROJECT | set(IN_SCOPE) | FOR_PEOPLE
    assert set(reads()) >= OF_NO_PROJECT | set(IN_SCOPE)


@pytest.mark.parametrize("route", sorted(set(reads()) & FOR_PEOPLE))
def test_a_read_for_people_tells_an_agent_only_that(there: Neighbourhood, route: str) -> None:
    method, path = route.split(" ")
    told = [
        ask(there.url, token, method, re.sub(r"\{\w+\}", name, path))
        for token in there.others
        for name in (there.names["tkt"], "tkt_01", "nothing")
    ]

    assert {answer.status_code for answer in told} <= {403, 422}
    assert not any(word in answer.text for answer in told for word in there.words)


@pytest.mark.parametrize("route", sorted(OF_NO_PROJECT))
def test_a_read_of_no_project_names_nothing_of_one(there: Neighbourhood, route: str) -> None:
    method, path = route.split(" ")

    for token in there.others:
        answer = ask(there.url, token, method, path)
        assert not any(word in answer.text for word in there.words)


VALUES = {
    "project": st.sampled_from(
        [PROJECT, "Shop/Checkout", "shop/other", "jira:SHOP", "SHOP", "jira:OPS", "", "shop/*", "*"]
    ),
    "trace": st.sampled_from(["trc", "trc_01"]),
    "after": st.sampled_from(["act", "wrk", "act_zzzz", "wrk_zzzz", "act_0"]),
    "agent": st.sampled_from(["agt_fixer", "agt_loop", "agt_nobody"]),
    "limit": st.sampled_from(["1", "2", "200"]),
}


DRY_RUNS = [
    proposal("merge_request.comment", {"body": "x"}, merge_request=1),
    proposal("branch.create", {"from": "main"}, branch=BRANCH),
    proposal("issue.comment", {"body": "x"}, issue="1"),
    proposal("issue.comment", {"body": "x"}, issue="SHOP-1", jira=True),
]


@st.composite
def questions(draw: st.DrawFn) -> tuple[str, dict[str, str], dict[str, Any] | None]:
    route = draw(st.sampled_from(sorted(IN_SCOPE)))
    query = {n: draw(VALUES[n]) for n in IN_SCOPE[route] if draw(st.booleans())}
    body = None
    if route == "POST /v1/rulings":
        body = draw(st.sampled_from(DRY_RUNS))
    return route, query, body


def stranger_names(text: str, there: Neighbourhood) -> str:
    """The same question about things that never were."""
    for name in there.names.values():
        text = text.replace(name, name[:-4] + "ZZZZ")
    return (
        text.replace(PROJECT, "shop/nowhere").replace("Shop/Checkout", "Shop/Nowhere").replace("SHOP", "NONE")
    )


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(questions(), st.sampled_from([0, 1]))
def test_what_is_there_and_what_never_was_give_the_same_answer(
    there: Neighbourhood, question: tuple[str, dict[str, str], dict[str, Any] | None], stranger: int
) -> None:
    route, query, body = question
    method, path = route.split(" ")
    path = path.replace("{action_id}", there.names["act"])
    asked = json.dumps([path, {n: there.names.get(v, v) for n, v in query.items()}, body])
    answers = []
    for about in (asked, stranger_names(asked, there)):
        where, params, content = json.loads(about)
        answers.append(ask(there.url, there.others[stranger], method, where, params=params, json=content))
    real, imagined = answers
    given_words = tuple(word for word in there.words if word in asked)

    assert real.status_code == imagined.status_code
    assert stranger_names(real.text, there) == stranger_names(imagined.text, there)
    assert not any(word in real.text for word in there.words if word not in given_words)


def test_a_foreign_project_is_refused_in_a_parameter(there: Neighbourhood) -> None:
    for token in there.others:
        for path in ("/v1/actions", "/v1/work-items"):
            answer = ask(there.url, token, "GET", path, params={"project": PROJECT})
            assert answer.status_code == 403
            assert answer.json()["code"] == "out_of_scope"


def test_pages_are_full_and_their_cursor_is_a_row_that_was_shown(
    served: Served, there: Neighbourhood
) -> None:
    token, seen, after = served.tokens["agent"], [], None
    for _ in range(50):
        page = ask(
            there.url,
            token,
            "GET",
            "/v1/actions",
            params={"limit": "2"} | ({"after": after} if after else {}),
        ).json()
        seen += [item["action_id"] for item in page["items"]]
        after = page["after"]
        if after is None:
            break
        assert len(page["items"]) == 2
        assert after == page["items"][-1]["action_id"]

    assert len(seen) == len(set(seen)) == 4


def test_my_tickets_are_those_that_wait_for_me_page_by_page(served: Served, there: Neighbourhood) -> None:
    mine = ask(
        there.url, served.tokens["approver"], "GET", "/v1/tickets", params={"mine": "true", "limit": "1"}
    ).json()
    idle = ask(
        there.url, served.tokens["operator"], "GET", "/v1/tickets", params={"mine": "true", "limit": "1"}
    ).json()

    assert [ticket["id"] for ticket in mine["items"]] == [there.names["tkt"]]
    assert idle == {"items": [], "after": None}
