"""A person at a terminal: the real command line in a pseudo-terminal, with the passphrase typed in."""

import os
import pty
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO

from gateway.cli.demonstration.narrator import StoryDiffersError

_PROMPT = b"assphrase"
_LIMIT_S = 60.0
# A process of its own takes the terminal: forking a Python that has threads, as `pty.fork` does, may hang.
_AT_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.executable, [sys.executable, '-m', 'gateway.cli.main', *sys.argv[1:]])"
)


def type_command(
    arguments: Sequence[str],
    passphrase: str,
    environment: Mapping[str, str],
    output: IO[bytes] | None = None,
) -> tuple[int, str]:
    """Run `loopgate …` in a pseudo-terminal, answer each passphrase prompt; exit code and what was shown.

    With `output` the command's standard output goes there instead, as with `> file`.
    """
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(  # noqa: S603 - our own program, an argv list
        [sys.executable, "-c", _AT_TERMINAL, *arguments],
        stdin=theirs,
        stdout=output or theirs,
        stderr=theirs,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        shown = _converse(terminal, passphrase, arguments)
        return process.wait(_LIMIT_S), shown.decode("utf-8", "replace").replace("\r\n", "\n")
    finally:
        os.close(terminal)
        process.kill()
        process.wait()


def _converse(terminal: int, passphrase: str, arguments: Sequence[str]) -> bytes:
    """Type the passphrase at each prompt until the command ends; all that was shown."""
    shown = b""
    answered = 0
    while part := _read(terminal, arguments):
        shown += part
        while shown.count(_PROMPT) > answered and shown.rstrip().endswith(b":"):
            answered += 1
            os.write(terminal, passphrase.encode() + b"\n")
    return shown


def _read(terminal: int, arguments: Sequence[str]) -> bytes:
    ready, _, _ = select.select([terminal], [], [], _LIMIT_S)
    if not ready:
        raise StoryDiffersError(
            f"`loopgate {' '.join(arguments)}` did not end within {_LIMIT_S:.0f} seconds."
        )
    try:
        return os.read(terminal, 4096)
    except OSError:
        # Linux answers EIO when the other end of a pseudo-terminal has closed.
        return b""
