"""A stop names what an action can have, spelt as actions spell it, or it is refused."""

import pytest

from gateway.core.actions import Target
from gateway.core.aims import aim
from gateway.core.emergency import stopped_value
from gateway.core.errors import MalformedError
from gateway.core.principals import Agent, Roster, Tier
from gateway.core.vocabulary import ActionType

ROSTER = Roster(agents=(Agent(id="agt_fixer", owner="prn_dev", tier=Tier.OBSERVER),))


@pytest.mark.parametrize(
    ("scope", "value", "kept"),
    [
        ("everything", "", ""),
        ("agent", "agt_fixer", "agt_fixer"),
        ("action_type", "issue.create", "issue.create"),
        ("project", "shop/checkout", "shop/checkout"),
        ("project", "Shop/Checkout", "shop/checkout"),
        ("project", "jira:SHOP", "SHOP"),
        ("project", "SHOP", "SHOP"),
    ],
)
def test_a_stop_is_kept_as_actions_spell_what_it_names(scope: str, value: str, kept: str) -> None:
    assert stopped_value(scope, value, ROSTER) == kept


@pytest.mark.parametrize(
    ("scope", "value"),
    [
        ("everything", "shop/checkout"),
        ("agent", ""),
        ("agent", "agt_Fixer"),
        ("agent", "agt_nobody"),
        ("action_type", "issue.*"),
        ("action_type", "issue.make"),
        ("project", "shop"),
        ("project", "shop/*"),
        ("project", "shop/checkout/"),
        ("project", "jira:shop"),
        ("project", "jira:shop/checkout"),
    ],
)
def test_a_stop_that_would_match_nothing_is_refused(scope: str, value: str) -> None:
    with pytest.raises(MalformedError) as caught:
        stopped_value(scope, value, ROSTER)

    assert caught.value.field == "/value"


@pytest.mark.parametrize(
    "target",
    [
        {"system": "gitlab", "project": "SHOP/checkout"},
        {"system": "jira", "project": "shop"},
    ],
)
def test_what_a_scope_calls_a_project_stops_the_targets_there(target: dict[str, str]) -> None:
    aimed: Target = aim(ActionType.ISSUE_CREATE, target)
    named = "jira:SHOP" if aimed.system == "jira" else "shop/CHECKOUT"

    assert stopped_value("project", named, ROSTER) == aimed.project


def test_nothing_can_stop_the_lifting_of_stops() -> None:
    with pytest.raises(MalformedError, match="never be lifted"):
        stopped_value("action_type", "stop.lift", ROSTER)


def test_nothing_can_stop_a_rollback_of_the_policy() -> None:
    with pytest.raises(MalformedError, match="never stopped"):
        stopped_value("action_type", "policy.rollback", ROSTER)
