"""OPA's bundle format: the archive, read with bounds and written in one form only.

A bundle is a gzipped tar of plain files (https://www.openpolicyagent.org/docs/management-bundles). What was built
somewhere else is not believed: names that leave the archive, links, files given twice and what would unpack to more
than the limit are refused.
"""

import gzip
import io
import json
import re
import tarfile
from collections.abc import Mapping
from typing import Any

from gateway.core.errors import MalformedError

MANIFEST, DATA, SIGNATURES, WASM = ".manifest", "data.json", ".signatures.json", "policy.wasm"
LARGEST_BYTES = 32 * 1024 * 1024
"""How much a bundle may hold unpacked; the shipped library has about half a megabyte."""

_MOST_FILES = 5000
_NAME = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*")
Files = Mapping[str, bytes]


class BundleRefusedError(MalformedError):
    """A bundle that is not what it should be; the detail says what is wrong with it."""

    code = "bundle_refused"


def read_files(bundle: bytes) -> dict[str, bytes]:
    """Every file of a bundle by its name without the leading slash. Raises `BundleRefusedError`."""
    try:
        with tarfile.open(fileobj=io.BytesIO(_unzipped(bundle)), mode="r:") as archive:
            return _files(archive)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise BundleRefusedError(f"This is no bundle: {error}.") from error


def write_files(files: Files) -> bytes:
    """The bundle of these files: sorted, without times and owners, so that equal files give equal bytes."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"/{name}")
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), 9, mtime=0)


def manifest_of(files: Files) -> dict[str, Any]:
    """The manifest of a bundle. Raises `BundleRefusedError`."""
    return json_object(files, MANIFEST)


def json_object(files: Files, name: str) -> dict[str, Any]:
    """A file of a bundle that must hold a JSON object with each name once. Raises `BundleRefusedError`."""
    if name not in files:
        raise BundleRefusedError(f"The bundle has no {name}.")
    try:
        parsed = json.loads(files[name], object_pairs_hook=_each_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BundleRefusedError(f"{name} of the bundle is not JSON: {error}.") from error
    if not isinstance(parsed, dict):
        raise BundleRefusedError(f"{name} of the bundle must hold a JSON object.")
    return parsed


def _unzipped(bundle: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(bundle)) as packed:
        content = packed.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise BundleRefusedError(f"The bundle unpacks to more than {LARGEST_BYTES} bytes.")
    return content


def _files(archive: tarfile.TarFile) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for entry in archive:
        name = entry.name.removeprefix("/")
        content = archive.extractfile(entry) if entry.isreg() else None
        if content is None or not _NAME.fullmatch(name) or {".", ".."} & set(name.split("/")):
            raise BundleRefusedError("The bundle holds something that is no plain file under a plain name.")
        if name in found:
            raise BundleRefusedError(f"The bundle holds {name} twice.")
        if len(found) >= _MOST_FILES:
            raise BundleRefusedError(f"The bundle holds more than {_MOST_FILES} files.")
        found[name] = content.read()
    return found


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name is given twice")
    return dict(pairs)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
