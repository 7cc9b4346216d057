"""What an action would use of its agent's budgets, from the facts at hand: pure functions that `gathering.py` composes."""

from gateway.core.actions import Action
from gateway.core.budgets import TRIGGERS
from gateway.core.changes import Change
from gateway.core.facts import CostFacts
from gateway.core.params import CommitCreate
from gateway.core.vocabulary import ActionType as T

_ONE_JOB = frozenset({T.JOB_PLAY, T.JOB_RETRY})


def costs_of(action: Action, change: Change | None, job_seconds: int | None) -> CostFacts | None:
    """What the action would use; None for what uses neither pipelines nor storage.

    `job_seconds` is what a job usually takes. A configuration without jobs starts no pipeline; one whose jobs cannot be
    counted may start one of any size.
    """
    size = _size_of(action)
    if action.type not in TRIGGERS:
        return CostFacts(ci_jobs=0, job_seconds=0, bytes=size) if size else None
    jobs = 1 if action.type in _ONE_JOB else change.ci.jobs if change else None
    return CostFacts(pipelines=0 if jobs == 0 else 1, ci_jobs=jobs, job_seconds=job_seconds, bytes=size)


def _size_of(action: Action) -> int:
    """The bytes of a commit's file contents; base64 is a third longer than what it stands for."""
    if not isinstance(action.params, CommitCreate):
        return 0
    changes = action.params.changes
    plain = sum(len(c.content.encode("utf-8", "surrogatepass")) for c in changes if c.content)
    return plain + sum(len(c.content_base64) * 3 // 4 for c in changes if c.content_base64)
