"""The question an approval answers, and its digest (architecture.md "The question and its digest")."""

from typing import Any

from audit.remembering import remembered
from gateway.core.actions import Action
from gateway.core.blast_radius import BlastRadius
from gateway.core.changes import Change
from gateway.core.digests import digest_of
from gateway.core.facts import Facts, IssueFacts
from gateway.core.model import Model
from gateway.core.params import MergeRequestMerge
from gateway.core.rulings import Binding, Effect, Finding, Ruling
from gateway.core.vocabulary import ActionType

QUESTION_VERSION = 1
_ON_A_HEAD = frozenset({ActionType.COMMIT_CREATE, ActionType.COMMIT_REVERT, ActionType.COMMIT_CHERRY_PICK})
_MOVES = frozenset({ActionType.ISSUE_TRANSITION, ActionType.ISSUE_CLOSE, ActionType.ISSUE_REOPEN})
_OVERWRITES = frozenset({ActionType.ISSUE_UPDATE, ActionType.ISSUE_ASSIGN})


class Question(Model):
    """What people are asked to say yes or no to. No float, no unordered set, nothing of the moment."""

    version: int
    action: str
    agent: str
    on_behalf_of: str
    subject: dict[str, Any]
    change: dict[str, Any]
    reach: dict[str, Any]
    asks: tuple[dict[str, Any], ...]

    @property
    def digest(self) -> str:
        """SHA-256 over the RFC 8785 form: what a vote is bound to."""
        return _digest(self)


@remembered(256)
def _digest(question: Question) -> str:
    return digest_of(question)


def ask(action: Action, facts: Facts, blast: BlastRadius | None, ruling: Ruling) -> Question:
    """The question this ruling puts to people."""
    return Question(
        version=QUESTION_VERSION,
        action=action.digest,
        agent=action.agent,
        on_behalf_of=action.on_behalf_of,
        subject=_subject(action, facts),
        change=_change(facts.change),
        reach=_reach(blast),
        asks=tuple(_asked(f) for f in sorted(ruling.findings, key=lambda f: f.code) if _is_bound(f)),
    )


def difference(before: Question, after: Question) -> dict[str, Any]:
    """What reads differently, member by member: {member: {"before": …, "after": …}}."""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    return {k: {"before": old[k], "after": new[k]} for k in sorted(new) if old[k] != new[k]}


def names_its_state(action: Action) -> bool:
    """Whether the action's own params name the state it was meant for, so that a moved world ends it."""
    named = {
        ActionType.BRANCH_PUSH,
        ActionType.STOP_LIFT,
        ActionType.POLICY_ACTIVATE,
        ActionType.POLICY_ROLLBACK,
    }
    return isinstance(action.params, MergeRequestMerge) or action.type in named


def _is_bound(finding: Finding) -> bool:
    return finding.binding is Binding.STATE and finding.effect is Effect.REQUIRE_APPROVAL


def _asked(finding: Finding) -> dict[str, Any]:
    facts = {k: v for k, v in finding.facts.items() if k in finding.bound_facts}
    clauses = sorted((c.model_dump(mode="json") for c in finding.clauses), key=digest_of)
    return {"code": finding.code, "facts": facts, "clauses": clauses}


def _subject(action: Action, facts: Facts) -> dict[str, Any]:
    if action.type is ActionType.MERGE_REQUEST_MERGE:
        return _merge_subject(action, facts)
    if action.type is ActionType.DEPLOYMENT_ROLLBACK and facts.deployment:
        kept = {"environment", "current_id", "current_sha", "to_id", "to_sha"}
        return facts.deployment.model_dump(mode="json", include=kept)
    if facts.issue:
        return _issue_subject(action, facts.issue)
    on_a_head = facts.branch if action.type in _ON_A_HEAD else None
    return {"branch": on_a_head.name, "head": on_a_head.head} if on_a_head else facts.subject


def _issue_subject(action: Action, issue: IssueFacts) -> dict[str, Any]:
    if action.type in _MOVES:
        return {"status": issue.status}
    return dict(issue.current) if action.type in _OVERWRITES else {}


def _merge_subject(action: Action, facts: Facts) -> dict[str, Any]:
    request, params = facts.merge_request, action.params
    if request is None or not isinstance(params, MergeRequestMerge):
        return {}
    kept = {"iid", "head", "source_branch", "target_branch", "source_project_id", "target_project_id"}
    return {
        **request.model_dump(mode="json", include=kept),
        "squash": params.squash,
        "remove_source_branch": params.remove_source_branch,
    }


def _change(change: Change | None) -> dict[str, Any]:
    if change is None:
        return {}
    rows = sorted(
        [f.old_mode, f.new_mode, f.old_oid, f.new_oid, f.status, f.previous_path or "", f.path]
        for f in change.files
    )
    patches = {"patches": digest_of(list(change.patch_ids))} if change.patch_ids else {}
    return {"base": change.base, "diff": digest_of(rows), **patches}


def _reach(blast: BlastRadius | None) -> dict[str, Any]:
    moment = {"concurrent", "entropy_permille", "score", "level", "drivers"}
    return blast.model_dump(mode="json", exclude=moment) if blast else {}
