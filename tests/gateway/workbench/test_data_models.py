"""Data that would silently loosen a rule does not build."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.workbench.data_files import policy_data
from gateway.workbench.data_models import PolicyData

POLICIES = Path(__file__).parents[3] / "policies"


@pytest.fixture(scope="module")
def shipped() -> dict[str, Any]:
    return policy_data(POLICIES).model_dump(mode="json")


def refusal(data: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        PolicyData.model_validate(data)
    return str(caught.value)


def frozen(shipped: dict[str, Any], glob: str) -> dict[str, Any]:
    freeze = {"id": "year-end", "projects": [glob], "starts_ms": 1, "ends_ms": 2, "reason": "Rest."}
    return {**shipped, "freezes": [freeze]}


def test_an_agent_whose_owner_is_nobody_in_people_is_refused(shipped: dict[str, Any]) -> None:
    fixer = {**shipped["agents"][0], "owner": "prn_develper"}

    assert "prn_develper" in refusal({**shipped, "agents": [fixer]})


@pytest.mark.parametrize("wrong", ["prn_fixer", "fixer", "agt_", "agt_a b", "sys_loop"])
def test_an_agents_id_says_that_it_is_one(shipped: dict[str, Any], wrong: str) -> None:
    assert "is no id here" in refusal({**shipped, "agents": [{**shipped["agents"][0], "id": wrong}]})


def test_nobody_is_a_person_under_an_agents_id(shipped: dict[str, Any]) -> None:
    people = [*shipped["people"], {"id": "agt_spare", "approves_as": ["sre"]}]

    assert "agt_spare" in refusal({**shipped, "people": people})


@pytest.mark.parametrize("glob", ["shop/**", "shop/checkout", "**", "jira:SHOP", "jira:*", "loopgate"])
def test_a_freeze_names_places_as_actions_spell_them(shipped: dict[str, Any], glob: str) -> None:
    assert PolicyData.model_validate(frozen(shipped, glob)).freezes[0].projects == (glob,)


@pytest.mark.parametrize("glob", ["Shop/**", "shop", "SHOP", "jira:shop", "Jira:SHOP"])
def test_a_freeze_that_could_never_freeze_is_refused(shipped: dict[str, Any], glob: str) -> None:
    assert glob in refusal(frozen(shipped, glob))


@pytest.mark.parametrize("project", ["Shop/checkout", "checkout", "shop/checkout/", "jira:SHOP"])
def test_a_branch_map_that_could_never_map_is_refused(shipped: dict[str, Any], project: str) -> None:
    entry = {"project": project, "branch": "main", "environment": "production"}
    catalogue = {**shipped["catalogue"], "environments": [entry]}

    assert project in refusal({**shipped, "catalogue": catalogue})
