"""A person at a terminal: the real command line in a pseudo-terminal, with the passphrase typed in."""

import os
import pty
import select
import sys
from collections.abc import Mapping, Sequence

from gateway.cli.demonstration.narrator import StoryDiffersError

_PROMPT = b"assphrase"
_LIMIT_S = 30.0


def type_command(
    arguments: Sequence[str], passphrase: str, environment: Mapping[str, str]
) -> tuple[int, str]:
    """Run `loopgate …` in a pseudo-terminal, answer each passphrase prompt; exit code and what was shown."""
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover - the child becomes the command
        os.execve(  # noqa: S606 - no shell is wanted
            sys.executable,
            [sys.executable, "-m", "gateway.cli.main", *arguments],
            {**os.environ, **environment},
        )
    shown = b""
    answered = 0
    while True:
        part = _read(terminal, arguments)
        if not part:
            break
        shown += part
        while shown.count(_PROMPT) > answered and shown.rstrip().endswith(b":"):
            answered += 1
            os.write(terminal, passphrase.encode() + b"\n")
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), shown.decode("utf-8", "replace").replace("\r\n", "\n")


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
