"""What every action type on GitLab has in common: its three steps, and what they may use."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from gateway.adapters.gitlab.answers import Written
from gateway.adapters.gitlab.forge import Forge
from gateway.adapters.gitlab.marks import Marker, alarm_of
from gateway.core.actions import Action
from gateway.core.errors import FactsMissingError, TargetRefusedError
from gateway.core.params import Params
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.core.vocabulary import ForgeIdentity
from gateway.ports import ActionRecord, Reconciliation, Repository


def _nobody(_username: str) -> None:
    return None


log = logging.getLogger("loopgate.gitlab")
V = TypeVar("V")
P = TypeVar("P", bound=Params)


@dataclass(frozen=True, slots=True)
class Access:
    """The two identities on the forge, the git plumbing, and the maker of markers.

    `people` maps a user name there to a roster id; `pause` waits between looks at what GitLab does in the background.
    """

    road: Forge
    merge: Forge
    repository: Repository
    marker: Marker
    people: Callable[[str], str | None] = _nobody
    pause: Callable[[float], None] = time.sleep

    def forge(self, identity: str) -> Forge:
        """The forge as the identity of that name (`road`, `merge`)."""
        return self.merge if identity == ForgeIdentity.MERGE.value else self.road


class Operation(Protocol):
    """One action type: the three steps of the port `Target`, for that type only."""

    async def prepare(self, permit: Permit) -> Preparation:
        """Everything that changes nothing outside."""
        ...

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:
        """The act, once."""
        ...

    async def reconcile(self, record: ActionRecord, preparation: Preparation) -> Reconciliation:
        """Whether it happened."""
        ...


def needed(value: V | None, what: str) -> V:
    """A part of the target that normalisation has made sure of."""
    if value is None:
        raise TargetRefusedError(f"The action names no {what}.")
    return value


def params_of(action: Action, kind: type[P]) -> P:
    """The action's params, which normalisation has made of that kind."""
    if not isinstance(action.params, kind):
        raise TargetRefusedError(f"{action.type.value} has no such params.")
    return action.params


def project_of(action: Action) -> str:
    """The project an action aims at."""
    return needed(action.target.project, "project")


def performed(answer: Written, **result: Any) -> Performance:
    """The performance for an answer, with an alarm when GitLab executed text as commands."""
    alarm = alarm_of(answer)
    if alarm:
        log.error("GitLab executed text of the gateway as quick actions: id %s", answer.id)
    return Performance(
        result={k: v for k, v in {**result, "url": answer.web_url, **alarm}.items() if v is not None}
    )


def read_or_refuse(reading: Callable[[], V]) -> V:
    """What is read once more right before a write; when it cannot be read, nothing was done."""
    try:
        return reading()
    except FactsMissingError as error:
        raise TargetRefusedError(error.detail, retryable=error.retryable) from error


def only(found: Sequence[Performance], what: str) -> Reconciliation:
    """Proof from what bears our mark: none, exactly one, or too many to say."""
    if not found:
        return Reconciliation(happened=False, reason=f"No {what} bears this action's mark.")
    if len(found) > 1:
        return Reconciliation(
            happened=None, reason=f"{len(found)} {what}s bear this action's mark; look at them."
        )
    return Reconciliation(happened=True, performance=found[0])
