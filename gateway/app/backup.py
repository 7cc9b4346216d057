"""A backup of what a gateway cannot make again: database, keys, settings; and putting one back."""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from gateway.adapters.clock import SystemClock, UlidIds
from gateway.adapters.store.database import Database
from gateway.adapters.store.migrate import check_form, form_of
from gateway.app.restored import checkpoint_in
from gateway.app.sources import memory_of, open_log
from gateway.app.upkeep import alone
from gateway.core.errors import SettingsError
from gateway.settings import CONFIG_NAME, Settings

SQLITE_FILE, DUMP_FILE, MANIFEST = "loopgate.db", "loopgate.dump", "backup.json"
_README = """This is a backup of a Loopgate gateway: what `backup.json` lists, with the SHA-256 of each file.

Not in it, because they can be made again or are kept elsewhere: mirrors/ and policy/ of the home, the policy
checkout, and the vendor credentials. Whoever has keys/ can sign in the gateway's name: keep this folder as
safe as the home itself.

To put it back, see docs/how-to/back-up-and-restore.md. Keep the `exported.jsonl` and `newest` of the home
that you restore into: they are how the gateway sees that events are missing.
"""


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What a backup holds: how many leaves the log has in it, their root in hex, and the files."""

    size: int
    root: str
    files: tuple[str, ...]


def back_up(settings: Settings, folder: Path, *, with_keys: bool = True) -> BackedUp:
    """Write a backup into a new folder, also while the gateway serves; remember how far the log goes in it.

    The copy is checked leaf by leaf. Raises `SettingsError`, or `audit.errors.LogDamagedError` when the log is not
    what was signed.
    """
    if not (settings.home / "keys" / "event.pem").exists():
        raise SettingsError(f"{settings.home} holds no gateway; there is nothing to back up.")
    with _fresh(folder):
        if Database(settings.database).dialect == "sqlite":
            _copy_sqlite(settings, folder / SQLITE_FILE)
            note = _checked(settings, f"sqlite:///{folder / SQLITE_FILE}")
            # One file, whole in itself.
            with closing(sqlite3.connect(folder / SQLITE_FILE)) as copy:
                copy.execute("PRAGMA journal_mode=DELETE").close()
        else:
            note = _checked(settings, settings.database)
            _dump_postgresql(settings.database, folder / DUMP_FILE)
        _copy_files(settings.home, folder, with_keys=with_keys)
        done = _manifest(settings, folder, note)
    memory_of(settings).hand_out(note)
    return done


def restore(settings: Settings, folder: Path) -> Path:
    """Put the database of a backup into a home that nobody works on; where the one before was laid aside.

    The gateway then refuses to sign if events are missing, until that is accepted. Raises `SettingsError`.
    """
    database = Database(settings.database)
    if database.dialect != "sqlite":
        raise SettingsError("A database on PostgreSQL is put back with pg_restore; see the how-to.")
    _check_manifest(folder)
    there = Path(database.url.database or "")
    with alone(settings.home):
        aside = _unused(there)
        # A write-ahead log that stayed behind would be played into the restored file.
        for end in ("", "-wal", "-shm"):
            if Path(f"{there}{end}").exists():
                Path(f"{there}{end}").rename(f"{aside}{end}")
        shutil.copy2(folder / SQLITE_FILE, there)
        there.chmod(0o600)
    return aside


@contextmanager
def _fresh(folder: Path) -> Iterator[None]:
    """A new folder, private, and gone again when the backup fails."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsError(f"{folder} is there already; name a new folder for each backup.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder)
        raise


def _copy_sqlite(settings: Settings, into: Path) -> None:
    """SQLite's own online backup: one consistent state, while others write."""
    source = Database(settings.database).url.database or ""
    if not Path(source).exists():
        raise SettingsError(f"There is no database at {source}.")
    into.touch(mode=0o600)
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as here,
        closing(sqlite3.connect(into)) as there,
    ):
        here.backup(there)


def _checked(settings: Settings, url: str) -> str:
    """Hash the whole log of a database and give its state as a signed note."""
    check_form(form_of(url))
    clock = SystemClock()
    log = open_log(settings, UlidIds(clock), clock, memory_of(settings).notes)
    database = Database(url)
    engine = database.readers()
    try:
        with engine.connect() as connection, database.reading(connection):
            log.load(connection)
            return log.attest(connection)
    finally:
        engine.dispose()


def _dump_postgresql(url: str, into: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise SettingsError(
            "pg_dump is not on PATH. Install PostgreSQL's client programs of the server's version, or back the "
            "database up with your own tools and the home's keys/ and loopgate.toml with it."
        )
    parsed = make_url(url).set(drivername="postgresql")
    environment = dict(os.environ)
    if parsed.password:
        # On a command line everybody on the machine could read it.
        environment["PGPASSWORD"] = str(parsed.password)
    address = parsed.set(password=None).render_as_string()
    command = [program, "--format=custom", f"--file={into}", "--no-password", f"--dbname={address}"]
    into.touch(mode=0o600)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - argv
    if done.returncode != 0:
        raise SettingsError(f"pg_dump failed: {(done.stderr.strip().splitlines() or ['no words'])[-1]}")


def _copy_files(home: Path, folder: Path, *, with_keys: bool) -> None:
    for name in (CONFIG_NAME, "log.vkey"):
        if (home / name).exists():
            shutil.copy2(home / name, folder / name)
    if with_keys:
        shutil.copytree(home / "keys", folder / "keys")
        (folder / "keys").chmod(0o700)
    (folder / "README.txt").write_text(_README, encoding="utf-8")


def _manifest(settings: Settings, folder: Path, note: str) -> BackedUp:
    checkpoint = checkpoint_in(note)
    files = {str(p.relative_to(folder)): _sha256(p) for p in sorted(folder.rglob("*")) if p.is_file()}
    done = BackedUp(size=checkpoint.size, root=checkpoint.root.hex(), files=tuple(files))
    written = {"origin": settings.origin, "size": done.size, "root": done.root, "checkpoint": note}
    (folder / MANIFEST).write_text(json.dumps({**written, "files": files}, indent=2) + "\n", encoding="utf-8")
    return done


def _check_manifest(folder: Path) -> None:
    if not (folder / MANIFEST).is_file():
        raise SettingsError(
            f"{folder} is not a whole backup: it has no {MANIFEST}; name a folder that `loopgate backup` made."
        )
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        wrong = [name for name, digest in files.items() if _sha256(folder / name) != digest]
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise SettingsError(f"{folder} is not a whole backup: {error}.") from error
    if wrong or SQLITE_FILE not in files:
        raise SettingsError(
            f"{folder} is not a whole backup: {(wrong or [SQLITE_FILE])[0]} was changed or is missing."
        )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _unused(path: Path) -> Path:
    """A name beside this one that nothing has yet."""
    count = 1
    while (aside := path.with_name(f"{path.name}.before-restore-{count}")).exists():
        count += 1
    return aside
