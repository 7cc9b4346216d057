"""Vendor credentials: read from a 0600 file, an environment variable or a command; never from the database.

A value is read when it is first needed and kept until `reload`. It is in no message, no repr and no log.
"""

import os
import stat
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.core.errors import SettingsError

_COMMAND_TIMEOUT_S = 20
_LONGEST = 8192


class VendorSecret:
    """One credential. Exactly one of `file`, `environment` and `command` says where it is kept."""

    def __init__(
        self,
        name: str,
        *,
        file: Path | None = None,
        environment: str | None = None,
        command: tuple[str, ...] = (),
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.name = name
        given: list[Callable[[], str]] = []
        if file is not None:
            given.append(lambda: _from_file(name, file))
        if environment:
            given.append(lambda: _from_environment(name, environment, environ))
        if command:
            given.append(lambda: _from_command(name, command))
        if len(given) != 1:
            raise SettingsError(
                f"{name}: say once where the credential is kept: file (mode 0600), environment (a variable's name) "
                "or command (printing it)."
            )
        self._read = given[0]
        self._value: str | None = None

    def __call__(self) -> str:
        """The credential. Raises `SettingsError` with what to do, never with what was read."""
        if self._value is None:
            self._value = _usable(self.name, self._read())
        return self._value

    def reload(self) -> None:
        """Forget the value: the next use reads it again."""
        self._value = None

    def __repr__(self) -> str:
        return f"VendorSecret({self.name!r})"


class VendorSecrets:
    """Every credential by name, reloaded together (SIGHUP)."""

    def __init__(self, secrets: tuple[VendorSecret, ...]) -> None:
        self._secrets = {s.name: s for s in secrets}

    def __getitem__(self, name: str) -> VendorSecret:
        """The credential of that name. Raises `SettingsError` when none is set."""
        try:
            return self._secrets[name]
        except KeyError:
            raise SettingsError(
                f"{name}: no credential is set; name a file, variable or command for it."
            ) from None

    def reload(self) -> None:
        """Forget every value."""
        for secret in self._secrets.values():
            secret.reload()


def _from_file(name: str, file: Path) -> str:
    try:
        with open(file, encoding="utf-8", opener=_without_waiting) as opened:
            _check_mode(name, file, os.fstat(opened.fileno()))
            return opened.read(_LONGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}: cannot read {file}: {_plain(error)}.") from None


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe that nobody writes to must not hang the gateway before its kind is known."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _check_mode(name: str, file: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise SettingsError(f"{name}: {file} is not a plain file.")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise SettingsError(f"{name}: others may read {file}; run: chmod 600 {file}")


def _from_environment(name: str, variable: str, environ: Mapping[str, str]) -> str:
    value = environ.get(variable)
    if value is None:
        raise SettingsError(f"{name}: the environment variable {variable} is not set.")
    return value


def _from_command(name: str, command: tuple[str, ...]) -> str:
    try:
        ran = subprocess.run(  # noqa: S603 - the operator's own command, as an argv list, no shell
            command, capture_output=True, timeout=_COMMAND_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SettingsError(f"{name}: the command {command[0]} did not run: {_plain(error)}.") from None
    if ran.returncode != 0:
        raise SettingsError(f"{name}: the command {command[0]} ended with status {ran.returncode}.")
    return ran.stdout.decode("utf-8", "replace")


def _usable(name: str, raw: str) -> str:
    value = raw.strip()
    if not value or len(value) > _LONGEST or not value.isascii() or not value.isprintable() or " " in value:
        raise SettingsError(
            f"{name}: what was read is not a credential: it must be one line of plain characters."
        )
    return value


def _plain(error: Exception) -> str:
    """What went wrong, without anything that was read."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return "it took too long" if isinstance(error, subprocess.TimeoutExpired) else "it is not UTF-8 text"
