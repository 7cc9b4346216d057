"""The data of the demo world holds together: what one file names, another knows."""

from pathlib import Path

import pytest

from gateway.core.blast_weights import Weights
from gateway.core.vocabulary import SPECS
from gateway.workbench.cases import bases
from gateway.workbench.data_files import policy_data
from gateway.workbench.data_models import PolicyData

POLICIES = Path(__file__).parents[2] / "policies"


@pytest.fixture(scope="module")
def data() -> PolicyData:
    return policy_data(POLICIES)


def test_every_service_is_owned_by_people_of_the_roster(data: PolicyData) -> None:
    people = {person.id for person in data.people}

    assert all(service.owners for service in data.catalogue.services)
    assert {owner for service in data.catalogue.services for owner in service.owners} <= people


def test_every_agent_acts_for_a_person_of_the_roster(data: PolicyData) -> None:
    assert {agent.owner for agent in data.agents} <= {person.id for person in data.people}


def test_every_deputy_is_a_person_of_the_roster(data: PolicyData) -> None:
    deputies = {person.deputy for person in data.people if person.deputy}

    assert deputies <= {person.id for person in data.people}


def test_services_stand_on_services_of_the_catalogue(data: PolicyData) -> None:
    names = {service.name for service in data.catalogue.services}

    assert {other for service in data.catalogue.services for other in service.depends_on} <= names


def test_branches_deploy_from_projects_of_the_catalogue(data: PolicyData) -> None:
    projects = {service.project for service in data.catalogue.services}

    assert {entry.project for entry in data.catalogue.environments} <= projects


def test_the_contract_knows_exactly_what_this_version_performs(data: PolicyData) -> None:
    assert set(data.contract.needs) == {kind for kind, spec in SPECS.items() if spec.supported}


def test_early_advice_and_real_budgets_are_equal(data: PolicyData) -> None:
    drawn = {(b.budget, b.window): b.limit.model_dump() for b in data.budgets}

    assert drawn["actions", "hour"] == data.params["RATE-001"]["hour"]
    assert drawn["actions", "day"] == data.params["RATE-001"]["day"]
    assert drawn["open_merge_requests", "open"] == data.params["RATE-002"]["open"]


def test_the_weights_are_those_of_the_formula(data: PolicyData) -> None:
    weights = Weights.model_validate(data.weights)

    assert weights.model_copy(update={"inert": ()}) == Weights()


def test_the_owner_of_the_fixing_agent_owns_the_service_it_fixes(data: PolicyData) -> None:
    """So that the demo can show that an owner may not approve the work of the own agent."""
    fixer = next(agent for agent in data.agents if agent.id == "agt_fixer")
    checkout = data.catalogue.service("checkout")

    assert checkout is not None
    assert fixer.owner in checkout.owners
    assert set(checkout.owners) - {fixer.owner}


def test_ids_carry_no_names_or_addresses(data: PolicyData) -> None:
    ids = [person.id for person in data.people] + [agent.id for agent in data.agents]

    assert all(one.startswith(("prn_", "agt_")) and "@" not in one for one in ids)


def test_every_type_that_is_performed_has_a_base(data: PolicyData) -> None:
    covered = {base["action"]["type"] for base in bases(POLICIES).values()}

    assert covered == {kind.value for kind in data.contract.needs}
