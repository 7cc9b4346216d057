"""Keeping votes when the gateway itself rebased what they were about (approvals.md "rebased while waiting"). Pure."""

from typing import Any

from gateway.core.actions import Action
from gateway.core.params import MergeRequestMerge
from gateway.core.questions import Question
from gateway.core.steps import Finish
from gateway.core.tickets import Carried, Ticket


def rebase_between(before: Question, after: Question) -> tuple[str, str] | None:
    """The heads before and after, when nothing else reads differently; None when something does.

    Equal must be: the patches commit by commit, the final diff, its reach, and everything that is asked. Without patch
    ids of every commit nothing is known to be equal.
    """
    heads = before.subject.get("head"), after.subject.get("head")
    patched = isinstance(after.change.get("patches"), str)
    if not patched or heads[0] == heads[1] or _rest(before) != _rest(after):
        return None
    return (heads[0], heads[1]) if isinstance(heads[0], str) and isinstance(heads[1], str) else None


def outdated_by(rebase: Action, finish: Finish, merge: Action) -> str | None:
    """Why a held merge can come to nothing after this rebase of its merge request; None when it still can."""
    result = finish.performance.result if finish.performance else {}
    before, head = result.get("head_before"), result.get("head")
    same = rebase.target.project == merge.target.project
    if not same or rebase.target.merge_request != merge.target.merge_request or before == head:
        return None
    if not isinstance(merge.params, MergeRequestMerge) or merge.params.expected_head != before:
        return None
    return (
        f"The gateway has rebased this merge request since ({rebase.id}): its head is {head}, no longer {before}. "
        f"Propose the merge again with expected_head {head}; people are asked about that head."
    )


def carry(opened: Ticket, predecessor: Ticket) -> Ticket:
    """The ticket with the approvals that were cast on its predecessor itself."""
    kept = tuple(
        v.model_copy(update={"ticket": predecessor.id})
        for v in predecessor.votes
        if v.answer == "approve" and v.ticket is None
    )
    carried = Carried(ticket=predecessor.id, question_digest=predecessor.question_digest)
    return opened.model_copy(update={"votes": kept, "carried": carried}) if kept else opened


def _rest(question: Question) -> dict[str, Any]:
    """What a clean rebase leaves as it is; the action names the head it is for, so its digest goes too."""
    plain = question.model_dump(mode="json", exclude={"action"})
    plain["subject"] = {k: v for k, v in plain["subject"].items() if k != "head"}
    plain["change"] = {k: v for k, v in plain["change"].items() if k != "base"}
    return plain
