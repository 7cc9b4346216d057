"""An agent tries to act, or to look, where its token and its grants do not reach."""

import pytest

from tests.redteam.attacks import Kind, attack
from tests.redteam.siege import Siege
from tests.town import proposal

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
K = Kind.SCOPE
BRANCH = proposal("branch.create", {"from": "main"}, branch="agent/x")
COMMENT = proposal("issue.comment", {"body": "Hello."}, jira=True, issue="SHOP-1")


@attack(
    K,
    "act in a project that its token does not name",
    stopped_by="the token's scope, before anything is read",
)
async def test_a_token_for_one_project_acts_in_another(siege: Siege) -> None:
    async with await siege.town.agent(projects=["shop/payments"]) as narrow:
        await siege.turned_away(narrow.propose(BRANCH), "out_of_scope", source="agt_fixer")


@attack(K, "use a token made for comments to branch", stopped_by="the token's list of action types")
async def test_a_token_for_one_type_does_another(siege: Siege) -> None:
    async with await siege.town.agent(action_types=["issue.comment"]) as narrow:
        await siege.turned_away(narrow.propose(BRANCH), "out_of_scope", source="agt_fixer")


@attack(K, "reach a subgroup with a token for the group", stopped_by="`*` in a scope ends at the next slash")
async def test_a_glob_is_stretched_over_a_subgroup(siege: Siege) -> None:
    deeper = {**BRANCH, "target": {**BRANCH["target"], "project": "shop/secret/plans"}}
    await siege.turned_away(siege.agent.propose(deeper), "out_of_scope", source="agt_fixer")


@attack(K, "climb out of its group with `..` in the project", stopped_by="the form of project paths")
async def test_a_project_path_climbs(siege: Siege) -> None:
    climbing = {**BRANCH, "target": {**BRANCH["target"], "project": "shop/checkout/../../bank/vault"}}
    await siege.turned_away(siege.agent.propose(climbing), "malformed", source="agt_fixer")


@attack(
    K,
    "name a project by GitLab's number, which no scope lists",
    stopped_by="targets are paths, never numbers",
)
async def test_a_project_is_named_by_number(siege: Siege) -> None:
    numbered = {**BRANCH, "target": {**BRANCH["target"], "project": "2"}}
    await siege.turned_away(siege.agent.propose(numbered), "malformed", source="agt_fixer")


@attack(
    K,
    "smuggle a slash past the scope as `%2F`",
    stopped_by="project paths are plain; nothing is decoded twice",
)
async def test_a_project_is_percent_encoded(siege: Siege) -> None:
    encoded = {**BRANCH, "target": {**BRANCH["target"], "project": "shop%2Fcheckout"}}
    await siege.turned_away(siege.agent.propose(encoded), "malformed", source="agt_fixer")


@attack(
    K,
    "write on an issue of a tracker it does not hold, under the name of its own",
    stopped_by="issue key and project must agree",
)
async def test_an_issue_of_another_tracker_is_passed_off(siege: Siege) -> None:
    foreign = proposal("issue.comment", {"body": "Hello."}, jira=True, issue="OPS-1")
    await siege.turned_away(siege.agent.propose(foreign), "malformed", source="agt_fixer")


@attack(
    K,
    "touch a foreign issue through the other end of a link",
    stopped_by="both ends of a link must be in scope",
)
async def test_a_link_reaches_into_another_tracker(siege: Siege) -> None:
    link = proposal("issue.link", {"issue": "OPS-1", "kind": "blocks"}, jira=True, issue="SHOP-1")
    await siege.turned_away(siege.agent.propose(link), "out_of_scope", source="agt_fixer")
    found = siege.town.sandbox.site.find("OPS-1")
    assert found is not None


@attack(
    K,
    "steer another project's pipeline by its number",
    stopped_by="GATE-002: it is no pipeline of the project named",
)
async def test_a_pipeline_of_another_project_is_cancelled(siege: Siege) -> None:
    payments = siege.town.sandbox.forge.project_at("shop/payments")
    assert payments is not None
    foreign = next(iter(payments.pipelines))
    await siege.denied(siege.agent.propose(proposal("pipeline.cancel", pipeline=foreign)), "GATE-002")


@attack(
    K,
    "do what it was granted nowhere, with a token that allows everything",
    stopped_by="GATE-001: grants, not tokens",
)
async def test_an_agent_outgrows_its_grants(siege: Siege) -> None:
    await siege.denied(siege.other.propose(BRANCH), "GATE-001")


@attack(
    K,
    "act outside its grants' projects with a token that is too wide",
    stopped_by="GATE-001: the grant names projects",
)
async def test_a_wide_token_does_not_widen_the_grant(siege: Siege) -> None:
    async with await siege.town.agent(projects=["*/*"]) as wide:
        elsewhere = {**BRANCH, "target": {**BRANCH["target"], "project": "bank/vault"}}
        await siege.denied(wide.propose(elsewhere), "GATE-001")


@attack(
    K,
    "read what another agent did",
    stopped_by="agents see their own actions; the answer is that of an unknown id",
)
async def test_an_agent_reads_anothers_action(siege: Siege) -> None:
    done = await siege.agent.propose(COMMENT)
    await siege.turned_away(siege.other.action(done["action_id"]), "not_found", source="agt_loop")


@attack(K, "withdraw another agent's action", stopped_by="only the agent, its owner or an operator may")
async def test_an_agent_cancels_anothers_action(siege: Siege) -> None:
    done = await siege.agent.propose(COMMENT)
    await siege.turned_away(siege.other.cancel(done["action_id"]), "not_found", source="agt_loop")


@attack(K, "list another agent's actions by its name", stopped_by="the filter `agent` is for people")
async def test_an_agent_lists_anothers_actions(siege: Siege) -> None:
    await siege.turned_away(siege.other.actions(agent="agt_fixer"), "out_of_scope", source="agt_loop")


@attack(
    K,
    "learn whether a project exists by asking for its actions",
    stopped_by="a foreign project is refused whether it is there or not",
)
async def test_a_list_is_used_as_an_oracle(siege: Siege) -> None:
    error = await siege.turned_away(
        siege.agent.actions(project="bank/vault"), "out_of_scope", source="agt_fixer"
    )
    assert "bank" not in error.problem.detail


@attack(K, "learn another project's facts from a dry run", stopped_by="dry runs pass the same scope check")
async def test_a_dry_run_looks_outside_the_scope(siege: Siege) -> None:
    async with await siege.town.agent(projects=["jira:SHOP"]) as narrow:
        await siege.turned_away(narrow.rehearse(BRANCH), "out_of_scope", source="agt_fixer")


@attack(K, "make itself a wider token", stopped_by="tokens are made by operators")
async def test_an_agent_issues_itself_a_token(siege: Siege) -> None:
    asked = siege.agent.issue_token("agt_fixer", {"projects": ["*/*"]})
    await siege.turned_away(asked, "out_of_scope", source="agt_fixer")


@attack(K, "read the log to learn what is watched", stopped_by="evidence is for the auditor's role")
async def test_an_agent_reads_the_log(siege: Siege) -> None:
    await siege.turned_away(siege.agent.events(), "out_of_scope", source="agt_fixer")
