"""Running the `opa` binary for short jobs: build, check, parse, test."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from gateway.core.errors import SettingsError
from gateway.core.model import Model

_LIMIT_SECONDS = 120


class Ran(Model):
    """What a run of the binary printed and how it ended."""

    status: int
    out: str
    err: str


def run_opa(opa: Path, arguments: Sequence[str], *, cwd: Path) -> Ran:
    """Run `opa` with `arguments` in `cwd`; a non-zero status is an answer, not an error.

    Raises `SettingsError` when the binary cannot be started or takes over two minutes.
    """
    if not cwd.is_dir():
        raise SettingsError(f"{cwd} is not a folder; name the folder of a policy library.")
    try:
        done = subprocess.run(  # noqa: S603 - an argv list, our own binary, no shell
            [str(opa), *arguments], cwd=cwd, capture_output=True, timeout=_LIMIT_SECONDS, check=False
        )
    except OSError as error:
        raise SettingsError(
            f"{opa} cannot be started ({error.strerror}); remove it to have it fetched anew"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise SettingsError(f"`opa {arguments[0]}` took over {_LIMIT_SECONDS} s in {cwd}") from error
    return Ran(
        status=done.returncode,
        out=done.stdout.decode("utf-8", "replace"),
        err=done.stderr.decode("utf-8", "replace"),
    )
