"""How a proposal can end, for the moment or for good. Matched exhaustively; denial is an outcome, not an error."""

from typing import Any, Literal

from pydantic import Field

from gateway.core.actions import ActionState
from gateway.core.model import Model


class Next(Model):
    """What the agent can do now: a sentence, and when (milliseconds since 1970, UTC)."""

    what: str
    when_ms: int | None = None


class Outcome(Model):
    """What every outcome carries; `state` is the action's state when it was read."""

    action_id: str
    state: ActionState
    ruling_id: str | None = None
    ticket_id: str | None = None
    next: Next | None = None


class UnderWay(Outcome):
    """Still being judged or performed when the wait ended."""

    kind: Literal["under_way"] = "under_way"


class Denied(Outcome):
    """The policy, a budget or a person said no; findings are in the ruling."""

    kind: Literal["denied"] = "denied"


class Held(Outcome):
    """A ticket waits for people."""

    kind: Literal["held"] = "held"


class Waiting(Outcome):
    """Something must end first: a pipeline, a freeze, a budget window."""

    kind: Literal["waiting"] = "waiting"


class Stale(Outcome):
    """The world moved: the approval answers a question that is no longer asked. `reason` says more where more is known."""

    kind: Literal["stale"] = "stale"
    reason: str = ""


class Ended(Outcome):
    """Cancelled, expired or rejected: closed without effect."""

    kind: Literal["ended"] = "ended"
    reason: str = ""


class Performed(Outcome):
    """Done, once; `result` is what the target said: ids, links, commit."""

    kind: Literal["performed"] = "performed"
    result: dict[str, Any] = Field(default_factory=dict)


class Refused(Outcome):
    """The target refused, in its own words; nothing was changed."""

    kind: Literal["refused"] = "refused"
    reason: str = ""
    retryable: bool = False


class InDoubt(Outcome):
    """It may have happened; listed until it is reconciled."""

    kind: Literal["in_doubt"] = "in_doubt"
    reason: str = ""


AnyOutcome = UnderWay | Denied | Held | Waiting | Stale | Ended | Performed | Refused | InDoubt
