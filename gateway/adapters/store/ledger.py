"""The port `Ledger`: state and evidence in one database, written by one writer."""

from typing import Any

from sqlalchemy import and_, bindparam, delete, insert, or_, select, update

from gateway.adapters.store import events, queries, rows, tables
from gateway.adapters.store.outcomes import outcome_of
from gateway.adapters.store.prepared import Prepared
from gateway.adapters.store.reader import Reader
from gateway.adapters.store.session_sources import declare
from gateway.adapters.store.steps import recording, rejection_of, stored
from gateway.adapters.store.unit import GuardError, Unit
from gateway.adapters.store.writer import Writer
from gateway.core.actions import RESUMABLE, Action, ActionState
from gateway.core.errors import ConflictError
from gateway.core.outcomes import AnyOutcome
from gateway.core.steps import Blocked, Step
from gateway.core.tickets import Ticket
from gateway.ports import ActionRecord, Admitted

KEY_LIFETIME_MS = 24 * 3_600_000
ACTION_LIFETIME_MS = 24 * 3_600_000
CARRY_LEASE_MS = 90_000
"""How long a fresh action is left to whoever admitted it before the poller takes it up."""

_keys = tables.idempotency_keys.c
_INSERT_ACTION = Prepared(insert(tables.actions))
_INSERT_KEY = insert(tables.idempotency_keys)
_FORGET_KEYS = delete(tables.idempotency_keys).where(_keys.created_ms <= bindparam("before"))
_KEY = select(tables.idempotency_keys).where(
    _keys.agent == bindparam("of_agent"), _keys.key == bindparam("of_key")
)


class SqlLedger:
    """Records the road's steps; each is one unit of guards, state and events."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer, self._reader = writer, reader

    async def admit(self, action: Action) -> Admitted:
        """Record `requested` once per (agent, idempotency key).

        Raises `ConflictError` (`idempotency_mismatch`) when the key stands for another action.
        """
        return await self._writer.run(lambda unit: _admit(unit, action))

    async def record(self, step: Step) -> AnyOutcome | Blocked:
        """Record one step; `Blocked` when a guard failed, and then nothing of it is kept."""
        try:
            return await self._writer.run(lambda unit: recording(unit, step))
        except GuardError as error:
            return error.blocked

    async def find(self, action_id: str) -> ActionRecord | None:
        """The stored action, if there is one."""
        return await self._reader.brief(lambda connection: queries.action(connection, action_id))

    async def ticket_for(self, action_id: str) -> Ticket | None:
        """The newest ticket of an action with its votes."""
        return await self._reader.brief(lambda connection: queries.newest_ticket(connection, action_id))

    async def predecessor_for(self, action: Action) -> Ticket | None:
        """The newest stale ticket of the same agent, type and target without a successor."""
        return await self._reader.brief(lambda connection: queries.unanswered_predecessor(connection, action))

    async def rebased(self, action: Action, before: str, after: str) -> bool:
        """Whether a recorded rebase of the action's merge request led from one head to the other."""
        return await self._reader.run(lambda connection: queries.rebased(connection, action, before, after))

    async def rejected_before(self, question_digest: str) -> str | None:
        """The reason a person gave for rejecting this very question."""
        return await self._reader.brief(lambda connection: rejection_of(connection, question_digest))

    async def outcome_of(self, action_id: str) -> AnyOutcome:
        """The outcome as it stands; raises `NotFoundError`."""
        return await self._reader.brief(lambda connection: outcome_of(stored(connection, action_id)))

    async def claim_due(self, *, lease_ms: int, limit: int) -> tuple[ActionRecord, ...]:
        """Lease what a vote, a wait or a crash left behind, oldest lease first."""
        return await self._writer.run(lambda unit: _claim_due(unit, lease_ms, limit))

    async def release_leases(self) -> None:
        """Make everything resumable due now: right at the boot of the only process there is."""
        await self._writer.run(release_leases)


def release_leases(unit: Unit) -> None:
    """Let go of every lease; only where no other process can be carrying anything."""
    unit.execute(update(tables.actions).where(_resumable()).values(lease_ms=0))


def _admit(unit: Unit, action: Action) -> Admitted:
    known = _known(unit, action)
    if known is not None:
        return known
    _INSERT_ACTION.changes(unit.connection, _fresh_row(action, unit.now_ms))
    if action.idempotency_key is not None:
        key = {"agent": action.agent, "key": action.idempotency_key}
        row = {"action_id": action.id, "digest": action.digest, "created_ms": unit.now_ms}
        unit.execute(_INSERT_KEY, key | row)
    declare(unit, action)
    unit.record(events.requested(action))
    return Admitted(action=action)


def _known(unit: Unit, action: Action) -> Admitted | None:
    """The answer under this key, if it is one that still counts; forget keys that are too old."""
    if action.idempotency_key is None:
        return None
    unit.execute(_FORGET_KEYS, {"before": unit.now_ms - KEY_LIFETIME_MS})
    row = unit.one(_KEY, {"of_agent": action.agent, "of_key": action.idempotency_key})
    if row is None:
        return None
    if row.digest != action.digest:
        detail = (
            "This idempotency key was used for another action; use a new key, or send the same action again."
        )
        raise ConflictError(detail, code="idempotency_mismatch")
    before = stored(unit.connection, row.action_id)
    return Admitted(action=rows.action_of(before.body), known=outcome_of(before))


def _fresh_row(action: Action, now_ms: int) -> dict[str, Any]:
    return {
        "id": action.id,
        "type": action.type.value,
        "agent": action.agent,
        "owner": action.on_behalf_of,
        "system": action.target.system.value,
        "project": action.target.project,
        "aim": rows.aim_of(action.target),
        "trace": action.trace,
        "digest": action.digest,
        "state": ActionState.REQUESTED.value,
        "body": rows.action_body(action),
        "result": "{}",
        "reason": "",
        "retryable": False,
        "created_ms": action.created_ms,
        "expires_ms": action.created_ms + ACTION_LIFETIME_MS,
        "lease_ms": now_ms + CARRY_LEASE_MS,
    }


def _claim_due(unit: Unit, lease_ms: int, limit: int) -> tuple[ActionRecord, ...]:
    row = tables.actions.c
    its_time = or_(row.until_ms.is_(None), row.until_ms <= unit.now_ms)
    due = and_(_resumable(), row.lease_ms <= unit.now_ms, its_time)
    found = unit.rows(select(tables.actions).where(due).order_by(row.lease_ms, row.id).limit(limit))
    if found:
        mine = row.id.in_([f.id for f in found])
        unit.execute(update(tables.actions).where(mine).values(lease_ms=unit.now_ms + lease_ms))
    return tuple(rows.record_of(f) for f in found)


def _resumable() -> Any:
    return tables.actions.c.state.in_([s.value for s in RESUMABLE])
