"""How often an agent may ask: proposals by the minute, dry runs by the hour. What is over is counted, not recorded."""

from dataclasses import dataclass, field

from gateway.adapters.store.budgets import SqlAccounts
from gateway.adapters.store.sessions import DeniedSessions
from gateway.core.budgets import DRY_RUNS
from gateway.core.errors import TooManyRequestsError
from gateway.core.rulings import Reservation
from gateway.ports import Clock

_MINUTE_MS = 60_000
CODE = "too_many_requests"


@dataclass(slots=True)
class SqlPace:
    """Proposals are counted in the memory of each replica, dry runs in the database; 0 is no limit.

    What is refused becomes one `session.denied` event per agent, door and minute (`sessions.py`).
    """

    accounts: SqlAccounts
    sessions: DeniedSessions
    clock: Clock
    proposals_per_minute: int = 0
    dry_runs_per_hour: int = 0
    _minute: int = 0
    _counts: dict[str, int] = field(default_factory=dict)

    async def propose(self, agent: str, door: str) -> None:
        """Count a proposal. Raises `TooManyRequestsError` when the agent had enough of them in this minute."""
        now_ms = self.clock.now_ms()
        if now_ms // _MINUTE_MS != self._minute:
            self._minute, self._counts = now_ms // _MINUTE_MS, {}
        self._counts[agent] = self._counts.get(agent, 0) + 1
        if self.proposals_per_minute and self._counts[agent] > self.proposals_per_minute:
            until_ms = (self._minute + 1) * _MINUTE_MS
            raise self._refusal(agent, door, f"{self.proposals_per_minute} proposals a minute", until_ms)

    async def rehearse(self, agent: str, door: str) -> None:
        """Count a dry run against its own budget. Raises `TooManyRequestsError` when the hour's are used up."""
        limit = self.dry_runs_per_hour
        if not limit:
            return
        blocked = await self.accounts.draw(
            agent, Reservation(budget=DRY_RUNS, window="hour", amount=1, limit=limit)
        )
        if blocked is not None:
            raise self._refusal(agent, door, f"{limit} dry runs an hour", blocked.until_ms or 0)

    def _refusal(self, agent: str, door: str, limit: str, until_ms: int) -> TooManyRequestsError:
        now_ms = self.clock.now_ms()
        self.sessions.count(agent, door, CODE, now_ms)
        return TooManyRequestsError(
            f"This agent may make {limit}; nothing was judged or recorded. Come back after `Retry-After`.",
            retry_after_s=max(1, -(-(until_ms - now_ms) // 1000)),
        )
