"""A link touches two projects, and both must be granted: by the token, by the grant, and by the agent's entry."""

from typing import Any

import pytest

from gateway.sandbox.gitlab.entities import IssueLink
from tests.town import Town, proposal, refusal

pytestmark = pytest.mark.slow


def link(**params: Any) -> dict[str, Any]:
    return proposal("issue.link", {"issue": "1", "kind": "blocks", **params}, issue="1")


def links_of(town: Town) -> list[IssueLink]:
    return [each for project in town.sandbox.forge.projects.values() for each in project.links]


async def test_two_granted_projects_are_linked(town: Town) -> None:
    async with await town.agent() as agent:
        done = await agent.propose(link(project="shop/payments"))
        again = await refusal(agent.propose(link(project="shop/payments")))

    assert done["status"] == "performed"
    assert [(made.source.project_id, made.target.project_id) for made in links_of(town)] == [(1, 2)]
    assert "linked already" in again.problem.detail


async def test_a_link_out_of_the_token_or_out_of_the_grant_is_refused(town: Town) -> None:
    forge = town.sandbox.forge
    payments = forge.projects[2]
    async with (
        await town.agent(projects=["shop/checkout"]) as narrow,
        await town.agent(projects=["shop/**", "bank/*"]) as wide,
    ):
        outside = await refusal(narrow.propose(link(project="shop/payments")))
        payments.namespace = "bank"
        ungranted = await refusal(wide.propose(link(project="bank/payments")))

    assert outside.problem.code == "out_of_scope"
    assert ungranted.problem.code == "denied"
    assert [finding["code"] for finding in ungranted.problem.findings] == ["GATE-001"]
    assert links_of(town) == []
