"""The vocabulary: every action type there is, what it aims at, and who performs it.

Every other table (doors, policies, docs) is tested to be a subset of this one.
"""

from enum import StrEnum

from gateway.core.model import Model


class System(StrEnum):
    """Where an action takes effect."""

    GITLAB = "gitlab"
    JIRA = "jira"
    LOOPGATE = "loopgate"


class ForgeIdentity(StrEnum):
    """Which of the gateway's two identities on the forge acts (architecture.md "Two identities")."""

    ROAD = "road"
    MERGE = "merge"


class ActionType(StrEnum):
    """Every action type; anything else is refused."""

    ISSUE_CREATE = "issue.create"
    ISSUE_COMMENT = "issue.comment"
    ISSUE_UPDATE = "issue.update"
    ISSUE_TRANSITION = "issue.transition"
    ISSUE_ASSIGN = "issue.assign"
    ISSUE_LINK = "issue.link"
    ISSUE_CLOSE = "issue.close"
    ISSUE_REOPEN = "issue.reopen"
    ISSUE_ATTACH = "issue.attach"
    BRANCH_CREATE = "branch.create"
    BRANCH_DELETE = "branch.delete"
    BRANCH_PUSH = "branch.push"
    BRANCH_FORCE_PUSH = "branch.force_push"
    COMMIT_CREATE = "commit.create"
    COMMIT_REVERT = "commit.revert"
    COMMIT_CHERRY_PICK = "commit.cherry_pick"
    COMMIT_COMMENT = "commit.comment"
    TAG_CREATE = "tag.create"
    TAG_DELETE = "tag.delete"
    MERGE_REQUEST_OPEN = "merge_request.open"
    MERGE_REQUEST_UPDATE = "merge_request.update"
    MERGE_REQUEST_COMMENT = "merge_request.comment"
    MERGE_REQUEST_CLOSE = "merge_request.close"
    MERGE_REQUEST_REOPEN = "merge_request.reopen"
    MERGE_REQUEST_REBASE = "merge_request.rebase"
    MERGE_REQUEST_MERGE = "merge_request.merge"
    PIPELINE_RUN = "pipeline.run"
    PIPELINE_RETRY = "pipeline.retry"
    PIPELINE_CANCEL = "pipeline.cancel"
    JOB_PLAY = "job.play"
    JOB_RETRY = "job.retry"
    JOB_CANCEL = "job.cancel"
    DEPLOYMENT_ROLLBACK = "deployment.rollback"
    ENVIRONMENT_STOP = "environment.stop"
    POLICY_ACTIVATE = "policy.activate"
    POLICY_ROLLBACK = "policy.rollback"
    STOP_LIFT = "stop.lift"
    AUDIT_REDACT = "audit.redact"


class ActionSpec(Model):
    """What the road knows of one type before anybody proposes it.

    `aims` are the target's fields that must be given, `may_aim` those that may. `supported` names the
    systems where this version performs it; elsewhere it is judged `not_supported_yet` and denied.
    `undone_by` is for people to read. What runs CI on a protected ref, or moves a protected tag to what was merged, is
    done by `merge` whatever `identity` says (docs/reference/targets.md).
    """

    systems: tuple[System, ...]
    aims: tuple[str, ...]
    may_aim: tuple[str, ...] = ()
    supported: tuple[System, ...] = ()
    identity: ForgeIdentity = ForgeIdentity.ROAD
    undone_by: str = "\u2013"


_BOTH = (System.JIRA, System.GITLAB)
_GITLAB = (System.GITLAB,)
_OWN = (System.LOOPGATE,)
T = ActionType


def _issue(
    undone_by: str, *, aims: tuple[str, ...] = ("project", "issue"), ready: tuple[System, ...] = _BOTH
) -> ActionSpec:
    return ActionSpec(systems=_BOTH, aims=aims, supported=ready, undone_by=undone_by)


