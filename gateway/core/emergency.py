"""The emergency brake."""

from gateway.core.aims import project_at
from gateway.core.errors import MalformedError
from gateway.core.model import Model
from gateway.core.principals import Roster
from gateway.core.vocabulary import ActionType

_NEVER = {
    ActionType.STOP_LIFT.value: "A stop on lifting stops could never be lifted",
    ActionType.POLICY_ROLLBACK.value: "Going back to the policy of before is never stopped",
}
NEVER_STOPPED = frozenset(map(ActionType, _NEVER))
"""What ends an emergency: approved by others than whoever asks, and held by no stop."""


class Stop(Model):
    """An emergency brake. `scope` is everything, agent, project or action_type; `value` names which."""

    id: str
    scope: str
    value: str
    reason: str
    by: str
    engaged_ms: int


def stopped_value(scope: str, value: str, roster: Roster) -> str:
    """What a stop names, spelt as actions spell it: a brake that matches nothing must not look engaged.

    Raises `MalformedError` for what no action could ever have.
    """
    wrong = wrong_with(scope, value, roster)
    if wrong:
        raise MalformedError(f"{wrong}; nothing was stopped.", field="/value")
    return project_at(value) or value if scope == "project" else value


def wrong_with(scope: str, value: str, roster: Roster) -> str | None:
    """Why a scope and value can match no action, as the beginning of a sentence; None when they can."""
    if (scope == "everything") == bool(value):
        return "Name the agent, project or action type in `value`; nothing for everything"
    if scope == "project" and project_at(value) is None:
        return "A project is a GitLab path, such as shop/checkout, or a Jira key, such as jira:SHOP"
    if scope == "agent" and roster.agent(value) is None:
        return "The policy in force has no such agent"
    if scope == "action_type" and value in _NEVER:
        return _NEVER[value]
    if scope == "action_type" and value not in set(ActionType):
        return "That is no type of action; name one, such as issue.create, or stop everything"
    return None
