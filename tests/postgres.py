"""A PostgreSQL of the tests' own: a cluster in a temporary folder, on a socket that nobody else sees.

The server is a child of the test process and ends with it, whatever happens. It runs as an unprivileged
account when the tests run as root, because it refuses to run as root.

`fsync` is off: what a power cut would lose is PostgreSQL's own affair, and no test here pulls the plug. That a
commit is *asked* to be durable is tested by reading the session's `synchronous_commit`.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest

REQUIRED = "LOOPGATE_REQUIRE_POSTGRESQL"
"""The variable with which `.ci/run` says that these tests may not be skipped."""

_READY = "database system is ready to accept connections"
_START_S = 60
_OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "log_min_messages": "warning",
}


@cache
def binaries() -> Path | None:
    """The folder of PostgreSQL's server programs, the newest there is."""
    asked = shutil.which("pg_config")
    named = (
        subprocess.run([asked, "--bindir"], check=True, capture_output=True, text=True).stdout.strip()
        if asked
        else ""
    )
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name), reverse=True
    )
    folders = [*([Path(named)] if named else []), *debian]
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


def need_postgresql() -> None:
    """Skip the test where no server is installed; fail it where `.ci/run` promised one."""
    if binaries() is not None:
        return
    if os.environ.get(REQUIRED):
        pytest.fail(f"{REQUIRED} is set, but no PostgreSQL server is installed.")
    pytest.skip("No PostgreSQL server is installed (Debian: apt-get install postgresql).")


class Cluster:
    """One cluster; `start` and `stop` may be called again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._bin = binaries()
        self._process: subprocess.Popen[str] | None = None
        self._count = 0

    def make(self) -> None:
        """Make the cluster's files."""
        give_away(self.folder)
        options = ("-U", "loopgate", "--auth=trust", "-N", "-E", "UTF8", "--locale=C", "--no-instructions")
        command = [*_as_nobody(), f"{self._bin}/initdb", "-D", str(self.folder / "data"), *options]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder)

    def start(self) -> None:
        """Start the server and return when it takes connections."""
        options = [f"-c{name}={value}" for name, value in _OPTIONS.items()]
        command = [f"{self._bin}/postgres", "-D", str(self.folder / "data"), "-k", str(self.folder), *options]
        self._process = subprocess.Popen(
            [*_as_nobody(), *command], stderr=subprocess.PIPE, text=True, cwd=self.folder
        )
        said = _Listening(self._process)
        if not said.ready.wait(_START_S):
            self.stop()
            raise AssertionError("PostgreSQL did not start:\n" + "".join(said.lines))

    def stop(self, how: int = signal.SIGINT) -> None:
        """End the server: SIGINT ends every session at once and cleanly, SIGQUIT as a crash would."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait(_START_S)

    def died(self) -> None:
        """Wait until the server has ended by itself; it can be started again."""
        process, self._process = self._process, None
        assert process is not None
        process.wait(_START_S)

    def url(self, name: str, user: str = "loopgate") -> str:
        """The URL of a database in the form of the setting `database_url`."""
        return f"postgresql+psycopg://{user}@/{name}?host={self.folder}"

    def run(self, statement: str, name: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement as the cluster's owner; the rows it gives."""
        with psycopg.connect(
            host=str(self.folder), user="loopgate", dbname=name, autocommit=True
        ) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def new(self, template: str = "template1") -> str:
        """A new database, a copy of another; its name."""
        self._count += 1
        name = f"test_{self._count}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def dump(self, name: str) -> bytes:
        """Everything in a database, as text."""
        command = [f"{self._bin}/pg_dump", "-h", str(self.folder), "-U", "loopgate", "--inserts", name]
        said = subprocess.run(command, check=True, capture_output=True).stdout
        # pg_dump frames what it says with a password of its own (CVE-2025-8714), another one each time.
        return b"\n".join(line for line in said.splitlines() if b"restrict " not in line[:12])

    def restore(self, dump: Path) -> str:
        """A new database from what `pg_dump --format=custom` wrote; its name."""
        name = self.new()
        command = [
            f"{self._bin}/pg_restore",
            "--no-owner",
            "-h",
            str(self.folder),
            "-U",
            "loopgate",
            "-d",
            name,
        ]
        subprocess.run([*command, str(dump)], check=True, capture_output=True)
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A running cluster, gone afterwards."""
    need_postgresql()
    with tempfile.TemporaryDirectory(prefix="lg-pg-") as folder:
        cluster = Cluster(Path(folder))
        cluster.make()
        cluster.start()
        try:
            yield cluster
        finally:
            # Nobody needs the data any more: no last checkpoint.
            cluster.stop(signal.SIGQUIT)


class _Listening:
    """Reads what the server says, so that it is known when it is ready and never blocks on a full pipe."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.ready, self.lines = threading.Event(), list[str]()
        threading.Thread(target=self._listen, args=(process,), daemon=True).start()

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stderr is not None
        with process.stderr as said:
            for line in said:
                self.lines.append(line)
                if _READY in line:
                    self.ready.set()


@cache
def _account() -> pwd.struct_passwd | None:
    """The unprivileged account the server runs as when the tests run as root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def give_away(folder: Path) -> None:
    """Make a folder the server's own."""
    account = _account()
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)


def _as_nobody() -> list[str]:
    """How a command is begun so that it runs unprivileged and ends when the test process does."""
    setpriv = shutil.which("setpriv")
    account = _account()
    if setpriv is None:
        assert account is None, "setpriv (util-linux) is needed to run PostgreSQL when the tests run as root"
        return []
    identity = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"] if account else []
    return [setpriv, *identity, "--pdeathsig=INT", "--"]
