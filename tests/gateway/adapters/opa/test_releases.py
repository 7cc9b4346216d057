"""Releases: what a gateway is sent of a policy, and everything about it that must agree before it is believed."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.keys import Ed25519Signer
from gateway.adapters.opa import bundles
from gateway.adapters.opa.bundles import BundleRefusedError, json_object, read_files, write_files
from gateway.adapters.opa.releases import Release, opened, release_of
from gateway.adapters.opa.signatures import signed
from gateway.workbench.build import build
from tests.gateway.workbench.trees import FAULTY_GATE, tree

SIGNER, STRANGER = Ed25519Signer.from_seed(b"\x01" * 32), Ed25519Signer.from_seed(b"\x02" * 32)
KEYS = {SIGNER.key_id: SIGNER.public}
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    folder = tmp_path_factory.mktemp("release")
    policies = tree(folder, {"gate/gate.rego": FAULTY_GATE})
    return release_of(build(policies, folder / "out", SIGNER))


def changed(
    release: Release,
    wasm: Callable[[Files], Files] | None = None,
    rego: Callable[[Files], Files] | None = None,
) -> Release:
    """The release with its bundles changed and signed again: only what they say can give it away."""
    made = {}
    for name, change in (("wasm", wasm), ("rego", rego)):
        bundle: bytes = getattr(release, name)
        made[name] = write_files(signed(change(read_files(bundle)), SIGNER)) if change else bundle
    return Release(**made)


def in_card(name: str, value: Any) -> Callable[[Files], Files]:
    def change(files: Files) -> Files:
        manifest = json.loads(files[".manifest"])
        manifest["metadata"]["loopgate"][name] = value
        return {**files, ".manifest": json.dumps(manifest).encode()}

    return change


def with_file(name: str, content: bytes) -> Callable[[Files], Files]:
    return lambda files: {**files, name: content}


def test_a_release_is_the_policy_that_was_built(tmp_path: Path, release: Release) -> None:
    one = opened(release, KEYS)
    built = one.unpacked(tmp_path)

    assert one.key_id == SIGNER.key_id
    assert release_of(built) == release
    assert built.wasm_path.read_bytes() == one.wasm
    assert opened(release_of(built), KEYS) == one


def test_without_keys_nothing_is_asked_of_signatures(release: Release) -> None:
    assert opened(release, None).key_id is None


def test_each_bundle_must_be_signed_by_the_same_key(release: Release) -> None:
    other = write_files(signed(read_files(release.rego), STRANGER))
    both = {**KEYS, STRANGER.key_id: STRANGER.public}
    with pytest.raises(BundleRefusedError, match="different keys"):
        opened(release.model_copy(update={"rego": other}), both)
    with pytest.raises(BundleRefusedError, match="not among the settings"):
        opened(release.model_copy(update={"rego": other}), KEYS)


def zero(files: Files) -> Files:
    return {**files, "policy.wasm": b"\0asm" + files["policy.wasm"][4:-1] + b"\0"}


LIES: dict[str, tuple[Callable[[Files], Files] | None, Callable[[Files], Files] | None, str]] = {
    "another revision in one of them": (in_card("revision", "x"), None, "different things of themselves"),
    "another digest": (in_card("digest", "0" * 64), in_card("digest", "0" * 64), "not the digest it names"),
    "other wasm": (zero, None, "not the one the bundle names"),
    "other data in one of them": (with_file("data.json", b"{}"), None, "different data"),
    "other data in both": (
        with_file("data.json", b"{}"),
        with_file("data.json", b"{}"),
        "files its digest was made of",
    ),
    "other Rego": (None, with_file("gate/gate.rego", b"package gate\n"), "files its digest was made of"),
    "more Rego": (None, with_file("gate/more.rego", b"package more\n"), "files its digest was made of"),
    "more data": (None, with_file("more/data.json", b"{}"), "files its digest was made of"),
    "a list of other files": (in_card("files", {}), in_card("files", {}), "files its digest was made of"),
    "no card": (in_card("cards", 1), None, "not built by"),
    "a manifest that is no object": (with_file(".manifest", b"[]"), None, "must hold a JSON object"),
    "a manifest with a name twice": (with_file(".manifest", b'{"a":1,"a":2}'), None, "given twice"),
    "data with a fraction": (with_file("data.json", b'{"a":1.5}'), None, "data.json of the bundle"),
}


@pytest.mark.parametrize("lie", sorted(LIES))
def test_a_signed_release_that_contradicts_itself_is_refused(lie: str, release: Release) -> None:
    wasm, rego, said = LIES[lie]
    with pytest.raises(BundleRefusedError, match=said):
        opened(changed(release, wasm, rego), KEYS)


def test_capabilities_count_for_the_digest(release: Release) -> None:
    files = opened(release, KEYS).card.files | {"capabilities.json": "0" * 64}
    with pytest.raises(BundleRefusedError, match="digest is not that of its files"):
        opened(changed(release, in_card("files", files), in_card("files", files)), KEYS)


def archive(*entries: tuple[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as made:
        for name, content in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.size, entry.linkname = kind, len(content), "elsewhere"
            made.addfile(entry, io.BytesIO(content))
    return gzip.compress(plain.getvalue())


@pytest.mark.parametrize(
    ("bundle", "said"),
    [
        (b"", "no bundle"),
        (b"not gzip", "no bundle"),
        (gzip.compress(b"not a tar, but long enough to be looked at" * 40), "no bundle"),
        (archive(("../../etc/passwd", b"x")), "no plain file"),
        (archive(("/a/../b", b"x")), "no plain file"),
        (archive(("//a", b"x")), "no plain file"),
        (archive(("a b", b"x")), "no plain file"),
        (archive(("a\nb", b"x")), "no plain file"),
        (archive(("link", b""), kind=tarfile.SYMTYPE), "no plain file"),
        (archive(("pipe", b""), kind=tarfile.FIFOTYPE), "no plain file"),
        (archive(("a", b"1"), ("/a", b"2")), "holds a twice"),
        (gzip.compress(archive(("a", b"x")))[:-4], "no bundle"),
    ],
    ids=range(12),
)
def test_what_is_no_bundle_is_refused(bundle: bytes, said: str) -> None:
    with pytest.raises(BundleRefusedError, match=said):
        read_files(bundle)


def test_what_unpacks_to_too_much_is_refused_before_it_is_read() -> None:
    bomb = gzip.compress(b"\0" * (bundles.LARGEST_BYTES + 1024))
    assert len(bomb) < 100_000
    with pytest.raises(BundleRefusedError, match="unpacks to more"):
        read_files(bomb)


def test_too_many_files_are_refused() -> None:
    with pytest.raises(BundleRefusedError, match="more than 5000 files"):
        read_files(write_files({f"f{n}": b"" for n in range(5001)}))


@pytest.mark.parametrize("text", [b"{", b"NaN", b'{"a": NaN}', b"[" * 100_000, b"\xff"], ids=range(5))
def test_what_is_no_json_is_said_so(text: bytes) -> None:
    with pytest.raises(BundleRefusedError, match="not JSON"):
        json_object({"data.json": text}, "data.json")


def test_a_file_that_is_not_there_is_said_so() -> None:
    with pytest.raises(BundleRefusedError, match=r"has no data\.json"):
        json_object({}, "data.json")
