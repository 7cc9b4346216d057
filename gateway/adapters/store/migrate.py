"""Bringing a database to the present form, in process: no alembic.ini, no command line."""

from pathlib import Path
from typing import NamedTuple

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import SQLModel

from audit import tables as audit_tables
from gateway.adapters.store import tables
from gateway.adapters.store.database import Database
from gateway.core.errors import SettingsError

MIGRATIONS = Path(__file__).parent / "migrations"


class Form(NamedTuple):
    """The form a database has, and the one this version of the gateway needs, as revisions; None is an empty one."""

    now: str | None
    needed: str


class Step(NamedTuple):
    """One migration that was applied: its revision and what it is for."""

    revision: str
    what: str


def target_metadata() -> list[MetaData]:
    """Everything a migrated database holds: the gateway's tables and the log's."""
    if tables.actions.metadata is not SQLModel.metadata:
        raise RuntimeError("the gateway's tables are not where Alembic looks for them")
    return [SQLModel.metadata, audit_tables.metadata]


def form_of(url: str) -> Form:
    """The form of a database; raises `SettingsError` when it cannot be read."""
    engine = Database(url).readers()
    try:
        with engine.connect() as connection:
            heads = MigrationContext.configure(connection).get_current_heads()
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise SettingsError(f"The database cannot be read: {said}.") from error
    finally:
        engine.dispose()
    return Form(now=heads[0] if heads else None, needed=_scripts().get_current_head() or "")


def check_form(form: Form) -> None:
    """Refuse to serve on another form than this version needs, an empty database aside; raises `SettingsError`."""
    if form.now in {None, form.needed}:
        return
    _refuse_newer(form)
    raise SettingsError(
        f"The database has the form {form.now}, and this version needs {form.needed}. Stop every gateway on it, "
        "make a backup, and run `loopgate migrate`."
    )


def steps_between(form: Form) -> tuple[Step, ...]:
    """The migrations that are missing, in order; raises `SettingsError` for a form newer than we know."""
    _refuse_newer(form)
    missing = _scripts().iterate_revisions(form.needed, form.now or "base")
    return tuple(reversed([Step(s.revision, (s.doc or "").split("\n")[0]) for s in missing]))


def upgrade(url: str, revision: str = "head") -> None:
    """Apply every migration that is missing, all of them in one transaction."""
    database = Database(url)
    engine = database.writer()
    config = _config()
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            # Before Alembic looks: it then leaves the transaction to us, on SQLite too.
            database.begin(connection)
            command.upgrade(config, revision)
            database.commit(connection)
    finally:
        engine.dispose()


def _refuse_newer(form: Form) -> None:
    known = {script.revision for script in _scripts().walk_revisions()}
    if form.now is not None and form.now not in known:
        raise SettingsError(
            f"The database has the form {form.now}, which is newer than this version ({form.needed}) knows. "
            "Use the version of Loopgate that made it, or a newer one; a database is never taken back."
        )


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
