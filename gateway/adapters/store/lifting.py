"""The port `Target` for the gateway itself: lifting a stop, in the store, as one unit.

The act and its evidence are one transaction here, so nothing is ever in doubt for long: a later look finds the stop
lifted by this very action, or it was not. A process that wakes up late is refused, because the unit that acts checks
that the action is still `started`.
"""

from typing import Any

from sqlalchemy import Connection, Select, and_, select, update

from audit.events import EventType
from gateway.adapters.store import events, queries, tables
from gateway.adapters.store.reader import Reader
from gateway.adapters.store.unit import Unit
from gateway.adapters.store.writer import Writer
from gateway.core.actions import Action, ActionState
from gateway.core.errors import LedgerUnavailableError, TargetRefusedError, TargetUnclearError
from gateway.core.facts import MissingFact
from gateway.core.permits import Permit
from gateway.core.steps import Performance, Preparation
from gateway.core.vocabulary import System
from gateway.ports import ActionRecord, Inspection, Readiness, Reconciliation


class LoopgateTarget:
    """Performs `stop.lift`; what it changes is a row of the store and an event."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer, self._reader = writer, reader

    @property
    def system(self) -> System:
        """The gateway itself."""
        return System.LOOPGATE

    async def inspect(self, action: Action) -> Inspection:
        """The stop to be lifted as it stands: part of the question, so that a lifted one reads differently."""
        row = await self._reader.run(lambda connection: _stop(connection, action))
        if row is None:
            missing = MissingFact(path="action.target.stop", reason="There is no such stop.", retry="never")
            return Inspection(missing=(missing,))
        named = {"stop": row.id, "scope": row.scope, "value": row.value, "by": row.by}
        times = {"engaged_ms": row.engaged_ms, "lifted_ms": row.lifted_ms}
        return Inspection(subject={**named, **times})

    async def prepare(self, permit: Permit) -> Preparation:
        """The action's own id is the mark: the row of the stop will name it."""
        return Preparation(marker=permit.action.id, before=permit.facts.subject)

    async def perform(self, permit: Permit, preparation: Preparation) -> Performance:  # noqa: ARG002 - the port's form
        """Lift the stop once. Raises `TargetRefusedError` or, when the database fails, `TargetUnclearError`."""
        try:
            await self._writer.run(lambda unit: _lift(unit, permit))
        except LedgerUnavailableError as error:
            raise TargetUnclearError(error.detail) from error
        return Performance(result={"stop": permit.action.target.stop})

    async def reconcile(self, record: ActionRecord) -> Reconciliation:
        """Whether this very action lifted the stop; the row knows for certain."""
        row = await self._reader.run(lambda connection: _stop(connection, record.action))
        if row is not None and row.lifted_by == record.action.id:
            return Reconciliation(happened=True, performance=Performance(result={"stop": row.id}))
        return Reconciliation(happened=False, reason="The stop was not lifted by this action.")

    async def readiness(self) -> Readiness:
        """Whether the store takes records."""
        return self._writer.readiness()


def _lift(unit: Unit, permit: Permit) -> None:
    action, stop = permit.action, tables.stops.c
    row = queries.action_row(unit.connection, action.id)
    if row is None or row.state != ActionState.STARTED.value:
        raise TargetRefusedError("This action is no longer under way; the stop stays.")
    in_force = and_(stop.id == action.target.stop, stop.lifted_ms.is_(None))
    lifted = {"lifted_ms": unit.now_ms, "lifted_by": action.id}
    if unit.changes(update(tables.stops).where(in_force).values(**lifted)) != 1:
        raise TargetRefusedError("This stop is lifted already.")
    data = {"by": action.agent, "action": action.id, "ticket": permit.ticket_id}
    unit.record(events.drafted(EventType.STOP_LIFTED, str(action.target.stop), data))


def _stop(connection: Connection, action: Action) -> Any:
    wanted: Select[Any] = select(tables.stops).where(tables.stops.c.id == action.target.stop)
    return connection.execute(wanted).first()
