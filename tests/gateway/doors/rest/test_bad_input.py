"""What a careless or hostile caller sends: a 4xx with a sentence a person can act on, never a 500, never a traceback."""

import json
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gateway.doors.rest.conftest import Served

pytestmark = pytest.mark.slow
GOOD: dict[str, Any] = {
    "type": "issue.comment",
    "target": {"system": "jira", "project": "SHOP", "issue": "SHOP-1"},
    "params": {"body": "Hello."},
}


def post(served: Served, body: bytes, path: str = "/v1/rulings") -> httpx2.Response:
    headers = {"Authorization": f"Bearer {served.tokens['agent']}", "Content-Type": "application/json"}
    with httpx2.Client(base_url=served.url, timeout=60) as http:
        return http.post(path, content=body, headers=headers)


def assert_refused(answer: httpx2.Response) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["detail"].strip()
    assert "Traceback" not in answer.text
    return body


def with_params(**params: Any) -> bytes:
    return json.dumps({**GOOD, "params": params}).encode()


def commit(path: str, **more: Any) -> bytes:
    change = {"op": "create", "path": path, "content": "x", **more}
    target = {"system": "gitlab", "project": "shop/checkout", "branch": "agent/x"}
    return json.dumps(
        {"type": "commit.create", "target": target, "params": {"message": "m", "changes": [change]}}
    ).encode()


BAD = {
    "nothing": b"",
    "not json": b"{",
    "not utf-8": b'{"type": "\xff"}',
    "a list": b"[]",
    "a number": b"1",
    "NaN": b'{"type": "issue.comment", "target": {}, "params": {"body": NaN}}',
    "a fraction": b'{"type": "issue.comment", "target": {"merge_request": 1.5}}',
    "infinity": b'{"type": "issue.comment", "target": {"merge_request": 1e400}}',
    "a lone surrogate": b'{"type": "issue.comment", "target": {}, "params": {"body": "\\ud800"}}',
    "a member twice": b'{"type": "issue.comment", "type": "merge_request.merge", "target": {}}',
    "deep nesting": b'{"type": "x", "target": {"a": ' + b"[" * 5000 + b"]" * 5000 + b"}}",
    "ten megabytes": b'{"type": "' + b"x" * 10_000_000 + b'"}',
    "an unknown type": json.dumps({**GOOD, "type": "repository.destroy"}).encode(),
    "an unknown member": json.dumps({**GOOD, "sudo": "root"}).encode(),
    "an unknown param": with_params(body="Hello.", transition="Done"),
    "an unknown system": json.dumps({**GOOD, "target": {"system": "github", "project": "x"}}).encode(),
    "a missing aim": json.dumps({**GOOD, "target": {"system": "jira", "project": "SHOP"}}).encode(),
    "an aim too many": json.dumps({**GOOD, "target": {**GOOD["target"], "branch": "main"}}).encode(),
    "another project": json.dumps(
        {**GOOD, "target": {"system": "jira", "project": "OPS", "issue": "OPS-1"}}
    ).encode(),
    "an empty text": with_params(body=""),
    "a text of the wrong type": with_params(body=["Hello."]),
    "a huge integer": json.dumps({**GOOD, "target": {**GOOD["target"], "merge_request": 10**30}}).encode(),
    "control characters in a path": commit("docs/a\nb"),
    "a null in a path": commit("docs/a\u0000b"),
    "a path that climbs": commit("../outside"),
    "an absolute path": commit("/etc/passwd"),
    "git's own folder": commit("sub/.git/config"),
    "git's own folder in disguise": commit("sub/.GIT/config"),
    "a right-to-left override in a path": commit("docs/\u202egnp.exe"),
    "a zero-width character in a path": commit("docs/a\u200bb"),
    "both contents": commit("docs/a", content_base64="eA=="),
    "base64 that is none": commit("docs/a", content=None, content_base64="%%%"),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_bad_input_is_refused_with_a_sentence(served: Served, name: str) -> None:
    for path in ("/v1/rulings", "/v1/actions"):
        assert_refused(post(served, BAD[name], path))


def test_the_error_points_at_the_field(served: Served) -> None:
    body = assert_refused(post(served, with_params(body="")))

    assert body["field"] == "/params/body"


def test_a_refused_request_leaves_no_action_behind(served: Served) -> None:
    headers = {"Authorization": f"Bearer {served.tokens['agent']}"}
    with httpx2.Client(base_url=served.url, headers=headers) as http:
        before = http.get("/v1/actions").json()
        post(served, BAD["an unknown param"], "/v1/actions")

        assert http.get("/v1/actions").json() == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON)
def test_no_document_breaks_the_door(served: Served, body: Any) -> None:
    assert_refused(post(served, json.dumps(body).encode("utf-8", "surrogatepass")))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200))
def test_no_bytes_break_the_door(served: Served, body: bytes) -> None:
    assert_refused(post(served, body))
