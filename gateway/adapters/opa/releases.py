"""A release: the two bundles of one policy, which say the same of themselves, and say it truly.

What the gateway needs beside OPA's own files stands in the manifests (`metadata.loopgate`), so that a signature covers
it: the digest's parts, the rule cards, the revision. Opening a release checks that both bundles agree, that the digest
is that of the Rego and data at hand, and, where keys are given, that one key signed both.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from audit.canonical import CanonicalError, canonical_bytes
from audit.keys import Ed25519Signer
from gateway.adapters.opa.built import ENTRYPOINT, BuiltPolicy
from gateway.adapters.opa.bundles import (
    DATA,
    MANIFEST,
    SIGNATURES,
    WASM,
    BundleRefusedError,
    Files,
    json_object,
    manifest_of,
    read_files,
    write_files,
)
from gateway.adapters.opa.signatures import Keys, signed, verify
from gateway.core.digests import digest_of
from gateway.core.model import Model
from gateway.core.rulings import RuleCard

_UNPACKED = frozenset({"capabilities.json"})
"""Counts for the digest, and is in no bundle: what a policy may use was checked when it was built."""


class Card(Model):
    """What a release says of itself in both manifests."""

    digest: str
    revision: str
    wasm_sha256: str
    files: dict[str, str]
    cards: dict[str, RuleCard]


class Release(Model):
    """Both bundles (`tar.gz`) as they are kept and sent."""

    wasm: bytes
    rego: bytes

    @property
    def sha256(self) -> str:
        """SHA-256 over both: what approvers approve, besides the digest of the sources."""
        return hashlib.sha256(
            hashlib.sha256(self.wasm).digest() + hashlib.sha256(self.rego).digest()
        ).hexdigest()


class Opened(Model):
    """A release that was checked. `key_id` is of the key that signed it, None when nothing was asked."""

    card: Card
    key_id: str | None
    wasm: bytes
    data_json: bytes
    release: Release

    def unpacked(self, folder: Path) -> BuiltPolicy:
        """The policy as engines load it, its files written to `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        names = {"wasm.tar.gz": self.release.wasm, "rego.tar.gz": self.release.rego, WASM: self.wasm}
        for name, content in names.items():
            _replace(folder / name, content)
        return BuiltPolicy(
            wasm_bundle=folder / "wasm.tar.gz",
            rego_bundle=folder / "rego.tar.gz",
            wasm_path=folder / WASM,
            data_json=self.data_json,
            **{name: getattr(self.card, name) for name in Card.model_fields},
        )


def release_of(built: BuiltPolicy) -> Release:
    """The release that a build wrote, signed or not. Raises `OSError`."""
    return Release(wasm=built.wasm_bundle.read_bytes(), rego=built.rego_bundle.read_bytes())


def described(bundle: bytes, card: Card, sources: Files, signer: Ed25519Signer | None) -> bytes:
    """A bundle that OPA wrote, with these sources and the card in its manifest, signed where there is a signer."""
    files = {**read_files(bundle), **sources}
    manifest = {**manifest_of(files), "metadata": {"loopgate": card.model_dump(mode="json")}}
    files[MANIFEST] = json.dumps(manifest, sort_keys=True).encode()
    return write_files(signed(files, signer) if signer else files)


def opened(release: Release, keys: Keys | None) -> Opened:
    """Check a release; with `keys`, that one of them signed it. Raises `BundleRefusedError`."""
    wasm_files, rego_files = read_files(release.wasm), read_files(release.rego)
    key_id = None if keys is None else _signer(wasm_files, rego_files, keys)
    card = _card(wasm_files)
    if _card(rego_files) != card:
        raise BundleRefusedError("The two bundles say different things of themselves.")
    data = _data(wasm_files)
    if _data(rego_files) != data:
        raise BundleRefusedError("The two bundles hold different data.")
    _check_digest(card, rego_files, data)
    wasm = wasm_files.get(WASM, b"")
    if _sha256(wasm) != card.wasm_sha256:
        raise BundleRefusedError(f"{WASM} is not the one the bundle names.")
    return Opened(card=card, key_id=key_id, wasm=wasm, data_json=data, release=release)


def _signer(wasm_files: Files, rego_files: Files, keys: Keys) -> str:
    first, second = verify(wasm_files, keys), verify(rego_files, keys)
    if first != second:
        raise BundleRefusedError("The two bundles are signed by different keys.")
    return first


def _card(files: Files) -> Card:
    manifest = manifest_of(files)
    metadata = manifest.get("metadata")
    given = metadata.get("loopgate") if isinstance(metadata, Mapping) else None
    try:
        card = Card.model_validate(given)
    except ValidationError as error:
        raise BundleRefusedError("The bundle was not built by `loopgate policy build`.") from error
    if manifest.get("revision") != card.digest:
        raise BundleRefusedError("The bundle's revision is not the digest it names.")
    return card


def _data(files: Files) -> bytes:
    try:
        return canonical_bytes(json_object(files, DATA))
    except CanonicalError as error:
        raise BundleRefusedError(f"{DATA} of the bundle: {error}.") from error


def _check_digest(card: Card, rego_files: Files, data: bytes) -> None:
    """The digest must be that of what is here: Rego and data by their bytes, the entrypoint by its name."""
    here: dict[str, Any] = {name: _sha256(c) for name, c in rego_files.items() if name.endswith(".rego")}
    here[DATA] = _sha256(data)
    claimed = {name: sha for name, sha in card.files.items() if name not in _UNPACKED}
    strange = rego_files.keys() - here.keys() - {MANIFEST, SIGNATURES}
    if here != claimed or strange:
        raise BundleRefusedError("The bundle does not hold the files its digest was made of.")
    if digest_of({"files": card.files, "entrypoint": ENTRYPOINT}) != card.digest:
        raise BundleRefusedError("The bundle's digest is not that of its files.")


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, whole."""
    partial = path.with_name(f"{path.name}.part")
    partial.write_bytes(content)
    partial.replace(path)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
