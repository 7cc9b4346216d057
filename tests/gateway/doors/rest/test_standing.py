"""`/v1/me`: the types of action it lists are those that can be used."""

import asyncio
from typing import Any

import httpx2
import pytest

from gateway.core.principals import Scope
from gateway.core.vocabulary import SPECS
from tests.gateway.doors.rest.conftest import Served
from tests.town import proposal

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


def test_me_shows_every_budget_with_its_use_and_its_limit(served: Served) -> None:
    shown = me(served, served.tokens["agent"])["budgets"]
    named = served.town.gateway.neighbours.policy.in_force.allowances

    assert [(b["budget"], b["window"]) for b in shown] == [(a.budget, a.window) for a in named]
    assert {"actions", "ci_minutes", "pipelines", "held_tickets", "bytes_pushed"} <= {
        b["budget"] for b in shown
    }
    assert all(0 <= b["used"] <= b["limit"] for b in shown)
    assert me(served, served.tokens["operator"])["budgets"] == []


def test_what_an_action_draws_shows_at_once(served: Served) -> None:
    def used() -> dict[tuple[str, str], int]:
        return {(b["budget"], b["window"]): b["used"] for b in me(served, served.tokens["agent"])["budgets"]}

    before = used()
    with httpx2.Client(
        base_url=served.url, headers={"Authorization": f"Bearer {served.tokens['agent']}"}
    ) as http:
        body = proposal("issue.comment", {"body": "Counted."}, jira=True, issue="SHOP-1")
        assert http.post("/v1/actions", json=body).status_code == 201

    assert used()["actions", "hour"] == before["actions", "hour"] + 1
    assert used()["actions", "day"] == before["actions", "day"] + 1
