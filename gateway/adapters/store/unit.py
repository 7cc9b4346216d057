"""A unit: guards, state and events that become durable together or not at all."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection, CursorResult, Executable

from audit.events import EventDraft, check_draft
from gateway.core.errors import LoopgateError
from gateway.core.steps import Blocked

T = TypeVar("T")


class Unit:
    """What a unit's code works with: the writer's connection, the time of the unit, and its events.

    `hears` is called with each event, to store in the same unit what else follows from it.
    """

    def __init__(
        self, connection: Connection, now_ms: int, hears: Callable[["Unit", EventDraft], None] | None = None
    ) -> None:
        self.connection = connection
        self.now_ms = now_ms
        self._hears = hears
        self.drafts: list[EventDraft] = []

    def record(self, *drafts: EventDraft) -> None:
        """Add events; raises `audit.errors.EventError` for one that the log could not hold."""
        for draft in drafts:
            check_draft(draft)
        self.drafts.extend(drafts)
        if self._hears:
            for draft in drafts:
                self._hears(self, draft)

    def execute(self, statement: Executable, rows: Any = None) -> CursorResult[Any]:
        """Run one statement."""
        return self.connection.execute(statement, rows)

    def changes(self, statement: Executable, values: dict[str, Any] | None = None) -> int:
        """Run a guarded UPDATE or DELETE; how many rows passed the guard."""
        return self.connection.execute(statement, values).rowcount

    def rows(self, statement: Executable, values: dict[str, Any] | None = None) -> Sequence[Any]:
        """All rows of a query."""
        return self.connection.execute(statement, values).all()

    def one(self, statement: Executable, values: dict[str, Any] | None = None) -> Any:
        """The first row of a query, or None."""
        return self.connection.execute(statement, values).first()


Work: TypeAlias = Callable[[Unit], T]


class GuardError(LoopgateError):
    """A guard of a unit failed: the unit is rolled back and its caller is told which."""

    def __init__(self, blocked: Blocked) -> None:
        super().__init__(blocked.detail)
        self.blocked = blocked


class Job:
    """A queued unit, and how it ended once the group's commit is settled."""

    __slots__ = ("error", "future", "result", "work")

    def __init__(self, work: Work[Any], future: Future[Any]) -> None:
        self.work, self.future = work, future
        self.result: Any = None
        self.error: Exception | None = None

    def resolve(self) -> None:
        """Tell the caller. Also a refusal waits for the commit: it may rest on what the same group changed."""
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)
