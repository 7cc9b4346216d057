"""`/v1/me`: the types of action it lists are those that can be used."""

import asyncio
from typing import Any

import httpx2
import pytest

from gateway.core.principals import Scope
from gateway.core.vocabulary import SPECS
from tests.gateway.doors.rest.conftest import Served

pytestmark = pytest.mark.slow


def me(served: Served, token: str) -> dict[str, Any]:
    with httpx2.Client(base_url=served.url, headers={"Authorization": f"Bearer {token}"}) as http:
        found: dict[str, Any] = http.get("/v1/me").json()
        return found


def token_for(served: Served, *types: str) -> str:
    """A token of agt_fixer with these patterns of types."""
    scope = Scope(projects=("shop/*",), action_types=types)
    issue = served.town.gateway.store.credentials.issue
    issuing = issue("agt_fixer", scope, door="rest", lifetime_s=3600, by="test")
    return asyncio.run(issuing).secret


def test_me_lists_every_type_that_is_performed_under_a_wide_token(served: Served) -> None:
    listed = me(served, served.tokens["agent"])

    assert set(listed["performs"]) == {t.value for t, spec in SPECS.items() if spec.supported}
    assert listed["action_types"] == ["*"]


def test_me_lists_no_type_outside_the_tokens_patterns(served: Served) -> None:
    listed = me(served, token_for(served, "issue.*", "merge_request.merge"))

    assert "merge_request.merge" in listed["performs"]
    assert "issue.comment" in listed["performs"]
    assert all(t.startswith("issue.") or t == "merge_request.merge" for t in listed["performs"])


def test_me_lists_no_type_that_this_version_does_not_perform(served: Served) -> None:
    unsupported = [t.value for t, spec in SPECS.items() if not spec.supported]

    assert unsupported
    assert not set(unsupported) & set(me(served, token_for(served, "*"))["performs"])


def test_a_person_performs_nothing(served: Served) -> None:
    assert me(served, served.tokens["operator"])["performs"] == []
