"""Which policy is in force, as the guards of `started` see it."""

from sqlalchemy import delete, insert

from audit.events import EventType
from gateway.adapters.store import events, tables
from gateway.adapters.store.reader import Reader
from gateway.adapters.store.starting import ACTIVE_POLICY, active_policy
from gateway.adapters.store.unit import Unit
from gateway.adapters.store.writer import Writer
from gateway.core.rulings import PolicyVersion


class Policies:
    """Activations. A permit of another policy than the active one never starts anything."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer, self._reader = writer, reader

    async def active(self) -> str | None:
        """The digest of the policy in force, once one was activated."""
        return await self._reader.run(active_policy)

    async def activate(self, version: PolicyVersion, *, by: str, roster_digest: str | None = None) -> bool:
        """Put a policy in force, with `policy.activated`; false when it was in force already."""
        return await self._writer.run(lambda unit: _activate(unit, version, by, roster_digest))


def set_active(unit: Unit, digest: str) -> None:
    """Store the digest of the policy in force."""
    unit.execute(delete(tables.settings).where(tables.settings.c.name == ACTIVE_POLICY))
    unit.execute(insert(tables.settings), {"name": ACTIVE_POLICY, "value": digest})


def _activate(unit: Unit, version: PolicyVersion, by: str, roster_digest: str | None) -> bool:
    before = active_policy(unit.connection)
    if before == version.digest:
        return False
    set_active(unit, version.digest)
    data = {**version.model_dump(mode="json"), "before": before, "by": by, "roster_digest": roster_digest}
    unit.record(events.drafted(EventType.POLICY_ACTIVATED, version.digest, data))
    return True
