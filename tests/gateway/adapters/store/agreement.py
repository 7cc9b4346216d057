"""What the events say, held against what the tables say."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, func, select

from audit import tables as audit_tables
from audit.events import free_text
from gateway.adapters.store import tables
from gateway.adapters.store.store import Store
from gateway.core.actions import LIFE_CYCLE, ActionState
from gateway.core.tickets import TICKET_LIFE, TicketState

_TICKET_EVENTS = {"opened": "open", "approved": "approved", "rejected": "rejected", "expired": "expired"}
_TICKET_EVENTS |= {"stale": "stale", "spent": "spent"}
_ACTION_EVENTS = {s.value for s in ActionState} - {"approved", "rejected"}


def states_told(leaves: Iterable[Mapping[str, Any]]) -> tuple[dict[str, str], dict[str, str]]:
    """The states of actions and tickets that the leaves tell; checks that every step is one the tables allow."""
    actions: dict[str, str] = {}
    tickets: dict[str, str] = {}
    for leaf in leaves:
        family, _, word = leaf["type"].removeprefix("loopgate.").partition(".")
        subject, data = leaf["subject"], leaf["data"]
        if family == "action" and word in _ACTION_EVENTS:
            _step(actions, subject, word, {s.value: {t.value for t in LIFE_CYCLE[s]} for s in ActionState})
            if word in {"denied", "cancelled"} and "ticket" in data:
                tickets[data["ticket"]] = TicketState.CANCELLED.value
        if family == "approval" and word in _TICKET_EVENTS:
            life = {s.value: {t.value for t in TICKET_LIFE[s]} for s in TicketState}
            _step(tickets, subject, _TICKET_EVENTS[word], life)
            if word in {"approved", "rejected"}:
                actions[data["action"]] = word
    return actions, tickets


def _step(states: dict[str, str], subject: str, word: str, life: Mapping[str, set[str]]) -> None:
    before = states.get(subject)
    assert before is None or word in life[before], f"{subject} went from {before} to {word}"
    states[subject] = word


async def assert_log_and_state_agree(store: Store) -> None:
    """Every row's state is the last one its events tell, and no leaf holds free text."""
    await store.reader.run(_compare)


def _compare(connection: Connection) -> None:
    query = select(audit_tables.leaves.c.leaf).order_by(audit_tables.leaves.c.leaf_index)
    leaves = [json.loads(leaf) for leaf in connection.execute(query).scalars()]
    actions, tickets = states_told(leaves)
    assert actions == _states(connection, tables.actions)
    assert tickets == _states(connection, tables.tickets)
    assert [free_text(leaf) for leaf in leaves] == [()] * len(leaves)
    _compare_budgets(connection)
    _compare_votes(connection, leaves)


def _states(connection: Connection, table: Any) -> dict[str, str]:
    return {row.id: row.state for row in connection.execute(select(table.c.id, table.c.state))}


def _compare_budgets(connection: Connection) -> None:
    """What is used of each budget is the sum of what actions hold of it."""
    held, account = tables.reservations.c, tables.budgets.c
    key = (held.agent, held.budget, held.period)
    sums = {
        tuple(r[:3]): r[3] for r in connection.execute(select(*key, func.sum(held.amount)).group_by(*key))
    }
    used = {
        (r.agent, r.budget, r.period): r.used for r in connection.execute(select(tables.budgets)) if r.used
    }
    assert used == sums
    assert connection.execute(select(func.count()).where(account.used < 0)).scalar_one() == 0


def _compare_votes(connection: Connection, leaves: list[dict[str, Any]]) -> None:
    told = [(x["subject"], x["data"]["voter"]) for x in leaves if x["type"] == "loopgate.approval.voted"]
    stored = connection.execute(select(tables.votes.c.ticket_id, tables.votes.c.voter)).all()
    assert sorted(told) == sorted(tuple(r) for r in stored)
