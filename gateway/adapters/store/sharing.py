"""What every process on one database must have in common: the log's name, its keys, the key of the markers."""

from collections.abc import Mapping

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import SQLAlchemyError

from audit import tables as audit_tables
from audit.keys import KeyRole
from gateway.adapters.store import tables
from gateway.adapters.store.database import Database
from gateway.adapters.store.unit import Unit
from gateway.adapters.store.writer import Writer
from gateway.core.errors import SettingsError

MARKER_KEY = "marker_key"
"""The setting that holds the digest of the key that marks what the gateway made at the vendors."""


def differences(url: str, origin: str, own: Mapping[KeyRole, str]) -> tuple[str, ...]:
    """What of this home is not what the database was made with: `origin`, or a role of a key; none when it is empty.

    `own` are the ids of this home's keys. Raises `SettingsError` when the database cannot be read.
    """
    engine = Database(url).readers()
    try:
        with engine.connect() as connection:
            return _differences(connection, origin, own)
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise SettingsError(f"The database cannot be read: {said}.") from error
    finally:
        engine.dispose()


def _differences(connection: Connection, origin: str, own: Mapping[KeyRole, str]) -> tuple[str, ...]:
    first = select(audit_tables.leaves.c.subject).where(audit_tables.leaves.c.leaf_index == 0)
    named = connection.execute(first).scalar()
    if named is None:
        return ()
    key = audit_tables.keys.c
    known = {(row.role, row.key_id) for row in connection.execute(select(key.role, key.key_id))}
    strange = tuple(role.value for role, key_id in own.items() if (role.value, key_id) not in known)
    return (*(("origin",) if named != origin else ()), *strange)


async def agrees_on_marker(writer: Writer, digest: str) -> bool:
    """Whether this is the digest of the marker key that all use; the first to come says which it is."""
    return await writer.run(lambda unit: _agrees(unit, digest))


def _agrees(unit: Unit, digest: str) -> bool:
    setting = tables.settings.c
    kept = unit.execute(select(setting.value).where(setting.name == MARKER_KEY)).scalar()
    if kept is None:
        unit.execute(insert(tables.settings), {"name": MARKER_KEY, "value": digest})
    return kept in {None, digest}
