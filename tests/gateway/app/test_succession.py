"""What a policy must hold before it may follow another: signed, whole, sound, and open to be followed in turn."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.client.api import Client
from tests.gateway.app.shipping import AUTHOR, STRANGER, Shipped, edit, in_force, ship, upload
from tests.town import OPERATOR, Town, proposal, refusal

pytestmark = pytest.mark.slow


def without_the_rule(policies: Path) -> None:
    shutil.rmtree(policies / "rules" / "trust" / "activated")


def without_other_approvers(policies: Path) -> None:
    edit("data/people.yaml", "approves_as: [security]", "approves_as: []")(policies)


def without_authors(policies: Path) -> None:
    edit("data/people.yaml", "roles: [approver, policy-author]", "roles: [approver]")(policies)


def without_the_grant(policies: Path) -> None:
    edit("data/grants.yaml", "actions: [policy.activate, policy.rollback]", "actions: [policy.rollback]")(
        policies
    )


UNSOUND = edit("gate/gate.rego", '\t"effect": effect,', '\t"effect": "allow",')
ENDS: dict[str, tuple[Callable[[Path], None], str]] = {
    "nobody is asked": (without_the_rule, "could change the policy without approval"),
    "nobody else can approve": (without_other_approvers, "nobody could change the policy again"),
    "nobody may propose": (without_the_grant, "nobody could change the policy again"),
    "there is no author": (without_authors, "nobody could change the policy again"),
}


async def refused(author: Client, shipped: Shipped) -> str:
    error = await refusal(author.activate_policy(shipped.digest, "Try."))
    assert error.problem.code in {"bundle_refused", "denied"}
    return error.problem.detail


@pytest.mark.parametrize("end", sorted(ENDS))
async def test_a_policy_that_would_be_the_last_or_nobodys_business_never_follows_after_the_seal(
    end: str, sealed: Town, tmp_path: Path
) -> None:
    change, said = ENDS[end]
    shipped = ship(tmp_path / "end", change)
    before = await in_force(sealed)
    await upload(sealed, shipped)
    async with await sealed.sign_in(AUTHOR) as author:
        assert said in await refused(author, shipped)
    assert await in_force(sealed) == before


async def test_nothing_is_sealed_that_could_be_changed_without_approval(
    trusting: Town, tmp_path: Path
) -> None:
    shipped = ship(tmp_path / "free", without_the_rule)
    await upload(trusting, shipped)
    async with await trusting.sign_in(AUTHOR) as author:
        assert (await author.activate_policy(shipped.digest, "Try."))["changed"]
    async with await trusting.sign_in(OPERATOR) as operator:
        error = await refusal(operator.seal_policies())
    assert "without approval" in error.problem.detail
    assert not (await trusting.gateway.store.policies.standing()).sealed


async def test_a_policy_that_fails_its_self_test_never_becomes_active(trusting: Town, tmp_path: Path) -> None:
    shipped = ship(tmp_path / "unsound", UNSOUND)
    before = await in_force(trusting)
    await upload(trusting, shipped)
    async with await trusting.sign_in(AUTHOR) as author:
        assert "self-test" in await refused(author, shipped)
    assert await in_force(trusting) == before


@pytest.mark.parametrize("signer", [None, STRANGER], ids=["unsigned", "by a stranger"])
async def test_what_no_known_key_signed_is_not_even_kept(
    signer: object, trusting: Town, tmp_path: Path
) -> None:
    shipped = ship(tmp_path / "strange", signer=STRANGER if signer else None)
    async with await trusting.sign_in(AUTHOR) as author:
        error = await refusal(author.upload_policy(shipped.release.wasm, shipped.release.rego))
    assert error.problem.code == "bundle_refused"
    assert not [one for one in await trusting.gateway.store.policies.kept() if one.key_id]


async def test_a_gateway_without_keys_keeps_no_policy(town: Town, same: Shipped) -> None:
    async with await town.sign_in(AUTHOR) as author:
        error = await refusal(author.upload_policy(same.release.wasm, same.release.rego))
    assert "policy.keys" in error.problem.detail


async def test_what_is_not_uploaded_or_in_force_already_is_refused(sealed: Town, same: Shipped) -> None:
    async with await sealed.sign_in(AUTHOR) as author:
        unknown = await refusal(author.activate_policy("0" * 64, "Try."))
        already = await refusal(author.activate_policy(same.digest, "Try."))
        no_way_back = await refusal(author.roll_back_policy("Try."))
    assert "upload it first" in unknown.problem.detail
    assert "in force already" in already.problem.detail
    assert "No policy was in force before" in no_way_back.problem.detail


async def test_a_draft_is_for_authors_and_for_agents_it_knows(trusting: Town, strict: Shipped) -> None:
    wanted = proposal("branch.create", {"from": "main"}, branch="agent/x")
    async with await trusting.sign_in(AUTHOR) as author:
        none_yet = await refusal(author.rehearse_draft(wanted, agent="agt_fixer"))
        await upload(trusting, strict)
        nobody = await refusal(author.rehearse_draft(wanted, agent="agt_nobody"))
        unnamed = await refusal(author.rehearse(wanted))
        elsewhere = await refusal(
            author.rehearse_draft(
                {**wanted, "target": {**wanted["target"], "project": "other/place"}}, agent="agt_fixer"
            )
        )
    async with await trusting.agent() as agent:
        not_for_agents = await refusal(agent.rehearse_draft(wanted, agent="agt_fixer"))
    assert "uploaded no policy" in none_yet.problem.detail
    assert (nobody.problem.status, unnamed.problem.status) == (422, 422)
    assert elsewhere.problem.code == not_for_agents.problem.code == "out_of_scope"
