"""The port `Counters`: what the database knows of an agent's use and of the stops."""

from sqlalchemy import Connection, func, select

from gateway.adapters.store import queries, tables
from gateway.adapters.store.reader import Reader
from gateway.adapters.store.starting import stops_on
from gateway.core.actions import Action
from gateway.core.budgets import window_key
from gateway.core.facts import UsageFacts


class SqlCounters:
    """Reads only; what is read is advice, the guards of `started` decide."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def usage(self, agent: str, now_ms: int) -> UsageFacts:
        """What the agent has used of its budgets, over every door."""
        return await self._reader.run(lambda connection: _usage(connection, agent, now_ms))

    async def stops_on(self, action: Action) -> tuple[str, ...]:
        """Ids of the stops in force that match this action, sorted."""
        return await self._reader.run(lambda connection: stops_on(connection, action))

    async def suspended(self, agent: str) -> bool:
        """Whether the agent is suspended."""
        query = select(tables.agents.c.suspended).where(tables.agents.c.agent == agent)
        return await self._reader.run(lambda connection: bool(connection.execute(query).scalar()))

    async def current_tier(self, agent: str) -> str | None:
        """The tier set at run time, when one was set."""
        query = select(tables.agents.c.tier).where(tables.agents.c.agent == agent)
        return await self._reader.run(lambda connection: connection.execute(query).scalar())


def _usage(connection: Connection, agent: str, now_ms: int) -> UsageFacts:
    return UsageFacts(
        actions_hour=_used(connection, agent, "actions", window_key("hour", now_ms)),
        actions_day=_used(connection, agent, "actions", window_key("day", now_ms)),
        open_merge_requests=_used(connection, agent, "open_merge_requests", window_key("open", now_ms)),
        held_tickets=queries.count_tickets(connection, agent),
    )


def _used(connection: Connection, agent: str, budget: str, period: str) -> int:
    account = tables.budgets.c
    mine = (account.agent == agent) & (account.budget == budget) & (account.period == period)
    return int(connection.execute(select(func.coalesce(func.sum(account.used), 0)).where(mine)).scalar_one())
