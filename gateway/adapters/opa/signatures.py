"""Signatures of bundles as OPA makes and verifies them: one JWT over the hash of every file, always EdDSA.

Source: https://www.openpolicyagent.org/docs/management-bundles#signing. OPA hashes JSON files by their value (keys
sorted, numbers as they are written) and all others by their bytes. Nothing of the token is believed before its
signature is verified: the algorithm is fixed, and the key is the one whose id the header names, from our settings.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.keys import Ed25519Signer, KeyFact, KeyRole
from gateway.adapters.opa.bundles import DATA, MANIFEST, SIGNATURES, BundleRefusedError, Files, json_object
from gateway.core.errors import SettingsError

ALGORITHM = "EdDSA"
_HASH = "SHA-256"
_JSON_FILES = frozenset({DATA, MANIFEST})
_KEY_BYTES = 32
Keys = Mapping[str, bytes]
"""Raw public keys (32 bytes) by key id."""


def keys_of(settings: Sequence[str]) -> dict[str, bytes]:
    """Public keys by key id, from the base64 in which settings hold them. Raises `SettingsError`."""
    return dict(_key(text) for text in settings)


def signed(files: Files, signer: Ed25519Signer) -> dict[str, bytes]:
    """The files with `.signatures.json` beside them; a signature they had is replaced."""
    covered = {name: content for name, content in files.items() if name != SIGNATURES}
    header = {"alg": ALGORITHM, "kid": signer.key_id, "typ": "JWT"}
    payload = {"files": [_listed(name, covered[name]) for name in sorted(covered)]}
    said = f"{_packed(header)}.{_packed(payload)}"
    token = f"{said}.{_url64(signer.sign(said.encode()))}"
    return {**covered, SIGNATURES: json.dumps({"signatures": [token]}).encode()}


def verify(files: Files, keys: Keys) -> str:
    """The id of the key that signed exactly these files. Raises `BundleRefusedError` saying what is wrong."""
    key_id, payload = _believed(_token(files), keys)
    _check_files({name: content for name, content in files.items() if name != SIGNATURES}, payload)
    return key_id


def _key(text: str) -> tuple[str, bytes]:
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != _KEY_BYTES:
        raise SettingsError(
            "policy.keys must hold Ed25519 public keys in base64, as `loopgate policy key` prints."
        )
    return KeyFact.of(raw, KeyRole.POLICY).key_id, raw


def _token(files: Files) -> str:
    if SIGNATURES not in files:
        raise BundleRefusedError("The bundle is not signed; build it with `loopgate policy build --sign`.")
    tokens = json_object(files, SIGNATURES).get("signatures")
    if not isinstance(tokens, list) or len(tokens) != 1 or not isinstance(tokens[0], str):
        raise BundleRefusedError("The bundle must carry exactly one signature.")
    return tokens[0]


def _believed(token: str, keys: Keys) -> tuple[str, dict[str, Any]]:
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - RFC 7515 section 3.1: header, payload, signature
        raise BundleRefusedError("The bundle's signature is no JWT.")
    header = _unpacked(parts[0])
    if header.get("alg") != ALGORITHM:
        raise BundleRefusedError(f"The bundle's signature must be {ALGORITHM}; no other algorithm counts.")
    key_id = header.get("kid")
    public = keys.get(key_id) if isinstance(key_id, str) else None
    if public is None or not isinstance(key_id, str):
        raise BundleRefusedError("The bundle is signed by a key that is not among the settings' policy.keys.")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(
            _from_url64(parts[2]), f"{parts[0]}.{parts[1]}".encode()
        )
    except InvalidSignature as error:
        raise BundleRefusedError(
            "The bundle's signature does not verify; it was changed or forged."
        ) from error
    return key_id, _unpacked(parts[1])


def _check_files(files: Files, payload: dict[str, Any]) -> None:
    listed = payload.get("files")
    expected = [_listed(name, files[name]) for name in sorted(files)]
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise BundleRefusedError("The bundle's signature lists no files.")
    names = sorted(str(entry.get("name", "")) for entry in listed)
    if names != sorted(files):
        odd = sorted(set(names) ^ set(files)) or names
        raise BundleRefusedError(f"Signed files and files of the bundle differ: {', '.join(odd[:5])}.")
    by_name = {entry["name"]: entry for entry in listed}
    changed = [entry["name"] for entry in expected if by_name[entry["name"]] != entry]
    if changed:
        raise BundleRefusedError(f"Changed after signing: {', '.join(changed[:5])}.")


def _listed(name: str, content: bytes) -> dict[str, str]:
    return {"name": name, "hash": _hash_of(name, content), "algorithm": _HASH}


def _hash_of(name: str, content: bytes) -> str:
    plain = _as_go_writes(_parsed(name, content)).encode() if name in _JSON_FILES else content
    return hashlib.sha256(plain).hexdigest()


class _Number(str):
    """A number of a JSON file, as it is written there."""

    __slots__ = ()


def _parsed(name: str, content: bytes) -> Any:
    try:
        return json.loads(content, parse_int=_Number, parse_float=_Number)
    except (ValueError, RecursionError) as error:
        raise BundleRefusedError(f"{name} of the bundle is not JSON: {error}.") from error


def _as_go_writes(value: Any) -> str:
    """JSON as OPA hashes it: keys sorted, no blanks, U+2028 and U+2029 escaped as Go's encoder does."""
    match value:
        case _Number():
            return str(value)
        case dict():
            members = (f"{_as_go_writes(k)}:{_as_go_writes(value[k])}" for k in sorted(value))
            return "{" + ",".join(members) + "}"
        case list():
            return "[" + ",".join(map(_as_go_writes, value)) + "]"
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _packed(value: dict[str, Any]) -> str:
    return _url64(json.dumps(value, separators=(",", ":")).encode())


def _unpacked(part: str) -> dict[str, Any]:
    try:
        parsed = json.loads(_from_url64(part))
    except (ValueError, RecursionError) as error:
        raise BundleRefusedError("The bundle's signature is no JWT.") from error
    if not isinstance(parsed, dict):
        raise BundleRefusedError("The bundle's signature is no JWT.")
    return parsed


def _url64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _from_url64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise BundleRefusedError("The bundle's signature is not in base64url.") from error
