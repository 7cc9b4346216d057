"""Work on a home folder that no gateway serves from at that moment."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from gateway.adapters.store.database import Database
from gateway.adapters.store.migrate import Form, Step, form_of, steps_between, upgrade
from gateway.core.errors import SettingsError
from gateway.settings import CONFIG_NAME, Settings


@contextmanager
def claimed(home: Path) -> Iterator[bool]:
    """Whether no other process works on this home; if so, none may until the context is left."""
    with _opened(home / "lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _opened(lock: Path) -> TextIO:
    try:
        return lock.open("w")
    except OSError as error:
        raise SettingsError(
            f"{lock.parent} cannot be written ({error.strerror}); the gateway keeps its records and mirrors there."
        ) from error


def refuse_no_gateway(home: Path) -> None:
    """Raise `SettingsError` where no gateway was made, or its key is gone from what was one."""
    if (home / "keys" / "event.pem").exists():
        return
    if (home / CONFIG_NAME).exists():
        raise SettingsError(
            f"{home} has lost keys/event.pem; restore the keys from its backup. Nothing is signed without it."
        )
    raise SettingsError(f"{home} holds no gateway; run `loopgate init --operator NAME` first.")


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Nobody else works on this home meanwhile; raises `SettingsError` when somebody does, or there is none."""
    refuse_no_gateway(home)
    with claimed(home) as ours:
        if not ours:
            raise SettingsError(f"Another process works on {home}; stop it first, or name another --home.")
        yield


def migrate_home(settings: Settings) -> tuple[Form, tuple[Step, ...]]:
    """Bring the database of a home to the form this version needs, in one transaction.

    Gives the form it had and the migrations that were applied. Raises `SettingsError`.
    """
    with alone(settings.home):
        return migrate_database(settings.database)


def migrate_database(url: str) -> tuple[Form, tuple[Step, ...]]:
    """The same for a database by its URL."""
    _refuse_missing(url)
    form = form_of(url)
    if form.now is None:
        raise SettingsError("The database is empty; `loopgate init` makes a gateway and its database.")
    steps = steps_between(form)
    if steps:
        upgrade(url)
    return form, steps


def _refuse_missing(url: str) -> None:
    """A SQLite file that is not there would be made by looking at it."""
    database = Database(url)
    if database.dialect == "sqlite" and not Path(database.url.database or "").exists():
        raise SettingsError(f"There is no database at {database.url.database}.")
