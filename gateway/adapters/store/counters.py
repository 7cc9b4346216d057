"""The port `Counters`: what the database knows of an agent's use and of the stops."""

from sqlalchemy import Connection, bindparam, or_, select

from gateway.adapters.store import queries, tables
from gateway.adapters.store.break_glass import facts_on, in_force_on
from gateway.adapters.store.prepared import Prepared
from gateway.adapters.store.reader import Reader
from gateway.adapters.store.session_sources import sources_of
from gateway.adapters.store.starting import stops_on
from gateway.core.actions import Action
from gateway.core.budgets import window_key
from gateway.core.facts import Standing, UsageFacts
from gateway.core.policy_input import is_consequential

_account = tables.budgets.c
_WINDOWS = ("hour", "day", "open")
_USED = Prepared(
    select(_account.budget, _account.period, _account.used).where(
        _account.agent == bindparam("of_agent"),
        or_(_account.budget == "actions", _account.budget == "open_merge_requests"),
        or_(*(_account.period == bindparam(window) for window in _WINDOWS)),
    )
)
_STANDING = Prepared(
    select(tables.agents.c.suspended, tables.agents.c.tier).where(
        tables.agents.c.agent == bindparam("of_agent")
    )
)


class SqlCounters:
    """Reads only; what is read is advice, the guards of `started` decide."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def usage(self, agent: str, now_ms: int) -> UsageFacts:
        """What the agent has used of its budgets, over every door."""
        return await self._reader.brief(lambda connection: _usage(connection, agent, now_ms))

    async def drawn(self, agent: str, now_ms: int) -> dict[tuple[str, str], int]:
        """What is used of every budget in the windows of now, by budget and window."""
        return await self._reader.brief(lambda connection: _drawn(connection, agent, now_ms))

    async def stops_on(self, action: Action) -> tuple[str, ...]:
        """Ids of the stops in force that match this action, sorted."""
        return await self._reader.brief(lambda connection: stops_on(connection, action))

    async def standing(self, action: Action, now_ms: int) -> Standing:
        """What holds for the action's agent now, all of one moment."""
        return await self._reader.brief(lambda connection: _standing(connection, action, now_ms))

    async def break_glass_on(self, action: Action, now_ms: int) -> str | None:
        """Id of the break-glass in force that matches this action."""
        return await self._reader.brief(lambda connection: in_force_on(connection, action, now_ms))

    async def suspended(self, agent: str) -> bool:
        """Whether the agent is suspended."""
        standing = await self._reader.brief(lambda c: _STANDING.first(c, {"of_agent": agent}))
        return bool(standing and standing.suspended)

    async def current_tier(self, agent: str) -> str | None:
        """The tier set at run time, when one was set."""
        standing = await self._reader.brief(lambda c: _STANDING.first(c, {"of_agent": agent}))
        return standing.tier if standing else None


def _drawn(connection: Connection, agent: str, now_ms: int) -> dict[tuple[str, str], int]:
    windows = {window_key(window, now_ms): window for window in ("hour", "day", "open")}
    mine = (_account.agent == agent) & _account.period.in_(list(windows))
    query = select(_account.budget, _account.period, _account.used).where(mine)
    return {(row.budget, windows[row.period]): row.used for row in connection.execute(query)}


def _standing(connection: Connection, action: Action, now_ms: int) -> Standing:
    row = _STANDING.first(connection, {"of_agent": action.agent})
    return Standing(
        usage=_usage(connection, action.agent, now_ms),
        stops=stops_on(connection, action),
        suspended=bool(row and row.suspended),
        tier=row.tier if row else None,
        glass=facts_on(connection, action, now_ms),
        sources=sources_of(connection, action, now_ms) if is_consequential(action.type) else (),
    )


def _usage(connection: Connection, agent: str, now_ms: int) -> UsageFacts:
    windows = {window: window_key(window, now_ms) for window in _WINDOWS}
    found = _USED.all(connection, {"of_agent": agent, **windows})
    used = {(row.budget, row.period): row.used for row in found}
    return UsageFacts(
        actions_hour=used.get(("actions", windows["hour"]), 0),
        actions_day=used.get(("actions", windows["day"]), 0),
        open_merge_requests=used.get(("open_merge_requests", windows["open"]), 0),
        held_tickets=queries.count_tickets(connection, agent),
    )
