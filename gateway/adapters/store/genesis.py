"""The beginning: making a store, and opening one after checking what is in it."""

from collections.abc import Callable, Sequence
from typing import Any

from audit.keys import KeyFact
from audit.log import Log
from gateway.adapters.store.database import Database
from gateway.adapters.store.ledger import release_leases
from gateway.adapters.store.migrate import upgrade
from gateway.adapters.store.policies import Bundles, begin
from gateway.adapters.store.reader import Reader
from gateway.adapters.store.sources import StoreSources
from gateway.adapters.store.store import Store
from gateway.adapters.store.unit import Unit
from gateway.adapters.store.writer import Writer
from gateway.core.errors import LedgerUnavailableError, SettingsError
from gateway.core.policies import KeptPolicy


def create(
    url: str,
    log: Log,
    *,
    policy_digest: str,
    roster_digest: str,
    other_keys: Sequence[KeyFact] = (),
    more: dict[str, Any] | None = None,
    kept: tuple[KeptPolicy, Bundles] | None = None,
) -> None:
    """Migrate an empty database and open its log: leaf 0 holds policy digest, roster digest and keys.

    The policy is in force from then on, and kept where it is given. Raises `SettingsError` when there is a log already.
    """
    upgrade(url)
    database = Database(url)
    engine = database.writer()
    try:
        with engine.connect() as connection:
            database.begin(connection)
            if Log.exists(connection):
                raise SettingsError("This database holds a log already; use it, or name an empty one.")
            begin(Unit(connection, 0), policy_digest, "init", kept)
            data = {"policy_digest": policy_digest, "roster_digest": roster_digest, **(more or {})}
            opened = log.create(connection, data, other_keys)
            connection.exec_driver_sql("COMMIT")
            log.after_commit([opened])
    finally:
        engine.dispose()


def boot(
    url: str,
    log: Log,
    sources: StoreSources,
    *,
    limit: int = 2000,
    busy_s: float = 5,
    alone: bool = True,
    after: Callable[[str], None] | None = None,
) -> Store:
    """Open a store: check the whole log, start the writer.

    A log that fails the check does not raise: every record is refused and `readiness()` says why. When not `alone`,
    the leases are of a process that still works, and stay.
    """
    database = Database(url, busy_s=busy_s)
    hooks = {"after": after} if after else {}
    writer = Writer(database, log, sources.clock, limit=limit, **hooks)
    writer.start()
    if alone and database.has_one_process and writer.readiness().ok:
        _let_go(writer)
    return Store.over(writer, Reader(database), sources)


def _let_go(writer: Writer) -> None:
    """Leases of the process before us bind nobody any more; red readiness tells when this cannot be stored."""
    try:
        writer.submit(release_leases).result()
    except LedgerUnavailableError:
        return
