"""Query parameters: what a route does not declare is refused, never left out in silence."""

import re

import httpx2
import pytest

from gateway.doors.rest.door import rest_door
from tests.gateway.doors.rest.conftest import Served

pytestmark = pytest.mark.slow
DOCUMENT = rest_door(None).openapi()
ROUTES = [
    (method.upper(), path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
SEVERAL = {("GET", "/v1/actions", "status")}
ONCE = [
    (method, path, parameter["name"])
    for method, path, operation in ROUTES
    for parameter in operation.get("parameters", ())
    if parameter["in"] == "query" and (method, path, parameter["name"]) not in SEVERAL
]


def asked(served: Served, method: str, path: str, query: list[tuple[str, str]]) -> httpx2.Response:
    """The answer an operator gets."""
    headers = {"Authorization": f"Bearer {served.tokens['operator']}"}
    plain = re.sub(r"\{(\w{3})\w*\}", r"\1_01", path)
    with httpx2.Client(base_url=served.url, headers=headers) as http:
        return http.request(method, plain, params=tuple(query))


@pytest.mark.parametrize(("method", "path"), [(m, p) for m, p, _ in ROUTES])
def test_every_route_refuses_a_parameter_it_does_not_declare(served: Served, method: str, path: str) -> None:
    answer = asked(served, method, path, [("projct", "shop/checkout")])

    assert answer.status_code == 422
    assert "does not take" in answer.json()["detail"]
    assert "projct" not in answer.text


@pytest.mark.parametrize(("method", "path", "name"), ONCE)
def test_every_parameter_of_one_value_is_refused_when_given_twice(
    served: Served, method: str, path: str, name: str
) -> None:
    answer = asked(served, method, path, [(name, "1"), (name, "2")])

    assert answer.status_code == 422
    assert answer.json()["field"] == f"/{name}"
    assert "once" in answer.json()["detail"]


@pytest.mark.parametrize(("method", "path", "name"), sorted(SEVERAL))
def test_a_list_may_be_given_value_by_value(served: Served, method: str, path: str, name: str) -> None:
    assert asked(served, method, path, [(name, "denied"), (name, "held")]).status_code == 200
