"""What every action type on Jira has in common: marks, the account, and the parts of an action."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from gateway.adapters.jira.answers import Account
from gateway.adapters.jira.site import Site, segment
from gateway.core.actions import Action
from gateway.core.errors import TargetRefusedError
from gateway.core.params import Params
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.ports import ActionRecord, Reconciliation

PROPERTY: Final = "loopgate"
CLOCKS_APART_MS: Final = 300_000
_MARKER: Final = re.compile(r"lg-[0-9a-f]{16,128}", re.IGNORECASE)
V = TypeVar("V")
P = TypeVar("P", bound=Params)


@dataclass(frozen=True, slots=True)
class Access:
    """The site, and the maker of markers. `browse` is the site's address for people, without a final slash.

    `accounts` are the account ids of people and agents by their roster ids.
    """

    site: Site
    marker: Callable[[str], str]
    browse: str
    accounts: Mapping[str, str] = field(default_factory=dict)


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


def issue_path(action: Action, *rest: str) -> str:
    """The path of the action's issue, and of what is below it."""
    return "/".join(("/issue", segment(needed(action.target.issue, "issue")), *rest))


def mark(marker: str) -> list[dict[str, Any]]:
    """The entity property that carries a marker."""
    return [{"key": PROPERTY, "value": {"marker": marker}}]


def bears(value: object, marker: str) -> bool:
    """Whether a property's value is this action's mark."""
    return isinstance(value, dict) and value.get("marker") == marker


def unmarked(labels: Iterable[str]) -> tuple[str, ...]:
    """The labels without markers, which only the gateway may set."""
    return tuple(label for label in labels if not _MARKER.fullmatch(label))


def markers_of(labels: Iterable[str]) -> tuple[str, ...]:
    """The markers among the labels."""
    return tuple(label for label in labels if _MARKER.fullmatch(label))


def history(marker: str) -> dict[str, Any]:
    """The history metadata that carries a marker into the changelog."""
    return {"type": PROPERTY, "extraData": {"marker": marker}}


async def own_account(access: Access) -> str:
    """The account id of the gateway's own account."""
    return (await access.site.get("/myself", Account)).account_id


def is_ours(author: Account | None, account: str, moment: datetime | None, record: ActionRecord) -> bool:
    """Whether our account did something since the action started, clocks being apart."""
    since = (record.started_ms or 0) - CLOCKS_APART_MS
    return (
        author is not None
        and author.account_id == account
        and moment is not None
        and moment.timestamp() * 1000 >= since
    )


def only(found: list[Performance], what: str) -> Reconciliation:
    """Proof from what bears our mark: none, exactly one, or too many to say."""
    if not found:
        return Reconciliation(happened=False, reason=f"No {what} bears this action's mark.")
    if len(found) > 1:
        return Reconciliation(
            happened=None, reason=f"{len(found)} {what}s bear this action's mark; look at them."
        )
    return Reconciliation(happened=True, performance=found[0])
