"""Signed bundles: believed as they were signed and not otherwise, by us and by OPA itself."""

import base64
import hashlib
import hmac
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.keys import Ed25519Signer, public_pem
from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.bundles import BundleRefusedError, read_files, write_files
from gateway.adapters.opa.signatures import keys_of, signed, verify
from gateway.core.errors import SettingsError

SIGNER, STRANGER = Ed25519Signer.from_seed(b"\x01" * 32), Ed25519Signer.from_seed(b"\x02" * 32)
KEYS = {SIGNER.key_id: SIGNER.public}
MODULE = b'package gate\n\ndecision := {"effect": "deny"}\n'
FILES = {
    ".manifest": b'{"revision": "r1", "roots": [""], "rego_version": 1, "metadata": {"u": "\xe2\x80\xa8 <&>"}}',
    "data.json": b'{"b": [1, 2.50, 1e3], "a": {"z": null, "y": true}, "\xc3\xa9": "\\u0007"}',
    "gate/gate.rego": MODULE,
}
Files = dict[str, bytes]


def flip(files: Files) -> Files:
    return {**files, "gate/gate.rego": MODULE.replace(b"deny", b"Deny")}


def change_data(files: Files) -> Files:
    return {**files, "data.json": files["data.json"].replace(b"2.50", b"2.51")}


def rewrite_number(files: Files) -> Files:
    return {**files, "data.json": files["data.json"].replace(b"2.50", b"2.5")}


def change_manifest(files: Files) -> Files:
    return {**files, ".manifest": files[".manifest"].replace(b'"r1"', b'"r2"')}


def add(files: Files) -> Files:
    return {**files, "gate/more.rego": b"package gate\n\nmore := 1\n"}


def drop(files: Files) -> Files:
    return {name: content for name, content in files.items() if name != "gate/gate.rego"}


def unsign(files: Files) -> Files:
    return {name: content for name, content in files.items() if name != ".signatures.json"}


def other_key(files: Files) -> Files:
    return signed(files, STRANGER)


def no_algorithm(files: Files) -> Files:
    return retold(files, lambda header: header | {"alg": "none"}, keep=False)


def secret_algorithm(files: Files) -> Files:
    """The public key used as the secret of an HMAC: what a library that lets the token choose would believe."""
    said = retold(files, lambda header: header | {"alg": "HS256"}, keep=False)
    head, payload, _ = json.loads(said[".signatures.json"])["signatures"][0].split(".")
    mac = hmac.new(SIGNER.public, f"{head}.{payload}".encode(), hashlib.sha256).digest()
    return _with_token(files, f"{head}.{payload}.{_url64(mac)}")


def flip_signature(files: Files) -> Files:
    head, payload, signature = _token(files).split(".")
    return _with_token(files, f"{head}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}")


TAMPERED: dict[str, tuple[Callable[[Files], Files], str]] = {
    "a flipped byte": (flip, "Changed after signing: gate/gate.rego"),
    "other data": (change_data, "Changed after signing: data.json"),
    "a number written otherwise": (rewrite_number, "Changed after signing: data.json"),
    "another manifest": (change_manifest, "Changed after signing: .manifest"),
    "an extra file": (add, "differ: gate/more.rego"),
    "a missing file": (drop, "differ: gate/gate.rego"),
    "another key": (other_key, "not among the settings"),
    "no algorithm": (no_algorithm, "must be EdDSA"),
    "an HMAC by the public key": (secret_algorithm, "must be EdDSA"),
    "a flipped signature": (flip_signature, "does not verify"),
    "no signature": (unsign, "not signed"),
}


def retold(files: Files, change: Callable[[dict[str, str]], dict[str, str]], *, keep: bool = True) -> Files:
    """The same token with another header; its signature kept, or none."""
    head, payload, signature = _token(files).split(".")
    header = change(json.loads(base64.urlsafe_b64decode(head + "==")))
    said = f"{_url64(json.dumps(header).encode())}.{payload}"
    return _with_token(files, f"{said}.{signature if keep else ''}")


def _token(files: Files) -> str:
    return str(json.loads(files[".signatures.json"])["signatures"][0])


def _with_token(files: Files, *tokens: str) -> Files:
    return {**files, ".signatures.json": json.dumps({"signatures": tokens}).encode()}


def _url64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def opa_verdict(
    files: Files, folder: Path, *, signer: Ed25519Signer = SIGNER
) -> subprocess.CompletedProcess[str]:
    """What OPA says of a bundle when it is told to verify it."""
    bundle, key = folder / "bundle.tar.gz", folder / "key.pem"
    bundle.write_bytes(write_files(files))
    key.write_text(public_pem(signer.public))
    command = [str(opa_binary()), "build", "-b", str(bundle), "-o", str(folder / "out.tar.gz")]
    more = ["--verification-key", str(key), "--verification-key-id", signer.key_id, "--signing-alg", "EdDSA"]
    return subprocess.run([*command, *more], capture_output=True, text=True, check=False)


