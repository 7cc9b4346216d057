"""What the loop needs from outside: the road to propose on, and its own memory of work items."""

from typing import Any, Protocol

from gateway.core.actions import Request
from gateway.core.listings import WorkItem
from gateway.core.model import Model
from gateway.core.outcomes import AnyOutcome


class KnownItem(Model):
    """A work item the loop opened before: its key, its trace, and the tracker's own key once it is there."""

    key: str
    trace: str
    issue: str | None = None
    state: str


class Proposals(Protocol):
    """The road, as the loop's own agent sees it: no special way in."""

    async def propose(self, request: Request) -> AnyOutcome:
        """Propose one action. Raises `CallerError` for a bad request."""
        ...


class WorkItems(Protocol):
    """The memory of what was opened for which findings."""

    async def received(self, source: str, *, digest: str, project: str, findings: int, by: str) -> str:
        """Record a report that came in; its id."""
        ...

    async def find(self, key: str) -> WorkItem | None:
        """The item of that key, if the loop opened one."""
        ...

    async def open(
        self,
        key: str,
        *,
        project: str,
        tracker: str,
        title: str,
        severity: str,
        trace: str,
        findings: dict[str, Any],
    ) -> WorkItem:
        """Open the item of a key; `findings` are JSON by their own keys."""
        ...

    async def link(self, key: str, issue: str) -> WorkItem:
        """Note the tracker's own key of an item."""
        ...

    async def saw(self, key: str, findings: tuple[str, ...]) -> None:
        """Note the findings (their keys) that the newest report shows for an item; the others are gone."""
        ...
