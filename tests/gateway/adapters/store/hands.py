"""What tests do to a store that no door lets anybody do."""

from sqlalchemy import update

from audit.events import EventType
from gateway.adapters.store import events, tables
from gateway.adapters.store.store import Store
from gateway.adapters.store.unit import Unit


async def lift_by_hand(store: Store, stop_id: str) -> None:
    """Lift a stop without asking anybody, with its event."""

    def lift(unit: Unit) -> None:
        row = tables.stops.c
        values = {"lifted_ms": unit.now_ms, "lifted_by": "act_byhand"}
        if unit.changes(update(tables.stops).where(row.id == stop_id).values(**values)) == 1:
            unit.record(events.drafted(EventType.STOP_LIFTED, stop_id, {"by": "prn_test"}))

    await store.writer.run(lift)
