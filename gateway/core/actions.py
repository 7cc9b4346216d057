"""Actions in normal form, and the one life cycle they go through."""

from enum import StrEnum
from typing import Any

from pydantic import Field, SerializeAsAny

from audit.remembering import remembered
from gateway.core.digests import digest_of
from gateway.core.model import Model
from gateway.core.params import Params
from gateway.core.principals import Door
from gateway.core.session_sources import Source
from gateway.core.vocabulary import ActionType, System

ACTION_VERSION = 1


class Target(Model):
    """What an action aims at. `project` is a GitLab path (`shop/checkout`) or a Jira key (`SHOP`).

    Which other fields a type needs is in `vocabulary.SPECS`. `issue` is a Jira key or a GitLab iid as text;
    `commit` is 40 lower-case hex digits.
    """

    system: System
    project: str | None = None
    issue: str | None = None
    branch: str | None = None
    commit: str | None = None
    merge_request: int | None = None
    environment: str | None = None
    pipeline: int | None = None
    job: int | None = None
    tag: str | None = None
    refs: tuple[str, ...] = ()
    stop: str | None = None
    subject: str | None = None

    def compact(self) -> dict[str, Any]:
        """Only the fields that are set, as they are recorded and shown."""
        return {k: v for k, v in self.model_dump(mode="json").items() if v not in (None, [])}


class Request(Model):
    """What arrived at a door: claimed, not believed."""

    type: str
    target: dict[str, Any]
    params: dict[str, Any] = Field(default_factory=dict)
    intent: str = ""
    trace: str | None = None
    idempotency_key: str | None = None
    when_ready: bool = False
    sources: tuple[Source, ...] = ()


class Redaction(Model):
    """A secret that was cut out of a request before anything was stored: where, and which detector fired.

    `field` is a JSON pointer into the request, `line` counts from 1; `path` is the file's, for contents of a commit.
    """

    field: str
    detector: str
    line: int
    path: str | None = None


class Action(Model):
    """One thing an agent wants done, in normal form.

    With `when_ready` it waits for what ends by itself (a pipeline, a freeze, a budget's window) instead of being denied.
    `sources` is what its agent says it read for it.
    `params` is the model of `core/params.py` for `type`. `created_ms` is the admission time in
    milliseconds since 1970, UTC.
    """

    id: str
    type: ActionType
    target: Target
    params: SerializeAsAny[Params]
    intent: str
    agent: str
    on_behalf_of: str
    door: Door
    trace: str
    created_ms: int
    idempotency_key: str | None = None
    redactions: tuple[Redaction, ...] = ()
    when_ready: bool = False
    sources: tuple[Source, ...] = ()

    @property
    def can_wait(self) -> bool:
        """Whether it was said, of the action or in the params of a merge, that the gateway shall wait."""
        return self.when_ready or bool(getattr(self.params, "when_ready", False))

    @property
    def digest(self) -> str:
        """SHA-256 of what is asked and for whom; the trace and the idempotency key are not in it."""
        return _digest(self)


@remembered(64)
def plain_params(action: Action) -> dict[str, Any]:
    """The canonical form of an action's params, which everybody who writes them shares: it is never changed."""
    return action.params.canonical()


@remembered(64)
def params_digest(action: Action) -> str:
    """SHA-256 of an action's params in canonical form."""
    return digest_of(plain_params(action))


@remembered(256)
def _digest(action: Action) -> str:
    return digest_of(
        {
            "version": ACTION_VERSION,
            "type": action.type.value,
            "target": action.target.compact(),
            "params": plain_params(action),
            "intent": action.intent,
            "agent": action.agent,
            "on_behalf_of": action.on_behalf_of,
        }
    )


class ActionState(StrEnum):
    """Where an action is in its life."""

    REQUESTED = "requested"
    DENIED = "denied"
    HELD = "held"
    APPROVED = "approved"
    WAITING = "waiting"
    STARTED = "started"
    PERFORMED = "performed"
    REFUSED = "refused"
    IN_DOUBT = "in_doubt"
    REJECTED = "rejected"
    EXPIRED = "expired"
    STALE = "stale"
    CANCELLED = "cancelled"


S = ActionState
# `judged` of architecture.md is an event between `requested` and what follows in the same unit; no row
# ever rests in it, so it is no state here.
LIFE_CYCLE: dict[ActionState, frozenset[ActionState]] = {
    S.REQUESTED: frozenset({S.DENIED, S.HELD, S.WAITING, S.STARTED, S.CANCELLED}),
    S.HELD: frozenset({S.APPROVED, S.REJECTED, S.EXPIRED, S.STALE, S.CANCELLED, S.DENIED}),
    S.APPROVED: frozenset({S.WAITING, S.STARTED, S.DENIED, S.HELD, S.STALE, S.EXPIRED, S.CANCELLED}),
    S.WAITING: frozenset({S.WAITING, S.STARTED, S.HELD, S.DENIED, S.STALE, S.CANCELLED, S.EXPIRED}),
    S.STARTED: frozenset({S.PERFORMED, S.REFUSED, S.IN_DOUBT}),
    S.IN_DOUBT: frozenset({S.PERFORMED, S.REFUSED}),
    S.DENIED: frozenset(),
    S.PERFORMED: frozenset(),
    S.REFUSED: frozenset(),
    S.REJECTED: frozenset(),
    S.EXPIRED: frozenset(),
    S.STALE: frozenset(),
    S.CANCELLED: frozenset(),
}
# What the poller owns when the lease of a row has lapsed.
RESUMABLE = (S.REQUESTED, S.APPROVED, S.WAITING, S.STARTED, S.IN_DOUBT)


def may_become(now: ActionState, then: ActionState) -> bool:
    """Whether the life cycle has that arrow."""
    return then in LIFE_CYCLE[now]


def is_final(state: ActionState) -> bool:
    """Whether nothing follows this state."""
    return not LIFE_CYCLE[state]
