"""Votes that outlive a rebase by the gateway: only when nothing but heads reads differently."""

from typing import Any

import pytest

from gateway.core.actions import Action
from gateway.core.carrying import carry, outdated_by, rebase_between
from gateway.core.questions import Question
from gateway.core.steps import Finish, Performance
from gateway.core.vocabulary import ActionType
from tests.gateway.core.making import HEAD, OLD, action, ticket, vote

PATCHES = "d" * 64


def question(head: str = HEAD, **changes: Any) -> Question:
    plain: dict[str, Any] = {
        "version": 1,
        "action": head,
        "agent": "agt_fixer",
        "on_behalf_of": "prn_developer",
        "subject": {"iid": 7, "head": head, "target_branch": "main"},
        "change": {"base": head, "diff": "e" * 64, "patches": PATCHES},
        "reach": {"files": 1},
        "asks": ({"code": "BLAST-001"},),
    }
    return Question(**{**plain, **changes})


def test_a_clean_rebase_moves_the_head_and_nothing_else() -> None:
    assert rebase_between(question(OLD), question(HEAD)) == (OLD, HEAD)
    assert rebase_between(question(HEAD), question(HEAD)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"change": {"base": HEAD, "diff": "0" * 64, "patches": PATCHES}},
        {"change": {"base": HEAD, "diff": "e" * 64, "patches": "0" * 64}},
        {"change": {"base": HEAD, "diff": "e" * 64}},
        {"subject": {"iid": 7, "head": HEAD, "target_branch": "release/1"}},
        {"subject": {"iid": 7, "head": None, "target_branch": "main"}},
        {"reach": {"files": 2}},
        {"asks": ()},
        {"agent": "agt_other"},
    ],
)
def test_whatever_else_differs_needs_people_again(change: dict[str, Any]) -> None:
    assert rebase_between(question(OLD), question(HEAD, **change)) is None


def test_without_patches_on_both_sides_nothing_is_known_to_be_equal() -> None:
    bare = {"base": OLD, "diff": "e" * 64}

    assert rebase_between(question(OLD, change=bare), question(HEAD, change=bare)) is None


def test_approvals_cast_on_the_predecessor_itself_are_carried() -> None:
    before = ticket()
    own, no = vote("prn_sam", before), vote("prn_kim", before, "reject")
    older = vote("prn_rob", before).model_copy(update={"ticket": "tkt_0"})
    opened = ticket(id="tkt_2")

    carried = carry(opened, before.model_copy(update={"votes": (own, no, older)}))

    assert [(v.voter, v.ticket) for v in carried.votes] == [("prn_sam", before.id)]
    assert carried.carried is not None
    assert (carried.carried.ticket, carried.carried.question_digest) == (before.id, before.question_digest)
    assert carry(opened, before) == opened


def rebased_to(head: str = HEAD, before: str = OLD) -> Finish:
    done = Performance(result={"merge_request": 7, "head": head, "head_before": before})
    return Finish(action_id="act_rebase", outcome="performed", performance=done)


def rebasing(**aims: Any) -> Action:
    given = {"project": "shop/checkout", "merge_request": 7, **aims}
    return action(ActionType.MERGE_REQUEST_REBASE, aims=given)


def merging(head: str = OLD) -> Action:
    return action(params={"expected_head": head})


def test_a_merge_of_the_head_that_a_rebase_replaced_is_told_the_new_one() -> None:
    reason = outdated_by(rebasing(), rebased_to(), merging())

    assert reason is not None
    assert f"expected_head {HEAD}" in reason


@pytest.mark.parametrize(
    ("rebase", "finish", "merge"),
    [
        (rebasing(), rebased_to(before=HEAD), merging(HEAD)),
        (rebasing(), rebased_to(), merging(HEAD)),
        (rebasing(merge_request=8), rebased_to(), merging()),
        (rebasing(project="shop/other"), rebased_to(), merging()),
        (rebasing(), rebased_to(), action(ActionType.MERGE_REQUEST_CLOSE)),
        (
            rebasing(),
            Finish(action_id="act_rebase", outcome="performed"),
            merging(),
        ),
    ],
)
def test_any_other_question_stays_what_it_was(rebase: Action, finish: Finish, merge: Action) -> None:
    assert outdated_by(rebase, finish, merge) is None
