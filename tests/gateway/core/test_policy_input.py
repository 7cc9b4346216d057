"""The document the policy judges: whole, without floats, with totals that add up, and without free text."""

from typing import Any

import pytest

from audit.canonical import canonical_bytes
from gateway.core.blast_radius import BlastRadius, Dependant
from gateway.core.changes import CiFacts, CommitFact, SecretHit
from gateway.core.duplicates import OpenItem, similar_to
from gateway.core.facts import ApprovalFact, Facts, GlassFacts, MissingFact
from gateway.core.policy_input import PolicyInput, policy_input
from gateway.core.vocabulary import ActionType
from tests.gateway.core.making import HEAD, action, change, changed, facts, meant

CHANGE = change(
    changed("a", 2, deletions=1),
    changed("link", new_mode="120000"),
    changed("module", new_mode="160000"),
    changed("gone-module", old_mode="160000", new_mode="000000"),
    secrets=(SecretHit(detector="aws-key", path="a", line=3),),
    commits=(CommitFact(id=HEAD, author="agt_fixer", committer="gateway", foreign=False),),
    ci=CiFacts(remote_includes=("https://x.example/ci.yml",)),
)
BLAST = BlastRadius(
    services=("a",),
    unmapped=("b", "c"),
    dependants=(Dependant(service="d", depth=1),),
    irreversible=("sql-drop",),
)


def document(known: Facts | None = None, blast: BlastRadius | None = None, **more: Any) -> PolicyInput:
    """The policy input of a merge."""
    return policy_input(action(**more), known or facts(), blast, supported=True)


def test_groups_that_do_not_apply_are_null() -> None:
    plain = document().model_dump()

    assert {k for k, v in plain.items() if v is None} >= {
        "diff",
        "commits",
        "commits_total",
        "ci",
        "blast",
        "issue",
    }


def test_a_change_travels_with_its_totals() -> None:
    seen = document(facts(change=CHANGE), BLAST)

    assert seen.diff is not None
    assert (seen.diff.files_changed, seen.diff.additions, seen.diff.deletions) == (4, 5, 1)
    assert [s.path for s in seen.diff.symlinks] == ["link"]
    assert seen.diff.gitlinks == ("module", "gone-module")
    assert seen.diff.secrets[0].line == 3
    assert seen.commits is not None
    assert seen.commits_total == len(seen.commits) == 1
    assert seen.ci is not None
    assert seen.ci.remote_includes_total == 1


def test_every_list_that_has_a_total_has_as_many_elements() -> None:
    known = facts(
        change=CHANGE,
        deploys_to=("production",),
        approvals=(ApprovalFact(id="prn_a", kind="person"),),
        authors=("prn_b",),
        stops=("stp_1",),
        missing=(MissingFact(path="pipeline", reason="x", retry="wait_until"),),
    )

    plain = document(known, BLAST).model_dump(mode="json")

    checked = list(_totals(plain))
    assert len(checked) >= 15
    assert all(len(listed) == total for listed, total in checked)
    assert plain["stop"]["engaged"] is True


def _totals(value: Any) -> Any:
    if isinstance(value, dict):
        for key, item in value.items():
            if key.endswith("_total") and key.removesuffix("_total") in value and item is not None:
                yield value[key.removesuffix("_total")], item
            yield from _totals(item)


def test_free_text_and_contents_stay_out_of_the_policys_sight() -> None:
    target = {"system": "gitlab", "project": "shop/checkout", "branch": "agent/x"}
    params = {"message": "words", "changes": [{"op": "create", "path": "a", "content": "words"}]}
    issue = meant(
        "issue.comment", {"system": "jira", "project": "SHOP", "issue": "SHOP-1"}, {"body": "words"}
    )

    for one in (meant("commit.create", target, params, intent="words"), issue):
        seen = policy_input(one, facts(), None, supported=True)

        assert "words" not in seen.model_dump_json()


@pytest.mark.parametrize(
    ("kind", "spelt_out"),
    [
        (ActionType.BRANCH_FORCE_PUSH, {"force", "consequential"}),
        (ActionType.BRANCH_DELETE, {"delete", "consequential"}),
        (ActionType.TAG_DELETE, {"delete", "consequential"}),
        (ActionType.COMMIT_REVERT, set()),
        (ActionType.ENVIRONMENT_STOP, {"consequential"}),
    ],
)
def test_what_a_type_does_is_spelt_out(kind: ActionType, spelt_out: set[str]) -> None:
    seen = policy_input(
        action(kind, aims={"project": "shop/checkout"}), facts(), None, supported=False
    ).action

    assert {name for name in ("force", "delete", "consequential") if getattr(seen, name)} == spelt_out
    assert not seen.supported


def test_the_document_has_a_canonical_form() -> None:
    plain = document(facts(change=CHANGE), BLAST).model_dump(mode="json")

    assert canonical_bytes(plain).startswith(b'{"action":{')
    assert "drivers" not in plain["blast"]


def test_what_a_new_item_is_like_and_the_break_glass_in_force_are_seen() -> None:
    similar = similar_to("Mend it", [OpenItem(key="SHOP-1", title="mend it", state="To Do")], bounded=False)
    glass = GlassFacts(
        id="bgl_1",
        ticket="INC-7",
        by="prn_a",
        second="prn_b",
        confirmed_ms=1,
        expires_ms=2,
        review_due_ms=3,
    )
    seen = document(facts(similar=similar, glass=glass))

    assert (seen.similar, seen.break_glass) == (similar, (glass,))
    assert "mend" not in str(seen.model_dump())


@pytest.mark.parametrize(("said", "seen"), [({}, "shop/checkout"), ({"project": "shop/till"}, "shop/till")])
def test_a_link_always_says_into_which_project_it_goes(said: dict[str, Any], seen: str) -> None:
    at = {"project": "shop/checkout", "issue": "7"}
    linked = action(ActionType.ISSUE_LINK, aims=at, params={"issue": "2", **said})
    judged = policy_input(linked, facts(), None, supported=True)
    assert judged.action.params["project"] == seen