def test_what_we_sign_we_believe_and_so_does_opa(tmp_path: Path) -> None:
    files = signed(FILES, SIGNER)

    assert verify(files, KEYS) == SIGNER.key_id
    assert opa_verdict(files, tmp_path).returncode == 0


def test_what_opa_signs_we_believe(tmp_path: Path) -> None:
    folder, key = tmp_path / "tree", tmp_path / "key.pem"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)], check=True)
    raw = subprocess.run(
        ["openssl", "pkey", "-in", str(key), "-pubout", "-outform", "DER"], check=True, capture_output=True
    ).stdout[-32:]
    sign = [str(opa_binary()), "sign", "--signing-key", str(key), "--signing-alg", "EdDSA", "--bundle", "."]
    subprocess.run(sign, cwd=folder, check=True, capture_output=True)
    files = {**FILES, ".signatures.json": (folder / ".signatures.json").read_bytes()}
    [(key_id, public)] = keys_of([base64.b64encode(raw).decode()]).items()
    # OPA names no key in the header where none was given; nothing else of its token is changed here.
    with pytest.raises(BundleRefusedError, match="not among the settings"):
        verify(files, {key_id: public})
    ours = json.loads(base64.urlsafe_b64decode(_token(files).split(".")[1] + "=="))["files"]
    theirs = json.loads(base64.urlsafe_b64decode(_token(signed(FILES, SIGNER)).split(".")[1] + "=="))["files"]
    assert ours == theirs


@pytest.mark.parametrize("how", sorted(TAMPERED))
def test_what_was_tampered_with_is_refused_by_us_and_by_opa(how: str, tmp_path: Path) -> None:
    tamper, said = TAMPERED[how]
    files = tamper(signed(FILES, SIGNER))

    with pytest.raises(BundleRefusedError, match=said):
        verify(files, KEYS)
    assert opa_verdict(files, tmp_path).returncode != 0


def test_a_key_id_that_names_another_key_is_refused() -> None:
    """Our signature under the id of a key that is known too: that key did not make it."""
    files = retold(signed(FILES, SIGNER), lambda header: header | {"kid": STRANGER.key_id})
    with pytest.raises(BundleRefusedError, match="does not verify"):
        verify(files, {**KEYS, STRANGER.key_id: STRANGER.public})
    with pytest.raises(BundleRefusedError, match="not among the settings"):
        verify(files, KEYS)


@pytest.mark.parametrize(
    "token", ["", "a.b", "!.!.!", "e30.e30.", "bnVsbA.e30.", "e30.e30.e30.e30"], ids=range(6)
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(BundleRefusedError):
        verify(_with_token(dict(FILES), token), KEYS)


def test_two_signatures_are_one_too_many() -> None:
    files = signed(FILES, SIGNER)
    with pytest.raises(BundleRefusedError, match="exactly one"):
        verify(_with_token(files, _token(files), _token(files)), KEYS)


def test_a_list_that_names_a_file_twice_is_refused() -> None:
    files = signed(FILES, SIGNER)
    head, payload, _ = _token(files).split(".")
    listed = json.loads(base64.urlsafe_b64decode(payload + "=="))
    listed["files"].append(listed["files"][0])
    said = f"{head}.{_url64(json.dumps(listed).encode())}"
    with pytest.raises(BundleRefusedError, match="differ"):
        verify(_with_token(files, f"{said}.{_url64(SIGNER.sign(said.encode()))}"), KEYS)


@given(st.data())
def test_no_single_changed_byte_of_the_content_is_believed(data: st.DataObject) -> None:
    files = signed(FILES, SIGNER)
    place = data.draw(st.integers(0, len(MODULE) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda value: value != MODULE[place]))
    changed = MODULE[:place] + bytes([other]) + MODULE[place + 1 :]
    with pytest.raises(BundleRefusedError):
        verify({**files, "gate/gate.rego": changed}, KEYS)


def test_signing_twice_and_packing_twice_give_the_same_bytes() -> None:
    once = write_files(signed(FILES, SIGNER))
    assert write_files(signed(read_files(once), SIGNER)) == once


@pytest.mark.parametrize("text", ["", "not base64!", base64.b64encode(b"short").decode()])
def test_settings_that_hold_no_key_say_so(text: str) -> None:
    with pytest.raises(SettingsError, match=r"policy\.keys must hold"):
        keys_of([text])
