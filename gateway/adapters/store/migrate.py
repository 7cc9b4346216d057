"""Bringing a database to the present form, in process: no alembic.ini, no command line."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData
from sqlmodel import SQLModel

from audit import tables as audit_tables
from gateway.adapters.store import tables
from gateway.adapters.store.database import Database

MIGRATIONS = Path(__file__).parent / "migrations"


def target_metadata() -> list[MetaData]:
    """Everything a migrated database holds: the gateway's tables and the log's."""
    if tables.actions.metadata is not SQLModel.metadata:
        raise RuntimeError("the gateway's tables are not where Alembic looks for them")
    return [SQLModel.metadata, audit_tables.metadata]


def upgrade(url: str, revision: str = "head") -> None:
    """Apply every migration that is missing, all of them in one transaction."""
    database = Database(url)
    engine = database.writer()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            # Before Alembic looks: it then leaves the transaction to us, on SQLite too.
            database.begin(connection)
            command.upgrade(config, revision)
            connection.exec_driver_sql("COMMIT")
    finally:
        engine.dispose()