def _gitlab(
    *aims: str, undone_by: str = "\u2013", ready: bool = False, identity: ForgeIdentity = ForgeIdentity.ROAD
) -> ActionSpec:
    return ActionSpec(
        systems=_GITLAB,
        aims=("project", *aims),
        supported=_GITLAB if ready else (),
        identity=identity,
        undone_by=undone_by,
    )


_MERGE = ForgeIdentity.MERGE
SPECS: dict[ActionType, ActionSpec] = {
    T.ISSUE_CREATE: _issue("close", aims=("project",)),
    T.ISSUE_COMMENT: _issue("the reverse"),
    T.ISSUE_UPDATE: _issue("the reverse"),
    T.ISSUE_TRANSITION: _issue("the reverse"),
    T.ISSUE_ASSIGN: _issue("the reverse"),
    T.ISSUE_LINK: _issue("the reverse"),
    T.ISSUE_CLOSE: _issue("the reverse"),
    T.ISSUE_REOPEN: _issue("the reverse"),
    T.ISSUE_ATTACH: _issue("the reverse"),
    T.BRANCH_CREATE: _gitlab("branch", undone_by="delete", ready=True),
    T.BRANCH_DELETE: _gitlab("branch", undone_by="recreate at the recorded commit", ready=True),
    T.BRANCH_PUSH: _gitlab("refs", undone_by="revert"),
    T.BRANCH_FORCE_PUSH: _gitlab("refs", undone_by="revert", identity=_MERGE),
    T.COMMIT_CREATE: _gitlab("branch", undone_by="revert", ready=True),
    T.COMMIT_REVERT: _gitlab("branch", "commit", undone_by="revert again", ready=True),
    T.COMMIT_CHERRY_PICK: _gitlab("branch", "commit", undone_by="revert", ready=True),
    T.COMMIT_COMMENT: _gitlab("commit", ready=True),
    T.TAG_CREATE: _gitlab("tag", undone_by="irreversible once released", ready=True),
    T.TAG_DELETE: _gitlab("tag", undone_by="irreversible once released", ready=True),
    T.MERGE_REQUEST_OPEN: _gitlab(undone_by="close", ready=True),
    T.MERGE_REQUEST_UPDATE: _gitlab("merge_request", undone_by="the reverse", ready=True),
    T.MERGE_REQUEST_COMMENT: _gitlab("merge_request", undone_by="delete", ready=True),
    T.MERGE_REQUEST_CLOSE: _gitlab("merge_request", undone_by="reopen", ready=True),
    T.MERGE_REQUEST_REOPEN: _gitlab("merge_request", undone_by="close", ready=True),
    T.MERGE_REQUEST_REBASE: _gitlab("merge_request", ready=True),
    T.MERGE_REQUEST_MERGE: _gitlab("merge_request", undone_by="commit.revert", ready=True, identity=_MERGE),
    T.PIPELINE_RUN: _gitlab(ready=True),
    T.PIPELINE_RETRY: _gitlab("pipeline", ready=True),
    T.PIPELINE_CANCEL: _gitlab("pipeline", ready=True),
    T.JOB_PLAY: _gitlab("job", ready=True),
    T.JOB_RETRY: _gitlab("job", ready=True),
    T.JOB_CANCEL: _gitlab("job", ready=True),
    T.DEPLOYMENT_ROLLBACK: _gitlab("environment", undone_by="roll forward", ready=True, identity=_MERGE),
    T.ENVIRONMENT_STOP: _gitlab("environment", undone_by="redeploy", ready=True),
    T.POLICY_ACTIVATE: ActionSpec(systems=_OWN, aims=(), supported=_OWN, undone_by="policy.rollback"),
    T.POLICY_ROLLBACK: ActionSpec(systems=_OWN, aims=(), supported=_OWN, undone_by="policy.activate"),
    T.STOP_LIFT: ActionSpec(systems=_OWN, aims=("stop",), supported=_OWN, undone_by="stop again"),
    T.AUDIT_REDACT: ActionSpec(systems=_OWN, aims=("subject",), undone_by="irreversible"),
}
