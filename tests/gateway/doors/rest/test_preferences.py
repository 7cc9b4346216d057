"""`Prefer`: read as RFC 7240 writes it, and honoured by the door."""

from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import MalformedError
from gateway.doors.rest.preferences import waiting_time
from tests.gateway.doors.rest.conftest import Served

READ: dict[str | None, tuple[float, str | None]] = {
    None: (20, None),
    "": (20, None),
    "wait=0": (0, "wait=0"),
    "wait=5": (5, "wait=5"),
    "Wait = 5": (5, "wait=5"),
    'wait="5"': (5, "wait=5"),
    "wait=99999999999999999999": (120, "wait=120"),
    "respond-async": (0, "respond-async"),
    "respond-async, wait=5": (5, "wait=5"),
    "wait=5,respond-async": (5, "wait=5"),
    "wait=5, wait=7": (5, "wait=5"),
    "return=minimal": (20, None),
    'handling=lenient; a="b, wait=1", , wait=3;': (3, "wait=3"),
    "x-nonsense=; y, respond-async;z=1": (0, "respond-async"),
}


@pytest.mark.parametrize("header", READ, ids=str)
def test_a_preference_is_read(header: str | None) -> None:
    assert waiting_time(header) == READ[header]


@pytest.mark.parametrize(
    "header",
    ["=5", "wait=5 seconds", 'a="open', "{}", "wait=soon", "wait=", "wait", "wait=-1", "wait=1.5", "wait=²"],
)
def test_what_is_no_preference_is_refused_with_the_right_form(header: str) -> None:
    with pytest.raises(MalformedError, match="Prefer"):
        waiting_time(header)


@given(st.text(alphabet='wait=05;,"\\ \t', max_size=100))
def test_any_header_is_read_or_refused(header: str) -> None:
    try:
        wait_s, applied = waiting_time(header)
    except MalformedError:
        return
    assert 0 <= wait_s <= 120
    assert (applied is None) == (not applied)


def propose(served: Served, prefer: str) -> httpx2.Response:
    body: dict[str, Any] = {
        "type": "issue.comment",
        "target": {"system": "jira", "project": "SHOP", "issue": "SHOP-1"},
        "params": {"body": "Hello."},
        "intent": "Say hello.",
    }
    headers = {"Authorization": f"Bearer {served.tokens['agent']}", "Prefer": prefer}
    with httpx2.Client(base_url=served.url, headers=headers, timeout=60) as http:
        return http.post("/v1/actions", json=body)


@pytest.mark.slow
@pytest.mark.parametrize("prefer", ["respond-async", "wait=0"])
def test_who_does_not_wait_is_told_where_to_look(served: Served, prefer: str) -> None:
    answer = propose(served, prefer)

    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/actions/{answer.json()['action_id']}"
    assert answer.headers["Preference-Applied"] == prefer


@pytest.mark.slow
def test_who_waits_gets_the_outcome(served: Served) -> None:
    answer = propose(served, "respond-async, wait=60")

    assert answer.headers["Preference-Applied"] == "wait=60"
    assert answer.status_code == 201, answer.text


@pytest.mark.slow
def test_nonsense_is_refused_and_nothing_is_proposed(served: Served) -> None:
    answer = propose(served, "wait=soon")

    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
    assert "action_id" not in answer.json()
