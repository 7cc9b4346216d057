"""Least privilege: every route with every role, and with nobody."""

from collections.abc import Iterator

import httpx2
import pytest

from gateway.doors.rest.door import rest_door
from tests.gateway.doors.rest.conftest import Served

pytestmark = pytest.mark.slow
AGENT, APPROVER, AUDITOR, AUTHOR, OPERATOR, SYSTEM = (
    "agent",
    "approver",
    "auditor",
    "policy-author",
    "operator",
    "system",
)
EVERYBODY = {AGENT, APPROVER, AUDITOR, AUTHOR, OPERATOR, SYSTEM}
PUBLIC = {
    "GET /healthz",
    "GET /readyz",
    "GET /audit/log/checkpoint",
    "POST /v1/people/keys",
    "POST /v1/tokens",
}
ALLOWED = {
    "POST /v1/actions": {AGENT},
    "GET /v1/actions": {AGENT, APPROVER, AUDITOR, OPERATOR, AUTHOR},
    "GET /v1/actions/{action_id}": {AGENT, APPROVER, AUDITOR, OPERATOR, AUTHOR},
    "POST /v1/actions/{action_id}/cancel": {AGENT, APPROVER, OPERATOR, AUTHOR},
    "POST /v1/rulings": {AGENT, AUTHOR},
    "GET /v1/policies": {APPROVER, AUDITOR, OPERATOR, AUTHOR},
    "POST /v1/policies": {AUTHOR},
    "POST /v1/policies/activate": {AUTHOR},
    "POST /v1/policies/rollback": {AUTHOR, OPERATOR},
    "POST /v1/policies/seal": {OPERATOR},
    "GET /v1/rulings": {AUTHOR, AUDITOR},
    "GET /v1/tickets": {APPROVER, AUDITOR, OPERATOR},
    "GET /v1/tickets/{ticket_id}": {APPROVER, AUDITOR, OPERATOR},
    "POST /v1/tickets/{ticket_id}/votes": {APPROVER, OPERATOR},
    "GET /v1/audit/events": {AUDITOR},
    "POST /v1/audit/bundles": {AUDITOR},
    "GET /v1/audit/keys": {AUDITOR},
    "POST /v1/agents/{agent_id}/tokens": {OPERATOR},
    "DELETE /v1/tokens/{token_id}": {OPERATOR},
    "POST /v1/people": {OPERATOR},
    "GET /v1/stops": {APPROVER, AUDITOR, OPERATOR, AUTHOR},
    "POST /v1/stops": {OPERATOR},
    "POST /v1/stops/{stop_id}/lift": {APPROVER, OPERATOR},
    "GET /v1/break-glass": {APPROVER, AUDITOR, OPERATOR, AUTHOR},
    "POST /v1/break-glass": {APPROVER, OPERATOR},
    "POST /v1/break-glass/{glass_id}/confirm": {APPROVER, OPERATOR},
    "POST /v1/break-glass/{glass_id}/close": {APPROVER, OPERATOR},
    "POST /v1/break-glass/{glass_id}/review": {APPROVER, OPERATOR},
    "POST /v1/signals/trivy": {SYSTEM, OPERATOR},
    "GET /v1/work-items": {AGENT, APPROVER, AUDITOR, OPERATOR},
    "GET /v1/me": EVERYBODY,
    "GET /v1/rules": EVERYBODY,
}
PARAMETERS = {
    "{action_id}": "act_1",
    "{ticket_id}": "tkt_1",
    "{agent_id}": "agt_nobody",
    "{token_id}": "tok_1",
    "{stop_id}": "stp_1",
    "{glass_id}": "bgl_1",
}
# prn_platform holds two roles, so what an approver may do it may do as well.
ALSO = {AUTHOR: {APPROVER}}


def routes() -> Iterator[str]:
    for path, methods in rest_door(None).openapi()["paths"].items():
        for method in methods:
            yield f"{method.upper()} {path}"


def test_every_route_says_who_it_is_for() -> None:
    assert set(routes()) == PUBLIC | set(ALLOWED)


def ask(served: Served, route: str, token: str | None) -> httpx2.Response:
    method, path = route.split(" ")
    for name, value in PARAMETERS.items():
        path = path.replace(name, value)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    query = {"project": "shop/checkout", "tracker": "SHOP"} if "signals" in path else {}
    with httpx2.Client(base_url=served.url, headers=headers) as http:
        return http.request(method, path, json={} if method == "POST" else None, params=query)


@pytest.mark.parametrize("route", sorted(ALLOWED))
def test_nobody_passes_without_a_credential(served: Served, route: str) -> None:
    answer = ask(served, route, None)

    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"


WORTHLESS = {
    "expired": "token_expired",
    "revoked": "unauthenticated",
    "wrong door": "wrong_door",
    "not in the roster": "not_in_roster",
    "unknown": "unauthenticated",
    "no token": "unauthenticated",
}


@pytest.mark.parametrize("wrong", sorted(WORTHLESS))
@pytest.mark.parametrize("route", sorted(ALLOWED))
def test_nobody_passes_with_a_worthless_token(served: Served, route: str, wrong: str) -> None:
    answer = ask(served, route, served.worthless[wrong])

    assert answer.status_code == 401
    assert answer.json()["code"] == WORTHLESS[wrong]
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert served.worthless[wrong] not in answer.text


@pytest.mark.parametrize("header", ["", "Basic b3A6cGFzcw==", "Bearer", "bearer lg_", "Token x"])
@pytest.mark.parametrize("route", sorted(ALLOWED))
def test_nobody_passes_with_another_scheme(served: Served, route: str, header: str) -> None:
    method, path = route.split(" ")
    with httpx2.Client(base_url=served.url, headers={"Authorization": header}) as http:
        answer = http.request(
            method, path.replace("{", "").replace("}", ""), json={} if method == "POST" else None
        )

    assert answer.status_code in {401, 422}
    assert answer.status_code == 401 or "pattern" in answer.text


@pytest.mark.parametrize("wrong", [None, *sorted(WORTHLESS)])
@pytest.mark.parametrize("route", sorted(PUBLIC))
def test_a_public_route_answers_alike_whoever_asks(served: Served, route: str, wrong: str | None) -> None:
    answer = ask(served, route, served.worthless[wrong] if wrong else None)

    assert answer.status_code in ({200, 503} if route.startswith("GET") else {422})


@pytest.mark.parametrize("role", sorted(EVERYBODY))
@pytest.mark.parametrize("route", sorted(ALLOWED))
def test_a_role_passes_exactly_where_it_may(served: Served, route: str, role: str) -> None:
    answer = ask(served, route, served.tokens[role])
    may = bool(({role} | ALSO.get(role, set())) & ALLOWED[route])

    refused = answer.status_code == 403 and "This route is for" in answer.json()["detail"]
    assert refused == (not may)
    assert answer.status_code < 500
