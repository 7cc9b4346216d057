"""The recorded rulings of a home folder, read from its database without opening a gateway there."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from gateway.adapters.store import history
from gateway.adapters.store.database import Database
from gateway.core.errors import SettingsError
from gateway.core.recorded import RecordedRuling, RulingFilter
from gateway.settings import load_settings

_PAGE = 200


def rulings_in_home(home: Path, wanted: RulingFilter) -> Iterator[RecordedRuling]:
    """The rulings that match, oldest first; nothing is written, and a gateway may work there meanwhile.

    Raises `SettingsError` when the folder holds no gateway, or its database cannot be read.
    """
    if not (home / "keys" / "event.pem").exists():
        raise SettingsError(f"{home} holds no gateway; name the folder that `loopgate init` made.")
    database = Database(load_settings(home).database)
    engine = database.readers()
    try:
        with engine.connect() as connection, database.reading(connection):
            after: str | None = None
            while page := history.rulings(connection, wanted, after=after, limit=_PAGE):
                yield from page
                after = page[-1].id
    except SQLAlchemyError as error:
        raise SettingsError(
            f"The database of {home} cannot be read; run `loopgate migrate` if it is older."
        ) from error
    finally:
        engine.dispose()
