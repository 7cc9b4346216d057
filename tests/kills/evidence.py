"""The database read past the gateway, whichever it is: the log leaf by leaf, and what stands beside it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import NullPool, Row, create_engine, func, select, text
from sqlalchemy.engine import Connection

from audit import tables
from audit.boot import stored_state
from audit.merkle import Frontier, leaf_hash

_HELD = "SELECT agent, budget, period, sum(amount) FROM reservations GROUP BY agent, budget, period"
_USED = "SELECT agent, budget, period, used FROM budgets WHERE used <> 0"
_DOUBTS = "SELECT count(*) FROM audit_leaves WHERE type = 'action.in_doubt'"
Account = tuple[str, str, str]
"""Agent, budget, period."""


class Evidence:
    """What the database holds, and the memory of how its log read before."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url, poolclass=NullPool)
        self._tree = Frontier()
        self._hashes: list[bytes] = []

    @property
    def size(self) -> int:
        """How many leaves have been looked at."""
        return len(self._hashes)

    def check_log(self, *, whole: bool) -> None:
        """No gap; leaves, frontier and the root of every commit agree. When `whole` from leaf 0, else what is new."""
        known = self._hashes
        tree, hashes = (Frontier(), list[bytes]()) if whole else (self._tree, list(known))
        with self._engine.connect() as connection:
            stored = stored_state(connection).frontier
            for row in _leaves(connection, len(hashes), stored.size):
                assert row.leaf_index == tree.size, f"leaf {tree.size} is missing"
                assert leaf_hash(row.leaf) == row.leaf_hash, f"leaf {tree.size} has other bytes"
                tree = tree.extended((row.leaf_hash,))
                assert row.root in {None, tree.root()}, f"the head of {tree.size} leaves is of another tree"
                hashes.append(row.leaf_hash)
            count = connection.execute(select(func.count()).select_from(tables.leaves)).scalar_one()
        assert tree == stored
        assert len(hashes) == stored.size <= count
        assert hashes[: len(known)] == known, "what stood in the log reads differently"
        self._tree, self._hashes = tree, hashes

    def states(self) -> dict[str, str]:
        """Every action and its state."""
        return dict(tuple(row) for row in self._rows("SELECT id, state FROM actions"))

    def votes(self) -> set[tuple[str, str]]:
        """Every vote as ticket and voter."""
        return {(ticket, voter) for ticket, voter in self._rows("SELECT ticket_id, voter FROM votes")}

    def budgets(self) -> tuple[dict[Account, int], dict[Account, int]]:
        """What the accounts say is used, and what the reservations add up to."""
        return _accounts(self._rows(_USED)), _accounts(self._rows(_HELD))

    def doubts(self) -> int:
        """How often an action was in doubt."""
        return int(self._rows(_DOUBTS)[0][0])

    def _rows(self, query: str) -> Any:
        with self._engine.connect() as connection:
            return connection.execute(text(query)).all()


def _leaves(connection: Connection, begin: int, end: int) -> Sequence[Row[Any, Any, Any, Any]]:
    """The leaves of a range, each with the root that the commit ending in it signed, or None."""
    leaves, heads = tables.leaves, tables.heads
    joined = leaves.outerjoin(heads, heads.c.size == leaves.c.leaf_index + 1)
    columns = (leaves.c.leaf_index, leaves.c.leaf, leaves.c.leaf_hash, heads.c.root)
    place = (leaves.c.leaf_index >= begin) & (leaves.c.leaf_index < end)
    query = select(*columns).select_from(joined).where(place).order_by(leaves.c.leaf_index)
    return connection.execute(query).all()


def _accounts(rows: Any) -> dict[Account, int]:
    return {(agent, budget, period): int(amount) for agent, budget, period, amount in rows}
