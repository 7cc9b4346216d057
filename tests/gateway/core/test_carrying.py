"""Votes that outlive a rebase by the gateway: only when nothing but heads reads differently."""

from typing import Any

import pytest

from gateway.core.carrying import carry, rebase_between
from gateway.core.questions import Question
from tests.gateway.core.making import HEAD, OLD, ticket, vote

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
