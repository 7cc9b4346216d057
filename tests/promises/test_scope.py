"""A token reads no further than it acts: the same agent's narrower token sees only the projects it names."""

import pytest

from gateway.core.actions import ActionState
from gateway.core.principals import Door, Principal, Role, Scope
from gateway.core.vocabulary import ActionType
from gateway.doors.rest.reading import may_see, project_in_scope
from gateway.ports import ActionRecord
from tests.fakes.permits import AGENT, action_of
from tests.town import Town, proposal, refusal


def agent(*projects: str) -> Principal:
    scope = Scope(projects=projects, action_types=("*",))
    return Principal(id=AGENT, roles=(Role.AGENT,), owner="prn_dev", scope=scope, door=Door.REST)


@pytest.mark.parametrize(
    ("glob", "place", "seen"),
    [
        ("shop/*", "shop/checkout", True),
        ("Shop/*", "shop/checkout", True),
        ("shop/*", "shop/Checkout", True),
        ("shop/*", "shop/secret/plans", False),
        ("*", "shop/checkout", False),
        ("shop/[c]heckout", "shop/checkout", False),
        ("jira:SHOP", "jira:SHOP", True),
        ("jira:SHOP", "jira:OPS", False),
    ],
)
def test_a_scope_means_for_reads_what_it_means_for_actions(glob: str, place: str, *, seen: bool) -> None:
    assert project_in_scope(agent(glob), place) is seen


def test_a_person_who_reads_all_needs_no_project() -> None:
    auditor = Principal(id="prn_auditor", roles=(Role.AUDITOR,), door=Door.REST)
    record = ActionRecord(
        action=action_of(ActionType.BRANCH_CREATE, project="shop/checkout"), state=ActionState.DENIED
    )

    assert may_see(auditor, record)
    assert not may_see(agent("shop/other"), record)


@pytest.mark.slow
async def test_a_narrower_token_neither_reads_nor_lists_nor_cancels_outside_its_projects(town: Town) -> None:
    async with await town.agent() as wide, await town.agent(projects=["jira:SHOP"]) as narrow:
        done = await wide.propose(proposal("branch.create", {"from": "main"}, branch="agent/x"))
        unread = await refusal(narrow.action(done["action_id"]))
        uncancelled = await refusal(narrow.cancel(done["action_id"]))
        listed = {item["action_id"] for item in (await narrow.actions())["items"]}
        own = {item["action_id"] for item in (await wide.actions())["items"]}

    assert unread.problem.status == uncancelled.problem.status == 404
    assert done["action_id"] in own
    assert done["action_id"] not in listed
