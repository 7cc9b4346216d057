"""The groups of facts that no contract may leave out: rules are silent about a change that was not measured.

A contract that asks for more is a choice; one that asks for less lets an action through on facts nobody has.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from gateway.core.vocabulary import SPECS, ActionType

T = ActionType
# What an action aims at → the group that says what stands there.
_OF_AIM: Final = {
    "issue": "issue",
    "branch": "branch",
    "merge_request": "merge_request",
    "tag": "tag",
    "pipeline": "pipeline",
    "job": "job",
    "environment": "deployment",
}
_CHANGE: Final = ("diff", "commits", "ci", "blast")
_MEASURED: Final = frozenset(
    {
        T.COMMIT_CREATE,
        T.COMMIT_REVERT,
        T.COMMIT_CHERRY_PICK,
        T.BRANCH_DELETE,
        T.TAG_CREATE,
        T.TAG_DELETE,
        T.MERGE_REQUEST_OPEN,
        T.MERGE_REQUEST_REBASE,
        T.MERGE_REQUEST_MERGE,
        T.PIPELINE_RUN,
        T.PIPELINE_RETRY,
        T.JOB_PLAY,
        T.JOB_RETRY,
        T.DEPLOYMENT_ROLLBACK,
    }
)
_MORE: Final[Mapping[ActionType, tuple[str, ...]]] = {
    T.MERGE_REQUEST_OPEN: ("merge_request",),
    T.MERGE_REQUEST_MERGE: ("pipeline",),
    T.PIPELINE_RUN: ("pipeline",),
    T.ENVIRONMENT_STOP: ("blast",),
}


def floor(action_type: ActionType) -> frozenset[str]:
    """The groups that the contract of this type must name."""
    aims = (_OF_AIM[aim] for aim in SPECS[action_type].aims if aim in _OF_AIM)
    measured = _CHANGE if action_type in _MEASURED else ()
    return frozenset((*aims, *measured, *_MORE.get(action_type, ())))


def left_out(needs: Mapping[ActionType, Iterable[str]]) -> tuple[str, ...]:
    """What a contract leaves out, as `type: groups`; empty when nothing is."""
    lacking = {kind: floor(kind) - set(groups) for kind, groups in needs.items()}
    return tuple(f"{kind.value}: {', '.join(sorted(groups))}" for kind, groups in lacking.items() if groups)
