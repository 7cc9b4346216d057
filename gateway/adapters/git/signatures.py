"""Signatures of commits, checked where the signer's key is known: OpenSSH's, by Ed25519 keys.

A signature of another kind (OpenPGP, X.509, RSA) or by an unknown key proves nothing here, and nothing is said of it.
Source: OpenSSH PROTOCOL.sshsig, PROTOCOL.key; git's gpg-interface (namespace `git`, header `gpgsig`).
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_HEADERS = (b"gpgsig ", b"gpgsig-sha256 ")
_BEGIN, _END = b"-----BEGIN SSH SIGNATURE-----", b"-----END SSH SIGNATURE-----"
_MAGIC = b"SSHSIG"
_NAMESPACE = b"git"
_ED25519 = b"ssh-ed25519"
_HASHES = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}
_KEY_BYTES = 32


class SigningKeys:
    """The signing keys of roster members: by roster id, lines as in `authorized_keys`."""

    def __init__(self, keys: Mapping[str, tuple[str, ...]]) -> None:
        self._holders = {_blob(line): who for who, lines in sorted(keys.items()) for line in lines}

    def signer_of(self, signature: bytes, payload: bytes) -> str | None:
        """Whose known key made this signature over these bytes; None when that is not proven."""
        parsed = _parsed(signature) if signature and self._holders else None
        if parsed is None:
            return None
        blob, signed, raw = parsed
        holder = self._holders.get(blob)
        fields = list(_strings(blob))
        if holder is None or len(fields) != len((_ED25519, "key")) or len(fields[1]) != _KEY_BYTES:
            return None
        try:
            Ed25519PublicKey.from_public_bytes(fields[1]).verify(raw, signed(payload))
        except InvalidSignature:
            return None
        return holder


def split_signature(raw: bytes) -> tuple[bytes, bytes]:
    """A commit without its signature header, which is what was signed, and the signature; empty without one."""
    head, gap, body = raw.partition(b"\n\n")
    kept: list[bytes] = []
    signature: list[bytes] = []
    inside = False
    for line in head.split(b"\n"):
        inside = line.startswith(_HEADERS) or (inside and line.startswith(b" "))
        if inside:
            signature.append(line.partition(b" ")[2])
        else:
            kept.append(line)
    return b"\n".join(kept) + gap + body, b"\n".join(signature)


class _Signed:
    """What the key really signs: the magic, the namespace and the digest of the payload."""

    def __init__(self, reserved: bytes, algorithm: bytes) -> None:
        self._reserved, self._algorithm = reserved, algorithm

    def __call__(self, payload: bytes) -> bytes:
        digest = _HASHES[self._algorithm](payload).digest()
        return _MAGIC + b"".join(
            len(part).to_bytes(4, "big") + part
            for part in (_NAMESPACE, self._reserved, self._algorithm, digest)
        )


def _parsed(armoured: bytes) -> tuple[bytes, _Signed, bytes] | None:
    """Public key blob, what is signed, raw signature; None for what is no Ed25519 signature for git."""
    text = armoured.strip()
    if not text.startswith(_BEGIN) or not text.endswith(_END):
        return None
    try:
        raw = base64.b64decode(b"".join(text[len(_BEGIN) : -len(_END)].split()), validate=True)
    except binascii.Error:
        return None
    if not raw.startswith(_MAGIC + b"\0\0\0\1"):
        return None
    fields = list(_strings(raw[len(_MAGIC) + 4 :]))
    if len(fields) != len(("key", "namespace", "reserved", "algorithm", "signature")):
        return None
    blob, namespace, reserved, algorithm, signature = fields
    inner = list(_strings(signature))
    usable = namespace == _NAMESPACE and algorithm in _HASHES and len(inner) == len((_ED25519, "raw"))
    return (blob, _Signed(reserved, algorithm), inner[1]) if usable and inner[0] == _ED25519 else None


def _strings(raw: bytes) -> Iterator[bytes]:
    """SSH strings, each a length of four bytes and as many bytes; stops at what is cut off."""
    at = 0
    while at + 4 <= len(raw):
        size = int.from_bytes(raw[at : at + 4], "big")
        if at + 4 + size > len(raw):
            return
        yield raw[at + 4 : at + 4 + size]
        at += 4 + size


def _blob(line: str) -> bytes:
    words = line.split()
    try:
        return base64.b64decode(words[1], validate=True) if len(words) > 1 else b""
    except binascii.Error:
        return b""
